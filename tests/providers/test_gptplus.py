"""GPT+ against a platform on loopback: login, renewal, conversations, and every refusal told as what it is."""

from __future__ import annotations

import asyncio
import json
import socket
from dataclasses import replace
from typing import Any

import pytest

from gptchat import errors
from gptchat.config.endpoints import NetworkSettings
from gptchat.core.events import Finished, Notice, ProviderEvent, Retrying, TextDelta
from gptchat.core.messages import Request
from gptchat.providers.gptplus.provider import GptPlusProvider
from gptchat.redaction import redact
from tests.providers.platform_asking import KEY, NETWORK, Clock, ask, collect, conversation_of, run, settings
from tests.providers.platform_server import Platform


@pytest.mark.parametrize("written", ["", "/v1", "/v1/", "/v1/sessions", "/v1/v1/conversations"])
def test_its_address_is_forgiven(platform: Platform, written: str) -> None:
    """The platform's address works without `/v1`, with a slash, and with a pasted route."""
    address = platform.address.removesuffix("/v1") + written

    async def talk() -> list[ProviderEvent]:
        provider = GptPlusProvider(replace(settings(platform), base_url=address), NetworkSettings(), lambda: KEY)
        try:
            return await collect(provider, ask("tea"))
        finally:
            await provider.close()

    assert asyncio.run(talk())[0] == TextDelta("**tea**, you say")


def test_a_conversation_is_kept_on_its_side(platform: Platform) -> None:
    """The first message begins a conversation with the system prompt; the next sends only itself."""

    async def talk(provider: GptPlusProvider) -> None:
        first = await collect(provider, ask("tea", max_tokens=50))
        assert first[0] == TextDelta("**tea**, you say")
        uuid = conversation_of(first)
        second = await collect(provider, ask("tea", "**tea**, you say", "milk", conversation=uuid))
        assert conversation_of(second) == uuid

    run(platform, talk)
    assert platform.conversations == {"conversation 0": ["Be brief", "tea", "milk"]}
    (_path, login, no_token), *rest = platform.seen
    assert login == {"app_id": "app-1", "app_key": KEY}
    assert no_token == ""
    assert {token for _path, _body, token in rest} == {"Bearer token-1"}
    assert rest[1][1] == {"content": "tea", "model": "gpt-4o", "max_tokens": 50}


def test_a_branch_begins_a_new_conversation(platform: Platform) -> None:
    """A branch or an imported session keeps its context: the earlier turns travel in the prompt."""
    run(platform, lambda provider: collect(provider, ask("tea", "Which?", "green")))
    prompt, message = platform.conversations["conversation 0"]
    assert prompt.startswith("Be brief\n\n")
    assert prompt.endswith("User: tea\n\nAssistant: Which?")
    assert message == "green"


def test_a_lost_conversation_is_begun_again(platform: Platform) -> None:
    """Where the platform has forgotten the conversation, it is begun anew from ours, and the person is told."""
    events = run(platform, lambda provider: collect(provider, ask("tea", "Which?", "green", conversation="gone")))
    assert [type(event) for event in events] == [Notice, TextDelta, Finished]
    assert "Which?" in platform.conversations["conversation 0"][0]


def test_going_on_with_a_reply(platform: Platform) -> None:
    """Asked to go on, the unfinished reply is part of the context and the platform is asked for the rest."""
    request = replace(ask("tea", "Green tea is"), continuing=True)
    run(platform, lambda provider: collect(provider, request))
    prompt, message = platform.conversations["conversation 0"]
    assert prompt.endswith("Assistant: Green tea is")
    assert message.startswith("Go on")


def test_renewal_before_expiry(platform: Platform) -> None:
    """The token is renewed a minute before it expires, never after, and not sooner."""
    clock = Clock()

    async def talk(provider: GptPlusProvider) -> None:
        for seconds in (0, 3539, 1):
            clock.now += seconds
            await collect(provider, ask("tea", conversation=None))

    run(platform, talk, clock=clock)
    sessions = [index for index, path in enumerate(platform.paths()) if path == "/v1/sessions"]
    assert sessions == [0, 5]
    assert platform.seen[4][2] == "Bearer token-1"
    assert platform.seen[6][2] == "Bearer token-6"


def test_one_login_at_a_time(platform: Platform) -> None:
    """Requests that begin together share one login."""

    async def together(provider: GptPlusProvider) -> None:
        await asyncio.gather(*(collect(provider, ask(f"tea {number}")) for number in range(5)))

    run(platform, together)
    assert platform.paths().count("/v1/sessions") == 1
    assert len(platform.conversations) == 5


def test_a_token_refused_midway_is_renewed_once(platform: Platform) -> None:
    """A token that the platform drops early is replaced once, and the message is sent once."""

    async def talk(provider: GptPlusProvider) -> None:
        uuid = conversation_of(await collect(provider, ask("tea")))
        platform.tokens.clear()
        await collect(provider, ask("tea", "Yes?", "milk", conversation=uuid))

    run(platform, talk)
    assert platform.conversations["conversation 0"] == ["Be brief", "tea", "milk"]
    assert platform.paths().count("/v1/sessions") == 2


def test_a_token_refused_twice_is_an_error(platform: Platform) -> None:
    """When the new token is refused too, the person is told, without a loop."""
    for _time in range(2):
        platform.answer_next("/conversations", 401, {"message": "no"})
    with pytest.raises(errors.AuthenticationError) as caught:
        run(platform, lambda provider: collect(provider, ask("tea")))
    assert caught.value.status == 401
    assert platform.paths().count("/v1/sessions") == 2


def test_nothing_is_sent_after_a_refused_login(platform: Platform) -> None:
    """A refused login ends the request: no message goes out without a token."""
    platform.app_key = "another"
    with pytest.raises(errors.AuthenticationError, match=r"1003.*wrong application"):
        run(platform, lambda provider: collect(provider, ask("tea")))
    assert platform.paths() == ["/v1/sessions"]


@pytest.mark.parametrize(
    "key",
    [
        "held-token",
        '{"access_token": "held-token"}',
        '{"access_token": "held-token", "expires_in": 3600}',
        '{"access_token": "held-token", "expires_at": 1800003600}',
        '{"access_token": "held-token", "expires_at": "2099-01-01T00:00:00Z"}',
    ],
)
def test_a_given_token(platform: Platform, key: str) -> None:
    """A person may hold a token instead of an application: plain, or as JSON with its expiry."""
    platform.tokens.add("held-token")
    events = run(platform, lambda provider: collect(provider, ask("tea")), key=key, app_id="")
    assert isinstance(events[0], TextDelta)
    assert "/v1/sessions" not in platform.paths()
    assert "held-token" not in redact("the token held-token is known")


def test_a_given_token_that_expired(platform: Platform) -> None:
    """An expired token is refused before anything is sent; with an application beside it, it is renewed."""
    key = {"access_token": "held-token", "expires_at": 1_700_000_000}
    with pytest.raises(errors.AuthenticationError, match="expired"):
        run(platform, lambda provider: collect(provider, ask("tea")), key=json.dumps(key), app_id="")
    assert platform.seen == []
    key |= {"app_key": KEY}
    run(platform, lambda provider: collect(provider, ask("tea")), key=json.dumps(key))
    assert platform.paths()[0] == "/v1/sessions"


def test_a_given_token_that_is_refused(platform: Platform) -> None:
    """A refused token that cannot be renewed is an error that says so."""
    with pytest.raises(errors.AuthenticationError, match="refused the access token"):
        run(platform, lambda provider: collect(provider, ask("tea")), key="wrong-token", app_id="")
    assert platform.paths() == ["/v1/conversations"]


@pytest.mark.parametrize("key", [None, "", "  ", "{broken", "{}", '{"app_id": "x"}', '{"access_token": ""}'])
def test_keys_that_are_none(platform: Platform, key: str | None) -> None:
    """A missing or broken key is a matter of settings, told before anything is sent."""
    with pytest.raises(errors.ConfigurationError) as caught:
        run(platform, lambda provider: collect(provider, ask("tea")), key=key, app_id="")
    assert caught.value.hint
    assert platform.seen == []


def test_a_key_of_other_letters(platform: Platform) -> None:
    """A token with characters no token has is told as such."""
    with pytest.raises(errors.ConfigurationError, match="characters"):
        run(platform, lambda provider: collect(provider, ask("tea")), key="口令口令", app_id="")


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, {"code": 402, "message": "pay"}, "quota"),
        (200, {"code": 2001, "message": "余额不足"}, "quota"),
        (200, {"code": "403", "msg": "not yours"}, "permission"),
        (200, {"code": 404, "message": "no such model"}, "not_found"),
        (200, {"code": 500, "message": "oops"}, "server"),
        (200, {"code": 3, "message": "maximum context length is 4096"}, "context_length"),
        (200, {"code": 400, "message": "bad"}, "bad_request"),
        (200, {"code": 200}, "protocol"),
        (200, {"code": 200, "data": None}, "protocol"),
        (200, {"code": 200, "data": {}}, "protocol"),
        (200, {"hello": 1}, "protocol"),
        (200, [], "protocol"),
        (200, b"<html>log in</html>", "protocol"),
        (200, b"", "protocol"),
        (302, b"", "protocol"),
        (400, {"error": {"message": "bad"}}, "bad_request"),
        (403, b"<html>", "permission"),
        (502, b"<html>bad gateway</html>", "server"),
        (200, b'{"code": 200, "data": {"content_raw": ', "protocol"),
    ],
)
def test_every_refusal_has_its_kind(platform: Platform, status: int, body: object, kind: str) -> None:
    """A refusal inside HTTP 200, an HTTP error, or something that is no answer: each is an error of its kind."""
    platform.answer_next("/messages", status, body)
    with pytest.raises(errors.ProviderError) as caught:
        run(platform, lambda provider: collect(provider, ask("tea")))
    assert caught.value.kind == kind
    assert caught.value.hint
    assert platform.paths()[-1].endswith("/messages")


def test_an_echoed_key_is_masked(platform: Platform) -> None:
    """A platform that repeats the key in its refusal does not put it on the screen."""
    platform.answer_next("/sessions", 400, {"message": f"bad app_key {KEY}"})
    with pytest.raises(errors.AuthenticationError) as caught:
        run(platform, lambda provider: collect(provider, ask("tea")))
    assert KEY not in caught.value.message
    assert "bad app_key" in caught.value.message


def test_too_many_requests_are_tried_again(platform: Platform) -> None:
    """A 429 is waited for as the server wishes, visibly, and nothing is sent twice."""
    platform.answer_next("/messages", 429, {"message": "slow down"}, Retry_After="0")
    platform.answer_next("/messages", 200, {"code": 429, "message": "slow down"})
    events = run(platform, lambda provider: collect(provider, ask("tea")))
    assert [type(event) for event in events] == [Retrying, Retrying, TextDelta, Finished]
    assert events[0].seconds == 0
    assert platform.paths().count("/v1/conversations") == 1
    assert platform.conversations["conversation 0"] == ["Be brief", "tea"]


def test_retries_end(platform: Platform) -> None:
    """After the retries that the settings allow, or for a wait longer than they allow, the error is told."""
    platform.answer_next("/messages", 429, {}, Retry_After="3600")
    with pytest.raises(errors.RateLimitError) as caught:
        run(platform, lambda provider: collect(provider, ask("tea")))
    assert caught.value.retry_after == 3600
    platform.answer_next("/messages", 503, {})
    with pytest.raises(errors.ServerError):
        run(platform, lambda provider: collect(provider, ask("tea")), network=replace(NETWORK, max_retries=0))


def test_a_server_that_is_not_there() -> None:
    """An address where nobody listens is a connection error, after the retries."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        nobody = Platform(address=f"http://127.0.0.1:{taken.getsockname()[1]}/v1")
        with pytest.raises(errors.ConnectionFailedError):
            run(nobody, lambda provider: collect(provider, ask("tea")), network=replace(NETWORK, max_retries=0))


@pytest.mark.parametrize("change", [{"ca_file": "/no/such/file"}, {"proxy": "nonsense://proxy:1"}])
def test_network_settings_that_cannot_be(platform: Platform, change: dict[str, Any]) -> None:
    """A proxy or a CA file that cannot be used is told as a matter of settings."""
    with pytest.raises(errors.ConfigurationError) as caught:
        run(platform, lambda provider: collect(provider, ask("tea")), network=replace(NETWORK, **change))
    assert caught.value.hint


def test_a_reply_too_large(platform: Platform) -> None:
    """A reply beyond the limit of the settings is refused while it arrives."""
    platform.answer_next("/messages", 200, b" " * 100_000)
    with pytest.raises(errors.ProtocolError, match="larger than 10000 bytes"):
        run(platform, lambda provider: collect(provider, ask("tea")), network=replace(NETWORK, max_reply=10_000))


def test_images_are_refused(platform: Platform) -> None:
    """An image is refused with a reason before anything is sent."""
    picture = ({"type": "image_url", "image_url": {"url": "data:,"}},)
    with pytest.raises(errors.BadRequestError, match="image"):
        run(platform, lambda p: collect(p, Request("gpt-4o", ({"role": "user", "content": picture},))))
    assert platform.seen == []


def test_parameters_it_does_not_take(platform: Platform) -> None:
    """Parameters that the platform has no place for are named once, not dropped in silence."""

    async def talk(provider: GptPlusProvider) -> list[list[ProviderEvent]]:
        return [await collect(provider, ask("tea", temperature=0.2, top_p=1)) for _time in range(2)]

    first, second = run(platform, talk)
    assert first[0] == Notice("GPT+ does not take temperature, top_p; not sent")
    assert isinstance(second[0], TextDelta)


def test_it_has_no_list_of_models(platform: Platform) -> None:
    """The platform lists no models, and is not asked for them."""
    assert list(run(platform, lambda provider: provider.models())) == []
    assert platform.seen == []


def test_a_single_message_is_one_request(platform: Platform) -> None:
    """A request that stands alone goes without beginning a conversation first, and tells the one it belongs to."""
    request = replace(ask("tea", max_tokens=7), alone=True)

    async def talk(provider: GptPlusProvider) -> str:
        events = await collect(provider, request)
        assert events[0] == TextDelta("**tea**, you say")
        return conversation_of(events)

    uuid = run(platform, talk)
    assert platform.paths() == ["/v1/sessions", "/v1/messages"]
    assert platform.seen[1][1] == {"content": "tea", "model": "gpt-4o", "max_tokens": 7, "prompt": "Be brief"}
    assert uuid in platform.conversations


def test_a_platform_without_single_messages(platform: Platform) -> None:
    """Where the platform does not know the path, a conversation is begun as ever."""
    platform.answer_next("/v1/messages", 404, {"message": "no route"})
    request = replace(ask("tea"), alone=True)
    events = run(platform, lambda provider: collect(provider, request))
    assert events[0] == TextDelta("**tea**, you say")
    assert platform.paths()[-2:] == ["/v1/conversations", "/v1/conversations/conversation%200/messages"]


@pytest.mark.parametrize("name", ["expires_at", "access_token_expired_at"])
@pytest.mark.parametrize("unit", [1, 1000])
def test_the_end_of_a_token_by_any_name(platform: Platform, name: str, unit: int) -> None:
    """The expiry that the platform's SDK keeps beside a token is understood, in seconds and milliseconds."""
    clock = Clock()
    platform.tokens.add("held")
    held = {"access_token": "held", name: int(clock.now + 100) * unit, "app_id": "app-1", "app_key": KEY}

    async def talk(provider: GptPlusProvider) -> None:
        await collect(provider, ask("tea"))
        assert "/v1/sessions" not in platform.paths()
        clock.now += 101
        await collect(provider, ask("milk"))

    run(platform, talk, key=json.dumps(held), clock=clock)
    assert platform.paths().count("/v1/sessions") == 1

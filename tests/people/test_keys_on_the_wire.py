"""Whose key a request carries, on every kind of provider: that of whoever is chatting when it is sent."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest

from gptchat.commands.program import Program
from gptchat.config.endpoints import Kind
from tests.providers.platform_server import Platform, serve
from tests.support.front_end import FrontEnd
from tests.support.program import command, compose_program, running, settings_for
from tests.support.server import Server, say

ANNS, BOBS = "sk-ann-0123456789abcdef", "sk-bob-0123456789abcdef"
KEYS = {"ann": ANNS, "bob": BOBS}

WIRES = {
    "openai": {"kind": '"openai"', "model": '"gpt-4o"'},
    "openai, responses": {"kind": '"openai"', "model": '"gpt-4o"', "api": '"responses"'},
    "azure": {"kind": '"azure"', "deployment": '"mine"'},
    "azure, dated": {"kind": '"azure"', "deployment": '"mine"', "api_version": '"2024-10-21"'},
    "compatible": {"kind": '"compatible"'},
    "compatible, completions": {"kind": '"compatible"', "api": '"completions"'},
}


def configured(server: Server, name: str) -> str:
    """The settings for the server as the provider `name` of WIRES."""
    fields = {**WIRES[name], "api_key_env": '"NOBODYS"'}
    if fields["kind"] == '"azure"':
        fields["endpoint"] = f'"{server.root}"'
    return settings_for(server.url, **fields)


def switching(folder: Path, config: str, see: Callable[[str], None]) -> None:
    """Ann and Bob give their keys and take turns; `see` is called with who asked, after each request."""
    program = compose_program(folder, config)
    with running(program) as loop:
        for name, key in KEYS.items():
            loop.run(command(program, f"/user {name}"))
            loop.run(command(program, "/key set", key))
        for name in ("ann", "bob", "ann", "bob"):
            loop.run(command(program, f"/user {name}"))
            front = FrontEnd()
            loop.run(front.drive(program.services.conversation.say(f"hello from {name}")))
            assert front.outcome.error is None
            see(name)


def test_every_kind_is_tried() -> None:
    """A kind of provider that is added must say here how its key is seen."""
    tried = {fields["kind"].strip('"') for fields in WIRES.values()}
    assert tried | {"gptplus", "demo"} == set(get_args(Kind))


@pytest.mark.parametrize("name", WIRES)
def test_each_request_has_the_key_of_who_asks(name: str, server: Server, tmp_path: Path) -> None:
    """After a switch, no request goes out under the key of whoever chatted before."""

    def see(who: str) -> None:
        headers = str(server.requests[-1].headers)
        assert [key for key in KEYS.values() if key in headers] == [KEYS[who]]
        assert f"hello from {who}" in str(server.requests[-1].json)

    switching(tmp_path, configured(server, name), see)


def test_gptplus_logs_in_as_who_asks(tmp_path: Path) -> None:
    """On GPT+ the login, and so the token of each message, is that of who asks."""
    with serve() as platform:
        platform.app_key = ANNS
        config = settings_for(
            platform.address, kind='"gptplus"', app_id='"app"', api_key_env='"NOBODYS"', model='"gpt-4o"'
        )
        logins: dict[str, str] = {}
        platform_takes_any(platform)

        def see(who: str) -> None:
            tokens = {token for path, _body, token in platform.seen if path == "/v1/messages"}
            logged = [body["app_key"] for path, body, _token in platform.seen if path == "/v1/sessions"]
            assert logged[-1] == KEYS[who]
            _path, _body, token = platform.seen[-1]
            assert logins.setdefault(token, who) == who
            assert tokens <= set(logins)

        switching(tmp_path, config, see)


def platform_takes_any(platform: Platform) -> None:
    """Let the platform take the key of whoever logs in."""
    answer = platform.answer

    def any_key(path: str, body: dict[str, object], token: str) -> tuple[int, bytes, dict[str, str]]:
        platform.app_key = str(body.get("app_key", platform.app_key))
        return answer(path, body, token)

    platform.answer = any_key  # type: ignore[method-assign]


def test_the_demo_sends_nothing(tmp_path: Path) -> None:
    """The demo has no key to carry: it answers without a network."""
    program = compose_program(tmp_path, 'provider = "demo"')
    assert not program.services.routing.provider().abilities.network


@pytest.mark.parametrize("asks", ["/models", "/rename", "/compact", "/doctor"])
def test_what_is_asked_beside_the_conversation_has_it_too(asks: str, server: Server, tmp_path: Path) -> None:
    """Lists of models, titles, summaries and checks go under the key of who asks for them, too."""
    program = compose_program(tmp_path, configured(server, "compatible"))
    with running(program) as loop:
        for name, key in KEYS.items():
            loop.run(command(program, f"/user {name}"))
            loop.run(command(program, "/key set", key))
        for name in ("ann", "bob", "ann"):
            loop.run(command(program, f"/user {name}"))
            server.default = lambda _request: say("short")
            for number in range(3):
                loop.run(FrontEnd().drive(program.services.conversation.say(f"a long question {number} " * 30)))
            begun = len(server.requests)
            loop.run(command(program, asks, *["y"] * 3))
            seen = [str(request.headers) for request in server.requests[begun:]]
            assert seen
            assert all(KEYS[name] in headers for headers in seen if "sk-" in headers)
            assert not any(key in headers for headers in seen for who, key in KEYS.items() if who != name)


def test_a_fallback_has_it_too(server: Server, tmp_path: Path) -> None:
    """The provider that steps in for one that is down is asked under the key of who asks."""
    config = 'fallback = ["second"]\n' + configured(server, "compatible").replace("/v1", "/down")
    config += f'[providers.second]\nkind = "compatible"\nbase_url = "{server.url}"\nmodel = "m"\n'
    config += 'api_key_env = "NOBODYS"\n[network]\nmax_retries = 0\n'
    server.missing = ()
    program = compose_program(tmp_path, config.replace(server.root + "/down", "http://127.0.0.1:9"))
    with running(program) as loop:
        for name, key in KEYS.items():
            loop.run(command(program, f"/user {name}"))
            for provider in ("test", "second"):
                loop.run(command(program, f"/key set {provider}", key))
        for name in ("ann", "bob", "ann"):
            loop.run(command(program, f"/user {name}"))
            loop.run(FrontEnd().drive(program.services.conversation.say("hello")))
            assert KEYS[name] in str(server.requests[-1].headers)


def test_a_renamed_person_keeps_their_key(server: Server, tmp_path: Path) -> None:
    """Under a new name the same key is sent, from the next request on, in the same conversation."""
    program: Program = compose_program(tmp_path, configured(server, "compatible"))
    with running(program) as loop:
        loop.run(command(program, "/key set", ANNS))
        loop.run(FrontEnd().drive(program.services.conversation.say("before")))
        loop.run(command(program, "/users rename ann 安"))
        loop.run(FrontEnd().drive(program.services.conversation.say("after")))
        assert ANNS in str(server.requests[-1].headers)
        assert [message["content"] for message in server.requests[-1].json["messages"]][::2] == ["before", "after"]
        assert program.services.manager.user == "安"

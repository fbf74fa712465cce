"""Sending a request: retries that are seen, patience with limits, stopping, keys, and many ways to go wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from email.utils import formatdate
from typing import Any

import pytest

from gptchat.config.endpoints import NetworkSettings
from gptchat.core.events import Notice, ReasoningDelta, Retrying, TextDelta
from gptchat.providers.limits import RateLimits
from gptchat.providers.listing import Moderation
from tests.providers.asking import KEY, QUICK, Outcome, ask, ask_all, closing, gather, lines, provider, question
from tests.support.replies import Step
from tests.support.server import CUT, Gate, Reply, Server, gzipped, hang, page, pings, raw, refuse, say

PATIENT = replace(QUICK, max_retries=3)
HASTY = replace(QUICK, idle_timeout=0.3)
PING: list[Step] = [b": ping\n\n", 0.02]
DRIP: list[Step] = [b"x", 0.02]
DELTA = '{"choices":[{"index":0,"delta":{"content":"so far"}}]}'
END = '{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}'


def test_a_limit_is_waited_for_and_told(server: Server) -> None:
    """A reached rate limit is announced with its wait, and the request then goes again."""
    server.script(refuse(429, "Slow down", headers={"Retry-After": "0.02"}), say("done"))

    outcome = ask(provider(server.url, network=PATIENT))

    assert isinstance(outcome.events[0], Retrying)
    assert (outcome.retries[0].seconds, outcome.retries[0].attempt, outcome.retries[0].attempts) == (0.02, 1, 3)
    assert outcome.retries[0].error.kind == "rate_limit"
    assert outcome.text == "done"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after-ms": "30"}, 0.03),
        ({"Retry-After": "0"}, 0.0),
        ({"Retry-After": formatdate(0, usegmt=True)}, 0.0),
        ({"retry-after-ms": "10", "Retry-After": "50"}, 0.01),
        ({"retry-after-ms": "inf", "Retry-After": "0.02"}, 0.02),
    ],
)
def test_ways_to_ask_for_a_wait(server: Server, headers: dict[str, str], seconds: float) -> None:
    """The server's wish is understood in milliseconds, in seconds, and as a date."""
    server.script(refuse(503, headers=headers), say("done"))

    assert ask(provider(server.url, network=PATIENT)).retries[0].seconds == pytest.approx(seconds)


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504])
def test_what_is_tried_again(server: Server, status: int) -> None:
    """Failures that may pass are tried again, as often as the settings allow, and then told."""
    server.default = lambda request: refuse(status, headers={"retry-after-ms": "1"})

    outcome = ask(provider(server.url, network=PATIENT))

    assert [retry.attempt for retry in outcome.retries] == [1, 2, 3]
    assert outcome.failure.status == status
    assert len(server.requests) == 4


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 422])
def test_what_is_not_tried_again(server: Server, status: int) -> None:
    """A refusal that will stay one is told at once."""
    server.default = lambda request: refuse(status)

    outcome = ask(provider(server.url, network=PATIENT))

    assert outcome.failure.status == status
    assert len(server.requests) == 1


def test_pauses_grow_and_vary() -> None:
    """Without a wish of the server's the pauses double from half a second to eight, less up to a quarter."""
    from gptchat.errors import ServerError
    from gptchat.providers.retries import pause

    network = NetworkSettings(max_retries=9)
    for attempt, longest in enumerate([0.5, 1, 2, 4, 8, 8, 8]):
        pauses = [pause(ServerError("x"), attempt, network) or 0.0 for _try in range(20)]
        assert all(0.75 * longest <= one <= longest for one in pauses)
        assert len(set(pauses)) > 1
    assert pause(ServerError("x"), 9, network) is None


def test_too_long_a_wait_is_not_waited(server: Server) -> None:
    """A wait beyond the settings' bound ends the request with an error that tells both numbers."""
    server.script(refuse(429, headers={"Retry-After": "3600"}))

    failure = ask(provider(server.url, network=replace(PATIENT, max_retry_wait=60))).failure

    assert "3600" in failure.hint
    assert "60" in failure.hint
    assert getattr(failure, "retry_after", None) == 3600


def test_nothing_is_tried_again_once_text_has_come(server: Server) -> None:
    """A reply that breaks in the middle is not asked for again; what came stays with the person."""
    server.script(say("so ", "far", CUT))

    outcome = ask(provider(server.url, network=PATIENT))

    assert outcome.text == "so far"
    assert outcome.failure.kind == "connection"
    assert len(server.requests) == 1


def test_a_break_before_any_text_is_tried_again(server: Server) -> None:
    """A connection that breaks before the first word costs the person nothing but the wait."""
    server.script(say(CUT), say(CUT), say("here"))

    outcome = ask(provider(server.url, network=PATIENT))

    assert outcome.text == "here"


def test_a_stale_connection_is_no_failure(server: Server) -> None:
    """A kept connection that the server closed meanwhile is replaced without a word."""
    server.script(say("one"), raw(CUT, content_type="x"), say("two"))

    first, second = ask_all(provider(server.url, network=QUICK), question(), question())

    assert first.text == "one"
    assert (second.text, second.retries, second.error) == ("two", [], None)


class Clock:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Move on at once."""
        self.slept.append(seconds)
        self.now += seconds


def test_after_repeated_failures_tries_wait_longer_and_longer(server: Server) -> None:
    """After three failed requests in a row new ones wait, ever longer, say so, and stop when one succeeds."""
    from gptchat.config.endpoints import ProviderSettings
    from gptchat.providers.compatible import CompatibleProvider

    clock = Clock()
    engine = CompatibleProvider(
        ProviderSettings("test", "compatible", base_url=server.url), QUICK, KEY, sleep=clock.sleep, clock=clock
    )
    server.script(*[refuse(500)] * 5, say("better"), say("good"))

    outcomes = ask_all(engine, *[question()] * 7)

    assert clock.slept == [2.0, 4.0, 8.0]
    assert [len(outcome.notices) for outcome in outcomes] == [0, 0, 0, 1, 1, 1, 0]
    assert "3 times" in outcomes[3].notices[0]
    assert outcomes[-1].text == "good"


def test_refusals_do_not_open_the_breaker(server: Server) -> None:
    """A server that answers, if only with a refusal, is not made to rest."""
    server.default = lambda request: refuse(400)

    outcomes = ask_all(provider(server.url), *[question()] * 5)

    assert all(outcome.notices == [] for outcome in outcomes)


def silence() -> Iterator[tuple[str, Reply]]:
    """Servers that stop speaking, each in its way."""
    yield "before anything", hang()
    yield "comments only", pings()
    yield "after some text", say("so far", 5.0)
    yield "comments after some text", raw(lines(DELTA), *(PING * 200))
    yield "half a line", raw(b'data: {"choices": [', 5.0)
    yield "a drip of half a line", raw(*(DRIP * 200))


@pytest.mark.parametrize(("_name", "reply"), list(silence()), ids=[name for name, _reply in silence()])
def test_silence_ends(server: Server, _name: str, reply: Reply) -> None:
    """A server that says nothing, or only pings, is given up after the idle time; what came is kept."""
    server.script(reply)

    outcome = ask(provider(server.url, network=HASTY))

    assert outcome.failure.kind == "timeout"
    assert "idle_timeout" in outcome.failure.hint
    assert outcome.text in ("", "so far")
    server.wait_for(lambda: server.requests[-1].disconnected)


def test_a_slow_reply_is_not_silence(server: Server) -> None:
    """A reply may take longer than the idle time, as long as it goes on."""
    steps: list[Any] = []
    for piece in "slow but steady":
        steps += [piece, 0.05]
    server.script(say(*steps))

    outcome = ask(provider(server.url, network=HASTY))

    assert (outcome.text, outcome.error) == ("slow but steady", None)


BROKEN: dict[str, tuple[Reply, str, str]] = {
    "a web page": (page("Sign in to the network"), "", "Sign in to the network"),
    "an empty stream": (raw(b""), "", "empty"),
    "an end without a reply": (raw(lines("[DONE]")), "", "empty"),
    "usage without a reply": (raw(lines('{"choices":[],"usage":{"total_tokens":5}}', "[DONE]")), "", "empty"),
    "no end mark": (say("so far", finish=None, done=False), "so far", "end mark"),
    "a malformed line": (say("so far", b"data: {oops\n\n"), "so far", "oops"),
    "a line that is no object": (say("so far", b"data: [1]\n\n"), "so far", "[1]"),
    "a picture": (raw(b"\x89PNG\r\n\x1a\n", content_type="image/png"), "", "image/png"),
    "an object that is no reply": (raw(b'{"status": "ok"}', content_type="application/json"), "", "empty"),
    "half a document": (raw(b'{"choices": [{"mess', content_type="application/json"), "", "malformed"),
    "nesting without end": (say("so far", b"data: " + b"[" * 100_000 + b"\n\n"), "so far", "malformed"),
    "an unknown compression": (raw(b"xx", headers={"Content-Encoding": "br"}), "", "br"),
    "false compression": (raw(b"not gzip", headers={"Content-Encoding": "gzip"}), "", "unpacked"),
    "an endless line": (raw(b"data: ", *[b"x" * 65536] * 40), "", "2000000 bytes"),
    "an event of endless lines": (raw(*[b"data: " + b"x" * 65536 + b"\n"] * 40), "", "2000000 bytes"),
    "an endless reply": (say(*["y" * 30_000] * 300), "y", "3000000 bytes"),
    "a gzip bomb": (gzipped(lines(DELTA) + b"\n" * 30_000_000), "so far", "3000000 bytes"),
    "a gzip bomb of an error": (
        replace(gzipped(b"x" * 30_000_000), status=500),
        "",
        "3000000 bytes",
    ),
    "an error object": (say("so far", lines('{"error":{"message":"worker died"}}')), "so far", "worker died"),
    "an error event": (raw(b'event: error\ndata: {"message":"worker died"}\n\n'), "", "worker died"),
    "an error line": (raw(b'error: {"message":"worker died"}\n\n'), "", "worker died"),
}
TIGHT = replace(QUICK, max_line=2_000_000, max_reply=3_000_000)


@pytest.mark.parametrize("name", BROKEN)
def test_broken_replies_are_named(server: Server, name: str) -> None:
    """Whatever comes instead of a reply is called what it is, and what came before it is kept."""
    reply, text, words = BROKEN[name]
    server.script(reply)

    outcome = ask(provider(server.url, network=TIGHT))

    assert words in outcome.failure.message
    assert outcome.text.startswith(text)
    assert outcome.ends == [], "no end is announced that did not come"


def test_an_html_error_is_one_line(server: Server) -> None:
    """A page that comes with an error status is told by its title."""
    server.script(page("502 Bad Gateway", 502))

    assert "502 Bad Gateway" in ask(provider(server.url)).failure.message


WHOLE: dict[str, Reply] = {
    "no [DONE]": say("fine", done=False),
    "no finish reason": say("fine", finish=None),
    "a break after the finish reason": raw(lines(DELTA.replace("so far", "fine"), END), CUT),
    "silence after the finish reason": raw(lines(DELTA.replace("so far", "fine"), END), 20.0),
    "a compressed stream": gzipped(lines(DELTA.replace("so far", "fine"), END, "[DONE]")),
    "a document though a stream was asked for": raw(
        b'{"choices":[{"message":{"content":"fine"},"finish_reason":"stop"}]}', content_type="application/json"
    ),
    "a stream called plain text": raw(lines(DELTA.replace("so far", "fine"), END), content_type="text/plain"),
    "blank lines first": raw(b"\n\n\n", lines(DELTA.replace("so far", "fine"), END)),
    "no blank lines between": raw(
        b"data: " + DELTA.replace("so far", "fine").encode() + b"\ndata: " + END.encode() + b"\ndata: [DONE]\n"
    ),
    "comments and strange fields": raw(
        b": hi\n\nretry: 5\nid: 7\nevent: ping\ndata:\n\nnonsense\n", lines(DELTA.replace("so far", "fine"), END)
    ),
}


@pytest.mark.parametrize("name", WHOLE)
def test_odd_but_whole_replies(server: Server, name: str) -> None:
    """Replies that are unusual but whole are replies."""
    server.script(WHOLE[name])

    outcome = ask(provider(server.url, network=HASTY))

    assert (outcome.text, outcome.error) == ("fine", None)
    assert [end.reason for end in outcome.ends] == ["stop"]


def test_stopping_closes_the_connection(server: Server) -> None:
    """Cancelling the task that reads a reply hangs up on the server at once."""
    gate = Gate()
    server.script(say("begun", gate, "never sent"))
    engine = provider(server.url)
    seen: list[Any] = []

    async def read() -> None:
        async for event in engine.stream(question()):
            seen.append(event)  # noqa: PERF401  # what came must be seen while more is due

    async def run() -> None:
        task = asyncio.create_task(read())
        while not seen:
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(closing(engine, run()))
    server.wait_for(lambda: server.requests[0].disconnected)
    assert seen == [TextDelta("begun")]


def test_stopping_while_waiting_to_retry(server: Server) -> None:
    """A person need not sit out a wait: cancelling works there too."""
    server.script(refuse(429, headers={"Retry-After": "30"}))
    engine = provider(server.url, network=PATIENT)

    async def run() -> Retrying:
        async for event in engine.stream(question()):
            if isinstance(event, Retrying):
                return event
        raise AssertionError("no retry was announced")

    assert asyncio.run(closing(engine, run())).seconds == 30


def test_deltas_arrive_as_they_are_sent(server: Server) -> None:
    """Each piece is handed on when it comes, not when the next one does."""
    gate = Gate()
    server.script(say("first", gate, "second"))
    engine = provider(server.url)

    async def run() -> Outcome:
        outcome = Outcome()
        async for event in engine.stream(question()):
            outcome.events.append(event)
            if outcome.text == "first":
                assert not gate.is_open()
                gate.open()
        return outcome

    assert asyncio.run(closing(engine, run())).text == "firstsecond"


def test_no_key(server: Server) -> None:
    """Without a key nothing is sent, and the error tells how to give one."""
    failure = ask(provider(server.url, key=None, api_key_env="TEST_API_KEY")).failure

    assert (failure.kind, failure.exit_status) == ("configuration", 2)
    assert "TEST_API_KEY" in failure.hint
    assert "/key set" in failure.hint
    assert server.requests == []


def test_no_key_needed(server: Server) -> None:
    """A local server that needs no key is asked without one."""
    outcome = ask(provider(server.url, key=None, key_optional=True))

    assert outcome.text == "You said: hello"
    assert "authorization" not in server.requests[0].headers


@pytest.mark.parametrize(("key", "position"), [("sk-тест", 4), ("sk-abc def", 7), ("sk-\x1b[31m", 4), ("密钥", 1)])
def test_a_key_that_cannot_be_one(server: Server, key: str, position: int) -> None:
    """A key with a character that no key has is refused with the position, and never shown."""
    failure = ask(provider(server.url, key=key)).failure

    assert failure.kind == "configuration"
    assert f"position {position}" in failure.message
    assert key not in failure.message
    assert server.requests == []


@pytest.mark.parametrize("pasted", [f"  {KEY}\n", f'"{KEY}"', f"'{KEY}' ", f"Bearer {KEY}"])
def test_a_pasted_key_is_cleaned(server: Server, pasted: str) -> None:
    """Spaces, quotes and the word Bearer that a paste brings along do no harm."""
    ask(provider(server.url, key=pasted))

    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"


def test_an_expired_token_is_renewed(server: Server) -> None:
    """A token from a command that has expired is asked for again, once, without a word."""
    server.key = "token-number-2"
    tokens = iter(["token-number-1", "token-number-2", "token-number-3"])

    outcome = ask(provider(server.url, key=lambda: next(tokens)))

    assert outcome.text == "You said: hello"
    assert len(server.requests) == 2


def test_a_wrong_key_is_asked_for_once(server: Server) -> None:
    """A key that stays the same is not tried twice."""
    server.key = "another"

    assert ask(provider(server.url, key=lambda: KEY)).failure.kind == "authentication"
    assert len(server.requests) == 1


def test_a_key_echoed_by_the_server_is_masked(server: Server) -> None:
    """A server that repeats the key in its error does not get it onto the screen."""
    server.script(refuse(401, f"Incorrect API key provided: {KEY}. Also {KEY[:-1]}"))

    failure = ask(provider(server.url)).failure

    assert KEY not in failure.message
    assert KEY[:-1] not in failure.message
    assert "****" in failure.message


def test_headers_query_and_body_of_ones_own(server: Server) -> None:
    """What the settings add to every request arrives, and so do organisation and project."""
    engine = provider(
        server.url,
        headers={"X-Team": "blue"},
        query={"tenant": "7"},
        extra_body={"top_k": 5},
        organization="org-1",
        project="proj-1",
        options={"user_agent": "gptchat/1"},
    )

    ask(engine)

    sent = server.requests[0]
    assert sent.headers["x-team"] == "blue"
    assert sent.headers["user-agent"] == "gptchat/1"
    assert sent.headers["openai-organization"] == "org-1"
    assert sent.headers["openai-project"] == "proj-1"
    assert sent.target.endswith("?tenant=7")
    assert sent.json["top_k"] == 5


def test_nothing_meant_for_openai_reaches_others(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment's OpenAI key, organisation and headers are not told to another server."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-of-openai")
    monkeypatch.setenv("OPENAI_ADMIN_KEY", "sk-secret-of-admin")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-secret")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-secret")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Secret: hidden\nAuthorization: Bearer hidden")

    ask(provider(server.url))
    ask(provider(server.url, key=None, key_optional=True))
    ask(provider(server.root, kind="azure"))
    ask(provider(server.root, kind="azure", api_version="2024-10-21"))

    assert len(server.requests) == 4
    assert "secret" not in str([request.headers for request in server.requests])
    assert "hidden" not in str([request.headers for request in server.requests])


def test_text_that_utf8_cannot_carry(server: Server) -> None:
    """Half an emoji from a broken paste does not stop a message; two halves are made whole."""
    outcome = ask(provider(server.url), question("a \ud83d\ude00 b \ud800 c"))

    assert outcome.error is None
    assert server.requests[0].json["messages"][0]["content"] == "a 😀 b \ufffd c"


def test_rate_limits_are_remembered(server: Server) -> None:
    """What a server tells of its limits is kept for `/status`, also from a refusal."""
    told = {
        "x-ratelimit-limit-requests": "60",
        "x-ratelimit-remaining-requests": "59",
        "x-ratelimit-reset-tokens": "6m0s",
    }
    server.script(say("x", headers=told), refuse(429, headers={"x-ratelimit-remaining-requests": "0"}))
    engine = provider(server.url)
    assert engine.rate_limits is None

    async def run() -> list[RateLimits | None]:
        seen = []
        for _turn in range(2):
            await gather(engine, question())
            seen.append(engine.rate_limits)
        return seen

    first, second = asyncio.run(closing(engine, run()))
    assert first == RateLimits(limit_requests=60, remaining_requests=59, reset_tokens="6m0s")
    assert second == RateLimits(remaining_requests=0)


def test_moderation(server: Server) -> None:
    """A text is judged by the server's moderation, with the categories it falls under."""
    server.flagged = ("violence", "poetry")
    engine = provider(server.url)

    async def run() -> list[Moderation]:
        return [await engine.moderate("a kitten"), await engine.moderate("violence!", model="m")]

    calm, flagged = asyncio.run(closing(engine, run()))
    assert not calm.flagged
    assert (flagged.flagged, flagged.categories) == (True, ("violence",))
    assert flagged.scores["violence"] == 0.99
    assert server.requests[-1].json == {"input": "violence!", "model": "m"}


def test_the_body_can_be_shown_without_sending(server: Server) -> None:
    """The request can be looked at as it would go out."""
    path, body = provider(server.url, extra_body={"top_k": 1}).body(question(parameters={"effort": "low"}))

    assert path == "/chat/completions"
    assert body["reasoning_effort"] == "low"
    assert body["top_k"] == 1
    assert server.requests == []


def test_parameters_an_api_lacks_are_told_once(server: Server) -> None:
    """Parameters that the Responses API has no place for are left out, which is told once."""
    asked = question(parameters={"seed": 1, "stop": ["x"]})

    first, second = ask_all(provider(server.url, api="responses"), asked, asked)

    assert len(first.notices) == 2
    assert second.notices == []
    assert not {"seed", "stop"} & server.requests[0].json.keys()


def test_the_catalogue_chooses_the_api(server: Server) -> None:
    """A model that answers on the Responses API only is asked there from the start."""
    engine = provider(server.url, options={"api_for": lambda model: "responses" if model.endswith("-pro") else ""})

    ask_all(engine, question(model="x-pro"), question(model="x"))

    assert [request.path for request in server.requests] == ["/v1/responses", "/v1/chat/completions"]


def test_reasoning_comes_before_text(server: Server) -> None:
    """Thoughts and text arrive apart and in order."""
    server.script(say("answer", reasoning=("hm, ", "yes")))

    events = [one for one in ask(provider(server.url)).events if not isinstance(one, Notice)]

    assert events[:3] == [ReasoningDelta("hm, "), ReasoningDelta("yes"), TextDelta("answer")]

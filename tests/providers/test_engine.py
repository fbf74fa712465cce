"""Sending a request: silence, broken replies, stopping, what the settings add to it, and what it tells."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from gptchat.core.events import Notice, ReasoningDelta, TextDelta
from gptchat.core.messages import Usage
from gptchat.core.ports import RateLimits, Verdict
from tests.providers.asking import QUICK, Outcome, ask, ask_all, closing, gather, lines, provider, question
from tests.support.replies import Step
from tests.support.server import CUT, Gate, Reply, Server, gzipped, hang, page, pings, raw, refuse, say

PATIENT = replace(QUICK, max_retries=3)
HASTY = replace(QUICK, idle_timeout=0.3)
PING: list[Step] = [b": ping\n\n", 0.02]
DRIP: list[Step] = [b"x", 0.02]
DELTA = '{"choices":[{"index":0,"delta":{"content":"so far"}}]}'
END = '{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}'


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


def test_a_whole_reply_is_not_held_up(server: Server) -> None:
    """A server that keeps the connection after the finish reason is waited for briefly, and then hung up on."""
    server.script(raw(lines(DELTA, END), 60.0))
    begun = time.monotonic()

    outcome = ask(provider(server.url, network=replace(QUICK, idle_timeout=30)))

    assert time.monotonic() - begun < 15
    assert (outcome.text, outcome.error) == ("so far", None)
    server.wait_for(lambda: server.requests[-1].disconnected)


def test_usage_may_follow_the_finish_reason(server: Server) -> None:
    """What a server counts after the last word, and sends a moment later, is still taken."""
    usage = '{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}'
    server.script(raw(lines(DELTA, END), 0.3, lines(usage, "[DONE]")))

    assert ask(provider(server.url)).usage == Usage(3, 2, 5)


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

    async def run() -> list[Verdict]:
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

"""Streams cut, reordered, malformed and huge: an error of ours or the whole reply, never anything between.

`GPTCHAT_FUZZ=10000` runs that many streams instead of some hundreds.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gptchat.config.endpoints import NetworkSettings
from gptchat.core.events import Finished, TextDelta
from gptchat.errors import GptchatError
from gptchat.net.client import limit
from gptchat.providers.answer import read_answer
from gptchat.providers.faults.failures import Endpoint, explain
from gptchat.providers.wire import wire_named
from tests.providers.asking import QUICK, Outcome, ask, provider
from tests.support.server import CUT, Server, raw

STREAMS = int(os.environ.get("GPTCHAT_FUZZ", "120"))
NETWORK = NetworkSettings(idle_timeout=5, max_line=2_000, max_reply=100_000)
ENDPOINT = Endpoint("test", "http://localhost/v1", "m")
FUZZ = settings(max_examples=STREAMS, deadline=None, suppress_health_check=list(HealthCheck))


@dataclass(frozen=True)
class Piece:
    """One event of a stream: its bytes, the text it carries, and what it does to the reply."""

    data: bytes
    text: str = ""
    ends: bool = False
    """It carries the finish reason."""
    closes: bool = False
    """It is the mark after which nothing is read."""
    poison: bool = False
    """It cannot be part of a good reply."""


def event(value: object) -> bytes:
    """A server-sent event."""
    return b"data: " + json.dumps(value, ensure_ascii=False).encode("utf-8", "replace") + b"\n\n"


def said(text: str) -> Piece:
    """A delta of text."""
    return Piece(event({"choices": [{"index": 0, "delta": {"content": text}}]}), text)


WORDS = st.text(max_size=20).map(lambda text: text.encode("utf-8", "replace").decode())
GOOD = st.one_of(
    WORDS.map(said),
    st.sampled_from(
        [
            Piece(b": ping\n\n"),
            Piece(b"\n\n"),
            Piece(b"event: ping\ndata:\n\n"),
            Piece(b"retry: 10\nid: 3\n\n"),
            Piece(event({"choices": []})),
            Piece(event({"choices": [{"index": 0, "delta": None}]})),
            Piece(event({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 4}})),
            Piece(event({"choices": [{"index": 0, "delta": {"content": None, "role": "assistant"}}]})),
        ]
    ),
)
END = st.sampled_from([Piece(event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}), ends=True)])
DONE = st.sampled_from([Piece(b"data: [DONE]\n\n", closes=True)])
POISON = st.sampled_from(
    [
        Piece(b"data: {oops\n\n", poison=True),
        Piece(b"data: 5\n\n", poison=True),
        Piece(b'data: ["x"]\n\n', poison=True),
        Piece(b"data: " + b"[" * 1500 + b"\n\n", poison=True),
        Piece(event({"error": {"message": "dead", "code": 500}}), poison=True),
        Piece(event({"error": "dead"}), poison=True),
        Piece(b'event: error\ndata: {"message": "dead"}\n\n', poison=True),
        Piece(b"data: " + b"x" * 3_000 + b"\n\n", poison=True),
        Piece(b"data: <html>\n\n", poison=True),
    ]
)


@st.composite
def streams(draw: st.DrawFn) -> list[Piece]:
    """A stream in good order, or one shuffled, or with poison anywhere."""
    pieces = draw(st.lists(GOOD, max_size=12))
    pieces += [draw(part) for part in (END, DONE) if draw(st.booleans())]
    for _count in range(draw(st.sampled_from([0, 0, 1, 2]))):
        pieces.insert(draw(st.integers(0, len(pieces))), draw(POISON))
    return draw(st.permutations(pieces)) if draw(st.integers(0, 3)) == 0 else pieces


class Body(httpx2.AsyncByteStream):
    """A body of these chunks, that may break at the end."""

    def __init__(self, chunks: Iterable[bytes], breaks: bool) -> None:
        self._chunks = chunks
        self._breaks = breaks

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self._chunks:
            yield chunk
        if self._breaks:
            raise httpx2.RemoteProtocolError("peer closed connection")


def receive(
    chunks: Sequence[bytes], *, wire: str = "chat", breaks: bool = False, kind: str = "text/event-stream"
) -> Outcome:
    """What comes of a body of these chunks; anything but an error of ours fails the test."""
    outcome = Outcome()

    async def run() -> None:
        response = httpx2.Response(200, headers={"content-type": kind}, stream=Body(chunks, breaks))
        limit(response, NETWORK.max_reply)
        async with asyncio.timeout(20):
            async for one in read_answer(response, wire_named(wire).reader(), NETWORK, ENDPOINT):
                outcome.events.append(one)

    try:
        asyncio.run(run())
    except Exception as failure:
        error = explain(failure, ENDPOINT)
        if "unexpected failure" in error.message:
            raise
        outcome.error = error
    return outcome


def cut(data: bytes, places: Iterable[int]) -> list[bytes]:
    """`data` in pieces."""
    edges = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[start:end] for start, end in pairwise(edges)]


@FUZZ
@given(streams(), st.lists(st.integers(0, 60_000), max_size=8), st.booleans())
def test_whole_or_an_error(pieces: list[Piece], places: list[int], breaks: bool) -> None:
    """A reply counts as whole only with its end mark and without damage, and then holds every word."""
    data = b"".join(piece.data for piece in pieces)
    read: list[Piece] = []
    for piece in pieces:
        read.append(piece)
        if piece.poison or piece.closes:
            break
    poisoned = any(piece.poison for piece in read)
    closed = any(piece.closes for piece in read)
    ended = any(piece.ends for piece in read)
    text = "".join(piece.text for piece in read)

    outcome = receive(cut(data, places), breaks=breaks)

    if poisoned or not (ended or (closed and text)) or (breaks and not (ended or closed)):
        assert outcome.error is not None
        assert outcome.ends == []
        assert text.startswith(outcome.text)
        if not poisoned:
            assert outcome.text == text, "what came before the end is kept"
    else:
        assert outcome.error is None, outcome.error
        assert outcome.text == text
        assert isinstance(outcome.events[-1], Finished)


@FUZZ
@given(streams(), st.integers(0, 60_000), st.lists(st.integers(0, 60_000), max_size=4))
def test_truncated_streams(pieces: list[Piece], length: int, places: list[int]) -> None:
    """A stream cut at any byte gives no more than a beginning of its text, and success only after an end mark."""
    data = b"".join(piece.data for piece in pieces)
    kept = data[: length % (len(data) + 1)]
    text = "".join(piece.text for piece in pieces)

    outcome = receive(cut(kept, places))

    if outcome.error is None:
        assert b'"finish_reason": "stop"' in kept or b"[DONE]" in kept
    if not any(piece.closes for piece in pieces[:-1]):
        assert text.startswith(outcome.text)


_NAMES = """choices delta message content index finish_reason usage error object text tool_calls function
    arguments reasoning type response output status item code summary model prompt_tokens id refusal"""
KEYS = st.sampled_from(_NAMES.split())
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@FUZZ
@given(
    st.sampled_from(["chat", "responses", "completions"]),
    st.lists(st.dictionaries(KEYS, JSON, max_size=5) | JSON, max_size=6),
    st.booleans(),
)
def test_any_json_in_any_place(wire: str, values: list[object], streamed: bool) -> None:
    """Whatever JSON a server sends in whatever field, the outcome is a reply or an error of ours."""
    documents = [json.dumps(value).encode() for value in values]
    body = b"".join(b"data: " + one + b"\n\n" for one in documents) if streamed else b"".join(documents[:1])

    outcome = receive([body], wire=wire, kind="text/event-stream" if streamed else "application/json")

    if outcome.error is None:
        assert any(isinstance(one, Finished) for one in outcome.events)
        assert all(isinstance(one.text, str) for one in outcome.events if isinstance(one, TextDelta))


@FUZZ
@given(
    st.lists(st.binary(max_size=300), max_size=6),
    st.sampled_from(["text/event-stream", "text/html", "", "image/png"]),
)
def test_any_bytes(chunks: list[bytes], kind: str) -> None:
    """Random bytes are never taken for a reply."""
    outcome = receive(chunks, kind=kind)

    assert outcome.error is not None


@settings(max_examples=min(40, STREAMS), deadline=None, suppress_health_check=list(HealthCheck))
@given(streams(), st.lists(st.integers(0, 60_000), max_size=4), st.booleans())
def test_over_a_real_connection(pieces: list[Piece], places: list[int], breaks: bool) -> None:
    """The same holds over a real connection, which is broken off or ends in order."""
    chunks = cut(b"".join(piece.data for piece in pieces), places)
    with Server() as server:
        server.script(raw(*chunks, *([CUT] if breaks else [])))

        outcome = ask(provider(server.url, network=QUICK))

    assert outcome.error is None or isinstance(outcome.error, GptchatError)
    if outcome.error is None:
        assert outcome.ends
        assert any(piece.ends or piece.closes for piece in pieces)
    else:
        assert outcome.ends == []


@pytest.mark.parametrize("size", [50, 5_000])
def test_memory_is_bounded(size: int) -> None:
    """A line without end is given up at its limit: what is held does not grow with what is sent."""
    import tracemalloc

    def endless() -> Iterable[bytes]:
        yield b"data: "
        for _chunk in range(size):
            yield b"x" * 4096

    tracemalloc.start()
    try:
        outcome = receive(endless())  # type: ignore[arg-type]  # a body that is made while it is read
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert outcome.error is not None
    assert peak < 200 * NETWORK.max_line

"""Server-sent events out of bytes, however they are cut."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptchat.errors import ProtocolError
from gptchat.providers.sse import Event, SseDecoder

LIMIT = 10_000


def decode(*chunks: bytes, max_line: int = LIMIT, max_reply: int = LIMIT) -> list[Event]:
    """The events in these chunks."""
    decoder = SseDecoder(max_line, max_reply)
    events = [event for chunk in chunks for event in decoder.feed(chunk)]
    return events + decoder.close()


@pytest.mark.parametrize(
    ("stream", "events"),
    [
        (b"data: a\n\ndata: b\n\n", [("", "a"), ("", "b")]),
        (b"data:a\n\n", [("", "a")]),
        (b"data:  a\n\n", [("", " a")]),
        (b"data: a\r\n\r\ndata: b\r\n\r\n", [("", "a"), ("", "b")]),
        (b"data: a\r\rdata: b\r\r", [("", "a"), ("", "b")]),
        (b"data: a\ndata: b\n\n", [("", "a\nb")]),
        (b"event: x\ndata: a\n\ndata: b\n\n", [("x", "a"), ("", "b")]),
        (b"event: x\n\ndata: b\n\n", [("", "b")]),
        (b": comment\n\n:\n\n", []),
        (b"id: 1\nretry: 5\nnonsense\ndata: a\n\n", [("", "a")]),
        (b"data\n\ndata:\n\n", []),
        (b"data: a\n", [("", "a")]),
        (b"data: a", [("", "a")]),
        (b"\xef\xbb\xbfdata: a\n\n", [("", "a")]),
        ("data: 你好 🎉\n\n".encode(), [("", "你好 🎉")]),
        (b"data: \xff\xfe\n\n", [("", "\ufffd\ufffd")]),
        ("data: a\u2028b\x85c\n\n".encode(), [("", "a\u2028b\x85c")]),
        (b'error: {"message": "x"}\n\n', [("error", '{"message": "x"}')]),
        (b"", []),
    ],
)
def test_streams(stream: bytes, events: list[Event]) -> None:
    """Events are read as the standard has them, whole or byte by byte."""
    assert decode(stream) == events
    assert decode(*[stream[place : place + 1] for place in range(len(stream))]) == events


LINES = st.sampled_from(
    ["data: a", "data: 你", "data:", ": ping", "event: e", "id: 3", "", "", "junk", 'data: {"x": 1}']
)
ENDS = st.sampled_from(["\n", "\r\n", "\r"])


@given(st.lists(st.tuples(LINES, ENDS)), st.lists(st.integers(0, 400)))
def test_cutting_changes_nothing(lines: list[tuple[str, str]], cuts: list[int]) -> None:
    """However a stream is cut into chunks, it holds the same events."""
    stream = "".join(line + end for line, end in lines).encode()
    places = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    chunks = [stream[start:end] for start, end in pairwise(places)]

    assert decode(*chunks) == decode(stream)


@pytest.mark.parametrize(
    "chunks",
    [
        [b"x" * 60, b"x" * 60],
        [b"data: " + b"x" * 120 + b"\n\n"],
        [b"data: xxxxxxxxxx\n"] * 20,
        [b"data: x\n\n" + b"y" * 120],
    ],
)
def test_a_line_or_event_beyond_the_limit(chunks: list[bytes]) -> None:
    """A line, or many lines of one event, beyond the limit end in an error that names the setting."""
    with pytest.raises(ProtocolError) as caught:
        decode(*chunks, max_line=100, max_reply=100_000)
    assert "max_line" in caught.value.hint


def test_a_stream_beyond_the_limit() -> None:
    """A stream beyond the limit ends in an error, even one of comments alone."""
    with pytest.raises(ProtocolError) as caught:
        decode(*[b": ping\n\n"] * 200, max_line=100, max_reply=1000)
    assert "max_reply" in caught.value.hint

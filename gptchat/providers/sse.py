"""Server-sent events out of bytes as they arrive, with a cap on what one line and one reply may hold."""

from __future__ import annotations

from gptchat.errors import ProtocolError
from gptchat.net.client import too_large
from gptchat.words import _

Event = tuple[str, str]
"""The name of the event (mostly empty) and its data, several `data:` lines joined by line feeds."""

_BOM = b"\xef\xbb\xbf"


class SseDecoder:
    """An incremental decoder of `text/event-stream` (WHATWG HTML, 9.2.6 "Interpreting an event stream").

    Bytes may be cut anywhere: inside a character, a line end, a field. Two departures from the standard,
    both so that nothing a server said is lost: an event at the end of the stream counts without its blank
    line, and a line `error: ...` (which llama.cpp has sent) is an event named `error`.

    `max_line` bounds the bytes of one line or one event, `max_reply` those of the whole stream. What passes
    either is dropped, and `check` raises `ProtocolError` once the events before it have been taken.
    """

    __slots__ = (
        "_buffer",
        "_data",
        "_failure",
        "_held",
        "_max_line",
        "_max_reply",
        "_name",
        "_size",
        "_skip_feed",
        "_started",
    )

    def __init__(self, max_line: int, max_reply: int) -> None:
        self._failure: ProtocolError | None = None
        self._max_line = max_line
        self._max_reply = max_reply
        self._buffer = b""
        self._data: list[bytes] = []
        self._held = 0
        self._name = ""
        self._size = 0
        self._skip_feed = False
        self._started = False

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that `chunk` completes; comments yield none, which is how silence is told from life."""
        self._size += len(chunk)
        if self._size > self._max_reply:
            return self._fail(too_large(self._max_reply))
        if self._skip_feed and chunk:  # the other half of a CR LF that was cut between two chunks
            self._skip_feed = False
            if chunk[0] == 0x0A:
                chunk = chunk[1:]
        if b"\r" in chunk:
            self._skip_feed = chunk.endswith(b"\r")
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        if b"\n" not in chunk:
            self._buffer += chunk
            if len(self._buffer) > self._max_line:
                self._fail(line_too_long(self._max_line))
            return []
        lines = (self._buffer + chunk).split(b"\n")
        self._buffer = lines.pop()
        events = self._read(lines)
        if len(self._buffer) > self._max_line:
            self._fail(line_too_long(self._max_line))
        return events

    def close(self) -> list[Event]:
        """The events still held when the stream ends."""
        self.check()
        lines, self._buffer = [self._buffer, b""], b""
        return self._read(lines)

    def check(self) -> None:
        """Raise what went wrong, if anything did; nothing that is fed after it counts."""
        if self._failure is not None:
            raise self._failure

    def _fail(self, failure: ProtocolError) -> list[Event]:
        self._failure = self._failure or failure
        self._buffer = b""
        self._data = []
        return []

    def _read(self, lines: list[bytes]) -> list[Event]:
        if not self._started:
            self._started = True
            if lines[0].startswith(_BOM):
                lines[0] = lines[0][len(_BOM) :]
        events: list[Event] = []
        if self._failure is not None:
            return events
        for line in lines:
            if not line:
                self._dispatch(events)
            elif line.startswith(b"data:"):
                # `partition` and one strip would do for every field; this one is nearly all there ever is
                value = line[6:] if line[5:6] == b" " else line[5:]
                self._held += len(value)
                if self._held > self._max_line:
                    self._fail(line_too_long(self._max_line))
                    break
                self._data.append(value)
            elif line.startswith((b"event:", b"error:")):
                field, _colon, rest = line.partition(b":")
                if field == b"error":
                    self._name = "error"
                    self._data.append(rest.strip())
                else:
                    self._name = rest.strip().decode("utf-8", "replace")
        return events

    def _dispatch(self, events: list[Event]) -> None:
        if self._data:
            data = self._data[0] if len(self._data) == 1 else b"\n".join(self._data)
            if data:
                events.append((self._name, data.decode("utf-8", "replace")))
            self._data = []
            self._held = 0
        self._name = ""


def line_too_long(limit: int) -> ProtocolError:
    """The error for one line, or one event, of more than `limit` bytes."""
    return ProtocolError(
        _("the server sent a single line of more than {limit} bytes").format(limit=limit),
        hint=_("if such a reply is meant, raise network.max_line"),
    )

"""Decodes server-sent events incrementally, with limits on the size of a line and of a reply."""

from __future__ import annotations

from gptchat.errors import ProtocolError
from gptchat.net.client import too_large
from gptchat.words import _

Event = tuple[str, str]
"""The name of an event (usually empty) and its data; several `data:` lines are joined by line feeds."""

_BOM = b"\xef\xbb\xbf"


class SseDecoder:
    """An incremental decoder of `text/event-stream` (WHATWG HTML, 9.2.6 "Interpreting an event stream").

    Chunks may end anywhere: inside a character, a line ending or a field. There are two deviations from the
    standard, so that no data of a server is lost: the last event needs no blank line after it, and a line
    `error: ...` (sent by some llama.cpp versions) is an event named `error`.

    `max_line` is the limit for one line or event, `max_reply` for the whole stream, in bytes. Data over a
    limit is dropped, and `check` raises ProtocolError; call it after processing the events of each `feed`.
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
        """The events that `chunk` completes. Comments give none, so that pings do not count as activity."""
        self._size += len(chunk)
        if self._size > self._max_reply:
            return self._fail(too_large(self._max_reply))
        if self._skip_feed and chunk:  # the LF of a CR LF that was split between two chunks
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
        """The remaining events at the end of the stream. Raises ProtocolError as `check` does."""
        self.check()
        lines, self._buffer = [self._buffer, b""], b""
        return self._read(lines)

    def check(self) -> None:
        """Raise ProtocolError if a limit was exceeded. Data fed after that gives no events."""
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
                # A fast path: nearly all lines are `data:` lines
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

"""The keyboard of a POSIX terminal; reads pastes in linear instead of quadratic time.

prompt_toolkit reads 1,024 bytes at a time and searches the whole paste for its end after each read. For one
megabyte it took over half a second; this module takes a tenth of that.
"""

from __future__ import annotations

import sys
import termios
import time
from typing import TextIO

from prompt_toolkit.input.vt100 import Vt100Input
from prompt_toolkit.input.vt100_parser import Vt100Parser
from prompt_toolkit.key_binding.key_processor import KeyPress
from prompt_toolkit.keys import Keys

assert sys.platform != "win32"

_END = "\x1b[201~"
_READ = 65536  # bytes
_PATIENCE = 0.02  # seconds of reading a paste before the event loop runs again


class PasteParser(Vt100Parser):
    """Parses keys as prompt_toolkit does, but joins the pieces of a paste only once, at its end."""

    def reset(self, request: bool = False) -> None:
        """Discard incomplete input."""
        super().reset(request)
        self._pieces: list[str] = []

    @property
    def is_in_paste(self) -> bool:
        """Whether a paste has begun and not ended."""
        return self._in_bracketed_paste

    def feed(self, data: str) -> None:
        """Parse `data` and report complete keys and pastes to the callback."""
        if not self._in_bracketed_paste:
            super().feed(data)  # calls `feed` again with the rest if a paste begins in `data`
            return
        if not data:
            return
        overlap = "".join(self._pieces[-len(_END) :])[-len(_END) + 1 :]
        self._pieces.append(data)
        if _END not in overlap + data:
            return
        text, _mark, rest = "".join(self._pieces).partition(_END)
        self._pieces = []
        self._in_bracketed_paste = False
        self.feed_key_callback(KeyPress(Keys.BracketedPaste, text))
        self.feed(rest)


class PosixKeyboard(Vt100Input):
    """A `Vt100Input` that reads pastes in large pieces."""

    def __init__(self, stdin: TextIO) -> None:
        super().__init__(stdin)
        self._parser = PasteParser(lambda press: self._buffer.append(press))
        self.vt100_parser = self._parser

    def read_keys(self) -> list[KeyPress]:
        """The keys read so far; a paste that arrives within 20 ms is read completely."""
        until = time.monotonic() + _PATIENCE
        data = self.stdin_reader.read(_READ)
        if not data and self._is_gone():
            self.stdin_reader.closed = True
        self._parser.feed(data)
        while self._parser.is_in_paste and (more := self.stdin_reader.read(_READ)):
            self._parser.feed(more)
            if time.monotonic() > until:
                break
        keys, self._buffer = self._buffer, []
        return keys

    def _is_gone(self) -> bool:
        """Whether the terminal is gone: reads then always fail, and would be retried for ever."""
        try:
            termios.tcgetattr(self._fileno)
        except termios.error:
            return True
        return False

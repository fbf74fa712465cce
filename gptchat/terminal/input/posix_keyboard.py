"""The keyboard of a POSIX terminal; reads pastes in linear instead of quadratic time, those without marks too.

prompt_toolkit reads 1,024 bytes at a time and searches the whole paste for its end after each read. For one
megabyte it took over half a second; this module takes a tenth of that.

Some terminals do not mark a paste. There, lines that arrive together are one, since nobody types several at once.
Elsewhere they are typed ahead, unless one of them could run a command or attach a file.
"""

from __future__ import annotations

import os
import re
import select
import sys
import termios
import time
from collections.abc import Mapping
from typing import TextIO

from prompt_toolkit.input.vt100 import Vt100Input
from prompt_toolkit.input.vt100_parser import Vt100Parser
from prompt_toolkit.key_binding.key_processor import KeyPress
from prompt_toolkit.keys import Keys

assert sys.platform != "win32"

FOCUS = {"\x1b[I": True, "\x1b[O": False}
"""What a terminal reports that comes to the front or leaves it (DEC private mode 1004)."""
_BEGIN, _END = "\x1b[200~", "\x1b[201~"
_READ = 65536  # bytes
_PATIENCE = 0.02  # seconds of reading a paste before the event loop runs again
_TOGETHER = 0.015  # seconds within which the next piece belongs to a paste without marks
_MARKING = (
    *("xterm", "tmux", "rxvt", "alacritty", "kitty", "foot", "wezterm", "ghostty", "konsole", "vte", "gnome"),
    *("iterm", "contour", "mintty", "st-", "nsterm"),
)
"""What the names of terminals begin with that mark a paste."""

_ACTING = re.compile(r"(?:^|[\r\n])[ \t]*!|(?<![\w.])@\S")
_AT_MOST = 0.05  # seconds of waiting for more of it before the event loop runs again


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

    def __init__(self, stdin: TextIO, environ: Mapping[str, str] = os.environ) -> None:
        super().__init__(stdin)
        term = environ.get("TERM", "").lower()
        self._marks_pastes = "TMUX" in environ or term.startswith(_MARKING)
        self.focus: bool | None = None
        """Whether the terminal is in front, as it reported last or a key tells; None if it never reported."""
        self.last_key = 0.0
        """When the last key was pressed (monotonic)."""
        self._parser = PasteParser(self._pressed)
        self.vt100_parser = self._parser
        self._more_until = 0.0
        """Until when a paste without marks may go on (monotonic)."""

    def read_keys(self) -> list[KeyPress]:
        """The keys read so far; a paste that arrives within 20 ms is read completely."""
        until = time.monotonic() + _PATIENCE
        data = self.stdin_reader.read(_READ)
        if not data and self._is_gone():
            self.stdin_reader.closed = True
        marked = self._parser.is_in_paste or _BEGIN in data
        continued = not marked and time.monotonic() < self._more_until
        if continued or (not marked and len(data) > 1 and re.search(r"[\r\n]", data)):
            data = self._with_rest(data)
            continued = continued and data != "\r"  # a key of its own
        self._parser.feed(data)
        if not marked and (continued or self._is_paste(self._buffer)):
            self._buffer = _as_paste(self._buffer, whole=continued)
            self._more_until = time.monotonic() + 2 * _TOGETHER
        while self._parser.is_in_paste and (more := self.stdin_reader.read(_READ)):
            self._parser.feed(more)
            if time.monotonic() > until:
                break
        keys, self._buffer = self._buffer, []
        return keys

    def _pressed(self, press: KeyPress) -> None:
        """Take a key; a report of the terminal is none."""
        if press.key is Keys.Ignore and press.data in FOCUS:
            self.focus = FOCUS[press.data]
            return
        if self.focus is False:
            self.focus = True
        self.last_key = time.monotonic()
        self._buffer.append(press)

    def _is_paste(self, keys: list[KeyPress]) -> bool:
        """Whether keys that arrived at once are a paste without marks: several lines."""
        if not _several_lines(keys):
            return False
        return not self._marks_pastes or _ACTING.search("".join(press.data for press in keys)) is not None

    def _with_rest(self, data: str) -> str:
        """`data`, which looks like the first line of a paste without marks, and what follows it at once."""
        pieces, until = [data], time.monotonic() + _AT_MOST
        while time.monotonic() < until and select.select([self._fileno], [], [], _TOGETHER)[0]:
            more = self.stdin_reader.read(_READ)
            pieces.append(more)
            if not more or _BEGIN in more:
                break
        return "".join(pieces)

    def _is_gone(self) -> bool:
        """Whether the terminal is gone: reads then always fail, and would be retried for ever."""
        try:
            termios.tcgetattr(self._fileno)
        except termios.error:
            return True
        return False


_LINE_ENDS = ("\r", "\n")


def _is_text(press: KeyPress) -> bool:
    return not isinstance(press.key, Keys)


def _several_lines(keys: list[KeyPress]) -> bool:
    """Whether text follows a line end. Alt-Enter, which sends ESC first, is none."""
    ends = [index for index, press in enumerate(keys) if press.data in _LINE_ENDS]
    return bool(ends) and any(_is_text(press) and press.data.strip() for press in keys[ends[0] + 1 :])


def _as_paste(keys: list[KeyPress], *, whole: bool) -> list[KeyPress]:
    """`keys` with each run of characters and line ends as one paste; other keys stay between them.

    An Enter at the end stays one unless `whole`, if the lines before it end otherwise, as with Ctrl-J.
    """
    enters = [index for index, press in enumerate(keys) if press.data == "\r"]
    kept = keys[-1:] if enters == [len(keys) - 1] and not whole else []
    found: list[KeyPress] = []
    run: list[str] = []
    for press in keys[: len(keys) - len(kept)]:
        if _is_text(press) or press.data in ("\t", *_LINE_ENDS):
            run.append(press.data)
            continue
        if run:
            found.append(KeyPress(Keys.BracketedPaste, "".join(run)))
            run = []
        found.append(press)
    if run:
        found.append(KeyPress(Keys.BracketedPaste, "".join(run)))
    return found + kept

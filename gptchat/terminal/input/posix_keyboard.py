"""The keyboard of a POSIX terminal; reads pastes in linear instead of quadratic time, those without marks too.

prompt_toolkit reads 1,024 bytes at a time and searches the whole paste for its end after each read. For one
megabyte it took over half a second; this module takes a tenth of that.

Some terminals do not mark a paste. There, lines that arrive together are one, since nobody types several at once.
Elsewhere they are typed ahead, unless one of them could run a command or attach a file.
"""

from __future__ import annotations

import asyncio
import os
import re
import select
import sys
import termios
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TextIO

from prompt_toolkit.input.ansi_escape_sequences import ANSI_SEQUENCES
from prompt_toolkit.input.vt100 import Vt100Input
from prompt_toolkit.input.vt100_parser import Vt100Parser
from prompt_toolkit.key_binding.key_processor import KeyPress, _Flush
from prompt_toolkit.keys import Keys

assert sys.platform != "win32"

FOCUS = {"\x1b[I": True, "\x1b[O": False}
"""What a terminal reports that comes to the front or leaves it (DEC private mode 1004)."""
_BEGIN, _END = "\x1b[200~", "\x1b[201~"
_LONGEST = max(map(len, ANSI_SEQUENCES))
_ARROWS = (Keys.Up, Keys.Down, Keys.Left, Keys.Right)
_READ = 65536  # bytes
_PATIENCE = 0.02  # seconds of reading a paste before the event loop runs again
_TOGETHER = 0.015  # seconds within which the next piece belongs to a paste without marks
_MARKING = (
    *("xterm", "tmux", "rxvt", "alacritty", "kitty", "foot", "wezterm", "ghostty", "konsole", "vte", "gnome"),
    *("iterm", "contour", "mintty", "st-", "nsterm"),
)
"""What the names of terminals begin with that mark a paste."""

_ACTING = re.compile(r"(?:^|[\r\n])\s*[!！]|(?<![\w.])[@＠]\S")
_AT_MOST = 0.05  # seconds of waiting for more of it before the event loop runs again


_SHORT = 0.05  # seconds after which a lone ESC is the Esc key, and half a sequence is nothing
_STALLED = 0.5  # seconds after which a paste that goes no further is over
_CSI = re.compile(r"\x1b\[([<=>?]?[\d;:]*\$?)([@-~])?")
_ENDS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ~^$@mntuxyc")
"""Final characters of the control sequences with parameters that terminals send."""
_ANSWER = re.compile(r"\x1b[\]P_^X][^\x07\x1b\r\n]*(?:\x07|\x1b\\)")
"""What a terminal answers to a question about its colours or its name (OSC, DCS, APC)."""
_COLOUR = re.compile(r"\x1b\](?:[\d;]+(?:r(?:g(?:b(?:a?:[\da-fA-F/]*)?)?)?)?\x1b?)?")
"""The beginning of such an answer about a colour, which may arrive in pieces."""


class KeyParser(Vt100Parser):
    """Parses what a terminal sends, each key by itself.

    prompt_toolkit's parser and key bindings wait for what may follow, which costs the next key its meaning: Esc
    and then `/` within a second is taken for Alt-/, and half a control sequence is typed into the draft. Here

    - ESC directly before another key means Alt, as `Keys.Escape` and then the key. Alone it is followed by
      prompt_toolkit's `_Flush`, which lets the bindings act at once;
    - a control sequence that means no key, such as a report of the focus, is dropped, and so is one that breaks
      off: what comes after it is typed;
    - a paste is joined at its end, in linear time. `give_up` ends one that goes no further.
    """

    def reset(self, request: bool = False) -> None:
        """Discard incomplete input."""
        super().reset(request)
        self._pieces: list[str] = []
        self._begun = ""
        self.torn = False
        """Whether a paste was ended by `give_up`; its rest may follow."""

    @property
    def is_in_paste(self) -> bool:
        """Whether a paste has begun and not ended."""
        return self._in_bracketed_paste

    @property
    def patience(self) -> float | None:
        """Seconds to wait for the rest of what has begun, before `flush` or `give_up`; None if nothing has."""
        if self._in_bracketed_paste:
            return _STALLED
        return _SHORT if self._begun else None

    def feed(self, data: str) -> None:
        """Parse `data` and report complete keys and pastes to the callback."""
        while data:
            if self._in_bracketed_paste:
                data = self._pasted(data)
                continue
            data, self._begun = self._begun + data, ""
            escape = data.find("\x1b")
            if escape < 0:
                escape = len(data)
            for character in data[:escape]:
                self._press(character)
            data = data[escape:]
            if data:
                taken = self._sequence(data)
                if not taken:
                    self._begun, data = data, ""
                data = data[taken:]

    def flush(self) -> None:
        """Nothing has followed for a moment: a lone ESC is the Esc key, and half a sequence is none."""
        begun, self._begun = self._begun, ""
        if not begun.strip("\x1b"):
            for _escape in begun:
                self._alone()

    def give_up(self) -> None:
        """Nothing has followed for long: a paste without an end is over."""
        if self._in_bracketed_paste:
            self._in_bracketed_paste = False
            text, self._pieces, self.torn = "".join(self._pieces), [], True
            if text:
                self.feed_key_callback(KeyPress(Keys.BracketedPaste, text))

    def _pasted(self, data: str) -> str:
        """Take `data` into the paste; returns what follows it."""
        overlap = "".join(self._pieces[-len(_END) :])[-len(_END) + 1 :]
        self._pieces.append(data)
        if _END not in overlap + data:
            return ""
        text, _mark, rest = "".join(self._pieces).partition(_END)
        self._pieces = []
        self._in_bracketed_paste = False
        self.feed_key_callback(KeyPress(Keys.BracketedPaste, text))
        return rest

    def _sequence(self, data: str) -> int:
        """Take the key, or what is none, that `data` begins with: an ESC. Its length, 0 if more must follow."""
        for length in range(2, min(_LONGEST, len(data)) + 1):
            if data[:length] in ANSI_SEQUENCES:
                self._press(data[:length])
                return length
        if len(data) < _LONGEST and any(known.startswith(data) for known in ANSI_SEQUENCES):
            return 0
        if data[1] == "[":
            return self._control(data)
        if answer := _ANSWER.match(data):
            return answer.end()
        if (begun := _COLOUR.match(data)) and (begun.end() > 2 or len(data) == 2):
            return 0 if begun.end() == len(data) else begun.end()
        if data[1] != "\x1b":  # Alt
            self._call_handler(Keys.Escape, "\x1b")
            self._press(data[1])
            return 2
        # Terminals that send ESC for Alt do so before the sequence of an arrow, too.
        for length in range(3, min(_LONGEST, len(data)) + 1):
            known = ANSI_SEQUENCES.get(data[1:length])
            if known in _ARROWS:
                self._call_handler((Keys.Escape, known), data[:length])
                return length
        if len(data) < 4 and "\x1b\x1b[".startswith(data):
            return 0
        self._alone()
        return 1

    def _control(self, data: str) -> int:
        """Take a control sequence without a key of its own, as `_sequence`."""
        match = _CSI.match(data)
        assert match is not None
        parameters, last = match.groups()
        if last is None and match.end() == len(data):
            return 0
        if last == "M" and not parameters and len(data) >= match.end() + 3:
            return match.end() + 3  # a click, as old terminals report it
        if self._get_match(match[0]) is Keys.CPRResponse:
            self._call_handler(Keys.CPRResponse, match[0])
        if match[0] == _END:
            self.torn = False
        meant = last is not None and (last in _ENDS if parameters else last in "IOM")
        return match.end() if meant else match.end(1)

    def _press(self, data: str) -> None:
        """Report the key that sends `data`: a character, or a sequence that is known."""
        self._call_handler(ANSI_SEQUENCES.get(data, data), data)

    def _alone(self) -> None:
        """Report the Esc key."""
        self.feed_key_callback(KeyPress(Keys.Escape, "\x1b"))
        self.feed_key_callback(_Flush)


class PosixKeyboard(Vt100Input):
    """A `Vt100Input` that reads pastes in large pieces, and loses and delays no key, whoever reads them."""

    def __init__(self, stdin: TextIO, environ: Mapping[str, str] = os.environ) -> None:
        super().__init__(stdin)
        term = environ.get("TERM", "").lower()
        self._marks_pastes = "TMUX" in environ or term.startswith(_MARKING)
        self.focus: bool | None = None
        """Whether the terminal is in front, as it reported last or a key tells; None if it never reported."""
        self.last_key = 0.0
        """When the last key was pressed (monotonic)."""
        self._parser = KeyParser(self._pressed)
        self.vt100_parser = self._parser
        self._more_until = 0.0
        """Until when a paste without marks may go on (monotonic)."""
        self._ready: Callable[[], None] | None = None
        """Lets the one that is attached read keys."""
        self._timer: asyncio.TimerHandle | None = None

    @contextmanager
    def attach(self, input_ready_callback: Callable[[], None]) -> Iterator[None]:
        """Call `input_ready_callback` when there are keys to read, those that an earlier one has left too."""
        with super().attach(input_ready_callback), self._read_by(input_ready_callback):
            if self._buffer:
                asyncio.get_running_loop().call_soon(self._deliver)
            self._wait()
            yield

    @contextmanager
    def detach(self) -> Iterator[None]:
        """Meanwhile the keys are another program's."""
        with super().detach(), self._read_by(None):
            yield

    @contextmanager
    def _read_by(self, ready: Callable[[], None] | None) -> Iterator[None]:
        before, self._ready = self._ready, ready
        try:
            yield
        finally:
            self._ready = before

    def _wait(self) -> None:
        """Give what has begun, and may go on, its time."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if self._ready is not None and self._parser.patience is not None:
            self._timer = asyncio.get_running_loop().call_later(self._parser.patience, self._late)

    def _late(self) -> None:
        """Nothing has followed."""
        self._timer = None
        if self._parser.is_in_paste:
            self._parser.give_up()
        else:
            self._parser.flush()
        self._deliver()

    def _deliver(self) -> None:
        if self._buffer and self._ready is not None:
            self._ready()

    def read_keys(self) -> list[KeyPress]:
        """The keys read so far; a paste that arrives within 20 ms is read completely."""
        earlier, self._buffer = self._buffer, []
        until = time.monotonic() + _PATIENCE
        data = self.stdin_reader.read(_READ)
        if not data and self._is_gone():
            self.stdin_reader.closed = True
        torn = self._parser.torn
        marked = self._parser.is_in_paste or _BEGIN in data
        continued = not marked and time.monotonic() < self._more_until
        if continued or (not marked and len(data) > 1 and re.search(r"[\r\n]", data)):
            data = self._with_rest(data)
            continued = continued and data != "\r"  # a key of its own
        self._parser.feed(data)
        if not marked and (continued or self._is_paste(self._buffer)):
            self._buffer = _as_paste(self._buffer, whole=continued)
            self._more_until = time.monotonic() + 2 * _TOGETHER
        elif torn and not marked and len(data) > 1:
            self._buffer = _as_paste(self._buffer, whole=False)  # the rest of a paste, for all one can know
        elif data == "\r":
            self._parser.torn = False
        while self._parser.is_in_paste and (more := self.stdin_reader.read(_READ)):
            self._parser.feed(more)
            if time.monotonic() > until:
                break
        self._wait()
        keys, self._buffer = earlier + self._buffer, []
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


def _several_lines(keys: list[KeyPress]) -> bool:
    """Whether text follows a line end. Alt-Enter, which sends ESC first, is none."""
    ends = [index for index, press in enumerate(keys) if press.data in _LINE_ENDS]
    rest = keys[ends[0] + 1 :] if ends else ()
    return any(not isinstance(press.key, Keys) and press.data.strip() for press in rest)


def _as_paste(keys: list[KeyPress], *, whole: bool) -> list[KeyPress]:
    """`keys` with each run of characters and line ends as one paste; other keys stay between them.

    An Enter at the end stays one unless `whole`, if the lines before it end otherwise, as with Ctrl-J.
    """
    enters = [index for index, press in enumerate(keys) if press.data == "\r"]
    kept = keys[-1:] if enters == [len(keys) - 1] and not whole else []
    found: list[KeyPress] = []
    run: list[str] = []
    for press in keys[: len(keys) - len(kept)]:
        if not isinstance(press.key, Keys) or press.data in ("\t", *_LINE_ENDS):
            run.append(press.data)
            continue
        if run:
            found.append(KeyPress(Keys.BracketedPaste, "".join(run)))
            run = []
        found.append(press)
    if run:
        found.append(KeyPress(Keys.BracketedPaste, "".join(run)))
    return found + kept

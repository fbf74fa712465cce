"""A program in a pseudo-terminal, read as a person would: through a terminal emulator with a scrollback.

    with Screen.spawn([sys.executable, "-m", "gptchat"], rows=24, columns=80) as screen:
        screen.wait_for("> ")
        screen.send(b"hello\\r")
        screen.wait_for(lambda: "world" in screen.text)

POSIX only (`pty`); tests that use it are skipped elsewhere.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import threading
import time
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType

import pyte
from wcwidth import wcwidth

from tests.support.measured import MEASURED

ROOT = Path(__file__).parents[2]
HISTORY = 100_000
"""Lines of scrollback that are kept."""
_FORKING = threading.Lock()
_PIECE = re.compile(r"[\x20-\x7e]+|.", re.DOTALL)


class Emulator(pyte.HistoryScreen):
    """pyte's screen with a long history, which loses no text.

    pyte 0.8.2 drops a character that has no width and does not combine, such as U+FE0F, U+200D or a vowel sign,
    and with it all text up to the next control character. Here it is kept with the character before it.
    """

    def __init__(self, columns: int, rows: int) -> None:
        super().__init__(columns, rows, history=HISTORY, ratio=0.5)

    def draw(self, data: str) -> None:
        for piece in _PIECE.findall(data):
            if len(piece) > 1 or wcwidth(piece) > 0 or unicodedata.combining(piece):
                super().draw(piece)
            elif self.cursor.x:
                line = self.buffer[self.cursor.y]
                at = self.cursor.x - 1
                if at and not line[at].data:
                    at -= 1  # the second column of a wide character
                line[at] = line[at]._replace(data=line[at].data + piece)


class Screen:
    """The emulator's screen over one running program. `raw` is every byte the program wrote."""

    def __init__(self, pid: int, master: int, rows: int, columns: int, *, answer: bool) -> None:
        self.pid = pid
        self.raw = bytearray()
        self.status: int | None = None
        """The exit status once the program has ended; negative: the signal that ended it."""
        self._master = master
        self._answer = answer
        self._closed = False
        self._emulator = Emulator(columns, rows)
        self._stream = pyte.ByteStream(self._emulator)

    @classmethod
    def spawn(
        cls,
        argv: Sequence[str],
        env: Mapping[str, str] | None = None,
        rows: int = 24,
        columns: int = 80,
        *,
        cwd: str | os.PathLike[str] | None = None,
        answer: bool = False,
    ) -> Screen:
        """Start `argv` in a terminal of that size; `env` is added to a small, known environment.

        The terminal does not wrap lines anew on a resize (neither does the emulator). With `answer` it tells
        the cursor's position when asked; without, prompt_toolkit is told not to ask.
        """
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": os.environ.get("HOME", "/"),
            "LANG": "C.UTF-8",
            "TERM": "xterm-256color",
            "XTERM_VERSION": "XTerm(399)",
            **MEASURED,
            **({} if answer else {"PROMPT_TOOLKIT_NO_CPR": "1"}),
            **(env or {}),
        }
        with _FORKING:
            pid, master = pty.fork()
            if pid:
                os.set_inheritable(master, False)  # else programs started later would keep it open
        if pid == 0:  # pragma: no cover - the child becomes the program
            try:
                fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
                if cwd is not None:
                    os.chdir(cwd)
                os.execvpe(argv[0], list(argv), environment)
            finally:
                os._exit(127)
        fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        return cls(pid, master, rows, columns, answer=answer)

    @classmethod
    def python(
        cls,
        arguments: Sequence[str],
        *,
        columns: int = 80,
        rows: int = 24,
        environment: Mapping[str, str] | None = None,
    ) -> Screen:
        """Start `arguments`, after the Python interpreter, in the project's folder."""
        env = {"PYTHONPATH": str(ROOT), **(environment or {})}
        return cls.spawn([sys.executable, *arguments], env, rows, columns, cwd=ROOT)

    def __enter__(self) -> Screen:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def send(self, data: bytes | str) -> None:
        """Type `data`, taking in what is drawn meanwhile, so that neither side waits for the other."""
        left = data.encode() if isinstance(data, str) else data
        while left:
            readable, writable, _broken = select.select([self._master], [self._master], [], 10)
            if readable:
                self.read()
            if writable:
                left = left[os.write(self._master, left[:4096]) :]

    def paste(self, text: str, line_end: str = "\r") -> None:
        """Paste `text` as terminals do it: marked, and most with CR for line ends."""
        self.send("\x1b[200~" + text.replace("\r\n", "\n").replace("\n", line_end) + "\x1b[201~")

    def kill(self, number: signal.Signals) -> None:
        """Send a signal to the program."""
        os.kill(self.pid, number)

    def hang_up(self) -> int:
        """Close the window, as a person does by its corner, and wait for the program; its exit status."""
        os.close(self._master)
        self._master, self._closed = -1, True
        _, status = os.waitpid(self.pid, 0)
        self.status = os.waitstatus_to_exitcode(status)
        return self.status

    def modes(self) -> list[object]:
        """The terminal's settings (termios), as the shell after the program would find them."""
        return list(termios.tcgetattr(self._master))

    def resize(self, rows: int, columns: int) -> None:
        """Change the window's size, as a person dragging its edge does."""
        resize(self._emulator, rows, columns)
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self, timeout: float = 0.0) -> bytes:
        """Take in what the program writes within `timeout` seconds; returns at the first piece."""
        if self._closed or not select.select([self._master], [], [], timeout)[0]:
            return b""
        try:
            data = os.read(self._master, 1 << 16)
        except OSError:  # Linux: the program has closed its side
            data = b""
        if not data:
            self._closed = True
            return b""
        self.raw += data
        self._stream.feed(data)
        if self._answer:
            for _query in re.finditer(rb"\x1b\[6n", data):
                cursor = self._emulator.cursor
                self.send(f"\x1b[{cursor.y + 1};{cursor.x + 1}R")
        return data

    def wait_for(self, wanted: str | Callable[[], object], timeout: float = 15.0) -> None:
        """Read until `wanted` is on the screen (a text), or true (a function).

        Raises TimeoutError, with the screen in its message, when that does not come in `timeout` seconds.
        """
        holds = (lambda: wanted in self.text) if isinstance(wanted, str) else wanted
        end = time.monotonic() + timeout
        while not holds():
            left = end - time.monotonic()
            if left <= 0 or (self._closed and not self.read(0.0)):
                if holds():
                    return
                why = "the program ended" if self._closed else f"{timeout} seconds passed"
                raise TimeoutError(f"{why} without {wanted!r}; the screen:\n{self.text}")
            self.read(min(left, 0.05))

    def wait_for_exit(self, timeout: float = 15.0) -> int:
        """Read until the program ends; its exit status (negative: a signal's number). Raises TimeoutError."""
        end = time.monotonic() + timeout
        while self.status is None:
            self.read(0.02)
            done, status = os.waitpid(self.pid, os.WNOHANG)
            if done:
                self.status = os.waitstatus_to_exitcode(status)
            elif time.monotonic() > end:
                raise TimeoutError(f"still running after {timeout} seconds; the screen:\n{self.text}")
        while self.read(0.0):
            pass
        return self.status

    def close(self) -> None:
        """End the program if it still runs, and release the terminal. May be called twice."""
        if self.status is None:
            done, status = os.waitpid(self.pid, os.WNOHANG)
            if not done:
                os.kill(self.pid, signal.SIGKILL)
                _, status = os.waitpid(self.pid, 0)
            self.status = os.waitstatus_to_exitcode(status)
        if self._master >= 0:
            os.close(self._master)
            self._master, self._closed = -1, True

    @property
    def lines(self) -> list[str]:
        """The rows of the screen, without the blanks at their ends."""
        return [line.rstrip() for line in self._emulator.display]

    @property
    def text(self) -> str:
        """The screen as one text, without the empty rows below."""
        return "\n".join(self.lines).rstrip()

    @property
    def scrollback(self) -> list[str]:
        """The rows that have left the screen at its top, oldest first."""
        return [text_of(line) for line in self._emulator.history.top]

    @property
    def transcript(self) -> list[str]:
        """Scrollback and screen: everything a person can scroll through."""
        return self.scrollback + self.lines

    @property
    def cursor(self) -> tuple[int, int]:
        """The cursor's row and column, from 0."""
        return self._emulator.cursor.y, self._emulator.cursor.x

    @property
    def title(self) -> str:
        """The window's title as the program set it."""
        return str(self._emulator.title)


def text_of(line: Mapping[int, pyte.screens.Char]) -> str:
    """The text of a row of the emulator, without the blanks at its end."""
    blank = " "
    return "".join(line[x].data if x in line else blank for x in range(max(line, default=-1) + 1)).rstrip()


def resize(emulator: pyte.HistoryScreen, rows: int, columns: int) -> None:
    """Change the emulator's size as xterm does: what does not fit above the cursor goes to the scrollback.

    The emulator's own `resize` drops such rows and leaves the cursor where it was. Lines are not wrapped anew.
    """
    cursor = emulator.cursor
    above = max(cursor.y - (rows - 1), 0)
    if above:
        row = cursor.y
        cursor.y = emulator.lines - 1
        for _ in range(above):
            emulator.index()
        cursor.y = row - above
    emulator.lines, emulator.columns = rows, columns
    emulator.margins = None
    for number in [number for number in emulator.buffer if number >= rows]:
        del emulator.buffer[number]
    for line in emulator.buffer.values():
        for column in [column for column in line if column >= columns]:
            del line[column]
    cursor.x = min(cursor.x, columns - 1)
    emulator.dirty.update(range(rows))

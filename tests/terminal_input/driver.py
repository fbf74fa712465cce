"""A program in a pseudo-terminal, and the screen a person would see (POSIX)."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType

import pyte

ROOT = Path(__file__).parents[2]


class Terminal:
    """Runs `arguments` (after the Python interpreter) and reads what it draws; ends it on leaving the block."""

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        columns: int = 80,
        lines: int = 24,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.screen = pyte.HistoryScreen(columns, lines, history=5000)
        self._stream = pyte.ByteStream(self.screen)
        self.received = bytearray()
        self.status: int | None = None
        self.process, self.master = pty.fork()
        if self.process == 0:
            os.chdir(ROOT)
            names = {"TERM": "xterm-256color", "PYTHONPATH": str(ROOT), "LANG": "C.UTF-8", **(environment or {})}
            kept = {key: value for key, value in os.environ.items() if key in ("PATH", "HOME", "TMPDIR")}
            os.execve(sys.executable, [sys.executable, *arguments], {**kept, **names})
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.status is None:
            os.kill(self.process, signal.SIGKILL)
            os.waitpid(self.process, 0)
        os.close(self.master)

    def send(self, keys: str | bytes) -> None:
        """Type `keys`, reading what is drawn meanwhile so that neither side waits for the other."""
        data = keys.encode() if isinstance(keys, str) else keys
        while data:
            readable, writable, _broken = select.select([self.master], [self.master], [], 10)
            if readable:
                self.look()
            if writable:
                data = data[os.write(self.master, data[:4096]) :]

    def paste(self, text: str, line_end: str = "\r") -> None:
        """Paste `text` as terminals do it: marked, and most with CR for line ends."""
        self.send("\x1b[200~" + text.replace("\r\n", "\n").replace("\n", line_end) + "\x1b[201~")

    def text(self) -> str:
        """The screen, without blanks at the ends of lines."""
        return "\n".join(line.rstrip() for line in self.screen.display).rstrip()

    def wait(self, condition: str | Callable[[], bool], seconds: float = 15) -> None:
        """Read until the screen shows a text or a condition holds; fails with the screen in the message."""
        holds = condition if callable(condition) else lambda: condition in self.text()
        end = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > end or not self.look(0.05):
                if holds():
                    return
                raise AssertionError(f"waited in vain for {condition!r}; the screen:\n{self.text()}")

    def wait_for_end(self, seconds: float = 15) -> int:
        """Read until the program ends; its exit status."""
        end = time.monotonic() + seconds
        while self.status is None:
            self.look(0.05)
            process, status = os.waitpid(self.process, os.WNOHANG)
            if process:
                self.status = os.waitstatus_to_exitcode(status)
            elif time.monotonic() > end:
                raise AssertionError(f"still running; the screen:\n{self.text()}")
        while self.look(0.05) and select.select([self.master], [], [], 0)[0]:
            pass
        return self.status

    def resize(self, columns: int, lines: int) -> None:
        """Change the size of the window."""
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.screen.resize(lines, columns)

    def modes(self) -> list[object]:
        """The terminal's settings (termios), as the shell after the program would find them."""
        return list(termios.tcgetattr(self.master))

    def kill(self, number: signal.Signals) -> None:
        """Send a signal to the program."""
        os.kill(self.process, number)

    def look(self, seconds: float = 0.0) -> bool:
        """Take in what the program has drawn; False when it has closed the terminal."""
        if not select.select([self.master], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self.master, 65536)
        except OSError:
            return False
        self.received += data
        self._stream.feed(data)
        return bool(data)

"""A program in a pseudo-terminal, measured from outside: time, CPU seconds and bytes drawn (Linux)."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Mapping, Sequence
from types import TracebackType

_CODES = re.compile(
    rb"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[@-Z\\-_=>78]|[\x00-\x08\x0b-\x1f\x7f]",
    re.DOTALL,
)


class Program:
    """Runs `command`; ends it on leaving the block. It sees a terminal of 100 columns and 40 lines."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self.drawn = bytearray()
        self.begun = time.perf_counter()
        self.process, self.master = pty.fork()
        if self.process == 0:
            os.execvpe(command[0], list(command), {"TERM": "xterm-256color", **environment})
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))

    def __enter__(self) -> Program:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.kill(self.process, signal.SIGKILL)
        os.waitpid(self.process, 0)
        os.close(self.master)

    def cpu(self) -> float:
        """CPU seconds of the process and its threads so far (its clock as clock_getcpuclockid(3) names it)."""
        return time.clock_gettime((~self.process << 3) | 2)

    def send(self, text: str) -> None:
        """Type `text`, reading meanwhile what is drawn."""
        data = text.encode()
        while data:
            readable, writable, _failed = select.select([self.master], [self.master], [], 10)
            if readable:
                self._read()
            if writable:
                data = data[os.write(self.master, data[:4096]) :]

    def wait(self, text: str, since: int = 0, seconds: float = 60) -> float:
        """Read until `text` was drawn after the first `since` bytes; the moment (perf_counter)."""
        end = time.perf_counter() + seconds
        while text not in self.words(since):
            if not self._read(0.5) or time.perf_counter() > end:
                raise RuntimeError(f"waited in vain for {text!r}:\n{self.words()[-2000:]}")
        return time.perf_counter()

    def settle(self, idle: float) -> float:
        """Read until nothing was drawn for `idle` seconds; the moment of the last drawing."""
        last = time.perf_counter()
        while time.perf_counter() - last < idle:
            before = len(self.drawn)
            self._read(0.02)
            if len(self.drawn) > before:
                last = time.perf_counter()
        return last

    def words(self, since: int = 0) -> str:
        """What was drawn after the first `since` bytes, without the terminal's codes."""
        return _CODES.sub(b"", bytes(self.drawn[since:])).decode("utf-8", "replace")

    def _read(self, seconds: float = 0.0) -> bool:
        if not select.select([self.master], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self.master, 1 << 16)
        except OSError:
            return False
        self.drawn += data
        if b"\x1b[6n" in data:  # where is the cursor?
            os.write(self.master, b"\x1b[1;1R")
        return bool(data)

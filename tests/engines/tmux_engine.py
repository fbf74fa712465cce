"""tmux as an engine: a server of its own, one pane, and a control client that stays attached.

The pane's program sleeps; jobs are written to the pane's terminal device by the tests themselves. A query of the
cursor's position at the end of a job is answered when tmux has taken in everything before it.
"""

from __future__ import annotations

import os
import re
import select
import subprocess
import time
import tty
import uuid
from pathlib import Path

from tests.engines.engine import SCROLLBACK, Engine, Shown

_POSITION = re.compile(rb"\x1b\[(\d+);(\d+)R")
_PATIENCE = 20.0
"""Seconds after which a silent tmux is a failure."""


class Tmux(Engine):
    """A private tmux server; its socket is in `folder`."""

    name = "tmux"

    def __init__(self, folder: Path) -> None:
        self._command = ["tmux", "-u", "-S", str(folder / uuid.uuid4().hex[:8]), "-f", "/dev/null"]
        self._environment = {
            **{key: value for key, value in os.environ.items() if key not in ("TMUX", "LC_ALL")},
            "LC_CTYPE": "C.UTF-8",
            "TERM": "xterm-256color",
        }
        start = ["start-server", ";", "set", "-g", "history-limit", str(SCROLLBACK), ";"]
        start += ["new-session", "-d", "-x", "80", "-y", "24", "exec sleep 86400", ";"]
        start += ["set", "-g", "status", "off", ";", "set", "-g", "window-size", "manual"]
        subprocess.run([*self._command, *start], check=True, env=self._environment)
        self._control = subprocess.Popen(
            [*self._command, "-C", "attach", "-f", "no-output"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=self._environment,
        )
        self._block()  # the answer to `attach`
        self._run("set -g destroy-unattached on")  # the server ends with this process, however that ends
        device = self._run("display-message -p '#{pane_tty}'")[0]
        self._pane = os.open(device, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self._pane)
        self._size = (80, 24)
        self._closed = False

    def show(self, data: str, columns: int, rows: int) -> Shown:
        self._run("send-keys -R -t %0")
        self._run("clear-history -t %0")
        if self._size != (columns, rows):
            self._run(f"resize-window -t @0 -x {columns} -y {rows}")
            self._size = (columns, rows)
        queries = data.count("\x1b[6n") + 1
        replies = self._write(data.replace("\n", "\r\n").encode("utf-8", "surrogatepass") + b"\x1b[6n", queries)
        seen = self._run("capture-pane -p -S - -t %0")
        last = list(_POSITION.finditer(replies))[-1]
        row, column = int(last[1]) - 1, int(last[2]) - 1
        return Shown(
            [line.rstrip(" ") for line in seen],
            (len(seen) - rows + row, column),
            replies[: last.start()].decode(),
        )

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        os.close(self._pane)
        subprocess.run([*self._command, "kill-server"], check=False, env=self._environment)
        assert self._control.stdin is not None
        assert self._control.stdout is not None
        self._control.stdin.close()
        self._control.stdout.read()
        self._control.stdout.close()
        self._control.wait(10)

    def _write(self, data: bytes, queries: int) -> bytes:
        """Write `data` to the pane, and read until tmux has answered `queries` times."""
        replies = bytearray()
        end = time.monotonic() + _PATIENCE
        answered = 0
        while answered < queries:
            readable, writable, _ = select.select([self._pane], [self._pane] if data else [], [], 1)
            if readable:
                replies += os.read(self._pane, 1 << 16)
                answered = len(_POSITION.findall(replies))
            if writable:
                data = data[os.write(self._pane, data[:2048]) :]
            if time.monotonic() > end:
                raise TimeoutError(f"tmux answered {answered} of {queries} queries")
        return bytes(replies)

    def _run(self, command: str) -> list[str]:
        """The lines that a tmux command prints."""
        assert self._control.stdin is not None
        self._control.stdin.write(command.encode() + b"\n")
        self._control.stdin.flush()
        return self._block()

    def _block(self) -> list[str]:
        """The lines of the next answer of the control client."""
        assert self._control.stdout is not None
        lines: list[str] = []
        begun = b""
        for raw in self._control.stdout:
            line = raw.rstrip(b"\n")
            kind, _, rest = line.partition(b" ")
            if begun and rest == begun and kind in (b"%end", b"%error"):
                if kind == b"%error":
                    raise RuntimeError("\n".join(lines))
                return lines
            if begun:
                lines.append(line.decode("utf-8", "replace"))
            elif kind == b"%begin":
                begun = rest
        raise RuntimeError("tmux has ended")

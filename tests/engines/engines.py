"""The engines of the tests, started together; what is missing is told with how to get it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.engines.engine import Engine
from tests.engines.pyte_engine import Pyte
from tests.engines.tmux_engine import Tmux
from tests.engines.xterm_engine import HOME, Tables, Xterm, XtermProcess

NAMES = ("tmux", "xterm-6", "xterm-11", "xterm-graphemes", "pyte")
_TABLES: dict[str, Tables] = {"xterm-6": "6", "xterm-11": "11", "xterm-graphemes": "graphemes"}


def missing(name: str) -> str:
    """Why the engine `name` cannot be started here; empty if it can."""
    if name == "tmux" and shutil.which("tmux") is None:
        return "tmux is not installed"
    if name in _TABLES and (
        shutil.which("node") is None or not (HOME / "node_modules" / ".package-lock.json").exists()
    ):
        return "xterm.js is not here: install node and npm, and run tests/engines/install.sh"
    return ""


def require(name: str) -> None:
    """Skip the test where the engine `name` is missing, and fail it on CI."""
    reason = missing(name)
    if reason and os.environ.get("CI"):
        pytest.fail(reason)
    if reason:
        pytest.skip(reason)


@contextmanager
def all_engines(folder: Path) -> Iterator[Sequence[Engine]]:
    """The engines that can be started here, in the order of `NAMES`; tmux's socket is in `folder`."""
    with ExitStack() as stack:
        engines: list[Engine] = []
        process: XtermProcess | None = None
        for name in NAMES:
            if missing(name):
                continue
            if name == "tmux":
                engines.append(Tmux(folder))
            elif name == "pyte":
                engines.append(Pyte())
            else:
                if process is None:
                    process = XtermProcess()
                    stack.callback(process.close)
                engines.append(Xterm(process, _TABLES[name]))
            stack.callback(engines[-1].close)
        yield engines

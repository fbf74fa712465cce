"""The test program with a prompt, and what it says it has read."""

from __future__ import annotations

import json
from pathlib import Path

from tests.terminal_input.driver import Terminal

PROGRAM = ["-m", "tests.terminal_input.program_prompt"]


def start(folder: Path, *options: str, columns: int = 80, **environment: str) -> Terminal:
    """The test program, with its prompt on the screen."""
    terminal = Terminal([*PROGRAM, str(folder), *options], columns=columns, environment=environment)
    terminal.wait("alice ›")
    return terminal


def read(terminal: Terminal, text: str) -> None:
    """Wait until the program says that it has read `text`, on one line or over several."""
    wanted = json.dumps(text)
    terminal.wait(lambda: f"read {wanted}" in "".join(line.ljust(80) for line in terminal.screen.display))

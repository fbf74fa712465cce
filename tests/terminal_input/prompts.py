"""The test program with a prompt, and what it says it has read."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.screen import Screen

PROGRAM = ["-m", "tests.terminal_input.program_prompt"]


def start(folder: Path, *options: str, columns: int = 80, **environment: str) -> Screen:
    """The test program, with its prompt on the screen."""
    terminal = Screen.python([*PROGRAM, str(folder), *options], columns=columns, environment=environment)
    terminal.wait_for("alice ›")
    return terminal


def read(terminal: Screen, text: str) -> None:
    """Wait until the program says that it has read `text`, on one line or over several."""
    wanted = json.dumps(text)
    terminal.wait_for(lambda: f"read {wanted}" in "".join(line.ljust(80) for line in terminal.lines))

"""The line of long work: when it appears, what it shows, and that it goes away."""

from __future__ import annotations

import pytest

from gptchat.core.width import cells
from gptchat.terminal.output.progress import PATIENCE, ProgressLine


class Drawn:
    """A terminal of `columns` and a clock that a test turns on."""

    def __init__(self, columns: int = 80) -> None:
        self.written: list[str] = []
        self.now = 0.0
        self.line = ProgressLine(self.written.append, lambda: columns, lambda: self.now)

    def last(self) -> str:
        """What stands on the line."""
        return self.written[-1].removeprefix("\r\x1b[2K")


def test_quick_work_shows_nothing() -> None:
    """Work that is soon done draws no bar, and leaves no byte on the terminal."""
    drawn = Drawn()
    for done in range(10):
        drawn.line.step("reading", done, 10)
        drawn.now += PATIENCE / 20
    drawn.line.close()
    assert drawn.written == []


def test_long_work_has_a_bar() -> None:
    """Work that takes longer shows a bar and its percentage, drawn only on a change, then takes them away."""
    drawn = Drawn()
    drawn.line.step("reading chat.json", 0, 1000)
    drawn.now = PATIENCE
    drawn.line.step("reading chat.json", 500, 1000)
    assert drawn.last() == "reading chat.json ██████████░░░░░░░░░░  50%"
    for done in range(500, 504):
        drawn.line.step("reading chat.json", done, 1000)
    assert len(drawn.written) == 1
    drawn.line.step("reading chat.json", 1000, 1000)
    assert drawn.last() == "reading chat.json ████████████████████ 100%"
    drawn.line.close()
    assert drawn.written[-1] == "\r\x1b[2K"


@pytest.mark.parametrize("columns", [2, 5, 8, 20, 30, 60])
def test_it_stays_on_one_line(columns: int) -> None:
    """In any width, with names wide or hostile, the line never wraps and nothing in it acts on the terminal."""
    drawn = Drawn(columns)
    drawn.line.step("", 0, 1)
    drawn.now = PATIENCE
    drawn.line.step("正在读取 会话记录\x1b[2J\n.json", 3, 10)
    assert cells(drawn.last()) < columns
    assert drawn.last().isprintable()

"""How a reply begins: reasoning that is kept above the answer, and the answer's first line."""

from __future__ import annotations

import pytest

from tests.terminal.emulator import Window

THOUGHTS = "\n\nfirst I look\nat it\n\nthen again\n\n\n  - a list\n"


@pytest.mark.parametrize("size", [1, 2, 5, 100])
def test_kept_reasoning_keeps_its_paragraphs(size: int) -> None:
    """With `full`, blank lines inside of the reasoning stay where they are, in whatever pieces it comes."""
    window = Window(reasoning="full")
    for at in range(0, len(THOUGHTS), size):
        window.painter.feed_reasoning(THOUGHTS[at : at + size])
        window.painter.frame(force=True)
    window.painter.feed("the answer")
    window.painter.finish()
    shown = "\n".join(line.rstrip() for line in window.transcript).strip("\n")
    assert shown == "first I look\nat it\n\nthen again\n\n\n  - a list\n\nthe answer"


@pytest.mark.parametrize("blank", ["  ", "\n  ", "\n\n  "])
def test_the_first_line_keeps_its_indent(blank: str) -> None:
    """A list that is indented as a whole stays one list, though the first piece of the reply is blank."""
    window = Window()
    for piece in (blank, "- one\n  - two\n"):
        window.painter.feed(piece)
        window.painter.frame(force=True)
    window.painter.finish()
    assert window.transcript == ["• one", "• two"]

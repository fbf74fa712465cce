"""Reasoning that is kept above the answer."""

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

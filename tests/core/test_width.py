"""Rules for the width of text: lines fit every terminal, lose nothing, and break where readers expect it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptchat.core.width import breaks, cells, clusters, cut, least_cells, sure, wrapped

CHARACTERS = [
    *"ab 1-.(中文，。）ก⚠✔❤🎉־א",
    "é",
    "हि",
    "न्द",
    "กำ",
    "\u1100\u1161",
    "⚠️",
    "1️⃣",
    "👍🏽",
    "👩‍👧",
    "❤️‍🔥",
    "🇩🇪",
    "字\ufe0f",
]
SCRIPTS = st.lists(st.sampled_from(CHARACTERS)).map("".join)


@pytest.mark.parametrize(
    ("text", "width"),
    [
        ("plain", 5),
        ("中文", 4),
        ("e\u0301", 1),
        ("⚠", 1),
        ("⚠️", 2),
        ("1️⃣", 2),
        ("👍🏽", 4),
        ("👩‍👧", 4),
        ("हिन्दी", 5),
    ],
)
def test_the_width_is_the_largest_that_a_terminal_uses(text: str, width: int) -> None:
    """Text is given the room that the terminal needs which draws it widest."""
    assert cells(text) == width


@given(SCRIPTS)
def test_widths_are_bounds(text: str) -> None:
    """The smallest width is at most the largest, and where terminals agree both are one."""
    assert least_cells(text) <= cells(text)
    known = text[: sure(text)]
    assert least_cells(known) == cells(known)
    assert sum(width for _start, _end, width in clusters(text)) == cells(text)


@given(SCRIPTS, st.integers(8, 30))
def test_lines_fit_and_lose_nothing(text: str, width: int) -> None:
    """Every line fits, all but blanks is there in order, and no character is parted from its marks."""
    lines = wrapped(text, width)
    assert all(cells(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    starts = {start for start, _end, _width in clusters(text)}
    assert all(start in starts or start == len(text) for start, _end in breaks(text, width))
    assert cells(text[: cut(text, width)]) <= width


@pytest.mark.parametrize("mark", [*")·》」。，；：？！%…”］）", "￥", "（"])
def test_marks_stay_with_their_neighbours(mark: str) -> None:
    """No line begins with a closing mark or ends with an opening one, whether it is full-width or not."""
    for width in range(8, 24):
        for line in wrapped(f"价格是{mark}和其他的东西" * 6, width):
            if mark in "￥（":
                assert not line.endswith(mark)
            else:
                assert not line.startswith(mark)

"""The engines themselves: what the other tests take for granted of them."""

from __future__ import annotations

import pytest

from tests.engines.engine import Engine
from tests.engines.engines import NAMES, require

WIDTHS = {"xterm-6": [1, 1, 2, 2, 2], "xterm-11": [1, 2, 2, 2, 4], "xterm-graphemes": [2, 2, 1, 1, 2]}
"""The columns of the texts below. The others are not pinned: tmux and wcwidth count anew with their versions."""
TEXTS = ["\u26a0\ufe0f", "\u2705", "\u0915\u0940", "\u0e01\u0e33", "\U0001f44d\U0001f3fd"]


@pytest.mark.parametrize("name", NAMES)
def test_an_engine_shows_scrollback_and_cursor(engines: dict[str, Engine], name: str) -> None:
    """An engine tells the rows that have left the window, those in it, and where the cursor stands."""
    require(name)
    for columns in (20, 33):  # one job leaves nothing to the next
        shown = engines[name].show("".join(f"row {number}\n" for number in range(30)) + "\u00e9nd", columns, 10)
        assert shown.text.split("\n") == [*(f"row {number}" for number in range(30)), "\u00e9nd"]
        assert shown.cursor == (30, 3)
        assert len(shown.rows) == 31


@pytest.mark.parametrize("name", WIDTHS)
def test_xterm_measures_with_the_table_it_is_told(engines: dict[str, Engine], name: str) -> None:
    """xterm.js counts columns by each of its three tables."""
    require(name)
    assert engines[name].widths(TEXTS) == WIDTHS[name]


@pytest.mark.parametrize("name", NAMES)
def test_an_engine_keeps_the_text_after_a_variation_selector(engines: dict[str, Engine], name: str) -> None:
    """Nothing of a row is lost that is written in one go, whatever stands in it."""
    require(name)
    text = "a \u26a0\ufe0f b \u200b\u0915\u0940 c 1\ufe0f\u20e3 d"
    row = engines[name].show(text, 40, 5).rows[0]
    assert row.replace("\u200b", "") == text.replace("\u200b", "")

"""What commands show, laid out."""

from __future__ import annotations

import pytest

from gptchat.commands.effects import Bars, Block, Facts, Marked, Sheet, Table
from gptchat.config.schema import SETTINGS
from gptchat.core.width import cells
from gptchat.terminal.output.blocks import lines_of


def rows_of(block: Block, width: int | None) -> list[str]:
    """The block's lines as text."""
    return ["".join(text for text, _look in line) for line in lines_of([block], width)]


def test_a_column_that_says_nothing_takes_no_room() -> None:
    """On a screen a column without a single value is not drawn; a pipe still gets all of them."""
    table = Table(["name", "price", "turns"], [["a", "", "1"], ["b", "", "20"]], right=frozenset({1, 2}), marked=1)
    assert rows_of(table, 40) == ["  name  turns", "  a         1", "› b        20"]
    assert rows_of(table, None)[0] == "  name  price  turns"
    assert rows_of(Table(["name", "price"], []), 40) == ["  name  price"]


DAYS = Bars(
    [
        ("2026-11-18", 2.0, ["1,200 tokens", "$2.00"]),
        ("今天", 0.001, ["12 tokens", "$0.0010"]),
        ("x", 0, ["", "$0"]),
    ]
)


@pytest.mark.parametrize("width", [20, 40, 79, 200])
def test_bars_are_aligned_and_fit(width: int) -> None:
    """Bars have one scale and one left edge, figures one right edge; a small size is seen, a zero is not.

    In a window that is too narrow for the figures they stand below each other.
    """
    rows = rows_of(DAYS, width)
    assert all(cells(row) <= width for row in rows)
    if width < 35:
        assert " ".join("".join(rows).split()) == "2026-11-18 1,200 tokens $2.00 今天 12 tokens $0.0010 x $0"
        return
    assert len({cells(row) for row in rows}) == 1
    bars = [row.count("█") for row in rows]
    assert bars == ([0, 0, 0] if width < 50 else [min(width - 39, 40), 1, 0])


def test_a_pipe_gets_figures_without_bars() -> None:
    """What a script reads are the labels and figures alone."""
    assert rows_of(DAYS, None)[0].split() == ["2026-11-18", "1,200", "tokens", "$2.00"]
    assert "█" not in "".join(rows_of(DAYS, None))


@pytest.mark.parametrize("width", range(30, 121, 3))
def test_the_name_of_a_setting_is_never_broken(width: int) -> None:
    """At any width a table keeps each setting's name in one piece, beside its value or above it."""
    long = "a value that is much longer than any column of it could be, and so has to be wrapped somewhere"
    table = Table(["setting", "value", "from"], [[key, long, "your settings"] for key in SETTINGS])
    shown = rows_of(table, width)
    assert [key for key in SETTINGS if not any(key in row for row in shown)] == []
    assert max(map(cells, shown)) <= width


@pytest.mark.parametrize("width", [24, 40, 79, 120])
def test_what_wraps_goes_on_under_itself(width: int) -> None:
    """The second row of a value, of a description or of a finding begins where its first row does."""
    words = "some words that are long enough to be wrapped once or twice whatever the width of the window is " * 2
    for block in (Facts([("name", words)]), Marked("✓", words, "good"), Sheet([("Title", [("/name", words)])])):
        shown = rows_of(block, width)
        begin = next(number for number, row in enumerate(shown) if "some" in row)
        column = cells(shown[begin].partition("some")[0])
        assert len(shown) > begin + 1
        for row in shown[begin + 1 :]:
            assert len(row) - len(row.lstrip()) == column
            assert cells(row) <= width

"""What commands show, laid out."""

from __future__ import annotations

import pytest

from gptchat.commands.effects import Bars, Table
from gptchat.core.width import cells
from gptchat.terminal.output.blocks import lines_of


def rows_of(table: Table | Bars, width: int | None) -> list[str]:
    """The table's lines as text."""
    return ["".join(text for text, _look in line) for line in lines_of([table], width)]


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

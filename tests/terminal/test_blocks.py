"""What commands show, laid out."""

from __future__ import annotations

from gptchat.commands.effects import Table
from gptchat.terminal.output.blocks import lines_of


def rows_of(table: Table, width: int | None) -> list[str]:
    """The table's lines as text."""
    return ["".join(text for text, _look in line) for line in lines_of([table], width)]


def test_a_column_that_says_nothing_takes_no_room() -> None:
    """On a screen a column without a single value is not drawn; a pipe still gets all of them."""
    table = Table(["name", "price", "turns"], [["a", "", "1"], ["b", "", "20"]], right=frozenset({1, 2}), marked=1)
    assert rows_of(table, 40) == ["  name  turns", "  a         1", "› b        20"]
    assert rows_of(table, None)[0] == "  name  price  turns"
    assert rows_of(Table(["name", "price"], []), 40) == ["  name  price"]

"""What commands show, laid out; and mistakes of the program itself, which are told in one sentence."""

from __future__ import annotations

import subprocess
import sys

from gptchat.commands.effects import Table
from gptchat.terminal.blocks import lines_of


def rows_of(table: Table, width: int | None) -> list[str]:
    """The table's lines as text."""
    return ["".join(text for text, _look in line) for line in lines_of([table], width)]


def test_a_column_that_says_nothing_takes_no_room() -> None:
    """On a screen a column without a single value is not drawn; a pipe still gets all of them."""
    table = Table(["name", "price", "turns"], [["a", "", "1"], ["b", "", "20"]], right=frozenset({1, 2}), marked=1)
    assert rows_of(table, 40) == ["  name  turns", "  a         1", "› b        20"]
    assert rows_of(table, None)[0] == "  name  price  turns"
    assert rows_of(Table(["name", "price"], []), 40) == ["  name  price"]


def test_a_mistake_of_the_program_prints_no_traceback() -> None:
    """Without --debug a mistake of our own becomes a sentence, and nothing is printed beside it."""
    program = "from gptchat.terminal.debugging import unexpected; print(unexpected(ValueError('odd')).message)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("a mistake in gptchat itself: ValueError: odd\n", "")

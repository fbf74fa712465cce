"""What a terminal engine is to the tests: it takes what a program writes and tells what a person sees."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

SCROLLBACK = 20_000
"""Rows of history that each engine keeps."""
_POSITION = re.compile(r"\x1b\[(\d+);(\d+)R")
_FRESH = "\r\u00b7\r\x1b[2K"
"""Empties the row. tmux joins the next character that is not ASCII to a U+200D before it, wherever the cursor went
meanwhile; the dot takes this upon itself.
"""
_WIDEST = 240
"""Columns of the window in which widths are measured."""
_BATCH = 500
"""Texts that are measured in one go."""


@dataclass(frozen=True)
class Shown:
    """What stands in the window: the rows of scrollback and screen, without the blanks at their ends.

    `cursor` is an index of `rows` and a column; `replies` is what the terminal answered to queries.
    """

    rows: list[str]
    cursor: tuple[int, int]
    replies: str = ""

    @property
    def text(self) -> str:
        """All rows as one text, without the empty ones below."""
        return "\n".join(self.rows).rstrip("\n")


class Engine(ABC):
    """A terminal engine. It serves any number of jobs; `close` ends it."""

    name: str

    @abstractmethod
    def show(self, data: str, columns: int, rows: int) -> Shown:
        """What stands in an empty window of that size after a program wrote `data` to it.

        As in any terminal, the line discipline makes CR LF of a line feed.
        """

    def close(self) -> None:  # noqa: B027 - an engine without a process has nothing to end
        """End the engine. May be called twice."""

    def widths(self, texts: Sequence[str]) -> list[int]:
        """The columns by which the cursor advances over each of `texts`, which are short and on one line."""
        found: list[int] = []
        for begin in range(0, len(texts), _BATCH):
            batch = texts[begin : begin + _BATCH]
            replies = self.show("".join(f"{_FRESH}{text}\x1b[6n" for text in batch), _WIDEST, 5).replies
            columns = [int(column) - 1 for _, column in _POSITION.findall(replies)]
            if len(columns) != len(batch):
                raise RuntimeError(f"{self.name} answered {len(columns)} of {len(batch)} queries")
            found += columns
        return found


def translated(data: str) -> str:
    """`data` as the terminal gets it from the line discipline."""
    return data.replace("\n", "\r\n")

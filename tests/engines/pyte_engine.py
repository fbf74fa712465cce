"""pyte, the emulator that most tests look at, with the interface of the engines."""

from __future__ import annotations

import re
import unicodedata

import pyte
from wcwidth import wcwidth

from tests.engines.engine import SCROLLBACK, Engine, Shown, translated
from tests.support.screen import text_of

_PIECE = re.compile(r"[\x20-\x7e]+|.", re.DOTALL)


class _Screen(pyte.HistoryScreen):
    """pyte's screen, except that a character of no width that does not combine is kept with the one before it.

    pyte 0.8.2 drops it and all text up to the next control character: U+FE0F and U+200D among them.
    """

    def __init__(self, columns: int, rows: int) -> None:
        super().__init__(columns, rows, history=SCROLLBACK, ratio=0.5)
        self.replies = ""

    def write_process_input(self, data: str) -> None:
        self.replies += data

    def draw(self, data: str) -> None:
        for piece in _PIECE.findall(data):
            if len(piece) > 1 or wcwidth(piece) > 0 or unicodedata.combining(piece):
                super().draw(piece)
            elif self.cursor.x:
                line = self.buffer[self.cursor.y]
                at = self.cursor.x - 1
                if at and not line[at].data:
                    at -= 1  # the second column of a wide character
                line[at] = line[at]._replace(data=line[at].data + piece)


class Pyte(Engine):
    """pyte's screen with history; it measures with the package wcwidth, a character at a time."""

    name = "pyte"

    def show(self, data: str, columns: int, rows: int) -> Shown:
        screen = _Screen(columns, rows)
        pyte.Stream(screen).feed(translated(data))
        past = [text_of(line) for line in screen.history.top]
        seen = past + [text_of(screen.buffer[row]) for row in range(rows)]
        return Shown(seen, (len(past) + screen.cursor.y, screen.cursor.x), screen.replies)

"""pyte, the emulator that most tests look at, with the interface of the engines."""

from __future__ import annotations

import pyte

from tests.engines.engine import Engine, Shown, translated
from tests.support.screen import Emulator, text_of


class _Answering(Emulator):
    """Keeps what it answers to queries."""

    def __init__(self, columns: int, rows: int) -> None:
        super().__init__(columns, rows)
        self.replies = ""

    def write_process_input(self, data: str) -> None:
        self.replies += data


class Pyte(Engine):
    """The emulator of the other tests; it measures with the package wcwidth, a character at a time."""

    name = "pyte"

    def show(self, data: str, columns: int, rows: int) -> Shown:
        screen = _Answering(columns, rows)
        pyte.Stream(screen).feed(translated(data))
        past = [text_of(line) for line in screen.history.top]
        seen = past + [text_of(screen.buffer[row]) for row in range(rows)]
        return Shown(seen, (len(past) + screen.cursor.y, screen.cursor.x), screen.replies)

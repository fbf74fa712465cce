"""A painter in front of a terminal emulator, with a clock of its own: what a person would see, without waiting."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pyte

from gptchat.terminal.output.capabilities import Terminal
from gptchat.terminal.output.painter import Painter
from gptchat.terminal.output.theme import Theme
from gptchat.terminal.output.thoughts import Reasoning
from tests.support.screen import Emulator, resize


class Window:
    """An emulated window with a painter in it. `written` is all that was sent; `now` its clock in seconds."""

    def __init__(
        self,
        rows: int = 24,
        columns: int = 80,
        *,
        terminal: Terminal | None = None,
        reasoning: Reasoning = "short",
        theme: str = "dark",
    ) -> None:
        self.rows, self.columns = rows, columns
        self.now = 0.0
        self.written: list[str] = []
        self.screen = Emulator(columns, rows)
        self._stream = pyte.Stream(self.screen)
        self.painter = Painter(
            self._write,
            size=lambda: (self.columns, self.rows),
            theme=Theme(theme),
            # the emulator does not wrap lines anew when its width changes
            terminal=terminal or Terminal(depth="256", reflows=False),
            clock=lambda: self.now,
            reasoning=reasoning,
        )

    def _write(self, text: str) -> None:
        self.written.append(text)
        self.show(text)

    def show(self, text: str) -> None:
        """Write what is not the painter's."""
        self._stream.feed(text.replace("\r\n", "\n").replace("\n", "\r\n"))

    def stream(self, text: str, *, rate: float = 800.0, longest: int = 9, seed: int = 0) -> None:
        """Feed `text` in random pieces at about `rate` characters a second, painting when it is time."""
        chance = random.Random(seed)
        at = 0
        while at < len(text):
            size = chance.randint(1, longest)
            self.painter.feed(text[at : at + size])
            self.painter.frame()
            self.now += size / rate
            at += size

    def resize(self, rows: int, columns: int) -> None:
        """Change the window's size; the painter hears of it at its next frame."""
        self.rows, self.columns = rows, columns
        resize(self.screen, rows, columns)

    @property
    def lines(self) -> list[str]:
        """The rows of the screen."""
        return [line.rstrip() for line in self.screen.display]

    @property
    def transcript(self) -> list[str]:
        """Scrollback and screen, without the empty rows at the end."""
        past = [
            "".join(line[x].data for x in range(max(line, default=-1) + 1)) for line in self.screen.history.top
        ]
        rows = [line.rstrip() for line in past] + self.lines
        while rows and not rows[-1]:
            rows.pop()
        return rows

    def count(self, marks: Sequence[str]) -> dict[str, int]:
        """How often each of `marks` stands in the transcript, those that stand there once left out."""
        text = "\n".join(self.transcript)
        return {mark: found for mark in marks if (found := text.count(mark)) != 1}

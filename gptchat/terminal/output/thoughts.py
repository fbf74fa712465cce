"""Shows a model's reasoning while it streams: dimmed, and folded to one line when the answer begins."""

from __future__ import annotations

from typing import Literal

from gptchat.core.safe import clean
from gptchat.terminal.markdown.lines import Line, wrap
from gptchat.terminal.output.status import count_words, thought
from gptchat.terminal.output.theme import Theme

Reasoning = Literal["full", "short", "off"]


class Thoughts:
    """The reasoning of one reply. With "full" it stays on the screen, with "off" it is not shown."""

    def __init__(self, mode: Reasoning, theme: Theme) -> None:
        self._mode = mode
        self._style = theme["reasoning"]
        self._parts: list[str] = []
        self._shown = False
        """Whether lines of it are final."""
        self._folded = False
        self.since: float | None = None
        """Clock time of the first piece; None before it."""

    @property
    def printing(self) -> bool:
        """Whether final lines of it stand on the screen and more may follow."""
        return self._shown and not self._folded

    def feed(self, text: str, now: float) -> None:
        """Take a piece at the clock time `now`."""
        if self.since is None:
            self.since = now
        self._parts.append(text)

    def read(self, width: int, rows: int) -> tuple[list[Line], list[Line]]:
        """The lines that have become final, and the last ones as they look now, of which `rows` are shown."""
        text = "".join(self._parts)
        if self._mode == "off":
            return [], []
        final: list[Line] = []
        if self._mode == "full":
            whole = text.rpartition("\n")[0].rstrip()  # blank lines are only printed before more text
            if whole:
                final = self._dimmed(whole, width)
                self._shown = True
                text = text[len(whole) :].partition("\n")[2]
                self._parts = [text]
            return final, self._dimmed(text, width)
        return final, self._dimmed(text[-(width * rows) :], width)

    def fold(self, width: int, now: float) -> list[Line]:
        """The lines that end it: its summary, or the rest of it with "full". None if there is nothing to fold."""
        if self.since is None or self._folded:
            return []
        self._folded = True
        text = "".join(self._parts)
        if self._mode == "full":
            return [*self._dimmed(text, width), []]
        if self._mode == "short":
            return [[("∴ " + thought(now - self.since, count_words(text)), self._style)], []]
        return []

    def _dimmed(self, text: str, width: int) -> list[Line]:
        if not text.strip():
            return []
        text = clean(text).rstrip("\n").replace("\t", "    ")
        return wrap([(text if self._shown else text.lstrip("\n"), self._style)], width)

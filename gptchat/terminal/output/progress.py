"""A progress bar for long work: one line, redrawn in place and removed at the end."""

from __future__ import annotations

import time
from collections.abc import Callable

from gptchat.core.safe import clean_line
from gptchat.core.width import cells, cut

PATIENCE = 0.5
"""Seconds of work before the bar is drawn; shorter work shows none."""
_BAR = 20
_LEAST = 6
"""Normal and minimum width of the bar in cells; narrower terminals only show the percentage."""


class ProgressLine:
    """The progress of one task at a time. `write` sends text to the terminal; `width` returns its columns.

    `clock` returns monotonic seconds.
    """

    def __init__(
        self,
        write: Callable[[str], None],
        width: Callable[[], int],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._write = write
        self._width = width
        self._clock = clock
        self._began: float | None = None
        self._shown = ""

    def step(self, label: str, done: int, total: int) -> None:
        """Report that `done` of `total` steps are done; writes only if the line changes."""
        now = self._clock()
        if self._began is None:
            self._began = now
        if now - self._began < PATIENCE:
            return
        line = _line(clean_line(label), min(max(done / total, 0.0), 1.0) if total else 1.0, self._width() - 1)
        if line != self._shown:
            self._shown = line
            self._write(f"\r\x1b[2K{line}")

    def close(self) -> None:
        """End the task and remove the line."""
        if self._shown:
            self._write("\r\x1b[2K")
        self._began, self._shown = None, ""


def _line(label: str, share: float, width: int) -> str:
    """Label, bar and percentage in at most `width` cells; the label is shortened first, then the bar."""
    percent = f"{share:4.0%}"
    bar = min(_BAR, width - cells(percent) - 1)
    drawn = f"{'█' * round(share * bar)}{'░' * (bar - round(share * bar))} {percent}" if bar >= _LEAST else percent
    room = width - cells(drawn) - 1
    return (f"{label[: cut(label, room)]} {drawn}" if room > 0 else drawn)[: max(width, 1)]

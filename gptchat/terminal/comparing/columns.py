"""Paints answers that stream at once: side by side where the window is wide enough, else one under the other.

While they stream, a live area of fixed height shows the tail of each. Nothing is final until all have ended; then
each answer is printed once, whole, so no line stands twice in the scrollback, whatever happens to the window.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice, zip_longest
from typing import TYPE_CHECKING

from gptchat.core.safe import clean
from gptchat.core.width import sure
from gptchat.terminal.calls.beside import BesidePainter
from gptchat.terminal.comparing.answers import ShownAnswer
from gptchat.terminal.markdown.lines import (
    STOP,
    Encoder,
    Line,
    clip,
    plain,
    rows_of,
    trim,
    width_of,
    wrap,
)
from gptchat.terminal.output.frame import LiveRegion, PlainRegion, ScreenRow, live_rows
from gptchat.terminal.output.reply import columns_to_fill
from gptchat.terminal.output.status import TICKS, status_rows, working
from gptchat.words import _

if TYPE_CHECKING:
    from gptchat.config.schema import UiSettings
    from gptchat.conversation.outcome import Outcome
    from gptchat.core.events import TurnEvent
    from gptchat.terminal.output.capabilities import Terminal
    from gptchat.terminal.output.theme import Theme

LEAST = 38
"""Cells that a column has at least: two stand side by side in a window of 80."""
_BAR = " │ "
FRAME = 1 / 12
"""Minimum seconds between two frames of text; a change of the footer is painted at once."""
_WORK = 0.03
"""Seconds that one frame spends on text that came faster than it can be drawn."""
_MOST_ROWS = 8
"""Maximum rows of a tail in a column."""
_LIKELY = 80
"""Columns to which a wide window may be dragged. A terminal that reflows then makes several rows of each row of
the live area. It is so low that they fit a window of half the height, since rows that have left it stay."""
_FEW_ROWS = 6
"""Maximum rows of a tail above another."""
_AT_ONCE = 60
"""Rows of the whole answers that one frame prints."""


class ColumnsPainter(BesidePainter):
    """Shows the answers of the models `names` (a `LivePainter`); `take` takes their events.

    `write` sends text to the terminal at once. `size` returns (columns, rows). `clock` returns monotonic seconds.
    """

    code_blocks = 0

    def __init__(
        self,
        write: Callable[[str], object],
        names: Sequence[str],
        *,
        size: Callable[[], tuple[int, int]],
        theme: Theme,
        terminal: Terminal,
        ui: UiSettings,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(clock)
        self._measure = size
        self._size = size()
        self._theme = theme
        self._terminal = terminal
        self._encoder = Encoder(terminal)
        self._region: LiveRegion | PlainRegion = (
            PlainRegion(write) if terminal.dumb else LiveRegion(write, terminal)
        )
        self.answers = [
            ShownAnswer(n, name, theme=theme, hyperlinks=terminal.hyperlinks, ui=ui, raw=ui.raw)
            for n, name in enumerate(names, 1)
        ]
        self._began, self._painted = clock(), float("-inf")
        self._final: list[Line] = [[]]  # a blank line below the person's message
        self._printing: Iterator[Line] | None = None
        self._dirty, self._drawn = True, (0, 0)

    def take(self, number: int, event: TurnEvent) -> None:
        """Take an event of the answer `number`, from 0."""
        self.answers[number].take(event)
        self._dirty = True

    def print_whole(self, outcomes: Sequence[Outcome]) -> None:
        """All answers have ended, as `outcomes` say: frames print them from now on, until nothing is `behind`."""
        for answer, outcome in zip(self.answers, outcomes, strict=True):
            if outcome.withheld:
                answer.withhold(outcome.withheld)
        self._printing = self._whole()

    @property
    def behind(self) -> bool:
        """Whether rows of the whole answers are not printed yet."""
        return self._printing is not None

    def skip(self) -> None:
        """Leave out what `behind` means; a line says so."""
        if self._printing is not None:
            self._printing = None
            words = _("the rest of what came is not drawn; it is saved, and /history shows it")
            self._final += wrap([(words, self._theme["notice"])], self._columns)

    def frame(self, *, force: bool = False) -> float | None:
        """Paint if it is time or `force`. Returns the seconds after which to call again; None: after new input."""
        now = self._clock()
        self._size = self._measure()
        if self._printing is not None:
            rows = list(islice(self._printing, _AT_ONCE))
            self._final += rows
            if len(rows) < _AT_ONCE:
                self._printing = None
            self._paint(now)
            return 0.0
        wait = self._painted + FRAME - now
        self._release()
        changed = self._footer_dirty or self._final or self._size != self._drawn
        if changed or force or wait <= 0:
            self._paint(now)
            wait = FRAME
        return wait if self._dirty else 1 / TICKS

    def clear(self) -> None:
        """Clear the screen; the live area is painted again at its top."""
        self.step_aside()
        self._region.clear()

    def step_aside(self) -> None:
        """Remove the live area, so that another program can use the screen. A frame repaints it."""
        self._region.paint(self._rows_of_final(), [], None, self._size)
        self._footer_dirty = True

    def feed(self, text: str) -> None:
        """Does nothing: text belongs to an answer."""

    def feed_reasoning(self, text: str) -> None:
        """Does nothing: reasoning belongs to an answer."""

    def text_was_reasoning(self, text: str) -> None:
        """Does nothing: text belongs to an answer."""

    def begin_round(self) -> None:
        """Does nothing: no tools are called."""

    def make_way(self) -> None:
        """Print what is final, so that the person can be asked something below it."""
        self.step_aside()

    @property
    def _columns(self) -> int:
        return columns_to_fill(self._size[0])

    def _split(self) -> int:
        """The width of each column; 0 where they do not stand side by side."""
        count = len(self.answers)
        width = (self._columns - len(_BAR) * (count - 1)) // count
        return width if width >= LEAST and not self._terminal.dumb else 0

    def _release(self, *, ended: bool = False) -> bool:
        """Print the output of commands that were run meanwhile, above the live area."""
        between = self._printing is None or ended
        ready = self._beside.take(self._clock(), between=between, divisible=between)
        for group in ready:
            for line in group.lines or ():
                self._final += wrap([(clean(text), self._theme[look]) for text, look in line], self._columns)
            self._final.append([])
        return bool(ready)

    def _end(self, status: str, look: str) -> None:
        self._size = self._measure()
        while self._printing is not None:
            self.frame()
        self._release(ended=True)
        self._footer, self._cursor = [], None
        self.step_aside()

    # The live area

    def _paint(self, now: float) -> None:
        self._painted, self._drawn = now, self._size
        self._footer_dirty = False
        if self._terminal.dumb:
            self._region.paint(self._rows_of_final(), [], None, self._size)
            return
        width, passed = self._columns, now - self._began
        until = now + _WORK

        def more() -> bool:
            return self._clock() < until

        lines: list[Line] = []
        if self._printing is None:
            lines = self._side_by_side(passed, more) if self._split() else self._stacked(passed, more)
            lines.append([])
        self._dirty = any(answer.behind for answer in self.answers)
        told = working(passed, False, [], self._beside.coming(), self._activity, keys=True)
        sign, rest = self._theme["spinner"], self._theme["status"]
        lines += [[(first, sign), (text, rest)] for first, text in status_rows(told, width)]
        above = len(lines)
        lines += [clip([(text, self._theme[look]) for text, look in line], width) for line in self._footer]
        at = (above + self._cursor[0], min(self._cursor[1], width)) if self._cursor is not None else None
        rows, cursor = live_rows(lines, at, self._size[1], self._encoder)
        self._region.paint(self._rows_of_final(), rows, cursor, self._size)

    def _side_by_side(self, passed: float, more: Callable[[], bool]) -> list[Line]:
        width = self._split()
        room = (self._size[1] // 2 - len(self._footer) - 2) // self._folds() - 2
        height = min(max(room, 3), _MOST_ROWS)
        tails = [answer.tail(width, height, more) for answer in self.answers]
        lines = [self._row([self._heading(answer) for answer in self.answers], width)]
        lines += [self._row([_at(tail, at) for tail in tails], width) for at in range(height)]
        lines.append(self._row([self._state(answer, passed) for answer in self.answers], width))
        return lines

    def _stacked(self, passed: float, more: Callable[[], bool]) -> list[Line]:
        count, width = len(self.answers), self._columns
        room = (self._size[1] - len(self._footer) - 4) * 3 // 4 // self._folds() // count - 1
        height = min(max(room, 1), _FEW_ROWS)
        lines: list[Line] = []
        for answer in self.answers:
            heading = [*self._heading(answer), (" · ", self._theme["hint"]), *self._state(answer, passed)]
            tail = answer.tail(width, height, more)
            lines += [clip(heading, width), *tail, *([] for _blank in range(height - len(tail)))]
        return lines

    def _folds(self) -> int:
        """Rows that a row of the live area would take in a window of `_LIKELY` columns."""
        return -(-self._columns // _LIKELY)

    def _heading(self, answer: ShownAnswer) -> Line:
        return [(f"{answer.number} ", self._theme["hint"]), (answer.name, self._theme["assistant"])]

    def _state(self, answer: ShownAnswer, passed: float) -> Line:
        text, look = answer.state(passed)
        return [(text, self._theme[look])]

    def _row(self, cells: Sequence[Line], width: int) -> Line:
        """One row of all columns, with a bar between them."""
        row: Line = []
        for number, cell in enumerate(cells):
            shown = clip(cell, width)
            row += shown
            if number < len(cells) - 1:
                row.append((" " * (width - width_of(shown)), self._theme["text"]))
                if sure(plain(shown)) < len(plain(shown)):
                    row.append((STOP, self._theme["text"]))
                row.append((_BAR, self._theme["table.line"]))
        return row

    # The whole answers

    def _whole(self) -> Iterator[Line]:
        """All rows of all answers, whole."""
        width = self._split()
        if not width:
            for answer in self.answers:
                yield self._heading(answer)
                yield []
                for piece in answer.whole(self._columns):
                    yield from piece
                yield from ([], *answer.below(self._columns), [])
            return
        yield self._row([self._heading(answer) for answer in self.answers], width)
        yield self._row([[("─" * width, self._theme["table.line"])] for _answer in self.answers], width)
        none: Line = []
        for cells in zip_longest(*(_rows(answer, width) for answer in self.answers), fillvalue=none):
            yield self._row(cells, width)
        yield self._row([[] for _answer in self.answers], width)
        endings = [answer.below(width) for answer in self.answers]
        for at in range(max(map(len, endings))):
            yield self._row([_at(ending, at) for ending in endings], width)
        yield []

    def _rows_of_final(self) -> list[ScreenRow]:
        rows = []
        for line in self._final:
            kept = trim(line)
            rows.append(ScreenRow(self._encoder.line(kept), width_of(kept), rows_of(kept, self._size[0])))
        self._final = []
        return rows


def _at(lines: Sequence[Line], at: int) -> Line:
    """The line at an index, an empty one behind the last."""
    return lines[at] if at < len(lines) else []


def _rows(answer: ShownAnswer, width: int) -> Iterator[Line]:
    """The rows of an answer, one by one."""
    for piece in answer.whole(width):
        yield from piece

"""Paints a reply while it streams: finished blocks are printed once, and only a short tail is repainted.

The painter makes no decisions and saves nothing. Time, size and output come from its caller, which calls `frame`
after each delta and when the seconds returned by `frame` have passed.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from gptchat.core.safe import clean, clean_line
from gptchat.terminal.calls.beside import BesidePainter
from gptchat.terminal.markdown.lines import Encoder, Line, clip, in_rows, plain, rows_of, trim, width_of, wrap
from gptchat.terminal.markdown.stream import SLICE, MarkdownStream
from gptchat.terminal.output.capabilities import Terminal
from gptchat.terminal.output.frame import LiveRegion, PlainRegion, ScreenRow, live_rows
from gptchat.terminal.output.reply import columns_to_fill, was_reasoning
from gptchat.terminal.output.status import TICKS, Fragment, status_rows, working
from gptchat.terminal.output.theme import Theme
from gptchat.terminal.output.thoughts import Reasoning, Thoughts
from gptchat.words import _

if TYPE_CHECKING:
    from gptchat.config.schema import UiSettings

FRAME = 1 / 15
"""Minimum seconds between two frames of text; a change of the footer is painted at once."""
_SECONDS_PER_CHARACTER = 1 / 40_000
"""Additional delay of the next frame, in seconds per character that each frame parses again."""
_FIRST_WORD = 0.03
"""Maximum seconds that the first frame waits until the reply has a whole word."""
_WHOLE_WORD = re.compile(r"\w[^\w*_`]|[\u2e80-\U0003ffff]|.{100}", re.DOTALL)
_WORK = 0.03
"""Seconds that one frame spends on text that came faster than it can be drawn."""
_MOST_ROWS = 8
"""Maximum rows of the tail, whatever the screen's height."""


class Painter(BesidePainter):
    """Streams Markdown to a terminal (a `LivePainter`).

    `write` sends text to the terminal at once. `size` returns (columns, rows). `clock` returns monotonic seconds.
    `reads_keys`: whether the status line offers Esc to stop the reply; otherwise it names Ctrl-C. `ui` decides how
    Markdown is read.
    """

    def __init__(
        self,
        write: Callable[[str], object],
        *,
        size: Callable[[], tuple[int, int]],
        theme: Theme,
        terminal: Terminal,
        clock: Callable[[], float] = time.monotonic,
        reasoning: Reasoning = "short",
        code_blocks: int = 0,
        reads_keys: bool = True,
        ui: UiSettings | None = None,
    ) -> None:
        super().__init__(clock)
        self._measure = size
        self._size = size()
        self._theme = theme
        self._terminal = terminal
        self._reads_keys = reads_keys
        self._encoder = Encoder(terminal)
        self._region: LiveRegion | PlainRegion = (
            PlainRegion(write) if terminal.dumb else LiveRegion(write, terminal)
        )
        self._ui = ui
        self._first_block = code_blocks
        self._stream = self._new_stream()
        self._printed = False
        """Whether lines of the reply are final."""
        self._final: list[Line] = []
        self._tail: list[Line] = []
        self._last_status = self._opening = self._indent = ""
        self._began, self._painted = clock(), float("-inf")
        self._width = 0
        self._dirty = self._has_text = self._ended = False
        self._reasoning: Reasoning = reasoning
        self._thoughts = Thoughts(reasoning, theme)
        self._noted = False
        """Whether the last printed line is a note and not part of the reply."""
        self._below_blank = True  # the caller printed a blank line after the user's message
        self._begins_by = float("-inf")
        """Clock time until which the first frame waits for a whole word, which else would come a frame later."""

    @property
    def code_blocks(self) -> int:
        """Number of the last code block printed; numbering starts at the constructor's `code_blocks` + 1."""
        return self._stream.code_blocks

    def feed(self, text: str) -> None:
        """Take a piece of the reply."""
        if not text:
            return
        if not self._has_text:
            text = self._indent + text
            if not text.strip():
                self._indent = text.rpartition("\n")[2][:SLICE]  # blank lines before it are not drawn
                return
            self._indent = ""
            self._fold()
            self._has_text = True
            self._painted = float("-inf")  # do not delay the first words
            self._begins_by = self._clock() + _FIRST_WORD
        if self._begins_by > 0:
            self._opening += text
            if _WHOLE_WORD.search(self._opening):
                self._begins_by = float("-inf")
        self._stream.feed(text)
        self._dirty = True

    def feed_reasoning(self, text: str) -> None:
        """Take a piece of the model's reasoning: dimmed, and folded to one line when the answer begins."""
        if not text or self._has_text:
            return
        if self._thoughts.since is None:
            self._painted = float("-inf")
        self._thoughts.feed(text, self._clock())
        self._dirty = True

    def text_was_reasoning(self, text: str) -> None:
        """Take all text of the reply so far, `text`, for reasoning. What is printed stays, and a line says so."""
        if not self._has_text:
            return
        if self._printed:
            self._append(self._stream.finish(self._columns))
            self._final += [[], *wrap([(was_reasoning(), self._theme["reasoning"])], self._columns), []]
        else:
            self._has_text = False
            self._thoughts.feed(text, self._began)
        self._stream, self._tail, self._printed = self._new_stream(), [], False
        self._dirty = True

    def begin_round(self) -> None:
        """See `ReplyPainter`."""
        self._end_text()
        if not self._noted:
            self._gap()
        self._stream, self._tail, self._sources, self._opening = self._new_stream(), [], (), ""
        self._indent = ""
        self._thoughts = Thoughts(self._reasoning, self._theme)
        self._printed = self._has_text = self._dirty = False
        self._begins_by, self._footer_dirty = float("-inf"), True

    def make_way(self) -> None:
        """See `ReplyPainter`."""
        self._print_calls()
        self._gap()
        self.step_aside()
        self._noted = False

    def _gap(self) -> None:
        """Print a blank line, unless the last one is blank."""
        if self._final[-1:] != [[]] and (self._final or not self._below_blank):
            self._final.append([])

    def frame(self, *, force: bool = False) -> float | None:
        """Paint if it is time or `force`. Returns the seconds after which to call again; None: after new input."""
        now = self._clock()
        self._size = self._measure()
        resized = self._columns != self._width
        pause = 2 * FRAME if len(self._tail) > self._room() else FRAME  # a scrolling tail is rewritten completely
        due = self._painted + pause + self._stream.pending * _SECONDS_PER_CHARACTER
        wait = 0.0 if self._stream.behind > SLICE else max(due, self._begins_by) - now
        if (self._dirty and (wait <= 0 or force)) or resized:
            self._read()
            self._release()
            self._paint()
            self._painted = now
        elif self._release() or self._footer_dirty or force or self._lives(now):
            self._paint()
        if self._terminal.dumb and not self._dirty:
            return None
        return max(wait, 0.0) if self._dirty else 1.0 if self._has_text and not self._calls.any else 1 / TICKS

    @property
    def behind(self) -> bool:
        """See `ReplyPainter`."""
        return self._stream.behind > 0

    def skip(self) -> None:
        """See `ReplyPainter`."""
        if self._stream.skip():
            self.note(_("the rest of what came is not drawn; it is saved, and /history shows it"), "notice")

    def clear(self) -> None:
        """Clear the screen; the part that is not final is painted again at its top."""
        self.step_aside()  # some terminals keep the cleared screen as history, which should have no spinner
        self._region.clear()
        self._below_blank = True

    def step_aside(self) -> None:
        """Remove the part that is not final, so that another program can use the screen. A frame repaints it."""
        self._region.paint(self._rows_of_final(), [], None, self._size)
        self._footer_dirty = True

    @property
    def _columns(self) -> int:
        return columns_to_fill(self._size[0])

    @property
    def _prose(self) -> int:
        """The columns that prose may use."""
        most = self._ui.width if self._ui is not None else 0
        return min(self._columns, most or self._columns)

    def _new_stream(self) -> MarkdownStream:
        return MarkdownStream(
            self._theme, hyperlinks=self._terminal.hyperlinks, code_blocks=self._first_block, ui=self._ui
        )

    def _end(self, status: str, look: str) -> None:
        self._size = self._measure()
        self._end_text()
        self._calls.stop()
        self._print_calls()
        if status:
            if self._has_text or self._noted:
                self._final.append([])
            self._final += wrap([(clean_line(status), self._theme[look])], self._prose)
        self._tail, self._footer, self._cursor = [], [], None
        self._dirty = self._footer_dirty = self._noted = False
        self._ended = True
        self._release()
        self.step_aside()

    def _end_text(self) -> None:
        """Print the rest of the text, and its sources below it."""
        if not self._has_text:
            self._fold()
        self._print(self._stream.finish(self._columns))
        if self._sources:
            self._final += [[]] * self._has_text
            for source in self._sources:
                self._final += wrap([(clean_line(source), self._theme["hint"])], self._columns)

    def _print_calls(self) -> None:
        """Print the calls that have ended, in their order."""
        if lines := self._calls.take(self._columns):
            self._final += map(self._styled, lines)
            self._noted = True

    def _styled(self, line: Sequence[Fragment]) -> Line:
        return [(text, self._theme[look]) for text, look in line]

    def _release(self, *, between: bool = False) -> bool:
        """Print the held output that splits no block of the reply; whether there was any."""
        # Reasoning that is shown as it comes has no blocks.
        between = between or self._ended or (self._stream.between and not self._thoughts.printing)
        ready = self._beside.take(self._clock(), between=between, divisible=self._stream.divisible)
        for group in ready:
            if not self._noted or group.name:
                self._gap()
            for line in group.lines or ():
                self._final += wrap([(clean(text), self._theme[look]) for text, look in line], self._columns)
            self._noted = self._footer_dirty = True
        if ready and self._ended:
            self.step_aside()
        return bool(ready)

    def _print(self, lines: Sequence[Line]) -> None:
        """Print `lines` of the stream, with held output at the first place between two blocks."""
        if (first := self._stream.first_break) is not None:
            self._append(lines[:first])
            self._release(between=True)
        self._append(lines[first:])

    def _append(self, lines: Sequence[Line]) -> None:
        """Print `lines` of the reply, separated by a blank line from a note before them."""
        if lines and self._noted:
            if lines[0]:
                self._final.append([])
            self._noted = False
        self._final += lines
        self._printed = self._printed or bool(lines)

    def _read(self) -> None:
        """Update the final lines and the tail from the text received."""
        self._width = width = self._columns
        if self._has_text:
            until = self._clock() + _WORK
            self._print(self._stream.commit(width))
            while self._stream.behind and self._clock() < until:
                self._print(self._stream.commit(width))
            self._tail = self._stream.tail(width) if not self._terminal.dumb else []
        elif self._thoughts.since is not None:
            final, self._tail = self._thoughts.read(self._prose, self._room())
            self._append(final)
        self._dirty = self.behind

    def _fold(self) -> None:
        """End the reasoning."""
        self._append(self._thoughts.fold(self._prose, self._clock()))
        self._tail = []

    def _room(self) -> int:
        """Maximum rows of the tail: few, so that they stay on the screen when the window becomes smaller."""
        return min(max((self._size[1] - len(self._footer) - 2) // 3, 3), _MOST_ROWS)

    def _lives(self, now: float) -> bool:
        return self._calls.any or self._status(now) != self._last_status

    def _status(self, now: float) -> str:
        said = [_("thinking")] if self._thoughts.since is not None and not self._has_text else []
        passed, coming = now - self._began, self._beside.coming()
        still = self._has_text or self._calls.any  # each call has a spinner of its own
        return working(passed, still, said, coming, self._activity, keys=self._reads_keys)

    def _paint(self) -> None:
        size = self._size
        self._print_calls()
        if self._terminal.dumb:
            self._region.paint(self._rows_of_final(), [], None, size)
            self._footer_dirty = False
            return
        width = self._columns
        status = self._last_status = self._status(now := self._clock())
        lines = [clip(line, width) for line in in_rows(self._tail[-self._room() :], width)[-self._room() :]]
        if lines and not plain(lines[-1]).strip():
            lines.pop()
        final = self._rows_of_final()
        if self._noted and lines and lines[0]:
            lines.insert(0, [])
        lines += map(self._styled, self._calls.rows(now, width, size[1] - len(self._footer) - len(lines) - 4))
        if lines or not self._below_blank:
            lines.append([])
        sign, told = self._theme["spinner"], self._theme["status"]
        lines += [[(first, sign), (rest, told)] for first, rest in status_rows(status, width)]
        above = len(lines)
        lines += [clip(self._styled(line), width) for line in self._footer]
        at = (above + self._cursor[0], min(self._cursor[1], width)) if self._cursor is not None else None
        rows, cursor = live_rows(lines, at, size[1], self._encoder)
        self._region.paint(final, rows, cursor, size)
        self._footer_dirty = False

    def _rows_of_final(self) -> list[ScreenRow]:
        rows = []
        if self._final:
            self._below_blank = not trim(self._final[-1])
        for line in self._final:
            kept = trim(line)
            rows.append(ScreenRow(self._encoder.line(kept), width_of(kept), rows_of(kept, self._size[0])))
        self._final = []
        return rows

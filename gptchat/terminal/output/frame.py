"""The live region: the last rows on the screen, which may still change; only differences are painted.

Everything above it is normal scrollback and never changed again. A frame is one synchronised write
(`ESC[?2026h … l`) with the cursor hidden. Only changed rows are written, and each is erased separately, because
an erase to the end of the screen (`ESC[J`) would push a copy of it into tmux's history.

Rows of the region are written with automatic wrapping off and never fill the last column, so each takes one
row even if the window has just become narrower. When the width has changed, a terminal that reflows has
moved the region's rows; the number of rows they now take is calculated from their widths.

Terminals disagree about the width of some characters (`core.width.sure`). A row is written anew from the first of
them on, never from a column after it, and the cursor gets behind them by writing what stands before it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from os.path import commonprefix

from gptchat.core.width import cells, least_cells, sure
from gptchat.terminal.markdown.lines import Encoder, Line, clip, width_of
from gptchat.terminal.output.capabilities import Terminal
from gptchat.values import dataclass, replace

_BEGIN, _END = "\x1b[?2026h", "\x1b[?2026l"
_HIDE, _SHOW = "\x1b[?25l", "\x1b[?25h"
_NO_WRAP, _WRAP = "\x1b[?7l", "\x1b[?7h"
_PLAIN = "\x1b[0m"
_CODES = re.compile(r"\x1b\[[\d;]*[mG]|\x1b\]8;;[^\x1b]*\x1b\\")
_ERASE_ROW, _ERASE_REST = "\x1b[2K", "\x1b[K"


@dataclass(frozen=True, slots=True)
class ScreenRow:
    """One encoded line. `width` is in columns; `rows` is the number of screen rows (1 for a live row).

    `lead` is the part of `text` before the cursor, if the cursor is in this row.
    """

    text: str
    width: int
    rows: int = 1
    lead: str = ""


def live_rows(
    lines: Sequence[Line], cursor: tuple[int, int] | None, height: int, encoder: Encoder
) -> tuple[list[ScreenRow], tuple[int, int] | None]:
    """The rows of `lines`, the last `height` of them, and the place of `cursor` (line, column) among these."""
    spare = max(len(lines) - height, 0)
    rows = [ScreenRow(encoder.line(line), width_of(line)) for line in lines[spare:]]
    if cursor is None:
        return rows, None
    row, column = max(cursor[0] - spare, 0), cursor[1]
    rows[row] = replace(rows[row], lead=encoder.line(clip(lines[spare:][row], column)))
    return rows, (row, column)


class LiveRegion:
    """Paints final lines and the region below them; remembers what the last frame left on the screen."""

    def __init__(self, write: Callable[[str], object], terminal: Terminal) -> None:
        self._write = write
        self._terminal = terminal
        self._held = 0
        """Number of rows at the beginning of the region that are already final.

        A frame may reach the terminal after a resize that the program does not know about yet. Final rows
        therefore stay in the region for one more frame, which can still correct them.
        """
        self._rows: list[ScreenRow] = []
        self._cursor = (0, 0)
        self._shown = True
        self._columns = 0
        self._out: list[str] = []
        self._at = 0
        """The cursor's row while a frame is built, counted from the region's first."""
        self._bottom = 0
        """The last row of the region that exists on the screen."""

    def paint(
        self,
        final: Sequence[ScreenRow],
        live: Sequence[ScreenRow],
        cursor: tuple[int, int] | None,
        size: tuple[int, int],
    ) -> None:
        """Print `final` permanently and `live` below it, and put the cursor at `cursor` (row of `live`, column).

        Without `cursor` it is hidden after the last live row; without live rows it is shown on a new line.
        `size` is (columns, rows) of the screen. If nothing changed, nothing is written.
        """
        columns, height = size
        final = [*self._rows[: self._held], *final]
        old, stale = self._known(columns, height)
        if stale:
            final = [replace(row, rows=max(row.rows, -(-row.width // columns))) for row in final]
        if any(row.rows > 1 for row in final) and old:
            self._erase(len(old))
            old, stale = [ScreenRow("", 0)] * len(old), False
        position = 0
        wrapping = True
        unsure = len(final)
        for number, row in enumerate((*final, *live)):
            if number == len(final):
                wrapping = False
            before = old[position] if position < len(old) else None
            if before is None or stale or before.text != row.text or row.rows > 1:
                self._go(position)
                if not wrapping and _NO_WRAP not in self._out:
                    self._out.append(_NO_WRAP)
                self._write_row(row, before, stale=stale)
                unsure = min(unsure, number)
                self._at += row.rows - 1
                self._bottom = max(self._bottom, self._at)
            position += row.rows
        for number in range(position, len(old)):
            if stale or old[number].width:
                self._go(number)
                self._out.append(_ERASE_ROW)
        held = final[unsure:] if live else []
        # Rows that have left a low window cannot be corrected any more, and would be written a second time.
        if len(held) > min(height // 3, height - len(live)) or any(row.rows > 1 for row in held):
            held = []
        self._park(position, live, cursor, len(held))
        self._held = len(held)
        self._flush([*held, *live], columns)

    def clear(self) -> None:
        """Clear the screen and forget the last frame. Final rows on the screen do not reach the scrollback."""
        self._rows, self._cursor, self._held = [], (0, 0), 0
        self._write("\x1b[H\x1b[2J")

    def _known(self, columns: int, height: int) -> tuple[list[ScreenRow], bool]:
        """The region's rows on the screen, and whether their contents may have moved (after a resize)."""
        self._out = []
        old, (row, column) = self._rows, self._cursor
        stale = False
        if self._columns and columns != self._columns and old:
            stale = True
            if self._terminal.reflows:
                # Too few rows leave a copy on the screen; too many would erase the reply above them.
                taken = [max(-(-_least(one) // columns), 1) for one in old]
                row = sum(taken[:row]) + (column // columns if column < old[row].width else taken[row] - 1)
                old = [ScreenRow("", 0)] * sum(taken)
        above = max(row - (height - 1), 0)
        if above:  # the window is now lower than the region: rows that left the screen cannot be changed
            old, row, stale = old[above:], row - above, True
        self._at = row
        self._bottom = max(len(old) - 1, row)
        return old, stale

    def _write_row(self, row: ScreenRow, before: ScreenRow | None, *, stale: bool) -> None:
        if stale and before is not None:
            self._out += [_ERASE_ROW, row.text]
        else:
            kept, columns = _unchanged(before.text, row.text) if before is not None else (0, 0)
            unsure = before is not None and not (_is_sure(before.text) and _is_sure(row.text))
            if kept:
                self._out.append(f"\x1b[{columns}C")
            if unsure:
                self._out.append(_ERASE_REST)
            self._out.append(row.text[kept:])
            if before is not None and before.width > row.width and not unsure:
                self._out.append(_ERASE_REST)

    def _erase(self, count: int) -> None:
        for number in range(count):
            self._go(number)
            self._out.append(_ERASE_ROW)

    def _go(self, row: int) -> None:
        """Move to the first column of `row`; rows below the bottom are created, which scrolls the screen."""
        if row < self._at:
            self._out.append(f"\r\x1b[{self._at - row}A" if self._at - row > 1 else "\r\x1b[A")
        elif row > self._at:
            within = min(row, self._bottom) - self._at
            if within > 2:
                self._out.append(f"\r\x1b[{within}B")
            elif within > 0:
                self._out.append("\r\n" * within)
            beyond = row - max(self._at, self._bottom)
            if beyond > 0:
                self._out.append("\r\n" * beyond)
        else:
            self._out.append("\r")
        self._at = row
        self._bottom = max(self._bottom, row)

    def _park(self, position: int, live: Sequence[ScreenRow], cursor: tuple[int, int] | None, held: int) -> None:
        first = position - len(live)
        if not live:
            target = (0, 0)
        else:
            target = cursor or (len(live) - 1, live[-1].width)
        show = cursor is not None or not live
        if self._out or show != self._shown or (first + target[0], target[1]) != (self._at, self._cursor[1]):
            self._go(first + target[0])
            lead = live[target[0]].lead if live else ""
            if lead and not _is_sure(lead):
                self._out += [_NO_WRAP, lead]
            elif target[1]:
                self._out.append(f"\x1b[{target[1]}C")
            self._out.append(_SHOW if show else "")
            self._shown = show
        self._cursor = (held + target[0], target[1])

    def _flush(self, live: list[ScreenRow], columns: int) -> None:
        self._rows, self._columns = live, columns
        if not self._out:
            return
        body = "".join(self._out)
        if _NO_WRAP in self._out:
            body += _WRAP
        body = _HIDE + body
        self._write(f"{_BEGIN}{body}{_END}" if self._terminal.synchronised else body)


def _is_sure(text: str) -> bool:
    """Whether all terminals count the columns of an encoded text alike."""
    return text.isascii() or sure(shown := _CODES.sub("", text)) == len(shown)


def _least(row: ScreenRow) -> int:
    return row.width if _is_sure(row.text) else least_cells(_CODES.sub("", row.text))


def _unchanged(before: str, after: str) -> tuple[int, int]:
    """The unchanged beginning of a row as (characters, columns).

    It ends at a point where no style is on, and before the first character whose width is not sure.
    """
    common = commonprefix([before, after])  # noqa: RUF071 - the comparison by characters is intended
    if not (before.isascii() and after.isascii()):
        common = common[: min(_sure_end(before, len(common)), _sure_end(after, len(common)))]
    styled = common.rfind("\x1b")
    if "\x1b]" in common:
        return 0, 0
    if styled >= 0 and not common.startswith(_PLAIN, styled):
        styled = common.rfind(_PLAIN)
        common = common[: styled + len(_PLAIN)] if styled >= 0 else ""
    columns = cells(_CODES.sub("", common))
    return (len(common), columns) if columns else (0, 0)


def _sure_end(text: str, end: int) -> int:
    """The last index up to `end` before which the columns of the encoded `text` are sure."""
    at = 0
    while at < end:
        code = _CODES.match(text, at)
        if code is not None:
            at = code.end()
            continue
        following = text.find("\x1b", at)
        piece = text[at : following if following >= 0 else len(text)]
        known = sure(piece)
        if known < len(piece):
            return min(at + known, end)
        at += len(piece)
    return end


class PlainRegion:
    """Paints only final lines, for a terminal whose cursor must not be moved."""

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write

    def paint(
        self,
        final: Sequence[ScreenRow],
        live: Sequence[ScreenRow],
        cursor: tuple[int, int] | None,
        size: tuple[int, int],
    ) -> None:
        """Print `final`; `live` is not shown."""
        if final:
            self._write("".join(row.text + "\n" for row in final))

    def clear(self) -> None:
        """Do nothing: the screen cannot be cleared without moving the cursor."""

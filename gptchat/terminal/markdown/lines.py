"""Styled lines: measuring, wrapping, cutting, and encoding as escape codes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rich.color import ColorSystem
from rich.style import Style

from gptchat.core.safe import clean
from gptchat.core.width import breaks, cells, clusters, cut

if TYPE_CHECKING:
    from gptchat.terminal.output.capabilities import Terminal

Span = tuple[str, Style]
Line = list[Span]

PLAIN = Style.null()

STOP = "\ufdd2"
"""Text of a span that puts the next at the column where the spans before it end by `cells`, for what must stand
in one column although terminals disagree about the text before it. `safe.clean` never passes it."""


def width_of(line: Iterable[Span]) -> int:
    """The width of a line in columns."""
    return sum(cells(text) for text, _ in line)


def rows_of(line: Sequence[Span], columns: int) -> int:
    """Number of terminal rows the line takes at `columns` width; a wide character is never split over two."""
    text = "".join(part for part, _ in line)
    if len(text) * 2 <= columns:
        return 1
    total = cells(text)
    if total <= columns:
        return 1
    if total == len(text):
        return -(-total // columns)
    rows, used = 1, 0
    for _start, _end, size in clusters(text):
        if used + size > columns:
            rows, used = rows + 1, 0
        used += size
    return rows


def wrap(spans: Sequence[Span], width: int) -> list[Line]:
    """The spans as one or more lines of at most `width` columns.

    Newlines are hard breaks; blanks at the end of a line are removed.
    """
    text = "".join(part for part, _ in spans)
    if "\n" not in text and cells(text) <= width:
        return [trim(spans)]
    ranges: list[tuple[int, int]] = []
    start = 0
    for hard in text.split("\n"):
        ranges += breaks(text, max(width, 1), start, start + len(hard))
        start += len(hard) + 1
    return [trim(line) for line in _slices(spans, ranges)]


def _slices(spans: Sequence[Span], ranges: Sequence[tuple[int, int]]) -> Iterable[Line]:
    index, offset = 0, 0
    for start, end in ranges:
        line: Line = []
        while index < len(spans) and offset + len(spans[index][0]) <= start:
            offset += len(spans[index][0])
            index += 1
        at, base = index, offset
        while at < len(spans) and base < end:
            text, style = spans[at]
            piece = text[max(start - base, 0) : end - base]
            if piece:
                line.append((piece, style))
            base += len(text)
            at += 1
        yield line


def trim(spans: Sequence[Span]) -> Line:
    """The spans without trailing blanks."""
    line = [span for span in spans if span[0]]
    while line:
        text, style = line[-1]
        kept = text.rstrip(" \t")
        if kept == text:
            break
        line.pop()
        if kept:
            line.append((kept, style))
    return line


def clip(spans: Sequence[Span], width: int) -> Line:
    """The beginning of the line, cut to at most `width` columns."""
    line: Line = []
    for text, style in spans:
        size = cells(text)
        if size > width:
            line.append((text[: cut(text, width)], style))
            break
        line.append((text, style))
        width -= size
    return line


def in_rows(lines: Iterable[Line], width: int) -> list[Line]:
    """`lines` with those that are wider than `width` (code) split into rows."""
    rows: list[Line] = []
    for line in lines:
        rows += [line] if width_of(line) <= width else wrap(line, width)
    return rows


def plain(line: Iterable[Span]) -> str:
    """The text of a line without its styles."""
    return "".join(text for text, _ in line if text != STOP)


_SYSTEMS: dict[str, ColorSystem] = {
    "16": ColorSystem.STANDARD,
    "256": ColorSystem.EIGHT_BIT,
    "truecolor": ColorSystem.TRUECOLOR,
}
_COLOURS = re.compile(r"(?:3[0-7]|4[0-7]|9[0-7]|10[0-7]|[34]8;(?:5;\d+|2;\d+;\d+;\d+))(?:;|\Z)")


class Encoder:
    """Encodes lines as text with the escape codes that `terminal` supports."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._codes: dict[Style, tuple[str, str]] = {}

    def line(self, spans: Iterable[Span]) -> str:
        """The line as text without a line end. Unsafe characters are made visible; styles are reset at the end."""
        parts: list[str] = []
        current = ""
        link = ""
        columns = 0
        for text, style in spans:
            if text == STOP:
                if not self._terminal.dumb:
                    parts.append(f"\x1b[{columns + 1}G")
                continue
            columns += cells(text)
            codes, url = self._code(style)
            if url != link and self._terminal.hyperlinks:
                parts.append(f"\x1b]8;;{url}\x1b\\")
                link = url
            if codes != current:
                parts.append(f"\x1b[0;{codes}m" if codes and current else f"\x1b[{codes}m" if codes else "\x1b[0m")
                current = codes
            parts.append(clean(text, newlines=False))
        if current:
            parts.append("\x1b[0m")
        if link:
            parts.append("\x1b]8;;\x1b\\")
        return "".join(parts)

    def _code(self, style: Style) -> tuple[str, str]:
        known = self._codes.get(style)
        if known is None:
            known = self._codes[style] = (self._make(style), style.link or "")
        return known

    def _make(self, style: Style) -> str:
        if self._terminal.dumb:
            return ""
        system = _SYSTEMS.get(self._terminal.depth)
        written = (style.update_link(None) if style.link else style).render(
            "x", color_system=system or ColorSystem.STANDARD
        )
        codes = written[2 : written.index("m")] if written.startswith("\x1b[") else ""
        if system is None and codes:
            codes = _COLOURS.sub("", codes).rstrip(";")
        return codes

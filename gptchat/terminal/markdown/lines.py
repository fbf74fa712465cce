"""Styled lines: measuring, wrapping (including Chinese, Japanese and emoji), and encoding as escape codes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len, split_graphemes
from rich.color import ColorSystem
from rich.style import Style

from gptchat.core.safe import clean

if TYPE_CHECKING:
    from gptchat.terminal.output.capabilities import Terminal

Span = tuple[str, Style]
Line = list[Span]

PLAIN = Style.null()

_WIDE = (
    "\u1100-\u115e\u2e80-\u2fdf\u3003-\u3007\u3012\u3013\u301c-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\ua4cf"
    "\uac00-\ud7a3\uf900-\ufaff\uff02-\uff07\uff0a\uff0b\uff0d-\uff19\uff1c-\uff1e\uff20-\uff3a\uff3e-\uff5a"
    "\uff66-\uff9f\uffe0-\uffe6\U0001f1e6-\U0001faff\U00020000-\U0003ffff"
)
_OPENING = "\u3008\u300a\u300c\u300e\u3010\u3014\u3016\u3018\u301a\uff08\uff3b\uff5b"
_CLOSING = (
    "\u3001\u3002\u3009\u300b\u300d\u300f\u3011\u3015\u3017\u3019\u301b\uff01\uff09\uff0c\uff0e\uff1a\uff1b\uff1f"
    "\uff3d\uff5d\u30fc\u3005\u201d\u2019\u2026"
)
_MARKS = "\u0300-\u036f\u200d\ufe00-\ufe0f\U0001f3fb-\U0001f3ff\U000e0000-\U000e01ef"
_ATOM = re.compile(
    rf"[ \t]+|[{_OPENING}\u201c\u2018]*(?:[{_WIDE}][{_MARKS}]*"
    rf"(?:(?<=\u200d)[\u2600-\u27bf{_WIDE}][\ufe0f\U0001f3fb-\U0001f3ff\u200d]*)*)(?:[{_CLOSING}]*)"
    rf"|[{_OPENING}]*[^ \t{_WIDE}{_OPENING}{_CLOSING}]+[{_CLOSING}]*|[{_OPENING}]+|[{_CLOSING}]+"
)
"""Matches one unbreakable unit: a run of blanks, a word, or a wide character with its attached marks.

Closing marks stay with the preceding text and opening marks with the following text (JIS X 4051
and Chinese typesetting: a line neither begins with 。 nor ends with （).
"""


def width_of(line: Iterable[Span]) -> int:
    """The width of a line in columns."""
    return sum(cell_len(text) for text, _ in line)


def rows_of(line: Sequence[Span], columns: int) -> int:
    """Number of terminal rows the line takes at `columns` width; a wide character is never split over two."""
    text = "".join(part for part, _ in line)
    if len(text) * 2 <= columns:
        return 1
    total = cell_len(text)
    if total <= columns:
        return 1
    if total == len(text):
        return -(-total // columns)
    rows, used = 1, 0
    for _, _, cells in split_graphemes(text)[0]:
        if used + cells > columns:
            rows, used = rows + 1, 0
        used += cells
    return rows


def wrap(spans: Sequence[Span], width: int) -> list[Line]:
    """The spans as one or more lines of at most `width` columns.

    Newlines are hard breaks; blanks at the end of a line are removed.
    """
    text = "".join(part for part, _ in spans)
    if "\n" not in text and cell_len(text) <= width:
        return [trim(spans)]
    ranges: list[tuple[int, int]] = []
    start = 0
    for hard in text.split("\n"):
        ranges += _break(text, start, start + len(hard), max(width, 1))
        start += len(hard) + 1
    return [trim(line) for line in _slices(spans, ranges)]


def _break(text: str, start: int, end: int, width: int) -> list[tuple[int, int]]:
    """The (start, end) ranges of the lines that `text[start:end]` is broken into."""
    ranges: list[tuple[int, int]] = []
    begin, used = start, 0
    for match in _ATOM.finditer(text, start, end):
        cells = cell_len(match[0])
        if match[0][0] in " \t":
            used += cells
            continue
        if used + cells > width and begin < match.start():
            if text[begin : match.start()].strip():
                ranges.append((begin, match.start()))
            begin, used = match.start(), 0
        if cells > width:
            at = match.start()
            for left, right, size in split_graphemes(match[0])[0]:
                if used + size > width and begin < at + left:
                    ranges.append((begin, at + left))
                    begin, used = at + left, 0
                used += size if right else 0
        else:
            used += cells
    ranges.append((begin, end))
    return ranges


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
        cells = cell_len(text)
        if cells <= width:
            line.append((text, style))
            width -= cells
            continue
        kept = 0
        for _, right, size in split_graphemes(text)[0]:
            if size > width:
                break
            width, kept = width - size, right
        line.append((text[:kept], style))
        break
    return line


def plain(line: Iterable[Span]) -> str:
    """The text of a line without its styles."""
    return "".join(text for text, _ in line)


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
        for text, style in spans:
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

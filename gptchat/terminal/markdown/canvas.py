"""A grid of screen cells that diagrams are drawn on, and the labels that may stand in it."""

from __future__ import annotations

import re
import unicodedata
from html import unescape

from gptchat.core.safe import clean_line
from gptchat.core.width import cells, wrapped

NORTH, EAST, SOUTH, WEST = 1, 2, 4, 8
_LINES = dict(enumerate(" ╵╶└╷│┌├╴┘─┴┐┤┬┼"))
_STYLED = {("dotted", "│"): "┆", ("dotted", "─"): "┄", ("thick", "│"): "┃", ("thick", "─"): "━"}
_BREAK = re.compile(r"\s*<br\s*/?>\s*", re.IGNORECASE)
_ENTITY = re.compile(r"#(\w+);")
_DISAGREED = re.compile(
    "[\u200b-\u200f\u0900-\u0dff\u0e33\u0eb3\u0f00-\u109f\u1100-\u11ff\u1780-\u18af\u20e3\ufe0e\ufe0f\U0001f1e6-\U0001f1ff\U0001f3fb-\U0001f3ff]"
)
"""Characters whose width or that of their neighbours differs between terminals (cf. `label`)."""


class UndrawableError(Exception):
    """Raised for a diagram that cannot be drawn faithfully; its source is shown instead."""


def label(source: str) -> str:
    """The text of a label of a Mermaid diagram; lines are separated by newlines.

    Raises UndrawableError for text that terminals give different widths or another direction, because the lines
    beside it would not meet.
    """
    source = source.strip()
    if len(source) > 1 and source[0] == source[-1] == '"':
        source = source[1:-1].strip()
    if len(source) > 1 and source[0] == source[-1] == "`":
        source = source[1:-1]
    code = _ENTITY.sub(lambda match: f"&{'#' if match[1].isdigit() else ''}{match[1]};", source)
    text = "\n".join(clean_line(unescape(line)) for line in _BREAK.split(code)).strip("\n")
    if _DISAGREED.search(text) or any(
        unicodedata.category(char) == "Mc" or unicodedata.bidirectional(char) in ("R", "AL") for char in text
    ):
        raise UndrawableError
    return text


def folded(text: str, width: int) -> list[str]:
    """The lines of a label in at most `width` columns."""
    return [line for part in text.split("\n") for line in wrapped(part, width)]


class Canvas:
    """Cells by (column, row). Lines that meet are joined; text covers what is below it."""

    def __init__(self) -> None:
        self._lines: dict[tuple[int, int], int] = {}
        self._styles: dict[tuple[int, int], str] = {}
        self._text: dict[tuple[int, int], str] = {}
        self._under: dict[tuple[int, int], tuple[int, str]] = {}

    def join(self, x: int, y: int, directions: int, style: str = "", *, under: bool = False) -> None:
        """Add a line from the middle of the cell in each of `directions`; `under`: it is hidden by any other."""
        place = (x, y)
        if under:
            self._under[place] = directions, style
            return
        self._styles[place] = style if self._styles.get(place, style) == style else ""
        self._lines[place] = self._lines.get(place, 0) | directions

    def text(self, x: int, y: int, text: str) -> None:
        """Write `text` on row `y` from column `x` on."""
        last = x
        for char in text:
            size = cells(char)
            if not size:
                self._text[last, y] = self._text.get((last, y), "") + char
                continue
            self._text[x, y] = char
            for covered in range(x + 1, x + size):
                self._text[covered, y] = ""
            last, x = x, x + size

    def box(self, x: int, y: int, width: int, height: int, corners: str = "┌┐└┘") -> None:
        """Draw an empty box; lines below it are covered."""
        for row in range(y, y + height):
            self.text(x, row, "│" + " " * (width - 2) + "│")
        self.text(x, y, corners[0] + "─" * (width - 2) + corners[1])
        self.text(x, y + height - 1, corners[2] + "─" * (width - 2) + corners[3])

    def rows(self) -> list[str]:
        """The rows as text, without the blanks at their ends."""
        places = self._lines.keys() | self._text.keys() | self._under.keys()
        wide = max((x for x, _y in places), default=-1) + 1
        high = max((y for _x, y in places), default=-1) + 1
        return ["".join(self._cell(x, y) for x in range(wide)).rstrip() for y in range(high)]

    def _cell(self, x: int, y: int) -> str:
        if (x, y) in self._text:
            return self._text[x, y]
        under, style = self._under.get((x, y), (0, ""))
        line = _LINES[self._lines.get((x, y), under)]
        straight = {"╵": "│", "╷": "│", "╴": "─", "╶": "─"}.get(line, line)
        return _STYLED.get((self._styles.get((x, y), style), straight), line)

"""How many columns a text takes on a terminal, by Unicode's own tables; quick, and without any library."""

from __future__ import annotations

import unicodedata
from functools import lru_cache


@lru_cache(maxsize=4096)
def _columns(character: str) -> int:
    """0 for marks and formats, 2 for wide and full-width characters (UAX #11: W and F), else 1."""
    category = unicodedata.category(character)
    if category in ("Mn", "Me", "Cf", "Cc"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def cells(text: str) -> int:
    """The columns that `text` takes on one line."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def cut(text: str, width: int) -> int:
    """How many characters of `text`, from its beginning, fit in `width` columns."""
    used = 0
    for index, character in enumerate(text):
        used += _columns(character)
        if used > width:
            return index
    return len(text)


def wrapped(text: str, width: int) -> list[str]:
    """`text` on lines of at most `width` columns, broken at blanks where there are any; nothing is lost."""
    lines: list[str] = []
    for paragraph in text.split("\n"):
        rest = paragraph
        while cells(rest) > width:
            end = max(cut(rest, width), 1)
            blank = rest.rfind(" ", 1, end + 1)
            if blank > 0:
                lines.append(rest[:blank].rstrip())
                rest = rest[blank:].lstrip()
            else:
                lines.append(rest[:end])
                rest = rest[end:]
        lines.append(rest)
    return lines

"""Width of text in terminal columns, from `unicodedata` alone: fast and without dependencies."""

from __future__ import annotations

from functools import lru_cache

_CLOSING = frozenset("，。、；：？！）》」』】”’…,.;:?!)]}")
_OPENING = frozenset("（《「『【“‘([{")


@lru_cache(maxsize=4096)
def _columns(character: str) -> int:
    """0 for marks and formats, 2 for wide and full-width characters (UAX #11: W and F), else 1."""
    import unicodedata  # a megabyte of tables, which plain ASCII does without

    category = unicodedata.category(character)
    if category in ("Mn", "Me", "Cf", "Cc"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def cells(text: str) -> int:
    """The width of `text` in columns, on one line."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def cut(text: str, width: int) -> int:
    """The number of leading characters of `text` that fit in `width` columns."""
    used = 0
    for index, character in enumerate(text):
        used += _columns(character)
        if used > width:
            return index
    return len(text)


def wrapped(text: str, width: int) -> list[str]:
    """Wrap `text` to lines of at most `width` columns, at spaces and next to wide characters.

    A break next to a wide character is never before closing or after opening punctuation (UAX #14).
    """
    lines: list[str] = []
    for paragraph in text.split("\n"):
        rest = paragraph
        while cells(rest) > width:
            end = _last_break(rest, max(cut(rest, width), 1))
            lines.append(rest[:end].rstrip() or rest[:end])
            rest = rest[end:].lstrip() if rest[end : end + 1] == " " else rest[end:]
        lines.append(rest)
    return lines


def _last_break(text: str, end: int) -> int:
    """The last index up to `end` where a line may break; `end` if there is none."""
    for place in range(min(end, len(text) - 1), 0, -1):
        before, after = text[place - 1], text[place]
        if after == " ":
            return place
        wide = _columns(before) == 2 or _columns(after) == 2
        if wide and _columns(after) and after not in _CLOSING and before not in _OPENING:
            return place
    return end

"""Width of text in terminal columns, line breaking, and where terminals disagree; standard library only.

Terminals disagree about emoji sequences, spacing marks and characters that are newer than their tables, so no
width is right everywhere. `cells` is the largest width that one of them uses: text that fits by it fits in every
terminal. Whoever moves the cursor over such text must not count columns: see `sure`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from functools import cache, lru_cache

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re

_NARROW = (
    " -~\u00a1-\u00ac\u00ae-\u02ff\u0370-\u0482\u048a-\u052f\u0531-\u058f\u05be\u05c0\u05c3\u05d0-\u05f4"
    "\u0606-\u060f\u061b\u061d-\u064a\u0660-\u066f\u0671-\u06d5\u06ee-\u06ff\u0e01-\u0e30\u0e32\u0e3f-\u0e46"
    "\u0e4f-\u0e5b\u10a0-\u10ff\u1e00-\u1fff\u2010-\u2027\u2030-\u205e\u2070-\u209c\u20a0-\u20bf\u2100-\u2319"
    "\u231c-\u2328\u232b-\u23e8\u23ed-\u23ef\u23f1\u23f2\u23f4-\u2426\u2440-\u244a\u2460-\u25fc\u25ff-\u2613"
    "\u2616-\u262f\u2638-\u2647\u2654-\u267e\u2680-\u2689\u2690-\u2692\u2694-\u26a0\u26a2-\u26a9\u26ac-\u26bc"
    "\u26bf-\u26c3\u26c6-\u26cd\u26cf-\u26d3\u26d5-\u26e9\u26eb-\u26f1\u26f4\u26f6-\u26f9\u26fb\u26fc\u26fe-\u2704"
    "\u2706-\u2709\u270c-\u2727\u2729-\u274b\u274d\u274f-\u2752\u2756\u2758-\u2794\u2798-\u27af\u27b1-\u27be"
    "\u27c0-\u2b1a\u2b1d-\u2b4f\u2b51-\u2b54\u2c60-\u2c7f\ua720-\ua7ca\ufb00-\ufb06\ufffd"
)
"""Characters that every terminal draws in one column; `a-z` is a range, as in a regular expression's class."""
_WIDE = (
    "\u2e80-\u2ef3\u2f00-\u2fd5\u3000-\u3029\u3030-\u303e\u3041-\u3096\u309b-\u30ff\u3105-\u312f\u3131-\u318e"
    "\u3190-\u31ba\u31c0-\u31e3\u31f0-\u321e\u3220-\u3247\u3250-\u4dbf\u4e00-\ua48c\ua490-\ua4c6\uac00-\ud7a3\uf900-\ufad9"
    "\ufe30-\ufe52\ufe54-\ufe66\ufe68-\ufe6b\uff01-\uff60\uffe0-\uffe6"
)
"""Characters that every terminal draws in two columns."""
_ZERO = (
    "\u0300-\u0486\u0488-\u05ff\u0610-\u0615\u064b-\u065e\u0670-\u06dc\u06de-\u070e\u0710-\u07f3\u0901-\u0902\u093c-\u0954\u0962-\u09e3"
    "\u0a01-\u0a4d\u0a70-\u0a71\u0a81-\u0ae3\u0b01-\u0b43\u0b4d\u0b56\u0b82-\u0bcd\u0c3e-\u0c56\u0cbc-\u0ce3"
    "\u0d41-\u0d43\u0d4d\u0dca-\u0eb9\u0ebb-\u0f87\u0f90-\u1032\u1036-\u1039\u1058\u1059\u135f-\u180d"
    "\u18a9-\u1a18\u1b00-\u1b73\u1dc0-\u1dca\u1dfe\u1dff\u200c\u200d\u20d0-\u20ef\u302a-\u309a\ua806-\ua826"
    "\ufb1e-\ufe0f\ufe20-\ufe23\ufeff"
)
"""Where combining marks take no column in any terminal. Newer marks take one in those with older tables
(measured with xterm.js's tables for Unicode 6, 11 and 15)."""
_WIDENING = "\ufe0f\u302a\u302b\u302c\u302d\u3099\u309a"
"""Marks that make a narrow character wide in some terminals."""
_JOINER, _TONES = "\u200d", ("\U0001f3fb", "\U0001f3ff")
_FLAG_LETTERS = ("\U0001f1e6", "\U0001f1ff")

_ASIAN = (
    "\u1100-\u115e\u2e80-\u2fdf\u3003-\u3007\u3012\u3013\u301c-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\ua4cf"
    "\uac00-\ud7a3\uf900-\ufaff\uff02-\uff07\uff0a\uff0b\uff0d-\uff19\uff1c-\uff1e\uff20-\uff3a\uff3e-\uff5a"
    "\uff66-\uff9f\uffe0\uffe2-\uffe4\uffe6\U0001f1e6-\U0001faff\U00020000-\U0003ffff"
)
"""Characters next to which a line may break."""
_OPENING = "\u3008\u300a\u300c\u300e\u3010\u3014\u3016\u3018\u301a\uff04\uff08\uff3b\uff5b\uffe1\uffe5"
_CLOSING = (
    "\u3001\u3002\u3009\u300b\u300d\u300f\u3011\u3015\u3017\u3019\u301b\uff01\uff09\uff0c\uff0e\uff1a\uff1b\uff1f"
    "\uff3d\uff5d\u30fc\u3005\u201d\u2019\u2026"
)
_CLOSING_AFTER = _CLOSING + "\u00b7\u2030\u2103\u30fb\uff05)\\]},.:;!?%"
"""Marks that stay with a character of `_ASIAN` before them; half-width ones are also parts of words elsewhere."""
_MARKS = (
    "\u0300-\u036f\u1160-\u11ff\u200d\u302a-\u302f\u3099\u309a\ud7b0-\ud7fb\ufe00-\ufe0f\uff9e\uff9f"
    "\U0001f3fb-\U0001f3ff\U000e0000-\U000e01ef"
)


_MANY = 8192
"""Characters whose columns are remembered at most."""
_UNSURE = 1 << 32
"""Stands for the columns of a character that terminals do not agree on; more than any text takes."""


def _bounds(spans: str) -> list[str]:
    """The first character of each range in `spans`, and the one behind its last: in order, as the spans are."""
    bounds: list[str] = []
    at = 0
    while at < len(spans):
        last = at + 2 if spans[at + 1 : at + 2] == "-" else at
        bounds += (spans[at], chr(ord(spans[last]) + 1))
        at = last + 1
    return bounds


class _Columns(dict[str, int]):
    """The columns of each character on which terminals agree, else `_UNSURE`; looked up as characters come.

    Regular expressions for these classes take 5 ms to compile, which a start can do without.
    """

    def __missing__(self, character: str) -> int:
        if len(self) >= _MANY:
            self.clear()
        wide = bisect_right(_WIDES, character) % 2
        sure = wide or bisect_right(_NARROWS, character) % 2
        columns = self[character] = 1 + wide if sure else _UNSURE
        return columns


_NARROWS, _WIDES, _ZEROS = _bounds(_NARROW), _bounds(_WIDE), _bounds(_ZERO)
_columns = _Columns().__getitem__


@cache
def _sure() -> re.Pattern[str]:
    """Characters on whose columns terminals agree; for rows that are drawn, where it is ten times as quick."""
    import re

    return re.compile(f"[{_NARROW}{_WIDE}]*")


@cache
def _atom() -> re.Pattern[str]:
    """One unbreakable unit: a run of blanks, a word, or a wide character with its attached marks.

    Closing marks stay with the preceding text and opening marks with the following (JIS X 4051 and Chinese
    typesetting). Compiled at first use.
    """
    import re

    word = (
        rf"(?:[^ \t{_ASIAN}{_OPENING}{_CLOSING}]|(?<=\u200d)[{_ASIAN}][{_MARKS}]*)+"  # a joiner joins what follows
    )
    return re.compile(
        rf"[ \t]+|[{_OPENING}\u201c\u2018]*(?:[\U0001f1e6-\U0001f1ff]{{2}}|[{_ASIAN}][{_MARKS}]*"
        rf"(?:(?<=\u200d)[\u2600-\u27bf{_ASIAN}][\ufe0f\U0001f3fb-\U0001f3ff\u200d]*)*)(?:[{_CLOSING_AFTER}]*)"
        rf"|[{_OPENING}]*{word}(?:\u2019{word})*[{_CLOSING}]*|[{_OPENING}]+|[{_CLOSING}]+"
    )


def cells(text: str) -> int:
    """The largest width in columns that a terminal gives `text` on one line."""
    return len(text) if text.isascii() else _cells(text)


def sure(text: str) -> int:
    """The number of leading characters of `text` whose columns all terminals count alike."""
    if text.isascii():
        return len(text)
    match = _sure().match(text)
    assert match is not None, "the pattern matches the empty text"
    # What follows may be a mark that changes the width of the character before it.
    return match.end() if match.end() == len(text) else max(match.end() - 1, 0)


def least_cells(text: str) -> int:
    """The smallest width in columns that a terminal gives `text` on one line."""
    return sum(_smallest(text[start]) for start, _end, _width in clusters(text))


def clusters(text: str) -> Iterator[tuple[int, int, int]]:
    """(start, end, largest width) of each character of `text` with its marks and what is joined to it."""
    at, count = 0, len(text)
    while at < count:
        start = at
        width = base = _largest(text[at])
        flag = _FLAG_LETTERS[0] <= text[at] <= _FLAG_LETTERS[1]
        at += 1
        while at < count:
            char = text[at]
            if char in _WIDENING:
                width, base = width + max(2 - base, 0), 2
            elif char == _JOINER and at + 1 < count:
                at += 1
                base = _largest(text[at])
                width += base
            elif _attaches(char) or (flag and _FLAG_LETTERS[0] <= char <= _FLAG_LETTERS[1]):
                width += _largest(char)
                flag = False
            else:
                break
            at += 1
        yield start, at, width


def cut(text: str, width: int) -> int:
    """The number of leading characters of `text` that fit in `width` columns; no character loses its marks."""
    used = 0
    for start, _end, size in clusters(text):
        used += size
        if used > width:
            return start
    return len(text)


def breaks(text: str, width: int, start: int = 0, end: int | None = None) -> list[tuple[int, int]]:
    """The (start, end) ranges of the lines of at most `width` columns that `text[start:end]` is broken into.

    A line breaks at blanks and next to characters of scripts that have none, but not before closing and after
    opening marks; a word that is wider than a line is broken between its characters.
    """
    ranges: list[tuple[int, int]] = []
    end = len(text) if end is None else end
    begin, used = start, 0
    for match in _atom().finditer(text, start, end):
        size = cells(match[0])
        if match[0][0] in " \t":
            used += size
            continue
        if used + size > width and begin < match.start():
            if text[begin : match.start()].strip():
                ranges.append((begin, match.start()))
            begin, used = match.start(), 0
        if size > width:
            at = match.start()
            for left, _right, part in clusters(match[0]):
                if used + part > width and begin < at + left:
                    ranges.append((begin, at + left))
                    begin, used = at + left, 0
                used += part
        else:
            used += size
    ranges.append((begin, end))
    return ranges


def wrapped(text: str, width: int) -> list[str]:
    """Wrap `text` to lines of at most `width` columns, without blanks at their ends; see `breaks`."""
    lines: list[str] = []
    for paragraph in text.split("\n"):
        if cells(paragraph) <= width:
            lines.append(paragraph)
        else:
            lines += [paragraph[start:end].rstrip(" \t") for start, end in breaks(paragraph, width)]
    return lines


@lru_cache(maxsize=8192)
def _cells(text: str) -> int:
    if (columns := sum(map(_columns, text))) < _UNSURE:
        return columns
    return sum(width for _start, _end, width in clusters(text))


@lru_cache(maxsize=4096)
def _largest(character: str) -> int:
    """The most columns that a terminal gives `character` alone."""
    import unicodedata  # a megabyte of tables, which plain ASCII does without

    if "\U0001f000" <= character <= "\U0001faff":
        return 2  # also those that are newer than Python's tables
    if "\ufdd0" <= character <= "\ufdef":
        return 0  # noncharacters are the program's own marks
    if unicodedata.category(character) in ("Mn", "Me", "Cf", "Cc"):
        return 0 if bisect_right(_ZEROS, character) % 2 else 1
    if "\u3248" <= character <= "\u324f" or "\u4dc0" <= character <= "\u4dff":
        return 2  # narrow in Unicode 6 to 15, wide before and after
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


@lru_cache(maxsize=4096)
def _smallest(character: str) -> int:
    """The fewest columns that a terminal gives `character` alone."""
    if sure(character):
        return _largest(character)
    return 0 if _attaches(character) else min(_largest(character), 1)


@lru_cache(maxsize=4096)
def _attaches(character: str) -> bool:
    """Whether `character` is drawn with the one before it: a mark, a skin tone, a Hangul vowel or final."""
    import unicodedata

    if (
        _TONES[0] <= character <= _TONES[1]
        or "\u1160" <= character <= "\u11ff"
        or "\ud7b0" <= character <= "\ud7fb"
    ):
        return True
    return character in "\u0e33\u0eb3\uff9e\uff9f" or unicodedata.category(character) in ("Mn", "Mc", "Me", "Cf")

"""Grapheme boundaries, so that the cursor moves over emoji sequences, flags and accented letters as one."""

from __future__ import annotations

import unicodedata

_JOINER = "\u200d"
_FARTHEST = 64  # code points; real graphemes are shorter, and a longer search would slow down the key


def previous(text: str, index: int) -> int:
    """Start index of the grapheme that ends at `index`; 0 at the start of `text`."""
    start = max(index - 1, 0)
    limit = max(index - _FARTHEST, 0)
    while start > limit and _continues(text, start):
        start -= 1
    return start


def following(text: str, index: int) -> int:
    """End index of the grapheme that begins at `index`; `len(text)` at the end of `text`."""
    end = min(index + 1, len(text))
    limit = min(index + _FARTHEST, len(text))
    while end < limit and _continues(text, end):
        end += 1
    return end


def _continues(text: str, index: int) -> bool:
    """Whether the code point at `index` belongs to the same grapheme as the one before it."""
    here, before = text[index], text[index - 1]
    if here < "\u0300" or before == "\n":
        return False
    if here == _JOINER or unicodedata.category(here) in ("Mn", "Me"):
        return True
    if "\U0001f3fb" <= here <= "\U0001f3ff" or "\U000e0020" <= here <= "\U000e007f":  # skin tones, tags
        return True
    if before == _JOINER:
        return unicodedata.category(here) == "So"
    return _is_regional(here) and _odd_regionals_before(text, index)


def _is_regional(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def _odd_regionals_before(text: str, index: int) -> bool:
    """Whether an odd number of regional indicators precedes `index`, so that the one there completes a flag."""
    start = index
    while start > 0 and _is_regional(text[start - 1]):
        start -= 1
    return (index - start) % 2 == 1

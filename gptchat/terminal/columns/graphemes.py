"""Grapheme clusters (UAX #29): what a person sees as one character, such as a flag or an accented letter."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache

from wcwidth import grapheme_boundary_before, iter_graphemes

_JOINERS = "\u200c\u200d"
_EMOJI = (
    "[\ufe0e\ufe0f\u20e3\U0001f1e6-\U0001f1ff\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]"
    "|[\u203c-\u3299\U0001f000-\U0001faff]\u200d"
)
"""Found in each cluster that is an emoji of several code points: a variant, keycap, flag, tone or family."""

_compiled = cache(re.compile)  # at first use: plain text needs no pattern


def split(text: str) -> Iterator[str]:
    """The grapheme clusters of `text`, in order."""
    return iter(text) if text.isascii() and "\r" not in text else iter_graphemes(text)


def previous(text: str, index: int) -> int:
    """Start index of the cluster that ends at `index` or contains it; 0 at the start of `text`."""
    return grapheme_boundary_before(text, index) if index > 0 else 0


def following(text: str, index: int) -> int:
    """End index of the cluster that contains the character at `index`; `len(text)` at the end of `text`."""
    if index >= len(text):
        return len(text)
    start = previous(text, index + 1)
    return start + len(next(iter_graphemes(text, start)))


def inside(text: str, index: int) -> tuple[int, int] | None:
    """The cluster, as (start, end), that the cursor at `index` would divide; None if it stands at a boundary."""
    if not 0 < index < len(text):
        return None
    start = previous(text, index + 1)
    return (start, following(text, start)) if start < index else None


def erased(text: str, index: int) -> int:
    """Start index of what Backspace deletes before `index`.

    An emoji goes as a whole. Of a letter with marks, an Indic conjunct or a Korean syllable in jamo the last code
    point goes, as it was typed; joiners that nothing follows any more, and that nobody could see, go with it.
    """
    start = previous(text, index)
    if index - start < 2 or _compiled(_EMOJI).search(text, start, index):
        return start
    index -= 1
    while index > start and text[index - 1] in _JOINERS:
        index -= 1
    return index


def is_defective(cluster: str) -> bool:
    """Whether `cluster` is marks without a letter, which a terminal would draw on the character before."""
    return cluster[0] >= "\u0300" and unicodedata.category(cluster[0])[0] == "M"

"""Stand-ins: private characters of a known width, each of which prompt_toolkit places for a span of text.

Terminals disagree on the width of many characters: emoji sequences, spacing marks, what is newer than their
tables. prompt_toolkit counts one width for each code point and moves the cursor by it. So it is given one stand-in
for a whole span of such text instead, as wide as the widest terminal draws the span; `ColumnOutput` writes the
span for its stand-in, and then sets the column. On no terminal does a span reach into its neighbours.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterator
from functools import lru_cache

from prompt_toolkit.utils import _CHAR_SIZES_CACHE

from gptchat.core.width import cells
from gptchat.terminal.columns import graphemes
from gptchat.values import dataclass

WIDEST = 31
"""Columns of the widest span."""
_EACH = 2048
"""Number of stand-ins for each width; then the oldest is used again. No window shows so many at once."""
_FIRST = 0xD0000
"""A plane in which Unicode assigns nothing, not even to private use."""

_SETTLED = (
    "\t\n\r\r ~\xa0\xac\xae\u0377\u0384\u0482\u048a\u052f"  # Latin, Greek, Cyrillic and their marks
    "\u0591\u05c7\u05d0\u05ea\u0621\u0652\u0660\u06d5\u0e01\u0e32\u0e34\u0e4e"  # Hebrew, Arabic, Thai
    "\u2010\u2027\u2030\u205e\u20a0\u20bf\u2100\u22ff\u2500\u25fc\u2660\u2667"  # signs, arrows, boxes
    "\u2713\u2718\u2720\u2727\u2776\u2794\u2798\u27af\u27b1\u27be\u2800\u28ff"
    "\u3000\u3029\u3041\u3096\u309b\u30ff\u3105\u312f\u3200\u321e\u3220\u3247\u3250\u33ff"  # CJK
    "\u3400\u4dbf\u4e00\u9fff\uac00\ud7a3\uf900\ufa6d\uff01\uff9d\uffe0\uffe6\ufffd\ufffd"
)
"""The first and last of each range of characters whose width all terminals agree on, in order.

Measured in tmux 3.3a, xterm.js 6 (its tables for Unicode 6, 11 and graphemes) and pyte 0.8.
"""
_BORDERS = [ord(character) + index % 2 for index, character in enumerate(_SETTLED)]


@lru_cache(maxsize=4096)
def _settled(character: str) -> bool:
    return bisect_right(_BORDERS, ord(character)) % 2 == 1


@lru_cache(maxsize=4096)
def _is_letter(character: str) -> bool:
    """Whether `character` is settled, and never in one cluster with a neighbour that is such a letter, too."""
    return _settled(character) and not graphemes.is_defective(character)


def is_settled(text: str) -> bool:
    """Whether all terminals agree on the width of `text`."""
    return text.isascii() or all(map(_settled, text))


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a text that is drawn at one go.

    `length` is its number of code points in the text, `drawn` what is written for it, and `width` its number of
    columns, on the widest terminal if it is not `settled`. A `plain` span has no cluster of several code points.
    """

    drawn: str
    length: int
    width: int
    settled: bool = True
    plain: bool = False


def spans(text: str, breaks: Collection[int] = (), widest: int = WIDEST) -> Iterator[Span]:
    """`text` in spans. What terminals disagree on is one span with the rest of its word: so words stay whole.

    A span ends before a cluster that contains one of the indices `breaks`, and before it exceeds `widest`
    columns.
    """
    if all(map(_is_letter, text)):
        yield Span(text, len(text), cells(text), plain=True)
        return
    plain, word, width, at = "", "", 0, 0
    for cluster in graphemes.split(text):
        begin, at = at, at + len(cluster)
        blank = cluster.isspace() or cluster < " " or "\x7f" <= cluster < "\xa0"
        own = cells(cluster)
        if word:
            broken = blank or width + own > widest or any(index in breaks for index in range(begin, at))
            if not broken:
                word, width = word + cluster, width + own
                continue
            yield Span(word, len(word), max(width, 1), settled=False)
            word, width = "", 0
        if len(cluster) == 1 and (blank or is_settled(cluster)):
            plain += cluster
            continue
        if plain:
            yield Span(plain, len(plain), cells(plain), plain=True)
            plain = ""
        if graphemes.is_defective(cluster):
            yield Span(" " + cluster, len(cluster), own + 1, settled=False)
        elif is_settled(cluster):
            yield Span(cluster, len(cluster), own)
        elif own > widest:
            yield from _divided(cluster, widest)
        else:
            word, width = cluster, own
    if plain:
        yield Span(plain, len(plain), cells(plain), plain=True)
    if word:
        yield Span(word, len(word), max(width, 1), settled=False)


def _divided(cluster: str, widest: int) -> Iterator[Span]:
    """A cluster that is wider than `widest` columns, in parts."""
    part, width = "", 0
    for character in cluster:
        own = cells(character)
        if part and width + own > widest:
            yield Span(part, len(part), max(width, 1), settled=False)
            part, width = "", 0
        part, width = part + character, width + own
    yield Span(part, len(part), max(width, 1), settled=False)


_spans: dict[str, Span] = {}
_stand_ins: dict[Span, str] = {}
_used = [0] * (WIDEST + 1)


def stand_in(span: Span) -> str:
    """The character that stands for `span` (of at most WIDEST columns) in what prompt_toolkit draws."""
    known = _stand_ins.get(span)
    if known is not None:
        return known
    width = min(span.width, WIDEST)
    character = chr(_FIRST + width * _EACH + _used[width] % _EACH)
    _used[width] += 1
    before = _spans.pop(character, None)
    if before is not None:
        del _stand_ins[before]
    _spans[character], _stand_ins[span] = span, character
    _CHAR_SIZES_CACHE[character] = width  # where prompt_toolkit looks up each width; it has no public name for it
    return character


def stands_for(character: str) -> Span | None:
    """The span that `character` stands for; None if it stands for nothing."""
    return _spans.get(character)

"""Cuts texts into passages that embedding models take whole, and passages into sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

LONGEST = 800
"""Columns of a passage, a Chinese character being two: some 200 to 300 tokens; many models take 512."""
MOST = 64
"""Passages of one message; what is behind them, such as the end of an attached book, has no vectors."""

_WIDE = re.compile("[\u1100-\u11ff\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\uff00-\uff60\U0001f000-\U0003ffff]")
_SENTENCE = re.compile(r".+?(?:[.!?…]+[\"'”’)\]]*(?=\s)|[。！？]+[”’」』）]*|\n+|\Z)\s*", re.DOTALL)
_WORD = re.compile(r"\S")


class CutSpan(NamedTuple):
    """A passage of a text by its first index and the one behind its last, with its estimated tokens."""

    first: int
    last: int
    tokens: int


def cut(text: str) -> list[CutSpan]:
    """The passages of `text`, at most `MOST`; sentences stay whole where they fit. None is blank."""
    spans: list[CutSpan] = []
    begin = end = columns = 0
    for first, last in _pieces(text):
        width = _columns(text, first, last)
        paragraph = text[:first].endswith("\n\n") and columns > LONGEST // 2
        if end > begin and (columns + width > LONGEST or paragraph):
            spans.append(CutSpan(begin, end, columns // 4 + 1))
            begin, columns = first, 0
        end, columns = last, columns + width
    if end > begin:
        spans.append(CutSpan(begin, end, columns // 4 + 1))
    return [span for span in spans if _WORD.search(text, span.first, span.last)][:MOST]


def sentences(text: str) -> list[str]:
    """The sentences and lines of `text`, without blank ones."""
    return [sentence for match in _SENTENCE.finditer(text) if (sentence := match[0].strip())]


def columns(text: str) -> int:
    """The columns of `text`; a token has some four of them."""
    return _columns(text, 0, len(text))


def _pieces(text: str) -> Iterator[tuple[int, int]]:
    """Sentences as spans; one that is longer than a passage in parts, between words where there are any."""
    for match in _SENTENCE.finditer(text):
        first, last = match.span()
        while _columns(text, first, last) > LONGEST:
            longest = first + (LONGEST if text.isascii() else LONGEST // 2)
            blank = max(text.rfind(" ", first + 1, longest), text.rfind("\n", first + 1, longest))
            middle = blank + 1 if blank > 0 else longest
            yield first, middle
            first = middle
        if last > first:
            yield first, last


def _columns(text: str, first: int, last: int) -> int:
    if text.isascii():
        return last - first
    return last - first + len(_WIDE.findall(text, first, last))

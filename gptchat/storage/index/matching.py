"""Splits a search into words and finds them in a text, ignoring case, in any script."""

from __future__ import annotations

import re
from collections.abc import Sequence

from gptchat.values import dataclass

_TERM = re.compile(r'"([^"]+)"|(\S+)')


@dataclass(frozen=True, slots=True)
class Hit:
    """A message that contains every searched word, or a title (then `message` is empty and `role` is `title`).

    `message` is its id. `line` is the line of the text with the most of the words, shortened around the first
    match; `spans` are the matches in it, as (begin, end) indexes of `line`.
    """

    session: str
    title: str
    message: str
    role: str
    line: str
    spans: tuple[tuple[int, int], ...]


def fold(text: str) -> str:
    """`text` case-folded without changing its length, so that indexes into it are valid for `text`."""
    folded = text.casefold()
    if len(folded) != len(text):  # a character that folds to several, such as ß, stays as it is
        folded = "".join(low if len(low := char.casefold()) == 1 else char for char in text)
    return folded.replace("\0", " ")  # SQLite would end the text there


def terms(text: str) -> list[str]:
    """The words of a search, folded, each once; a phrase in quotation marks counts as one word."""
    found = [fold(match[1] or match[2]) for match in _TERM.finditer(text)]
    return list(dict.fromkeys(found))


def holds(folded: str, wanted: Sequence[str]) -> bool:
    """Whether `folded` contains every one of `wanted`."""
    return all(term in folded for term in wanted)


def excerpt(text: str, wanted: Sequence[str], width: int = 160) -> tuple[str, tuple[tuple[int, int], ...]]:
    """The line of `text` with the most of `wanted`, cut to `width` characters, and the spans of the matches.

    If no line matches: the beginning of `text`, and no spans. A match that continues on the next line counts
    for the line where it begins.
    """
    folded = fold(text)
    lines: dict[tuple[int, int], set[str]] = {}
    for term in wanted:
        at = folded.find(term)
        while at >= 0:
            begin = text.rfind("\n", 0, at) + 1
            end = text.find("\n", at + len(term))
            end = len(text) if end < 0 else end
            lines.setdefault((begin, end), set()).add(term)
            at = folded.find(term, end)
    if not lines:
        return text[:width], ()
    begin, end = max(sorted(lines), key=lambda line: len(lines[line]))
    first = min(at for term in wanted if (at := folded.find(term, begin, end)) >= 0)
    if end - begin > width:
        begin = max(begin, min(first - width // 4, end - width))
        end = min(end, begin + width)
    line = text[begin:end]
    return line, tuple(_spans(folded[begin:end], wanted))


def _spans(folded: str, wanted: Sequence[str]) -> list[tuple[int, int]]:
    """The sorted spans of `wanted` in `folded`; adjacent and overlapping ones are merged."""
    found = sorted((m.start(), m.end()) for term in wanted for m in re.finditer(re.escape(term), folded))
    merged: list[tuple[int, int]] = []
    for begin, end in found:
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((begin, end))
    return merged

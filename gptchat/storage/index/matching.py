"""What a search looks for, and where in a text it is: every word, in any case, in any script."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_TERM = re.compile(r'"([^"]+)"|(\S+)')


@dataclass(frozen=True, slots=True)
class Hit:
    """A message (or a title: `message` is empty then, `role` is `title`) in which everything was found.

    `line` is the line of the text with the first match, shortened around it; `spans` are the matches in it,
    as index ranges of `line`.
    """

    session: str
    title: str
    message: str
    role: str
    line: str
    spans: tuple[tuple[int, int], ...]


def fold(text: str) -> str:
    """`text` in one case, at its own length, so that places in it are places in `text`."""
    folded = text.casefold()
    if len(folded) != len(text):  # a letter that folds into several, such as ß: it stays as it is
        folded = "".join(low if len(low := char.casefold()) == 1 else char for char in text)
    return folded.replace("\0", " ")  # at which SQLite would stop


def terms(text: str) -> list[str]:
    """The words of a search, folded; what stands in quotation marks is one."""
    found = [fold(match[1] or match[2]) for match in _TERM.finditer(text)]
    return list(dict.fromkeys(found))


def holds(folded: str, wanted: Sequence[str]) -> bool:
    """Whether every one of `wanted` is in `folded`."""
    return all(term in folded for term in wanted)


def excerpt(text: str, wanted: Sequence[str], width: int = 160) -> tuple[str, tuple[tuple[int, int], ...]]:
    """The line of `text` that holds most of `wanted`, at most `width` characters of it, and where they are.

    A match that runs over the end of a line counts for the line where it begins.
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
    """Where `wanted` are in `folded`, in order, those that touch or overlap as one."""
    found = sorted((m.start(), m.end()) for term in wanted for m in re.finditer(re.escape(term), folded))
    merged: list[tuple[int, int]] = []
    for begin, end in found:
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((begin, end))
    return merged

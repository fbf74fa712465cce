"""How well a few typed letters fit a name: beginnings first, then words, then letters in order."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from typing import TypeVar

_T = TypeVar("_T")

_PREFIX, _WORD, _INSIDE, _LETTERS = 4000, 3000, 2000, 1000


def score(query: str, text: str) -> int:
    """How well `query` fits `text`, both in lower case: 0 for not at all, larger for better.

    The order of merit: `text` begins with the query, a word of it does, it contains the query, it has the
    query's letters in this order (better where they begin words and stand close together). A query of several
    words fits where each of them does.
    """
    if " " in query:
        parts = [score(word, text) for word in query.split()]
        return min(parts, default=_PREFIX) if all(parts) else 0
    place = text.find(query)
    if place == 0:
        return _PREFIX - min(len(text), 500)
    if place > 0:
        beginning = _begins_word(text, place) or _find_beginning(query, text, place)
        return (_WORD if beginning else _INSIDE) - min(place, 500)
    return _letters(query, text)


def best(query: str, items: Iterable[_T], text_of: Callable[[_T], str], limit: int = 50) -> list[_T]:
    """The `limit` items that fit best, best first; equally good ones in the order given.

    An empty query takes the first ones.
    """
    wanted = query.lower()
    if not wanted:
        return [item for item, _number in zip(items, range(limit), strict=False)]
    found = [
        (-merit, number, item)
        for number, item in enumerate(items)
        if (merit := score(wanted, text_of(item).lower()))
    ]
    return [item for _merit, _number, item in heapq.nsmallest(limit, found, key=lambda entry: entry[:2])]


def _letters(query: str, text: str) -> int:
    place, first, beginnings = -1, -1, 0
    for letter in query:
        following = text.find(letter, place + 1)
        if following < 0:
            return 0
        beginnings += _begins_word(text, following)
        place = following
        first = first if first >= 0 else place
    spread = place - first + 1 - len(query)
    return max(_LETTERS + 30 * beginnings - min(spread, 500) - min(first, 200), 1)


def _begins_word(text: str, place: int) -> bool:
    return place == 0 or not text[place - 1].isalnum()


def _find_beginning(query: str, text: str, place: int) -> bool:
    """Whether the query begins a word somewhere behind `place`."""
    while (place := text.find(query, place + 1)) >= 0:
        if _begins_word(text, place):
            return True
    return False

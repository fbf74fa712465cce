"""How well a few typed letters fit a name: beginnings first, then words, then letters in order."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from typing import TypeVar

_T = TypeVar("_T")

_PLACES = 2**40
_PREFIX, _WORD, _INSIDE, _LETTERS = 4000, 3000, 2000, 1000


def score(query: str, text: str) -> int:
    """How well `query` fits `text`, both in lower case: 0 for not at all, larger for better.

    The order of merit: `text` begins with the query, a word of it does, it contains the query, it has the
    query's letters in this order (better where they begin words and stand close together).
    """
    place = text.find(query)
    if place == 0:
        return _PREFIX - min(len(text), 500)
    if place > 0:
        beginning = _begins_word(text, place) or _find_beginning(query, text, place)
        return (_WORD if beginning else _INSIDE) - min(place, 500)
    return _letters(query, text)


def best(query: str, items: Sequence[_T], text_of: Callable[[_T], str], limit: int = 50) -> list[_T]:
    """The `limit` items that fit best, best first; equally good ones in the order given.

    An item fits a query of several words where each of them does. An empty query takes the first ones.
    """
    words = query.lower().split()
    if not words:
        return list(items[:limit])
    first, others = words[0], words[1:]
    # Merit and place are one number each, which keeps ten thousand titles within a few milliseconds.
    ranks: list[int] = []
    for number, item in enumerate(items):
        text = text_of(item).lower()
        merit = score(first, text)
        for word in others:
            merit = merit and min(merit, score(word, text))
        if merit:
            ranks.append(merit * _PLACES - number)
    return [items[-rank % _PLACES] for rank in heapq.nlargest(limit, ranks)]


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

"""Fuzzy matching of typed letters against names: prefixes first, then words, then letters in order."""

from __future__ import annotations

import heapq
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Generic, TypeVar

_T = TypeVar("_T")

_PLACES = 2**40
_PREFIX, _WORD, _INSIDE, _LETTERS = 4000, 3000, 2000, 1000


def score(query: str, text: str) -> int:
    """How well `query` matches `text`, both in lower case: 0 for no match, larger is better.

    Best to worst: `text` begins with the query; a word of it does; it contains the query; it contains the
    query's letters in the same order (better if they begin words and are close together).
    """
    place = text.find(query)
    if place < 0:
        return _letters(query, text)
    if place == 0:
        return _PREFIX - min(len(text), 500)
    word = _word(query).search(text, place)
    return _WORD - min(word.start(), 500) if word else _INSIDE - min(place, 500)


class Ranking(Generic[_T]):
    """Searches `items` incrementally: while the query grows, only items that matched the shorter query are tested.

    Ten thousand titles take a few milliseconds for the first letter and less for each following one.
    """

    def __init__(self, items: Sequence[_T], text_of: Callable[[_T], str]) -> None:
        self.items = items
        self._texts = [text_of(item).lower() for item in items]
        self._query = ""
        self._fitting: Sequence[int] = range(len(items))

    def best(self, query: str, limit: int = 50) -> list[_T]:
        """The `limit` best matches, best first; equal scores keep the order of `items`.

        An item must match every word of the query. An empty query returns the first items.
        """
        query = query.lower()
        words = query.split()
        if not words:
            return list(self.items[:limit])
        if not query.startswith(self._query):
            self._fitting = range(len(self.items))
        first, others, texts = words[0], words[1:], self._texts
        fitting: list[int] = []
        ranks: list[int] = []
        for number in self._fitting:
            text = texts[number]
            merit = score(first, text)
            for word in others:
                merit = merit and min(merit, score(word, text))
            if merit:
                fitting.append(number)
                ranks.append(merit * _PLACES - number)  # score and position in one number, for fast comparison
        self._query, self._fitting = query, fitting
        return [self.items[-rank % _PLACES] for rank in heapq.nlargest(limit, ranks)]


def best(query: str, items: Sequence[_T], text_of: Callable[[_T], str], limit: int = 50) -> list[_T]:
    """The best matches as in `Ranking.best`, for a single search."""
    return Ranking(items, text_of).best(query, limit)


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


@lru_cache(maxsize=64)
def _word(query: str) -> re.Pattern[str]:
    """A pattern that finds `query` at the beginning of a word."""
    return re.compile(r"(?<![^\W_])" + re.escape(query))

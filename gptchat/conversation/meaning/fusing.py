"""Merges what was found by words and by meaning, one result for each session."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import sqrt
from typing import TYPE_CHECKING, Literal, TypeVar

from gptchat.storage.vectors.cutting import sentences
from gptchat.values import dataclass, replace

if TYPE_CHECKING:
    from gptchat.storage.index.matching import Hit

By = Literal["words", "meaning", "both"]

_Found = TypeVar("_Found", "Hit", "Near")

_SMOOTH = 60
"""How little the first places count more than the next ones: the constant of reciprocal rank fusion, as in its
paper (Cormack, Clarke and Büttcher, 2009)."""
_LONGEST = 160
"""Characters of a line that is shown."""


@dataclass(frozen=True, slots=True)
class Near:
    """A passage that is near in meaning: where it is, its text, and its cosine similarity to what was asked."""

    session: str
    message: str
    role: str
    text: str
    similarity: float


@dataclass(frozen=True, slots=True)
class FoundSession:
    """A session that was found, with the best place in it. `line` is the sentence that matched.

    `message` is empty if only the title matched. `similarity` is that of the best passage, None without one.
    """

    session: str
    title: str
    message: str
    role: str
    line: str
    score: float
    by: By
    similarity: float | None = None


def fuse(words: Sequence[Hit], near: Sequence[Near], asked: str, limit: int) -> list[FoundSession]:
    """The `limit` best sessions: each list gives a session 1 / (60 + its place in it), and the sums are ranked.

    `words` and `near` have the best first, and may name a session more than once: the first counts. Of a session
    that is in both, the place is shown from the list in which it is higher.
    """
    found: dict[str, FoundSession] = {}
    for place, hit in enumerate(_firsts(words), 1):
        score = 1 / (_SMOOTH + place)
        found[hit.session] = FoundSession(hit.session, hit.title, hit.message, hit.role, hit.line, score, "words")
    for place, one in enumerate(_firsts(near), 1):
        score, before = 1 / (_SMOOTH + place), found.get(one.session)
        line = best_sentence(one.text, asked)
        here = FoundSession(one.session, "", one.message, one.role, line, score, "meaning", one.similarity)
        if before is not None:
            here = replace(here, title=before.title) if score > before.score and before.message else before
            here = replace(here, score=before.score + score, by="both", similarity=one.similarity)
        found[one.session] = here
    return sorted(found.values(), key=lambda one: (-one.score, one.session))[:limit]


def best_sentence(text: str, asked: str) -> str:
    """The sentence of `text` that shares most with `asked`, by pairs of letters; of equal ones the first."""
    wanted = _pairs(asked)

    def shared(sentence: str) -> float:
        pairs = _pairs(sentence)
        return len(pairs & wanted) / (sqrt(len(pairs)) + 1)

    line = max(sentences(text) or [text.strip()], key=shared)
    return " ".join(line.split())[:_LONGEST]


def _pairs(text: str) -> set[str]:
    """Each two neighbouring letters of the words of `text`."""
    return {word[at : at + 2] for word in text.casefold().split() for at in range(max(len(word) - 1, 1))}


def _firsts(found: Sequence[_Found]) -> Iterable[_Found]:
    """The first of each session, in order."""
    firsts: dict[str, _Found] = {}
    for one in found:
        firsts.setdefault(one.session, one)
    return firsts.values()

"""Splits a text into terms for a full-text index, in any script; questions and documents are split alike."""

from __future__ import annotations

import re

_RUN = re.compile(r"[^\W_]+")
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Burmese, Khmer
    "\u1100-\u11ff\u3040-\u30ff\u3130-\u318f\u31f0-\u31ff\uac00-\ud7af"  # kana, Hangul (whose endings are joined)
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Chinese characters
)
_SCRIPTS = re.compile(f"([{_UNSPACED}]+)")
_HUMPS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+")

_WORDS = """
a an and are as at be but by can could did do does for from had has have how i if in into is it its me my of on or
our should so than that the their them then there these they this to was we were what when where which who why will
with would you your 什么 怎么 怎样 如何 哪个 哪些 可以 这个 那个 一个 的是 是什 么是
"""
_COMMON = frozenset(_WORDS.split())
"""Words of questions that say nothing of what is asked for."""

_MOST = 64
"""Terms of a question that are looked for; a longer one is hardly a question."""


def terms(text: str) -> list[str]:
    """The terms of `text` in order, lower case.

    A name such as `ThreadPool` also gives its parts. Scripts without spaces between words give each pair of
    neighbouring characters, and the last character of a run, since words of two characters are the most common.
    """
    found: list[str] = []
    for run in _RUN.findall(text):
        if run.isascii():
            _add(run, found)
            continue
        for number, piece in enumerate(_SCRIPTS.split(run)):
            if number % 2:
                found += [piece[at : at + 2] for at in range(len(piece))]
            elif piece:
                _add(piece, found)
    return found


def _add(word: str, found: list[str]) -> None:
    found.append(word.lower())
    if not word.islower() and not word.isupper() and len(parts := _HUMPS.findall(word)) > 1:
        found += [part.lower() for part in parts if len(part) > 1]


def query(question: str) -> str:
    """An FTS5 query for pieces with any of the words of `question`; empty if it has none."""
    listed = list(dict.fromkeys(terms(question)))
    # The last character of a run is an ending in a question: only alone it is a word.
    alone = [term for term in listed if len(term) > 1 or term.isascii()]
    wanted = [term for term in alone if term not in _COMMON] or alone
    if not wanted:
        return " OR ".join(f'"{term}" *' for term in listed[:_MOST])
    return " OR ".join(f'"{term}"' for term in wanted[:_MOST])

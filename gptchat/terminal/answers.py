"""Matches a typed answer to a choice, in English and Chinese and from any input method."""

from __future__ import annotations

import re
from collections.abc import Sequence

from gptchat.core.typed.lines import half_width

_MEANT = {"yes": "y", "是": "y", "是的": "y", "好": "y", "好的": "y", "no": "n", "否": "n", "不": "n", "不是": "n"}
"""Words for y and n, accepted in every language of the program."""


_LEAVING = frozenset({"/exit", "/quit", "/bye"})
"""The command that leaves, by all its names."""


def leaves(answer: str) -> bool:
    """Whether `answer` is the command that leaves, which no question asks for."""
    return half_width(answer).strip().lower() in _LEAVING


def chosen(answer: str, choices: Sequence[tuple[str, str]]) -> str | None:
    """The key of the choice that `answer` means, or None. `choices` are (key, meaning) pairs.

    Full-width letters and digits, as typed with Chinese input methods, are treated as the normal ones.
    """
    plain = half_width(answer).strip().lower()
    for key, meaning in choices:
        if plain in (key.lower(), half_width(meaning).lower()):
            return key
    meant = _MEANT.get(plain)
    return meant if any(key == meant for key, _meaning in choices) else None


def with_words(answer: str, keys: Sequence[str]) -> tuple[str, str] | None:
    """The key of `keys` with which `answer` begins, and the words behind it, as in `n too dear`; None without."""
    first, *words = re.split(r"[\s,.:;，。：；、]+", half_width(answer).strip(), maxsplit=1)
    key = _MEANT.get(first.lower(), first.lower())
    said = words[0] if words else ""
    return (key, said) if key in keys and said else None

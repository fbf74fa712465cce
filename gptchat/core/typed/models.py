"""How the words behind `/compare` are read: which of them name models, and what is the message."""

from __future__ import annotations

import re
from collections.abc import Callable

from gptchat.core.typed.lines import take_word

LEAST, MOST = 2, 4
"""How many models are compared."""
_LIKELY = re.compile(r"(?=[^ ]*\d)(?=[^ ]*[-:/])[a-z][a-z0-9._:/@-]*[a-z0-9]\Z")
"""A name that no word of a message looks like: small letters with a digit and a dash, colon or slash."""


def take_models(rest: str, known: Callable[[str], bool], taken: int = LEAST) -> tuple[list[str], str]:
    """The further models that `rest` begins with, `taken` being named already, and the message behind them.

    A word is a model as long as it is `known` or looks like the name of one; `--` ends the models.
    """
    models: list[str] = []
    while rest and taken + len(models) < MOST:
        try:
            word, behind = take_word(rest)
        except ValueError:  # a quote of the message
            break
        plain = rest.startswith(word)
        if not plain or word == "--" or not (known(word) or _LIKELY.match(word)):
            break
        models.append(word)
        rest = behind
    if rest == "--" or rest.startswith("-- "):
        rest = rest[2:].lstrip()
    return models, rest

"""What a setting is: its key, its type and range, its default, and a sentence on what it is for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from gptchat import words
from gptchat.words import _

Type = Literal["text", "integer", "number", "flag", "list", "stop", "bias", "texts", "object"]
"""`flag` is true or false; `list` a list of texts; `stop` a text or a list of texts; `bias` token id to number;
`texts` name to text; `object` name to anything JSON has."""

Scope = Literal["chat", "program", "provider", "model"]
"""What a setting belongs to: the conversation (a session keeps it), the program, one provider, one model."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting as it is declared; parsing, checking, completion, help and the example file derive from it.

    `default` None means that nothing is sent or assumed unless the person sets it. `low` and `high` bound a
    number, both included. `example` is what the example file shows where the default says too little.
    """

    key: str
    type: Type
    default: Any
    sentence: str
    """What it is for, in English, as the catalogue of words has it; people read `summary`."""
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    scope: Scope = "program"
    example: Any = None

    @property
    def summary(self) -> str:
        """What the setting is for, in the language in use."""
        return words._(self.sentence)

    @property
    def meaning(self) -> str:
        """What values it takes, in the language in use: "a number from 0 to 2"."""
        if self.choices:
            return _("one of {choices}").format(choices=_(", ").join(self.choices))
        if self.type in ("number", "integer"):
            return _range(self.type, self.low, self.high)
        return {
            "text": _("a text"),
            "flag": _("true or false"),
            "list": _("a list of texts"),
            "stop": _("a text or a list of texts"),
            "bias": _("a table of token ids, each with a number from -100 to 100"),
            "texts": _("a table of names, each with a text"),
            "object": _("a table"),
        }[self.type]


def _range(kind: Type, low: float | None, high: float | None) -> str:
    """The words for a number's bounds."""
    whole = kind == "integer"
    if low is not None and high is not None:
        text = _("a whole number from {low} to {high}") if whole else _("a number from {low} to {high}")
        return text.format(low=_plain(low), high=_plain(high))
    if low is not None:
        text = _("a whole number, {low} or more") if whole else _("a number, {low} or more")
        return text.format(low=_plain(low))
    return _("a whole number") if whole else _("a number")


def _plain(number: float) -> str:
    """`2.0` as `2`."""
    return f"{number:g}" if abs(number) < 1_000_000 else str(int(number))

"""Declares a setting: its key, type, range, default, and a sentence about its purpose."""

from __future__ import annotations

from collections.abc import Mapping
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

from gptchat import words
from gptchat.values import dataclass, field, fields, replace
from gptchat.words import _

Type = Literal["text", "integer", "number", "flag", "list", "stop", "bias", "texts", "object"]
"""`flag` is true or false; `list` a list of texts; `stop` a text or a list of texts; `bias` token id to number;
`texts` name to text; `object` name to anything JSON has."""

Scope = Literal["chat", "program", "provider", "model", "tool"]
"""The scope of a setting: the conversation (stored in a session), the program, one provider or one model, or one
source of tools, which only the settings file and this run may name: it runs programs."""

_TYPES: Mapping[tuple[Any, ...], Type] = {
    (str,): "text",
    (int,): "integer",
    (float,): "number",
    (bool,): "flag",
    (tuple[str, ...],): "list",
    (str, tuple[str, ...]): "stop",
    (Mapping[str, float],): "bias",
    (Mapping[str, str],): "texts",
    (Mapping[str, Any],): "object",
}
"""The annotations that a declared setting may have, without None."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Flag:
    """An option of the command line; `sentence`, in English, says what it is for, and people read `summary`."""

    sentence: str
    metavar: str = ""
    """What stands for its value in the help; empty for an option without a value, or with `choices`."""
    short: str = ""
    name: str = ""
    """The long form if it differs from the field's name: `--continue`."""
    choices: tuple[str, ...] = ()

    @property
    def summary(self) -> str:
        """What the option is for, in the language in use."""
        return words._(self.sentence)


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
    variable: str = ""
    """The environment variable that sets it; at a provider's field, for the built-in `builtin` alone."""
    older: tuple[str, ...] = ()
    """Variables that older SDKs and guides use for the same; read where `variable` is not set."""
    builtin: str = ""
    flag: Flag | None = None
    """The option of the command line that sets it, beside `--set`; only for texts and flags."""

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


def setting(default: T, sentence: str, low: float | None = None, high: float | None = None, **more: Any) -> T:
    """A dataclass field that declares a setting, as `Setting` says; its annotation gives type and choices."""
    about = Setting("", "text", default, sentence, low, high, **more)
    if isinstance(default, dict):
        return field(default_factory=default.copy, metadata={"setting": about})  # type: ignore[return-value] # a copy of a T is a T
    return field(default=default, metadata={"setting": about})


def declared(group: type, prefix: str, scope: Scope) -> dict[str, Setting]:
    """The settings that a dataclass declares by its fields; the key of each is `prefix` and the field's name.

    They belong to `scope`, but for those of a program that say they belong to the conversation.
    """
    found = {}
    for entry in fields(group):
        if (about := entry.metadata.get("setting")) is not None:
            kind, choices = _type(entry.type)
            key = prefix + entry.name
            own = about.scope if about.scope == "chat" else scope
            found[key] = replace(about, key=key, type=kind, choices=choices, scope=own)
    return found


def _type(annotation: Any) -> tuple[Type, tuple[str, ...]]:
    """The type that an annotation stands for, and the choices that its Literals name."""
    union = get_origin(annotation) in (Union, UnionType)
    members = tuple(one for one in (get_args(annotation) if union else (annotation,)) if one is not NoneType)
    choices = [choice for one in members if get_origin(one) is Literal for choice in get_args(one) if choice]
    return ("text", tuple(choices)) if choices else (_TYPES[members], ())


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

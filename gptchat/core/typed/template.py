"""Templates: texts with variables such as `{language}`, filled in one pass; other braces stay. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Literal

from gptchat.core.origin import Origin, Sourced, joined, whole
from gptchat.values import dataclass

Place = Literal["text", "code", "block"]
"""Where a variable stands: in prose, in code between backticks, or in a block of code."""

MESSAGE = ("text", "input")
"""Variables that stand for the message to be answered where nothing else was given for them."""

_NAME = r"[^\W\d]\w{0,63}"
_PIECE = (
    r"^[ ]{0,3}(?P<fence>`{3,}|~{3,})[^\n]*\n(?P<block>.*?)(?:^[ ]{0,3}(?P=fence)[`~]*[ \t]*$|\Z)"
    r"|(?P<code>`[^`\n]+`)"
    # A command of LaTeX with its arguments: \frac{a}{b}.
    r"|\\[A-Za-z]+\*?(?:\[[^\]\n]*\]|\{[^{}\n]*\})+"
    rf"|(?<![{{\\$])\{{(?P<name>{_NAME})\}}"
)
_VARIABLE = rf"(?<![{{\\$])\{{(?P<name>{_NAME})\}}"
_ASSIGNED = rf"({_NAME})=(\"[^\"]*\"|'[^']*'|\S*)(?:\s+|\Z)"


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of a template: its name without braces, and the span that it takes, braces included."""

    name: str
    start: int
    end: int
    place: Place


@lru_cache(maxsize=32)
def variables(text: str) -> tuple[Variable, ...]:
    """The variables of a template, in order.

    A variable is a name in single braces. These are none: JSON and other braces with more than a name in them,
    `{{name}}`, `${name}`, `\\{name}` and the arguments of LaTeX's commands.
    """
    found: list[Variable] = []
    if "{" not in text:
        return ()
    for piece in re.finditer(_PIECE, text, re.MULTILINE | re.DOTALL):
        if piece["name"]:
            found.append(Variable(piece["name"], piece.start(), piece.end(), "text"))
            continue
        place: Place = "code" if piece["code"] else "block"
        if piece[place]:
            inner = re.compile(_VARIABLE).finditer(text, piece.start(place), piece.end(place))
            found += [Variable(one["name"], one.start(), one.end(), place) for one in inner]
    return tuple(found)


def names(text: str) -> tuple[str, ...]:
    """The names that need a value, in order, each once: those of variables outside of code."""
    return tuple(dict.fromkeys(one.name for one in variables(text) if one.place == "text"))


def uses(text: str, name: str) -> bool:
    """Whether `text` has the variable `name` anywhere, in code too."""
    return any(one.name == name for one in variables(text))


def fill(text: str, given: Mapping[str, str], automatic: Mapping[str, str] | None = None) -> str:
    """`text` with the values of `given` and `automatic` in place of its variables; others stay as they are.

    `automatic` values do not enter a block of code, where a name in braces is more likely to be code. Braces
    within a value are never read as variables.
    """
    sourced = {name: Sourced(value) for name, value in given.items()}
    return fill_sourced(text, "typed", sourced, automatic).text


def fill_sourced(
    text: str, origin: Origin, given: Mapping[str, Sourced], automatic: Mapping[str, str] | None = None
) -> Sourced:
    """As `fill`, for a template of `origin`; the values keep the origins that they have."""
    pieces: list[Sourced] = []
    at = 0
    for one in variables(text):
        value = given.get(one.name)
        if value is None and automatic and one.place != "block" and one.name in automatic:
            value = whole(automatic[one.name], origin)
        if value is not None:
            pieces += [whole(text[at : one.start], origin), value]
            at = one.end
    return joined("", [*pieces, whole(text[at:], origin)])


def unquoted(text: str) -> str:
    """`text` without quotation marks that enclose all of it."""
    start, end = within(text)
    return text[start:end]


def within(text: str) -> tuple[int, int]:
    """Where the inside of `text` begins and ends: behind and before quotation marks that enclose all of it."""
    quoted = len(text) > 1 and text[0] + text[-1] in ("''", '""', "“”")
    return int(quoted), len(text) - quoted


def assigned(text: str, known: Sequence[str]) -> tuple[dict[str, tuple[int, int]], int]:
    """The spans of the values in `NAME=VALUE` words at the beginning of `text`, and where the rest begins.

    Only the names in `known` count. A value may be quoted; its span is without the quotation marks.
    """
    spans: dict[str, tuple[int, int]] = {}
    at, word = 0, re.compile(_ASSIGNED)
    while (match := word.match(text, at)) and match[1] in known:
        start, end = within(match[2])
        spans[match[1]] = (match.start(2) + start, match.start(2) + end)
        at = match.end()
    return spans, at


@dataclass(frozen=True, slots=True)
class Template:
    """A template with the values that are known of its variables."""

    text: str
    given: Mapping[str, str]
    automatic: Mapping[str, str]

    @property
    def missing(self) -> list[str]:
        """The names of variables without a value, those aside that stand for the message."""
        known = {*self.given, *self.automatic, *MESSAGE}
        return [name for name in names(self.text) if name not in known]

    @property
    def shown(self) -> str:
        """The text with all known values; what stands for the message stays."""
        return fill(self.text, self.given, self.automatic)

    def filled(self, message: str) -> str:
        """The text with all known values, and with `message` for what stands for it."""
        return fill(self.text, {**dict.fromkeys(MESSAGE, message), **self.given}, self.automatic)

"""What can be completed where: the argument of a slash command at the cursor, and its candidates."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from gptchat.commands.registry import Argument, Call, Command, Registry
from gptchat.values import dataclass
from gptchat.words import _


class Candidate(NamedTuple):
    """One possible completion: the inserted text, the displayed text (if empty, `text`), and a note beside it."""

    text: str
    display: str = ""
    meta: str = ""


class Candidates(Protocol):
    """Source of candidates. `of` is called in the event loop for every key, so it must answer from memory."""

    def of(self, kind: str, text: str, call: Call) -> Sequence[Candidate]:
        """All candidates of an `Argument.kind`, most likely first; the completer filters them.

        `text` is the argument typed so far, `call` the command with the arguments before it. Candidates that are
        not in memory are left out and may be fetched in the background; `Prompt.complete_again` then shows them.

        Return a long list as the same object until it changes: its ranking is then kept between keys.
        """


@dataclass(frozen=True, slots=True)
class Place:
    """Position of the cursor in a command: the argument, its text so far, and the call before it."""

    argument: Argument
    typed: str
    call: Call


def place_in(command: Command, rest: str) -> Place | None:
    """The argument at the end of `rest`, the text between the name of `command` and the cursor; None if none."""
    values: dict[str, str] = {}
    flags: set[str] = set()
    while command.flags and rest.split(" ", 1)[0] in command.flags and " " in rest:
        flag, rest = rest.split(" ", 1)
        flags.add(flag)
        rest = rest.lstrip()
    for argument in command.arguments:
        word = re.match(r"""("[^"]*"|'[^']*'|[^\s"']\S*)\s+""", rest)
        if argument.rest or not word:
            return Place(argument, rest, Call(command, values, frozenset(flags)))
        values[argument.name] = word[1].strip("\"'")
        rest = rest[word.end() :]
    return None


def offered(place: Place, registry: Registry, candidates: Candidates) -> Sequence[Candidate]:
    """All candidates at `place`, not filtered yet."""
    argument, call = place.argument, place.call
    if place.typed.startswith("-") and not call.values and call.command.flags:
        return [Candidate(flag, meta=_(about)) for flag, about in call.command.flags.items()]
    if argument.choices:
        return [Candidate(choice) for choice in argument.choices]
    if argument.kind == "command":
        return [Candidate(command.name, meta=_(command.summary)) for command in registry.commands]
    return candidates.of(argument.kind, place.typed, call)


def quoted(text: str, typed: str) -> str:
    """`text` as one word of a command: quoted if it contains blanks, or if `typed` begins with a quote."""
    if not (typed[:1] in ("'", '"') or re.search(r"\s", text) or text[:1] in ("'", '"')):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'

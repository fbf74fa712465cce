"""What a command is declared with: its name, arguments and words; and a call of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from gptchat.core.origin import Sourced
from gptchat.errors import UsageError
from gptchat.values import dataclass, field
from gptchat.words import _

if TYPE_CHECKING:
    from collections.abc import Callable

    from gptchat.commands.effects import Effects

    Runner = Callable[..., Effects]

Kind = Literal[
    "text", "word", "number", "file", "session", "user", "model", "provider", "setting", "value", "preset",
    "format", "trashed", "command", "theme", "language", "code", "key", "tool", "collection",
]  # fmt: skip
"""What an argument names; completion offers the things of that kind."""

FAMILIES = ("sessions", "turns", "users", "model", "context", "tools", "input", "output", "about", "own")
"""`own` are commands of the user's own."""


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument. `rest` takes the whole rest of the line as it was typed, quotes and all."""

    name: str
    kind: Kind
    required: bool = False
    rest: bool = False
    choices: Sequence[str] = ()
    others: bool = False
    """Whether a number or `last` will do instead of one of `choices`."""

    @property
    def usage(self) -> str:
        """The argument as a usage line shows it: `REF`, or `[REF]` when it may be left out."""
        word = "|".join(self.choices) if self.choices else self.name.upper()
        return word if self.required else f"[{word}]"


@dataclass(frozen=True, slots=True)
class Call:
    """A command as a person called it: the values given, by the arguments' names, and the flags."""

    command: Command
    values: Mapping[str, str]
    flags: frozenset[str] = frozenset()
    typed: Sourced = field(default=Sourced(""), compare=False, repr=False)
    """All that follows the command's name, and where it came from; empty where that is not known."""

    def get(self, name: str) -> str:
        """The value of an argument; empty where it was left out."""
        return self.values.get(name, "")

    def number(self, name: str, default: int = 1) -> int:
        """The value of an argument as a number of at least 1; raises UsageError where it is none."""
        text = self.get(name)
        if not text:
            return default
        if not text.isdecimal() or not 0 < int(text) < 10**9:
            raise UsageError(
                _("{value} is not a number of 1 or more").format(value=text),
                hint=_("usage: {usage}").format(usage=self.command.usage),
            )
        return int(text)


@dataclass(frozen=True, slots=True)
class Command:
    """A slash command. `summary` and the examples' notes are English source; they are translated when shown.

    `streaming` says that it may run while a reply streams, since it changes nothing a turn depends on.
    """

    name: str
    family: str
    summary: str
    run: Runner
    """A command's function: takes the call, then the parts of the program that its other parameters name."""
    arguments: Sequence[Argument] = ()
    aliases: Sequence[str] = ()
    flags: Mapping[str, str] = field(default_factory=dict)
    examples: Sequence[tuple[str, str]] = ()
    streaming: bool = False
    session: Callable[[Call], bool] | bool = False
    """Whether it is about the open session, so that in the shell the latest is opened for it."""
    shows: Callable[[Call], bool] = lambda _call: False
    """Whether a call only shows something, so that a pasted one need not be asked about; those streaming do."""
    about: str = ""
    """More for `/help NAME`, where one line is not enough."""
    takes_input: bool = False
    """Whether from the shell standard input belongs to it."""
    brief: str = ""
    """A few words for the one screen of `/help`, English source; without, it stands in `/help all` only."""

    def only_shows(self, call: Call) -> bool:
        """Whether `call` changes no data, writes no file and sends nothing."""
        return self.streaming or self.shows(call)

    @property
    def usage(self) -> str:
        """Such as `/resume [REF]`."""
        words = [f"/{self.name}", *(f"[{flag}]" for flag in self.flags)]
        return " ".join(words + [argument.usage for argument in self.arguments])

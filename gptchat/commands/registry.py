"""Commands as data: their names, arguments and words. Parsing, help, completion and the README derive from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Protocol

from gptchat.commands.declared import FAMILIES as FAMILIES
from gptchat.commands.declared import Argument as Argument
from gptchat.commands.declared import Call as Call
from gptchat.commands.declared import Command as Command
from gptchat.core.origin import SIGN_OF, Sourced, behind, decide
from gptchat.core.typed.lines import half_width, slash_word, take_flags, take_word
from gptchat.core.typed.template import unquoted
from gptchat.errors import UsageError
from gptchat.values import dataclass, replace
from gptchat.words import _, closest

if TYPE_CHECKING:
    from collections.abc import Callable, Container


@dataclass(frozen=True, slots=True)
class Said:
    """A line that is meant for the model."""

    text: str


@dataclass(frozen=True, slots=True)
class Shell:
    """`!COMMAND`: run it and offer its output."""

    command: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """A slash word that names no command; never sent to the model. `nearest` are the likeliest names."""

    name: str
    nearest: Sequence[str]

    def error(self, *, sendable: bool = False) -> UsageError:
        """What to tell the person; `sendable`: a doubled slash sends the line as a message."""
        near = _(", ").join(f"/{known}" for known in self.nearest)
        hint = _("did you mean {names}?").format(names=near) if near else _("/help lists them all")
        if sendable:
            hint = (
                _("did you mean {names}? //{name} sends it as a message")
                if near
                else _("/help lists them all; //{name} sends it as a message")
            )
            hint = hint.format(names=near, name=self.name)
        return UsageError(_("there is no command /{name}").format(name=self.name), hint=hint)


Parsed = Call | Said | Shell | Unknown


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a line means, as it may act by where it came from: `asked` first, or else it is the message `said`."""

    parsed: Parsed
    said: Sourced
    asked: bool = False


_BARE = {"exit": "exit", "quit": "exit", "退出": "exit", "/": "help"}


class Own(Protocol):
    """The commands of the user's own, by name; `unused` are names that are built in already."""

    unused: list[str]

    def all(self) -> Mapping[str, Command]:
        """Every command by name."""

    def get(self, name: str) -> Command | None:
        """The command `name` as it is now, or None."""


class Registry:
    """All commands, by name and alias, in reading order.

    `modules` names modules whose `COMMANDS` come after `commands`, each with the names and aliases it declares, in
    order: a module is imported when one of these is asked for, or all commands are. `own` are the commands of the
    user's own, which never take the place of another one.
    """

    def __init__(
        self,
        commands: Sequence[Command] = (),
        modules: Mapping[str, str] | None = None,
        own: Callable[[Container[str]], Own | None] = lambda _taken: None,
    ) -> None:
        self._by_name: dict[str, Command | str] = {}
        """Each name's command, or the module that declares it."""
        self._add([(name, command) for command in commands for name in _names(command)])
        for module, names in (modules or {}).items():
            self._add([(name, module) for name in names.split()])
        self._find_own = own
        self._own: Own | None = None
        self.further: Mapping[str, Command] = {}
        """Commands that came to be known while the program runs; others go before them."""

    @property
    def own(self) -> Own | None:
        """The commands of the user's own; None while there is no folder of them."""
        if self._own is None:
            self._own = self._find_own(self._by_name.keys())
        return self._own

    @property
    def commands(self) -> tuple[Command, ...]:
        """Every command, the user's own last; loads all modules."""
        built_in = (command for name in self._by_name if (command := self._command(name)).name == name)
        return (*built_in, *(own.all().values() if (own := self.own) else ()), *self.further.values())

    def get(self, name: str) -> Command | None:
        """The command called `name` or with that alias; a leading slash does not matter."""
        name = half_width(name).removeprefix("/").lower()
        if name in self._by_name:
            return self._command(name)
        found = own.get(name) if (own := self.own) is not None else None
        return found or self.further.get(name)

    def names(self) -> list[str]:
        """Every name and alias."""
        return [*self._by_name, *(own.all() if (own := self.own) else ()), *self.further]

    def _add(self, named: Sequence[tuple[str, Command | str]]) -> None:
        for name, command in named:
            if name in self._by_name:
                raise ValueError(f"two commands are called /{name}")
            self._by_name[name] = command

    def _command(self, name: str) -> Command:
        known = dict(self._by_name)  # another thread may load the same module meanwhile
        found = known[name]
        if isinstance(found, str):
            commands: Sequence[Command] = import_module(found).COMMANDS
            loaded = {name: command for command in commands for name in _names(command)}
            listed = [name for name, module in known.items() if module == found]
            if list(loaded) != listed:
                raise ValueError(f"{found} declares {list(loaded)}, but is registered with {listed}")
            self._by_name |= loaded
            found = loaded[name]
        return found

    def nearest(self, name: str) -> list[str]:
        """Up to three names that `name` may have been meant for, likeliest first."""
        names = self.names()
        if not name.isascii():
            summaries = {command.name: command.summary for command in self.commands}
            own = [known for known in names if known.startswith(name)]
            return [*own, *closest(name, summaries)][:3]
        begins = [known for known in names if known.startswith(name.lower())]
        from difflib import get_close_matches

        close = get_close_matches(name.lower(), names, n=3, cutoff=0.6)
        return list(dict.fromkeys(begins + close))[:3]

    def read(self, entry: Sourced) -> Meaning:
        """What a line means by what it says and where that came from; a sign that may not act is text.

        Raises UsageError when the arguments of a typed command do not fit.
        """
        text = entry.text
        begins = len(text) - len(text.lstrip())
        message = Meaning(Said(text), entry)
        origin = entry.at(begins)
        typed = origin in ("typed", "completed")
        if not typed and decide(entry, "command", begins) == decide(entry, "shell", begins) == "text":
            return message
        try:
            parsed = self.parse(text)
        except UsageError:
            if typed or origin == "argument":
                raise
            return message
        match parsed:
            case Shell():
                verdict = decide(entry, "shell", begins)
            case Call() as found:
                parsed = replace(found, typed=behind(entry, begins))
                verdict = decide(entry, "command", begins, harmless=found.command.only_shows(found))
            case Unknown():
                return Meaning(parsed, entry) if typed or origin == "argument" else message
            case Said(said):
                # `//text` is for what was typed; a paste may begin with a comment.
                doubled = typed and said != text
                sent = entry.replaced(0, begins + 2, Sourced("/")).cut(0, len(said))
                return Meaning(parsed, sent) if doubled else message
        return message if verdict == "text" else Meaning(parsed, entry, asked=verdict == "ask")

    def parse(self, line: str) -> Parsed:
        """Classify a typed line: a command, a shell command, or a message for the model.

        Only a slash and one whole word make a command, so that paths and comments are messages; `//text` at the
        beginning stands for `/text`. Full-width signs mean the same; so does the `、` that Chinese input methods
        type on the key of the slash, where such a command exists. A slash alone asks which commands there are.
        Raises UsageError when the arguments do not fit.
        """
        stripped = line.strip()
        signs = [SIGN_OF.get(sign) for sign in (stripped + "   ")[:3]]
        if command := _BARE.get(half_width(stripped[:8]).lower()):
            return Call(self._command(command), {})
        # A code comment keeps both its slashes.
        slashes = signs[:2] == ["command"] * 2 != signs[1:] and "、" not in stripped[:2]
        if slashes and stripped[2:3].strip():
            return Said("/" + stripped[2:])
        if signs[0] == "shell" != signs[1] and stripped[1:].strip():
            return Shell(stripped[1:].strip())
        word, *others = stripped.split(maxsplit=1) or [""]
        name = slash_word(word)
        found = self.get(name) if name else None
        if found is None:
            return Unknown(name, self.nearest(name)) if name and word[0] != "、" else Said(line)
        return call(found, others[0] if others else "")


def _names(command: Command) -> tuple[str, ...]:
    return command.name, *command.aliases


def call(command: Command, rest: str) -> Call:
    """The call of `command` with the arguments typed in `rest`; raises UsageError where they do not fit."""
    actions = command.arguments[0].choices if command.arguments else ()
    flags, rest = take_flags(command.flags, rest, actions)
    values: dict[str, str] = {}
    for argument in command.arguments:
        if argument.rest:
            value, rest = (rest if argument.kind in ("text", "value") else unquoted(rest)), ""
        else:
            try:
                value, rest = take_word(rest)
            except ValueError:
                raise UsageError(
                    _("the quote in {rest} is not closed").format(rest=rest),
                    hint=_("usage: {usage}").format(usage=command.usage),
                ) from None
        if argument.choices and half_width(value) in argument.choices:
            value = half_width(value)
        if value:
            _check_choice(command, argument, value)
            values[argument.name] = value
        elif argument.required:
            raise UsageError(
                _("/{name} needs {argument}").format(name=command.name, argument=argument.name.upper()),
                hint=_("usage: {usage}").format(usage=command.usage),
            )
    if rest:
        raise UsageError(
            _("/{name} does not know what to do with {rest}").format(name=command.name, rest=rest),
            hint=_("usage: {usage}").format(usage=command.usage),
        )
    return Call(command, values, flags)


def _check_choice(command: Command, argument: Argument, value: str) -> None:
    if argument.others and (value.isdecimal() or value == "last"):
        return
    if argument.choices and value not in argument.choices:
        raise UsageError(
            _("/{name} takes one of {choices}, not {value}").format(
                name=command.name, choices=_(", ").join(argument.choices), value=value
            ),
            hint=_("usage: {usage}").format(usage=command.usage),
        )

"""Commands as data: their names, arguments and words. Parsing, help, completion and the README derive from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Protocol

from gptchat.commands.declared import FAMILIES as FAMILIES
from gptchat.commands.declared import Argument as Argument
from gptchat.commands.declared import Call as Call
from gptchat.commands.declared import Command as Command
from gptchat.core.origin import Sourced, behind, decide
from gptchat.core.template import unquoted
from gptchat.errors import UsageError
from gptchat.values import dataclass, replace
from gptchat.words import _

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


Parsed = Call | Said | Shell | Unknown


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a line means, as it may act by where it came from: `asked` first, or else it is the message `said`."""

    parsed: Parsed
    said: Sourced
    asked: bool = False


_BARE = {"exit": "exit", "quit": "exit", "/": "help", "／": "help"}


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
        return (*built_in, *(own.all().values() if (own := self.own) else ()))

    def get(self, name: str) -> Command | None:
        """The command called `name` or with that alias; a leading slash does not matter."""
        name = name.removeprefix("/").lower()
        if name in self._by_name:
            return self._command(name)
        return own.get(name) if (own := self.own) else None

    def names(self) -> list[str]:
        """Every name and alias."""
        return [*self._by_name, *(own.all() if (own := self.own) else ())]

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
                return Meaning(parsed, entry.cut(begins + 1, begins + 1 + len(said))) if doubled else message
        return message if verdict == "text" else Meaning(parsed, entry, asked=verdict == "ask")

    def parse(self, line: str) -> Parsed:
        """Classify a typed line: a command, a shell command, or a message for the model.

        Only a slash and one whole word make a command, so that paths and comments are messages; `//text` at the
        beginning stands for `/text`. A full-width slash, or the `、` that a Chinese input
        method types on the same key, begins a command only where such a command exists. A slash alone asks
        which commands there are. Raises UsageError when the arguments do not fit.
        """
        stripped = line.strip()
        if command := _BARE.get(stripped.lower()):
            return Call(self._command(command), {})
        if stripped.startswith("//") and stripped[2:3].strip() not in ("", "/"):  # a comment keeps both slashes
            return Said(stripped[1:])
        if stripped.startswith("!") and stripped[1:].strip():
            return Shell(stripped[1:].strip())
        word, *others = stripped.split(maxsplit=1) or [""]
        if not _is_slash_word(word) and not self._is_own(word):
            return Said(line)
        found = self.get(word[1:])
        if found is None:
            return Unknown(word[1:], self.nearest(word[1:])) if word[0] == "/" else Said(line)
        return call(found, others[0] if others else "")

    def _is_own(self, word: str) -> bool:
        """Whether `word` is a slash and the name of a command of the user's own, in whatever script."""
        return word[:1] in ("/", "／", "、") and (own := self.own) is not None and own.get(word[1:]) is not None


def _is_slash_word(word: str) -> bool:
    """Whether `word` is a slash and something that could be a command's name, known or not."""
    name = word[1:]
    plain = name.isascii() and (name[:1].isalpha() or name[:1] == "?")
    return plain and word[0] in "/／、" and (name[1:].replace("-", "a").replace("_", "a") or "a").isalnum()


def _names(command: Command) -> tuple[str, ...]:
    return command.name, *command.aliases


def call(command: Command, rest: str) -> Call:
    """The call of `command` with the arguments typed in `rest`; raises UsageError where they do not fit."""
    flags, rest = _take_flags(command, rest)
    values: dict[str, str] = {}
    for argument in command.arguments:
        if argument.rest:
            value, rest = (rest if argument.kind in ("text", "value") else unquoted(rest)), ""
        else:
            value, rest = _take_word(command, rest)
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


def _take_flags(command: Command, rest: str) -> tuple[frozenset[str], str]:
    """The command's flags, before its arguments, after its action, or last as in a shell, and the arguments."""
    flags: set[str] = set()
    actions = command.arguments[0].choices if command.arguments else ()
    while command.flags:
        words = rest.split(" ")
        places = (0, -1, 1) if words[0] in actions and len(words) > 1 else (0, -1)
        found = next((at for at in places if words[at] in command.flags), None)
        if found is None:
            break
        flags.add(words.pop(found))
        rest = " ".join(words).strip()
    return frozenset(flags), rest


def _take_word(command: Command, rest: str) -> tuple[str, str]:
    """The first word of `rest`, quoted as in a shell, and what follows it."""
    if not rest:
        return "", ""
    if rest[0] not in "'\"":
        # A backslash is left alone here: it is what Windows paths are made of.
        parts = rest.split(None, 1)
        return parts[0], parts[1] if len(parts) > 1 else ""
    import io
    import shlex

    stream = io.StringIO(rest)
    lexer = shlex.shlex(stream, posix=True, punctuation_chars=False)
    lexer.whitespace_split = True
    lexer.commenters = ""
    try:
        word = lexer.get_token() or ""
    except ValueError:
        raise UsageError(
            _("the quote in {rest} is not closed").format(rest=rest),
            hint=_("usage: {usage}").format(usage=command.usage),
        ) from None
    return word, stream.read().strip()


def _check_choice(command: Command, argument: Argument, value: str) -> None:
    if argument.choices and value not in argument.choices:
        raise UsageError(
            _("/{name} takes one of {choices}, not {value}").format(
                name=command.name, choices=_(", ").join(argument.choices), value=value
            ),
            hint=_("usage: {usage}").format(usage=command.usage),
        )

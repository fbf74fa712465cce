"""Commands of the user's own: each file `commands/NAME.md` beside the settings file becomes `/NAME`.

A file is a template of a message, with optional front matter. Its text is sent and never acts: a `!`, `@` or `/`
in it is a sign like any other (`gptchat.core.origin`). What a person types behind the command keeps its origin.
"""

from __future__ import annotations

import errno
import os
import re
import time
from collections.abc import Container, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from gptchat import words
from gptchat.commands.declared import Argument, Call, Command
from gptchat.commands.effects import Effects, Run, Show, Text
from gptchat.commands.wording import value_for
from gptchat.core.origin import Sourced, joined, whole
from gptchat.core.safe import clean_line
from gptchat.core.session import shorten
from gptchat.core.typed.template import MESSAGE, assigned, fill_sourced, names, unquoted, uses, within
from gptchat.errors import UsageError
from gptchat.files import read_regular
from gptchat.manager.variables import automatic
from gptchat.values import dataclass, field
from gptchat.words import _, ngettext

if TYPE_CHECKING:
    from gptchat.commands.declared import Runner
    from gptchat.config.settings import Settings
    from gptchat.conversation.people import People
    from gptchat.conversation.routing import Routing
    from gptchat.conversation.services import RunOptions

FAMILY = "own"
_NAME = re.compile(r"[^\W_][\w-]{0,63}")
_MOST_BYTES = 1_000_000
_MOST_FILES = 500
_STALE = 1.0
"""Seconds for which a list is taken from memory, so that completion does not read the folder for each key."""
_SHOWN = 6
"""Lines of a message that are shown before it is sent."""


@dataclass(frozen=True, slots=True)
class CommandFile:
    """A command's file: what its front matter says, and the template of the message."""

    body: str
    description: str = ""
    model: str = ""
    arguments: tuple[str, ...] = ()


class OwnCommands:
    """The commands of the files in `folder`. A name in `taken` stays what it is; such files are `unused`."""

    def __init__(self, folder: Path, taken: Container[str]) -> None:
        self.folder = folder
        self._taken = taken
        self._known: dict[str, tuple[tuple[int, int], Command]] = {}
        self._read_at = float("-inf")
        self.unused: list[str] = []

    def all(self) -> Mapping[str, Command]:
        """Every command by name, sorted; at most a second old."""
        if time.monotonic() - self._read_at > _STALE:
            self._scan()
        return {name: command for name, (_state, command) in self._known.items()}

    def get(self, name: str) -> Command | None:
        """The command `name` as its file is now, or None."""
        if not _NAME.fullmatch(name):
            return None
        self._scan()
        known = self._known.get(name.lower())
        return known[1] if known else None

    def _scan(self) -> None:
        """Read the folder, and the files that have changed."""
        known: dict[str, tuple[tuple[int, int], Command]] = {}
        unused: list[str] = []
        try:
            with os.scandir(self.folder) as entries:
                files = sorted((entry for entry in entries if entry.name.lower().endswith(".md")), key=_by_name)
        except OSError:  # there is none, which is usual
            files = []
        for entry in files[:_MOST_FILES]:
            name = entry.name[:-3].lower()
            if not _NAME.fullmatch(name) or name in known:
                continue
            if name in self._taken:
                unused.append(name)
                continue
            try:
                about = entry.stat()
                if not entry.is_file():
                    continue
            except OSError:  # a link to nowhere
                continue
            state = about.st_mtime_ns, about.st_size
            before = self._known.get(name)
            known[name] = before if before and before[0] == state else (state, _command(name, Path(entry.path)))
        self._known, self.unused, self._read_at = known, unused, time.monotonic()


def _by_name(entry: os.DirEntry[str]) -> str:
    return entry.name


def _command(name: str, path: Path) -> Command:
    try:
        source = read(path)
    except UsageError as error:
        source = CommandFile("", description=error.message)
    about = source.description or shorten(source.body, 60) or _("an empty file")
    arguments = " ".join(source.arguments) or "args"
    return Command(
        name,
        FAMILY,
        clean_line(about),
        _runner(name, path),
        (Argument(arguments, "text", rest=True),),
        about=clean_line(str(path)),
        takes_input=True,
    )


def read(path: Path) -> CommandFile:
    """The command in the file `path`. Raises UsageError where it cannot be read or is no text."""
    try:
        data = read_regular(path, _MOST_BYTES)
    except OSError as error:
        if error.errno == errno.EFBIG:
            raise UsageError(_("{path} is too large for a command").format(path=path)) from None
        raise UsageError(_("{path} cannot be read: {why}").format(path=path, why=words.reason(error))) from None
    try:
        return parse(data.decode("utf-8-sig").replace("\r\n", "\n"))
    except UnicodeDecodeError:
        raise UsageError(_("{path} is not text in UTF-8").format(path=path)) from None


def parse(text: str) -> CommandFile:
    """The front matter (`description`, `model`, `arguments`; other keys are ignored) and the body of `text`."""
    match = re.match(r"---[ \t]*\n(.*?)^---[ \t]*(?:\n|\Z)", text, re.DOTALL | re.MULTILINE)
    if match is None:
        return CommandFile(text.strip())
    facts: dict[str, list[str]] = {}
    key = ""
    for line in match[1].split("\n"):
        if (item := re.match(r"\s*-\s+(.*)", line)) and key:
            facts[key].append(unquoted(item[1].strip()))
        elif pair := re.match(r"([\w-]+)\s*:\s*(.*)", line):
            key = pair[1].lower()
            facts[key] = [unquoted(pair[2].strip())] if pair[2].strip() else []
    arguments = re.split(r"[\s,]+", " ".join(facts.get("arguments", [])).strip("[]{} "))
    return CommandFile(
        text[match.end() :].strip(),
        " ".join(facts.get("description", [])),
        " ".join(facts.get("model", [])),
        tuple(one for one in (unquoted(word) for word in arguments) if one.isidentifier()),
    )


@dataclass(slots=True)
class _Filling:
    """The values for one call: `given` by name, and `rest`, which is what the person typed besides.

    `spare` tells whether no declared argument takes its value from `rest`.
    """

    source: CommandFile
    given: dict[str, Sourced]
    rest: Sourced = field(default_factory=lambda: Sourced(""))
    piped: str = ""
    spare: bool = True

    def missing(self, fixed: Mapping[str, str]) -> list[str]:
        """The names without a value. `{args}` may be empty."""
        wanted = dict.fromkeys((*self.source.arguments, *names(self.source.body)))
        values = self.values()
        return [
            name
            for name in wanted
            if name != "args"
            and name not in fixed
            and not (name in values and (values[name].text or name not in MESSAGE))
        ]

    def values(self) -> dict[str, Sourced]:
        """All values, with what stands for the arguments as a whole."""
        piped = whole(self.piped, "piped") if self.piped else self.rest
        standing = {"args": self.rest, "text": self.rest, "input": piped}
        declared = {"args": Sourced("")} if "args" in self.source.arguments else {}
        standing = {name: value for name, value in standing.items() if name not in self.source.arguments}
        return {**standing, **declared, **self.given}

    def message(self, fixed: Mapping[str, str]) -> Sourced:
        """The message to send. Arguments and standard input that the template does not name follow it."""
        body, pieces = self.source.body, []
        pieces.append(fill_sourced(body, "command", self.values(), fixed))
        named = ("args", "text") if self.piped else ("args", *MESSAGE)
        if self.rest.text and self.spare and not any(uses(body, name) for name in named):
            pieces.append(self.rest)
        if self.piped and not uses(body, "input"):
            pieces.append(whole(self.piped, "piped"))
        return joined("\n\n", [piece for piece in pieces if piece.text])


def _filling(source: CommandFile, typed: Sourced, settings: Settings) -> _Filling:
    """The values that the arguments `typed` and the settings give."""
    known = settings.variables()
    piped = known.pop("input", "")
    filling = _Filling(source, {name: whole(value, "command") for name, value in known.items()}, piped=piped)
    spans, end = assigned(typed.text, (*source.arguments, *names(source.body)))
    filling.given |= {name: typed.cut(start, stop) for name, (start, stop) in spans.items()}
    filling.rest = typed.cut(end)
    left = [name for name in source.arguments if name not in spans and name not in settings.variables(given=True)]
    filling.spare = not left
    at = end
    for number, name in enumerate(left, 1):
        if number == len(left):
            value = re.compile(r"(?s).*").match(typed.text, at)
        else:
            value = re.compile(r"(\"[^\"]*\"|'[^']*'|\S+)\s*").match(typed.text, at)
        if value is None or not value[0].strip():
            break
        start, stop = within(value[0].strip())
        filling.given[name] = typed.cut(at + start, at + stop)
        at = value.end()
    return filling


def _runner(name: str, path: Path) -> Runner:
    """The function of the command in the file `path`, which it reads when it runs."""

    async def own(call: Call, settings: Settings, people: People, routing: Routing, run: RunOptions) -> Effects:
        source = read(path)
        words_given = next(iter(call.values.values()), "")
        typed = call.typed if call.typed.text == words_given else whole(words_given, "command")
        filling, fixed = _filling(source, typed, settings), automatic(people.current)
        missing = filling.missing(fixed)
        if missing and run.unattended:
            listed = _(", ").join(f"{{{one}}}" for one in missing)
            raise UsageError(
                _("/{name} needs a value for {variables}").format(name=name, variables=listed),
                hint=_("usage: {usage}").format(usage=f"/{name} {' '.join(f'{one}=…' for one in missing)}"),
            )
        for variable in missing:
            value = yield value_for(variable)
            if value is None:
                yield Show([Text(_("nothing was sent"), "quiet")])
                return
            # It may have been pasted at the question: a sign in it is asked about, as in a draft.
            filling.given[variable] = whole(value or f"{{{variable}}}", "draft")
        message = filling.message(fixed)
        if not message.text.strip():
            raise UsageError(_("{path} is empty: there is nothing to send").format(path=path))
        routing.route(source.model)  # what cannot be sent is told before it is shown
        if not run.unattended:
            yield Show([Text(excerpt(message.text), "quiet")])
        yield Run("send", message, source.model)

    return own


def excerpt(text: str) -> str:
    """The first lines of `text`, and how many there are besides."""
    lines = text.split("\n")
    shown = "\n".join(lines[:_SHOWN])
    if len(lines) <= _SHOWN:
        return shown
    more = ngettext("… {n} more line", "… {n} more lines", len(lines) - _SHOWN)
    return f"{shown}\n{more.format(n=len(lines) - _SHOWN)}"

"""What Tab offers: commands, their arguments by kind, and `@path` in a message.

Nothing here waits: the candidates come from memory (`Candidates`), and folders are read in a thread.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

from gptchat.commands.registry import Argument, Call, Command, Registry
from gptchat.terminal.input import fuzzy
from gptchat.values import dataclass
from gptchat.words import _

_SLASH = re.compile(r"\s*[/／、]([A-Za-z?][A-Za-z0-9_-]*|)$")
_CALL = re.compile(r"\s*[/／、]([A-Za-z?][A-Za-z0-9_-]*)\s+")
_AT = re.compile(r"""(?:^|(?<=[\s(（，。、；：]))@("[^"\n]*|[^\s"]*)$""")
_LIMIT = 50
_ENTRIES = 5000  # a larger folder is not looked through to its end


class Candidate(NamedTuple):
    """One thing that may be meant: what is inserted, what is shown (`text` where empty), and a note beside it."""

    text: str
    display: str = ""
    meta: str = ""


class Candidates(Protocol):
    """Where candidates come from. `of` is called on the loop for every key: it answers from memory, at once."""

    def of(self, kind: str, text: str, call: Call) -> Sequence[Candidate]:
        """All things of an `Argument.kind`, likeliest first; they are filtered by what is typed here.

        A list of thousands should be the same object until it changes: work on it is then kept between keys.

        `text` is what is typed of it so far, `call` the command with the arguments before it. What is not
        in memory is left out, and may be fetched behind; `Prompt.complete_again` then shows it.
        """


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in a call the cursor stands: at which argument, with what typed of it, and what came before."""

    argument: Argument
    typed: str
    call: Call


class ChatCompleter(Completer):
    """Completes what a `Registry` declares. `clean` makes text from outside (titles, names) safe to draw."""

    def __init__(
        self, registry: Registry, candidates: Candidates, clean: Callable[[str], str] = lambda text: text
    ) -> None:
        self._registry = registry
        self._candidates = candidates
        self._clean = clean
        self._ranking: fuzzy.Ranking[Candidate] | None = None

    def applies(self, document: Document) -> bool:
        """Whether completions may be shown while typing: in a command, and in an `@path`."""
        line = document.current_line_before_cursor
        if _AT.search(line):
            return True
        return document.cursor_position_row == 0 and bool(_SLASH.match(line) or self._command(line))

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        """Completions that need no disk; see `get_completions_async` for all of them."""
        place = self._place(document)
        if isinstance(place, str):
            yield from self._names(place)
        elif place is not None and place.argument.kind != "file":
            yield from self._arguments(place)

    def at_once(self, document: Document) -> list[Completion]:
        """The completions that come from memory; empty where a folder must be read."""
        return list(self.get_completions(document, CompleteEvent(completion_requested=True)))

    async def get_completions_async(
        self, document: Document, complete_event: CompleteEvent
    ) -> AsyncGenerator[Completion, None]:
        """All completions; folders are read in a thread."""
        path = self._path(document)
        if path is None:
            for completion in self.get_completions(document, complete_event):
                yield completion
            return
        found = await asyncio.get_running_loop().run_in_executor(None, _paths, path, _LIMIT)
        for entry in found:
            text = quoted(entry.path, path)
            if entry.is_folder and text.endswith('"'):
                text = text[:-1]  # the path goes on, and so does its quote
            yield Completion(text, -len(path), display=self._clean(entry.name))

    def _path(self, document: Document) -> str | None:
        """What is typed of a path where one is expected."""
        line = document.current_line_before_cursor
        place = self._place(document)
        if isinstance(place, _Place) and place.argument.kind == "file":
            return place.typed
        if place is None and (match := _AT.search(line)):
            return match[1]
        return None

    def _place(self, document: Document) -> _Place | str | None:
        """The argument at the cursor; or the letters of a command's name; or None in a message."""
        if document.cursor_position_row > 0:
            return None
        line = document.current_line_before_cursor
        if match := _SLASH.match(line):
            return match[1]
        command = self._command(line)
        if command is None:
            return None
        match = _CALL.match(line)
        assert match is not None
        return _argument(command, line[match.end() :])

    def _command(self, line: str) -> Command | None:
        match = _CALL.match(line)
        return self._registry.get(match[1]) if match else None

    def _names(self, typed: str) -> Iterable[Completion]:
        offered = [(command.name, command) for command in self._registry.commands]
        if typed:
            offered += [
                (alias, command)
                for command in self._registry.commands
                for alias in command.aliases
                if alias.startswith(typed.lower()) and not command.name.startswith(typed.lower())
            ]
        for name, command in fuzzy.best(typed, offered, lambda pair: pair[0], limit=len(offered)):
            yield Completion(
                name + (" " if command.arguments else ""),
                -len(typed),
                display=f"/{name}",
                display_meta=_(command.summary),
            )

    def _arguments(self, place: _Place) -> Iterable[Completion]:
        argument, typed = place.argument, place.typed
        wanted = typed.lstrip("\"'")
        offered = self._offered(place)
        if self._ranking is None or self._ranking.items is not offered:
            self._ranking = fuzzy.Ranking(offered, lambda one: one.display or one.text)
        for one in self._ranking.best(wanted, _LIMIT):
            text = one.text if argument.rest else quoted(one.text, typed)
            yield Completion(
                text,
                -len(typed),
                display=self._clean(one.display or one.text),
                display_meta=self._clean(one.meta),
            )

    def _offered(self, place: _Place) -> Sequence[Candidate]:
        argument, call = place.argument, place.call
        if place.typed.startswith("-") and not call.values and call.command.flags:
            return [Candidate(flag, meta=_(about)) for flag, about in call.command.flags.items()]
        if argument.choices:
            return [Candidate(choice) for choice in argument.choices]
        if argument.kind == "command":
            return [Candidate(command.name, meta=_(command.summary)) for command in self._registry.commands]
        return self._candidates.of(argument.kind, place.typed, call)


def _argument(command: Command, rest: str) -> _Place | None:
    """The argument of `command` at the end of `rest`, which is typed up to the cursor."""
    values: dict[str, str] = {}
    flags: set[str] = set()
    while command.flags and rest.split(" ", 1)[0] in command.flags and " " in rest:
        flag, rest = rest.split(" ", 1)
        flags.add(flag)
        rest = rest.lstrip()
    for argument in command.arguments:
        word = re.match(r"""("[^"]*"|'[^']*'|[^\s"']\S*)\s+""", rest)
        if argument.rest or not word:
            return _Place(argument, rest, Call(command, values, frozenset(flags)))
        values[argument.name] = word[1].strip("\"'")
        rest = rest[word.end() :]
    return None


def quoted(text: str, typed: str) -> str:
    """`text` as one word of a command: in quotes where it has blanks, or where a quote was begun."""
    if not (typed[:1] in ("'", '"') or re.search(r"\s", text) or text[:1] in ("'", '"')):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


class _Entry(NamedTuple):
    """`path` continues what was typed; `name` is what is shown. A folder's path and name end in `/`."""

    path: str
    name: str
    is_folder: bool


def _paths(typed: str, limit: int) -> list[_Entry]:
    """What `typed` (perhaps with an opening quote, `~` or a relative path) may become; none where unreadable.

    Hidden entries are offered when a dot is typed. This reads the disk.
    """
    typed = typed.lstrip("\"'")
    cut = max(typed.rfind("/"), typed.rfind(os.sep)) + 1
    folder, beginning = typed[:cut], typed[cut:]
    found: list[_Entry] = []
    try:
        with os.scandir(Path(folder).expanduser() if folder else ".") as entries:
            for entry, _number in zip(entries, range(_ENTRIES), strict=False):
                if entry.name.startswith(".") != beginning.startswith("."):
                    continue
                is_folder = _is_folder(entry)
                name = entry.name + "/" if is_folder else entry.name
                found.append(_Entry(folder + name, name, is_folder))
    except (OSError, RuntimeError):  # unreadable, no such folder, or no such user's home
        return []
    found.sort(key=lambda entry: (not entry.is_folder, entry.name.lower()))
    return fuzzy.best(beginning, found, lambda entry: entry.name, limit)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link into a place that may not be read
        return False

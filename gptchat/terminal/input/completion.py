"""Tab completion: commands, their arguments by kind, and `@path` and `#NAME` in a message.

Nothing here blocks: candidates come from memory (`Candidates`), and folders are read in a thread.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

from gptchat.commands.registry import Call, Command, Registry
from gptchat.terminal.completing.place import Candidate, Candidates, Place, offered, place_in, quoted
from gptchat.terminal.input import fuzzy
from gptchat.words import _

_SLASH = r"\s*[/／、]([^\W_][\w-]*|[?？]|)$"
_CALL = r"\s*[/／、]([^\W_][\w-]*|[?？])\s+"
_AT = r"""(?:^|(?<=[\s(（，。、；：]))[@＠]("[^"\n]*|[^\s"]*)$"""
_HASH = r"(?:^|(?<=[\s(（，。、；：]))[#＃]([^\W_][\w-]*|)$"
_LIMIT = 50
_ENTRIES = 5000  # at most so many entries of a folder are read


class ChatCompleter(Completer):
    """Completes the commands of a `Registry`. `clean` makes text from outside (titles, names) safe to draw."""

    def __init__(
        self, registry: Registry, candidates: Candidates, clean: Callable[[str], str] = lambda text: text
    ) -> None:
        self._registry = registry
        self._candidates = candidates
        self._clean = clean
        self._ranking: fuzzy.Ranking[Candidate] | None = None

    def applies(self, document: Document) -> bool:
        """Whether completions are shown while typing: True in a command, an `@path` and a `#NAME`."""
        line = document.current_line_before_cursor
        if re.search(_AT, line) or (re.search(_HASH, line) and self._collections()):
            return True
        return document.cursor_position_row == 0 and bool(re.match(_SLASH, line) or self._command(line))

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        """Completions that need no disk access; `get_completions_async` gives all of them."""
        place = self._place(document)
        if isinstance(place, str):
            yield from self._names(place)
        elif place is not None and not _names_file(place):
            yield from self._arguments(place)
        elif place is None and (match := re.search(_HASH, document.current_line_before_cursor)):
            for one in fuzzy.best(match[1], self._collections(), lambda one: one.text, _LIMIT):
                display = f"#{self._clean(one.text)}"
                yield Completion(
                    f"{one.text} ", -len(match[1]), display=display, display_meta=self._clean(one.meta)
                )

    def at_once(self, document: Document) -> list[Completion]:
        """The completions available from memory; empty if a folder must be read."""
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
                text = text[:-1]  # the path continues, so the quote stays open
            yield Completion(text, -len(path), display=self._clean(entry.name))

    def _path(self, document: Document) -> str | None:
        """The path typed so far; None if no path is expected at the cursor."""
        line = document.current_line_before_cursor
        place = self._place(document)
        if isinstance(place, Place) and _names_file(place):
            return place.typed
        if place is None and (match := re.search(_AT, line)):
            return match[1]
        return None

    def _collections(self) -> Sequence[Candidate]:
        """The collections of documents that a message may ask."""
        command = self._registry.get("docs")
        return self._candidates.of("collection", "", Call(command, {})) if command is not None else ()

    def _place(self, document: Document) -> Place | str | None:
        """The argument at the cursor, or the command name typed so far, or None outside a command."""
        if document.cursor_position_row > 0:
            return None
        line = document.current_line_before_cursor
        if match := re.match(_SLASH, line):
            return match[1]
        command = self._command(line)
        if command is None:
            return None
        match = re.match(_CALL, line)
        assert match is not None
        return place_in(command, line[match.end() :])

    def _command(self, line: str) -> Command | None:
        match = re.match(_CALL, line)
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

    def _arguments(self, place: Place) -> Iterable[Completion]:
        argument, typed = place.argument, place.typed
        wanted = typed.lstrip("\"'")
        found = offered(place, self._registry, self._candidates)
        if self._ranking is None or self._ranking.items is not found:
            self._ranking = fuzzy.Ranking(found, lambda one: one.display or one.text)
        for one in self._ranking.best(wanted, _LIMIT):
            text = one.text if argument.rest else quoted(one.text, typed)
            yield Completion(
                text,
                -len(typed),
                display=self._clean(one.display or one.text),
                display_meta=self._clean(one.meta),
            )


def _names_file(place: Place) -> bool:
    """Whether a path is expected: also behind `/docs add`."""
    kind = place.argument.kind
    return kind == "file" or (kind == "collection" and place.call.get("action") == "add")


class _Entry(NamedTuple):
    """`path` replaces the typed text; `name` is displayed. A folder's path and name end in `/`."""

    path: str
    name: str
    is_folder: bool


def _paths(typed: str, limit: int) -> list[_Entry]:
    """Up to `limit` paths that complete `typed`, best first; empty if the folder cannot be read.

    `typed` may begin with a quote or `~`, or be relative. Hidden entries are offered once a dot is typed.
    Reads the disk.
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
    except (OSError, RuntimeError):  # an unreadable or missing folder, or `~name` for an unknown user
        return []
    found.sort(key=lambda entry: (not entry.is_folder, entry.name.lower()))
    return fuzzy.best(beginning, found, lambda entry: entry.name, limit)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link into an unreadable folder
        return False

"""A user's input history, in their `input_history` file: safe for two terminals, a kill, and any text.

The file has prompt_toolkit's format (`# date`, then each line after a `+`), so other programs can read it. Another
comment, `# from: 0-12 pasted`, names what of the entry was not typed; an entry without it is of unknown origin.
An entry is one append, so a kill can only truncate the last entry; the next entry begins on a new
line. Only the end of the file is read, in a thread, so a long history never delays the first key.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncGenerator, Callable, Iterable
from datetime import datetime
from pathlib import Path

from prompt_toolkit.auto_suggest import AutoSuggest, Suggestion
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.document import Document
from prompt_toolkit.history import History

from gptchat.core.origin import ORIGINS, Part, Sourced, whole
from gptchat.files import make_folder, open_private, open_to_read, put_aside, put_aside_dangling, write_all
from gptchat.storage.removal.places import with_place
from gptchat.terminal.input.folding import FoldedDraft, Folding

_NEWEST = 10_000  # entries kept in memory; older ones stay in the file
_BYTES = 16 * 2**20  # at most so much of the end of the file is read
_MOST_PARTS = 50  # pieces of an entry whose origins are written down; a patchwork of more is of unknown origin
_BATCH = 500  # entries given to the buffer before the event loop handles keys again


class InputHistory(History):
    """The history in the file `path`; without a path (incognito) it is only kept in memory.

    `place()` is the id of the open session, which is noted with each entry: with the session, the entry goes.
    `failure` is the OSError raised when saving the last entry, else None. It is never raised to the caller.
    """

    def __init__(self, path: Path | None, folding: Folding, place: Callable[[], str] = str) -> None:
        super().__init__()
        self._path = path
        self._place = place
        self._folding = folding
        self._loading: asyncio.Future[list[Sourced]] | None = None
        self._given = False
        self._parts: dict[str, tuple[Part, ...]] = {}
        """What of an entry, unfolded, was not typed."""
        self.version = 0
        """Changes with every entry that is added."""
        self.failure: OSError | None = None

    async def read(self) -> None:
        """Read the file in a thread, if it has not been read yet."""
        if self._loaded:
            return
        if self._loading is None:
            loop = asyncio.get_running_loop()
            self._loading = loop.run_in_executor(None, self._stored)
        stored = await asyncio.shield(self._loading)
        if not self._loaded:  # two callers may have waited for the same thread
            recalled = [self._folding.recall(entry.text) for entry in stored]
            self._parts = {entry.text: entry.parts for entry in reversed(stored)} | self._parts
            added = self._loaded_strings
            self._loaded_strings = added + recalled[_already(added, recalled) :]
            self._loaded = True
            self.version += 1

    def give(self, buffer: Buffer) -> None:
        """Put the entries into a buffer that was just reset, so that even an Up typed ahead finds them.

        Does nothing if the file has not been read yet; the buffer then gets the entries from `load`.
        """
        self._given = False
        if not self._loaded:
            return
        position = buffer.cursor_position
        # The buffer itself loads entries in a task; keys already waiting would be handled before it.
        buffer._working_lines.extendleft(self._loaded_strings)
        buffer.working_index = len(self._loaded_strings)
        buffer.cursor_position = position
        self._given = True

    async def load(self) -> AsyncGenerator[str, None]:
        """The entries, newest first and folded, for a buffer; none if `give` has already put them there."""
        if self._given:
            return
        await self.read()
        for number, text in enumerate(list(self._loaded_strings), start=1):
            yield text
            if number % _BATCH == 0:
                await asyncio.sleep(0)

    def newest_first(self) -> list[str]:
        """The entries loaded so far, newest first. The internal list: do not modify it."""
        return self._loaded_strings

    def get_strings(self) -> list[str]:
        """The entries loaded so far, oldest first."""
        return self._loaded_strings[::-1]

    def add(self, entry: Sourced) -> FoldedDraft:
        """Add an entry, as `append_string`, that keeps where its text came from; returns it folded."""
        folded = self._folding.folded(entry)
        self.note(entry)
        self.append_string(folded.text)
        return folded

    def note(self, entry: Sourced) -> None:
        """Say where the text of an entry came from that `append_string` is about to add."""
        self._parts[entry.text] = entry.parts

    def parts_of(self, folded: str) -> tuple[Part, ...] | None:
        """What of the entry `folded` was not typed, in its own coordinates; None if there is no such entry."""
        text = self._folding.unfold(folded)
        parts = self._parts.get(text)
        return None if parts is None else self._folding.traced(folded, Sourced(text, parts)).parts

    def append_string(self, string: str) -> None:
        """Add an entry; a blank one, or a repetition of the newest, is not added."""
        if string.strip() and self._loaded_strings[:1] != [string]:
            super().append_string(string)
            del self._loaded_strings[_NEWEST:]
            self.version += 1

    def load_history_strings(self) -> Iterable[str]:
        """The newest entries of the file, newest first; empty if it cannot be read."""
        return [entry.text for entry in self._stored()]

    def _stored(self) -> list[Sourced]:
        if self._path is None:
            return []
        try:
            with open_to_read(self._path) as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(size - _BYTES, 0))
                data = file.read(_BYTES)
        except FileNotFoundError:
            put_aside_dangling(self._path)
            return []
        except OSError as error:
            put_aside(self._path, error)
            return []
        return _entries(data)[::-1][:_NEWEST]

    def store_string(self, string: str) -> None:
        """Append an entry, unfolded, to the file. An OSError is kept in `failure`."""
        if self._path is None:
            return
        text = self._folding.unfold(string)
        lines = "".join(f"+{line}\n" for line in text.split("\n"))
        origin = _written(self._parts.get(text, whole(text, "recalled").parts))
        stamp = f"\n# {datetime.now().isoformat(sep=' ')}\n".encode() + with_place(self._place(), origin.encode())
        record = stamp + lines.encode("utf-8", "surrogatepass")
        try:
            make_folder(self._path.parent)
            descriptor = open_private(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
            try:
                write_all(descriptor, record)
            finally:
                os.close(descriptor)
            self.failure = None
        except OSError as error:
            self.failure = error


_FROM = b"# from: "


def _entries(data: bytes) -> list[Sourced]:
    """The entries of a history file, oldest first. A line that does not begin with `+` ends an entry."""
    entries: list[Sourced] = []
    lines: list[str] = []
    origin = b""
    for line in [*data.split(b"\n"), b""]:
        if line.startswith(b"+"):
            lines.append(_decoded(line[1:]))
            continue
        if lines:
            text = "\n".join(lines)
            entries.append(Sourced(text, _read_parts(origin, text)))
            lines, origin = [], b""
        if line.startswith(_FROM):
            origin = line
    return entries


def _written(parts: tuple[Part, ...]) -> str:
    """The comment that names `parts`."""
    told = ", ".join(f"{part.start}-{part.end} {part.origin}" for part in parts[:_MOST_PARTS])
    return f"{_FROM.decode()}{told if len(parts) <= _MOST_PARTS else 'elsewhere'}\n"


def _read_parts(comment: bytes, text: str) -> tuple[Part, ...]:
    """The parts that `comment` names; all of `text` is of unknown origin where it does not fit."""
    if comment.strip() == _FROM.strip():
        return ()
    found: list[Part] = []
    for word in comment.removeprefix(_FROM).decode("ascii", "replace").split(", "):
        match = re.fullmatch(r"(\d{1,9})-(\d{1,9}) (\w+)", word)
        origin = next((one for one in ORIGINS if match and one == match[3]), None)
        if match is None or origin is None:
            return whole(text, "recalled").parts
        start, end = int(match[1]), int(match[2])
        if not (found[-1].end if found else 0) <= start < end <= len(text):
            return whole(text, "recalled").parts
        found.append(Part(start, end, origin))
    return tuple(found)


def _decoded(line: bytes) -> str:
    try:
        return line.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:  # a truncated or foreign entry: replacement characters are better than no entry
        return line.decode("utf-8", "replace")


def _already(added: list[str], stored: list[str]) -> int:
    """Number of the newest entries in `stored` that are also in `added`: appended while the file was read."""
    for count in range(min(len(added), len(stored)), 0, -1):
        if stored[:count] == added[:count]:
            return count
    return 0


class HistorySuggestion(AutoSuggest):
    """Suggests, in grey, the rest of the newest entry that begins with the typed text.

    This is fast for a long history: while the typed text grows, entries that did not match are not tested again.
    """

    def __init__(self, folding: Folding) -> None:
        self._folding = folding
        self._history: InputHistory | None = None
        self._version = -1
        self._text = ""
        self._index = 0

    def get_suggestion(self, buffer: Buffer, document: Document) -> Suggestion | None:
        """The rest of the matching entry's first line; None if none matches, or for a draft of several lines."""
        text, history = document.text, buffer.history
        if not isinstance(history, InputHistory) or not text.strip() or "\n" in text:
            return None
        entries = history.newest_first()
        same = history is self._history and self._version == history.version
        start = self._index if same and self._text and text.startswith(self._text) else 0
        index = next((i for i in range(start, len(entries)) if entries[i].startswith(text)), len(entries))
        self._history, self._version, self._text, self._index = history, history.version, text, index
        if index == len(entries):
            return None
        rest = entries[index][len(text) :].partition("\n")[0]
        return Suggestion(rest) if rest and not self._folding.has_marks(rest) else None

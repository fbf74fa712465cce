"""Traces of a session outside its own files: what was typed, the unsent draft, copies set aside, the debug log."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable, Iterator, Sequence, Set
from pathlib import Path

from gptchat.config.paths import debug_log
from gptchat.core.messages import Record
from gptchat.files import LARGE, open_private, read_private, sync, write_all
from gptchat.storage.journal import read_line
from gptchat.storage.removal.places import PLACE, split_place
from gptchat.storage.users import user_folder
from gptchat.values import dataclass

_UNDER_WAY = 10.0
"""Seconds after its last change in which a temporary file may be that of a running program."""

_WORD = re.compile(r"\w{3,}")
_DENSE = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]{2,}"
)
"""Scripts without blanks between words."""


@dataclass(slots=True)
class Erased:
    """What was said in sessions: `ids` are theirs, `typed` the person's own messages and the titles.

    `words` are the words of all messages. After `narrow`, they are those that were said nowhere else.
    """

    ids: Set[str]
    typed: set[str]
    words: set[str]

    def narrow(self, texts: Iterable[str], others: Iterable[Path]) -> None:
        """Keep of `words` those that are in `texts` and in none of the journals `others`. Raises OSError."""
        self.words &= {word for text in texts for word in _words(text)}
        for path in others:
            if not self.words:
                return
            text = read_private(path, LARGE).decode("utf-8", "replace").casefold()
            self.words = {word for word in self.words if word not in text}

    def covers(self, text: str, place: str) -> bool:
        """Whether `text`, typed in the session `place` (empty: not known), belongs to these sessions.

        It also does if it has a word that was said nowhere else: `/search eggs` may have been typed anywhere.
        """
        return place in self.ids or text.strip() in self.typed or not self.words.isdisjoint(_words(text))


def said_in(files: Iterable[Path], ids: Set[str]) -> Erased:
    """What the files of the sessions `ids` hold: journals, replies cut off, lines set aside. Raises OSError."""
    typed: set[str] = set()
    words: set[str] = set()
    for path in files:
        for line in read_private(path, LARGE).split(b"\n"):
            record, _sound = read_line(line)
            found = list(_texts(record)) if record is not None else [line.decode("utf-8", "replace")]
            words.update(word for text in found for word in _words(text))
            if record is not None and (record.get("role") == "user" or record.get("type") in ("title", "session")):
                typed.update(text.strip() for text in found)
    return Erased(ids, typed - {""}, words)


def _texts(record: Record) -> Iterator[str]:
    content, settings = record.get("content"), record.get("settings")
    parts = [record, *(content if isinstance(content, list) else ()), settings]
    for part in parts:
        if isinstance(part, dict):
            named = (part.get(key) for key in ("content", "text", "title", "reasoning", "system"))
            yield from (text for text in named if isinstance(text, str))


def _words(text: str) -> Iterator[str]:
    """The words of `text` that can be told from others; in a script without blanks, each two neighbours."""
    for word in _WORD.findall(text.casefold()):
        dense = _DENSE.findall(word)
        yield from (run[at : at + 2] for run in dense for at in range(len(run) - 1))
        if not dense and not word.isdecimal():
            yield word


def forget_typed(data: Path, user: str, said: Erased, others: Sequence[Path]) -> None:
    """Remove what `said` covers from the input history and the draft of `user`, and the copies that hold it.

    Entries of the history are overwritten where they stand, since other programs may be adding to the file.
    `others` are the journals that stay. Raises OSError.
    """
    folder = user_folder(data, user)
    history = folder / "input_history"
    entries = list(_entries(read_private(history, LARGE))) if history.exists() else []
    kept = []
    for path in (*_existing(folder, "draft"), *_existing(folder, "*.damaged")):
        place, content = split_place(read_private(path, LARGE))
        kept.append((path, place, content.decode("utf-8", "replace")))
    said.narrow([*(entry.text for entry in entries), *(text for _path, _place, text in kept)], others)
    _blank(history, [entry for entry in entries if said.covers(entry.text, entry.place)])
    for path, place, text in kept:
        if said.covers(text, place):
            path.unlink(missing_ok=True)
    for each in (data, folder, *(folder / name for name in ("sessions", "trash", "files"))):
        sweep(each)


@dataclass(frozen=True, slots=True)
class _Entry:
    """An entry of the input history: its session, its text, and where each of its lines is, as (start, bytes)."""

    place: str
    text: str
    lines: Sequence[tuple[int, int]]


def _entries(data: bytes) -> Iterator[_Entry]:
    """The entries of an input history. A line that does not begin with `+` ends an entry."""
    place, at = "", 0
    lines: list[tuple[int, bytes]] = []
    for line in [*data.split(b"\n"), b""]:
        if line.startswith(b"+"):
            lines.append((at, line))
        else:
            if lines:
                text = b"\n".join(line[1:] for _start, line in lines).decode("utf-8", "replace")
                yield _Entry(place, text, [(start, len(line)) for start, line in lines])
                lines, place = [], ""
            if line.startswith(PLACE):
                place = line[len(PLACE) :].decode("utf-8", "replace")
        at += len(line) + 1


def _blank(history: Path, entries: Sequence[_Entry]) -> None:
    """Make comments of the lines of `entries`, as long as they were, so that nothing moves."""
    if not entries:
        return
    fd = open_private(history, os.O_WRONLY)
    try:
        for start, length in (line for entry in entries for line in entry.lines):
            os.lseek(fd, start, os.SEEK_SET)
            write_all(fd, b"#" + b" " * (length - 1))
        sync(fd)
    finally:
        os.close(fd)


def sweep(folder: Path) -> None:
    """Remove the temporary files that killed programs left in `folder`. Raises OSError.

    One that was changed a moment ago may belong to a program that is writing: it gets half a second to finish.
    """
    for path in _existing(folder, ".*.tmp"):
        end = time.monotonic() + 0.5
        while _changed_lately(path) and time.monotonic() < end:
            time.sleep(0.02)
        path.unlink(missing_ok=True)


def empty_log(data: Path) -> None:
    """Empty the log of `--debug` runs, which has requests in it. Raises OSError."""
    log = debug_log(data)
    if log.exists():
        os.truncate(log, 0)


def _existing(folder: Path, pattern: str) -> list[Path]:
    return [path for path in folder.glob(pattern) if path.is_file()]


def _changed_lately(path: Path) -> bool:
    try:
        return time.time() - path.stat().st_mtime < _UNDER_WAY
    except OSError:
        return False

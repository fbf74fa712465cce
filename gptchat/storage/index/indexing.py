"""The search index in SQLite: finds what is not indexed yet, indexes it, and narrows a search to candidates.

`grams` is an FTS5 index with the trigram tokenizer and `detail=none`: it maps every sequence of three code
points to the chunks of journals that contain it. A chunk ends at the end of a line, so no message is divided.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from stat import S_ISREG
from zlib import crc32

from gptchat.core.messages import Message, Record
from gptchat.files import open_to_read
from gptchat.storage.ids import safe_id
from gptchat.storage.index.database import folder_key
from gptchat.storage.index.matching import fold
from gptchat.storage.journal import read_line
from gptchat.values import dataclass, field

Progress = Callable[[int, int], None]
"""Called with the bytes done and the total bytes."""

_SEAM = 1024
"""Bytes before the indexed end that are compared to check that a journal has only grown."""
_PIECE = 65_536
"""Approximate bytes of a journal per chunk."""
_BATCH = 2_000_000
"""Bytes to index per transaction; between transactions other programs can write."""
_MANY = 500
"""A short word that begins more trigrams than this is too common to narrow the search."""
_GROUPS = 12
"""Approximate number of trigrams to query for a long word; candidates are compared with the whole word anyway."""


@dataclass(slots=True)
class Journal:
    """A journal of `now` bytes, of which the first `size` are indexed."""

    id: str
    now: int
    key: int = 0
    """Its key in the index; 0 if it is not indexed."""
    size: int = 0
    whole: bool = False
    """Whether all of it must be read: in a journal with continuations, a match may span two records."""
    parts: list[tuple[int, int]] = field(default_factory=list)
    """The (first, last) byte offsets of the sections that may contain a match."""


@dataclass(slots=True)
class Survey:
    """The journals of a folder. Thousands may be fully indexed, so those are kept as plain table rows."""

    known: dict[int, tuple[str, int, int, int, int, int]] = field(default_factory=dict)
    """Fully indexed journals by key, as (id, key, size, mtime in ns, seam, whole)."""
    behind: list[Journal] = field(default_factory=list)
    """Journals that are not fully indexed."""

    @property
    def missing(self) -> int:
        """Bytes that are not in the index."""
        return sum(found.now - found.size for found in self.behind)


def survey(folder: Path, database: sqlite3.Connection | None) -> Survey:
    """Compare the journals in `folder` with the index (None: nothing is indexed). Raises sqlite3.Error."""
    rows: dict[str, tuple[str, int, int, int, int, int]] = {}
    if database is not None:
        query = """
            SELECT id, indexed.key, size, mtime, seam, whole
            FROM indexed JOIN folders ON folder = folders.key WHERE path = ?"""
        rows = {row[0]: row for row in database.execute(query, (str(folder.absolute()),))}
    result = Survey()
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if not entry.name.endswith(".jsonl") or not safe_id(entry.name[:-6]):
                    continue
                try:
                    stat = entry.stat()
                except OSError:  # deleted meanwhile
                    continue
                if not S_ISREG(stat.st_mode):
                    continue
                id, size = entry.name[:-6], stat.st_size
                row = rows.get(id)
                if row is None:
                    result.behind.append(Journal(id, size))
                elif row[2] == size and row[3] == stat.st_mtime_ns:
                    result.known[row[1]] = row
                elif row[2] < size and row[4] == _seam(folder, id, row[2]):
                    result.behind.append(Journal(id, size, row[1], row[2], bool(row[5])))
                else:
                    result.behind.append(Journal(id, size, row[1]))
    except OSError:  # no folder yet: there is nothing to search
        pass
    return result


def index(database: sqlite3.Connection, folder: Path, found: Survey, progress: Progress | None = None) -> None:
    """Index the missing parts of `found`, newest first. Raises sqlite3.Error, and what `progress` raises."""
    total, done, batch = found.missing, 0, 0
    database.execute("BEGIN IMMEDIATE")
    try:
        folder_number = folder_key(database, folder)
        todo = _forget_the_gone(database, folder_number, found)
        for journal in sorted(todo, key=lambda journal: journal.id, reverse=True):
            size = journal.now - journal.size
            _learn(database, folder_number, folder, journal)
            done, batch = done + size, batch + size
            if batch >= _BATCH:
                database.execute("COMMIT")
                batch = 0
                if progress is not None:
                    progress(min(done, total), total)
                database.execute("BEGIN IMMEDIATE")
        database.execute("COMMIT")
    except BaseException:
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise
    if progress is not None:
        progress(total, total)


def candidates(database: sqlite3.Connection, found: Survey, wanted: Sequence[str]) -> list[Journal]:
    """The journals whose `parts` may contain all of `wanted` (folded words). Raises sqlite3.Error."""
    expression = _expression(database, wanted)
    result = {journal.key or -number: journal for number, journal in enumerate(found.behind, 1)}
    for row in found.known.values():
        if row[5] or expression is None:
            result[row[1]] = Journal(row[0], row[2], row[1], row[2], bool(row[5]))
    for journal in result.values():
        whole = journal.whole or expression is None
        journal.parts.append((0 if whole else journal.size, journal.now))
    if expression:
        query = (
            "SELECT session, first, last FROM grams JOIN chunks ON chunks.key = grams.rowid WHERE grams MATCH ?"
        )
        for key, first, last in database.execute(query, (expression,)):
            match = result.get(key)
            if match is None:
                if (known := found.known.get(key)) is None:
                    continue  # in another folder, or deleted
                match = result[key] = Journal(known[0], known[2], key, known[2])
            if last <= match.size and not match.whole:
                match.parts.append((first, last))
    return list(result.values())


def text_of(record: Record) -> str:
    """The searchable text of a record: the content of a message or continuation, or a title; else empty."""
    kind = record.get("type")
    if kind in ("title", "session"):
        title = record.get("title")
        return title if isinstance(title, str) else ""
    if kind in ("message", "continuation") or "role" in record:
        content = record.get("content")
        return content if isinstance(content, str) else Message.from_record(record).text
    return ""


def needs_all(record: Record) -> bool:
    """Whether `record` depends on other records: a continuation, or a message of journal version 0."""
    return record.get("type") == "continuation" or ("role" in record and "type" not in record)


def _expression(database: sqlite3.Connection, wanted: Sequence[str]) -> str | None:
    """The FTS5 query for `wanted`; None if the index cannot narrow it, empty if nothing can match."""
    conditions = []
    for word in map(_storable, wanted):
        if len(word) >= 3:
            groups = list(dict.fromkeys(word[i : i + 3] for i in range(len(word) - 2)))
            step = max(len(groups) // _GROUPS, 1)
            conditions += [_quoted(group) for group in groups[::step]]
            continue
        # One or two letters always begin a trigram, since two line feeds follow every text.
        query = "SELECT term FROM vocabulary WHERE term >= ? AND term < ? LIMIT ?"
        rows = database.execute(query, (word, word + "\U0010ffff", _MANY + 1)).fetchall()
        if not rows:
            return ""
        if len(rows) <= _MANY:
            conditions.append("(" + " OR ".join(_quoted(row[0]) for row in rows) + ")")
    return " AND ".join(conditions) or None


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _storable(text: str) -> str:
    """`text` with lone surrogates, which SQLite does not accept, replaced by `?`."""
    return text.encode(errors="replace").decode()


def _learn(database: sqlite3.Connection, folder_number: int, folder: Path, found: Journal) -> None:
    """Index what was appended to the journal, or all of it if it is new or was replaced."""
    try:
        with open_to_read(folder / f"{found.id}.jsonl") as file:
            stat = os.fstat(file.fileno())
            file.seek(found.size)
            data = file.read(max(stat.st_size - found.size, 0))
            end = found.size + data.rfind(b"\n") + 1
            file.seek(max(end - _SEAM, 0))
            seam = crc32(file.read(end - max(end - _SEAM, 0)))
    except OSError:  # a search could not read it either
        return
    if found.key and not found.size:
        database.execute("DELETE FROM chunks WHERE session = ?", (found.key,))
    if not found.key:
        row = database.execute(
            "INSERT INTO indexed (folder, id, size, mtime, seam, whole) VALUES (?, ?, 0, 0, 0, 0)",
            (folder_number, found.id),
        )
        found.key = row.lastrowid or 0
    first = found.size
    for last, texts, all_needed in _pieces(data, first):
        found.whole = found.whole or all_needed
        row = database.execute(
            "INSERT INTO chunks (session, first, last) VALUES (?, ?, ?)", (found.key, first, last)
        )
        text = _storable(fold("".join(f"{text}\n\n" for text in texts)))
        database.execute("INSERT INTO grams (rowid, text) VALUES (?, ?)", (row.lastrowid, text))
        first = last
    database.execute(
        "UPDATE indexed SET size = ?, mtime = ?, seam = ?, whole = ? WHERE key = ?",
        (end, stat.st_mtime_ns, seam, found.whole, found.key),
    )
    found.size, found.now = end, stat.st_size


def _pieces(data: bytes, start: int) -> Iterator[tuple[int, list[str], bool]]:
    """The complete lines of `data` in chunks: end offset, texts, and whether the whole journal must be read."""
    texts: list[str] = []
    at, begun, all_needed = start, start, False
    for line in data.split(b"\n")[:-1]:
        at += len(line) + 1
        record, _sound = read_line(line)
        if record is not None:
            texts.append(text_of(record))
            all_needed = all_needed or needs_all(record)
        if at - begun >= _PIECE:
            yield at, texts, all_needed
            texts, begun, all_needed = [], at, False
    if at > begun:
        yield at, texts, all_needed


def _forget_the_gone(database: sqlite3.Connection, folder_number: int, found: Survey) -> list[Journal]:
    """Remove deleted journals from the index, or empty it if most of it is obsolete. Returns what to index."""
    here = found.known.keys() | {journal.key for journal in found.behind}
    rows = database.execute("SELECT key FROM indexed WHERE folder = ?", (folder_number,)).fetchall()
    gone = [row for row in rows if row[0] not in here]
    database.executemany("DELETE FROM chunks WHERE session = ?", gone)
    database.executemany("DELETE FROM indexed WHERE key = ?", gone)
    alive = database.execute("SELECT count(*) FROM chunks").fetchone()[0]
    made = database.execute("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'chunks'").fetchone()[
        0
    ]
    if made > 2 * alive + 2000:
        # Without their text, the trigrams of removed chunks cannot be deleted one by one.
        database.execute("INSERT INTO grams (grams) VALUES ('delete-all')")
        for table in ("chunks", "indexed"):
            database.execute(f"DELETE FROM {table}")  # noqa: S608 - two names of ours
        database.execute("DELETE FROM sqlite_sequence WHERE name = 'chunks'")
        return [Journal(row[0], row[2]) for row in found.known.values()] + [
            Journal(journal.id, journal.now) for journal in found.behind
        ]
    return found.behind


def _seam(folder: Path, id: str, end: int) -> int:
    try:
        with open_to_read(folder / f"{id}.jsonl") as file:
            begin = max(end - _SEAM, 0)
            file.seek(begin)
            return crc32(file.read(end - begin))
    except OSError:
        return -1

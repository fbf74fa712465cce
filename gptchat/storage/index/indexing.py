"""The tables behind the search: which bytes of which journals they know, how they learn new ones, candidates.

`grams` is an FTS5 index with the trigram tokenizer and `detail=none`: for every group of three code points,
the stretches of journals that hold it. A stretch ends at the end of a line, so a message is never divided.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from stat import S_ISREG
from zlib import crc32

from gptchat.core.messages import Message, Record
from gptchat.storage.ids import safe_id
from gptchat.storage.index.database import folder_key
from gptchat.storage.index.matching import fold
from gptchat.storage.journal import read_line

Progress = Callable[[int, int], None]
"""Called with the bytes done and the bytes in all."""

_SEAM = 1024
"""How many bytes before the end of what is known are compared, to see that a journal has only grown."""
_PIECE = 65_536
"""About how many bytes of a journal one entry of the index stands for."""
_BATCH = 2_000_000
"""How many bytes are indexed in one transaction, so that other programs get their turn."""
_MANY = 500
"""Beginnings of more groups than this are too common for looking each up to help."""
_GROUPS = 12
"""How many groups of a long word are asked for; the rest is compared anyway."""


@dataclass(slots=True)
class Journal:
    """A journal as it is (`now` bytes) and as the index knows it (the first `size` of them)."""

    id: str
    now: int
    key: int = 0
    """Its number in the index; 0: unknown."""
    size: int = 0
    whole: bool = False
    """It holds continuations: a match may begin in one record and end in another, so all of it is read."""
    parts: list[tuple[int, int]] = field(default_factory=list)
    """The stretches that may hold an answer, as offsets of bytes."""


@dataclass(slots=True)
class Survey:
    """The journals of a folder. Thousands are as the index knows them, so those stay rows of its table."""

    known: dict[int, tuple[str, int, int, int, int, int]] = field(default_factory=dict)
    """By number: id, number, size, time, seam, whole."""
    behind: list[Journal] = field(default_factory=list)
    """Those of which the index does not know all."""

    @property
    def missing(self) -> int:
        """How many bytes are not in the index."""
        return sum(found.now - found.size for found in self.behind)


def survey(folder: Path, database: sqlite3.Connection | None) -> Survey:
    """The journals in `folder`, and what the index knows of each. Raises sqlite3.Error."""
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
                except OSError:  # gone this moment
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
    """Bring the index up to what was `found`, newest first. Raises sqlite3.Error, and what `progress` raises."""
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
    """The journals with the parts that may hold all of `wanted` (folded). Raises sqlite3.Error."""
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
                    continue  # another person's, or gone
                match = result[key] = Journal(known[0], known[2], key, known[2])
            if last <= match.size and not match.whole:
                match.parts.append((first, last))
    return list(result.values())


def text_of(record: Record) -> str:
    """The words of a record that a search looks at: a message's or continuation's content, or a title."""
    kind = record.get("type")
    if kind in ("title", "session"):
        title = record.get("title")
        return title if isinstance(title, str) else ""
    if kind in ("message", "continuation") or "role" in record:
        content = record.get("content")
        return content if isinstance(content, str) else Message.from_record(record).text
    return ""


def needs_all(record: Record) -> bool:
    """Whether what this record means depends on others: a continuation, or a bare message of version 0."""
    return record.get("type") == "continuation" or ("role" in record and "type" not in record)


def _expression(database: sqlite3.Connection, wanted: Sequence[str]) -> str | None:
    """The FTS5 query for `wanted`; None where the index cannot narrow it, empty where nothing can match."""
    conditions = []
    for word in map(_storable, wanted):
        if len(word) >= 3:
            groups = list(dict.fromkeys(word[i : i + 3] for i in range(len(word) - 2)))
            step = max(len(groups) // _GROUPS, 1)
            conditions += [_quoted(group) for group in groups[::step]]
            continue
        # One or two letters are the beginning of a group, since two line feeds follow every text.
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
    """SQLite takes no lone surrogates; all of them are one and the same to the index."""
    return text.encode(errors="replace").decode()


def _learn(database: sqlite3.Connection, folder_number: int, folder: Path, found: Journal) -> None:
    """Index what the journal has grown by, or all of it where it is new or another one."""
    try:
        with (folder / f"{found.id}.jsonl").open("rb") as file:
            stat = os.fstat(file.fileno())
            file.seek(found.size)
            data = file.read(max(stat.st_size - found.size, 0))
            end = found.size + data.rfind(b"\n") + 1
            file.seek(max(end - _SEAM, 0))
            seam = crc32(file.read(end - max(end - _SEAM, 0)))
    except OSError:  # it can be searched no other way either
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
    """The complete lines of `data` in stretches: where each ends, its texts, and whether all must be read."""
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
    """Drop what is no longer there; start anew when most of the index is of such. Returns what to index."""
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
        # The groups of dropped stretches cannot be removed one by one without their text.
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
        with (folder / f"{id}.jsonl").open("rb") as file:
            begin = max(end - _SEAM, 0)
            file.seek(begin)
            return crc32(file.read(end - begin))
    except OSError:
        return -1

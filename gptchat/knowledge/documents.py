"""The index of one collection of documents: an SQLite file with their pieces and the words in them.

It is only a cache of files that are elsewhere. It may be deleted at any time, and is made again from the files.
"""

from __future__ import annotations

import os
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from gptchat import words
from gptchat.errors import StorageError
from gptchat.files import make_folder, open_private, replaceable
from gptchat.knowledge.cutting import Segment
from gptchat.knowledge.terms import query, terms
from gptchat.values import dataclass
from gptchat.words import _

SCHEMA = 1
"""Version of the tables, of how documents are cut and of how terms are made; another version is made again."""

_PATIENCE = 10.0
"""Seconds to wait while another program writes."""
_ENDINGS = ("", "-wal", "-shm", "-journal")
_ABSENT = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_FULL)
_HELD = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)

# `words` has no text of its own: a row is deleted by its terms, which are made anew from `pieces`.
_TABLES = (
    """CREATE TABLE files (
        key INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, size INTEGER NOT NULL, mtime INTEGER NOT NULL,
        digest TEXT NOT NULL, reason TEXT NOT NULL,
        name TEXT NOT NULL)""",
    """CREATE TABLE pieces (
        key INTEGER PRIMARY KEY AUTOINCREMENT, file INTEGER NOT NULL, line INTEGER NOT NULL, last INTEGER NOT NULL,
        page INTEGER NOT NULL, heading TEXT NOT NULL, text TEXT NOT NULL)""",
    "CREATE INDEX pieces_of_file ON pieces (file)",
    "CREATE TABLE counts (reason TEXT PRIMARY KEY, n INTEGER NOT NULL)",
    """CREATE VIRTUAL TABLE words USING fts5 (
        name, heading, body, content='', tokenize='porter unicode61 remove_diacritics 2')""",
)
_PER_FILE = 2
_WEIGHTS = (2.0, 2.5, 1.0)
"""How much a term counts in the name of a file, in a heading and in the text."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What tells whether a file has changed: size in bytes, time of its last change in ns, SHA-256 in hex.

    `reason` says why its text is not in the index; empty if it is.
    """

    size: int
    mtime: int
    digest: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Located:
    """A piece that was found, the `path` of its file, and how well it fits: less is better."""

    key: int
    path: str
    segment: Segment
    score: float


class DocumentIndex:
    """The index in the SQLite file `path`, made if it is missing. All methods block and raise StorageError.

    Close it, or use it in a `with` block.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._database = self._opened()

    def __enter__(self) -> DocumentIndex:
        """The index itself."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Close it."""
        self._database.close()

    def stamps(self) -> dict[str, Stamp]:
        """The stamp of every file that was read, by its path."""
        with self._told():
            rows = self._database.execute("SELECT path, size, mtime, digest, reason FROM files")
            return {path: Stamp(*values) for path, *values in rows}

    def put(self, files: Iterable[tuple[str, str, Stamp, Sequence[Segment]]], gone: Iterable[str] = ()) -> None:
        """Take in files in place of what was known of them, and forget those that are `gone`, all or nothing.

        Each is a path, the name to find it by, its stamp, and its pieces.
        """
        with self._writing() as database:
            for path in gone:
                self._forget(path)
            for path, name, stamp, pieces in files:
                self._forget(path)
                values = path, stamp.size, stamp.mtime, stamp.digest, stamp.reason, name
                file = database.execute(
                    "INSERT INTO files (path, size, mtime, digest, reason, name) VALUES (?, ?, ?, ?, ?, ?)", values
                ).lastrowid
                for piece in pieces:
                    text = piece.text.replace("\0", " ")
                    row = file, piece.line, piece.last, piece.page, piece.heading, text
                    key = database.execute(
                        "INSERT INTO pieces (file, line, last, page, heading, text) VALUES (?, ?, ?, ?, ?, ?)", row
                    ).lastrowid
                    database.execute(
                        "INSERT INTO words (rowid, name, heading, body) VALUES (?, ?, ?, ?)",
                        (key, *_terms(name, piece.heading, text)),
                    )

    def touch(self, path: str, stamp: Stamp) -> None:
        """Note another size or time of a file whose contents are the same."""
        with self._writing() as database:
            values = stamp.size, stamp.mtime, path
            database.execute("UPDATE files SET size = ?, mtime = ? WHERE path = ?", values)

    def note(self, left_out: Mapping[str, int]) -> None:
        """Note how many entries were left out unread, by reason."""
        with self._writing() as database:
            database.execute("DELETE FROM counts")
            database.executemany("INSERT INTO counts VALUES (?, ?)", left_out.items())

    def totals(self) -> tuple[int, int, dict[str, int]]:
        """The number of files with text, of pieces, and of entries left out by reason."""
        with self._told():
            fetch = self._database.execute
            files = fetch("SELECT count(*) FROM files WHERE reason = ''").fetchone()[0]
            pieces = fetch("SELECT count(*) FROM pieces").fetchone()[0]
            left_out = dict(fetch("SELECT reason, n FROM counts"))
            for reason, n in fetch("SELECT reason, count(*) FROM files WHERE reason != '' GROUP BY reason"):
                left_out[reason] = left_out.get(reason, 0) + n
            return files, pieces, left_out

    def search(self, question: str, most: int) -> list[Located]:
        """Up to `most` pieces that have words of `question`, the best first; of a file two, before all others."""
        wanted = query(question)
        if not wanted:
            return []
        with self._told():
            rows = self._database.execute(
                f"""SELECT pieces.key, path, line, last, page, heading, text, found.score FROM (
                    SELECT rowid, bm25(words, {", ".join(map(str, _WEIGHTS))}) AS score FROM words
                    WHERE words MATCH ? ORDER BY score LIMIT ?) AS found
                    JOIN pieces ON pieces.key = found.rowid JOIN files ON files.key = pieces.file
                    ORDER BY found.score""",  # noqa: S608 - numbers of our own
                (wanted, most),
            )
            found = [
                Located(key, path, Segment(line, last, heading, text, page), score)
                for key, path, line, last, page, heading, text, score in rows
            ]
        return spread(found)

    def _forget(self, path: str) -> None:
        row = self._database.execute("SELECT key, name FROM files WHERE path = ?", (path,)).fetchone()
        if row is None:
            return
        file, name = row
        pieces = self._database.execute("SELECT key, heading, text FROM pieces WHERE file = ?", (file,)).fetchall()
        for key, heading, text in pieces:
            self._database.execute(
                "INSERT INTO words (words, rowid, name, heading, body) VALUES ('delete', ?, ?, ?, ?)",
                (key, *_terms(name, heading, text)),
            )
        self._database.execute("DELETE FROM pieces WHERE file = ?", (file,))
        self._database.execute("DELETE FROM files WHERE key = ?", (file,))

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._told():
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield self._database
                self._database.execute("COMMIT")
            except BaseException:
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")
                raise

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Within, an error of SQLite becomes a StorageError; a damaged file is removed, to be made anew."""
        try:
            yield
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", None) or 0
            if code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
                self._database.close()
                remove(self._path)
            raise unreadable(self._path, error) from error

    def _opened(self) -> sqlite3.Connection:
        for attempt in (1, 2):
            try:
                return _open(self._path)
            except OSError as error:
                raise unreadable(self._path, error) from error
            except sqlite3.Error as error:
                code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
                if attempt == 2 or code in (*_ABSENT, *_HELD):
                    raise unreadable(self._path, error) from error
                remove(self._path)
        raise AssertionError


def spread(found: Sequence[Located]) -> list[Located]:
    """`found` with the third and further pieces of each file behind the rest: one file does not fill all."""
    seen: Counter[str] = Counter()
    first: list[Located] = []
    behind: list[Located] = []
    for one in found:
        seen[one.path] += 1
        (first if seen[one.path] <= _PER_FILE else behind).append(one)
    return first + behind


def remove(path: Path) -> None:
    """Delete the index in `path`, if there is one. Never raises OSError."""
    for ending in _ENDINGS:
        try:
            path.with_name(path.name + ending).unlink(missing_ok=True)
        except OSError:  # open in another program (Windows), or no permission
            pass


def unreadable(path: Path, error: Exception) -> StorageError:
    """The error that says that the index in `path` cannot be used."""
    why = words.reason(error) if isinstance(error, OSError) else str(error)
    return StorageError(
        _("the index of documents {file} cannot be used: {why}").format(file=path, why=why),
        hint=_("try again; it may be deleted, and is then made anew"),
    )


def _terms(name: str, heading: str, text: str) -> tuple[str, str, str]:
    return " ".join(terms(name)), " ".join(terms(heading)), " ".join(terms(text))


def _open(path: Path) -> sqlite3.Connection:
    for ending in _ENDINGS:
        replaceable(path.with_name(path.name + ending))
    if not path.exists():
        make_folder(path.parent)
        os.close(open_private(path, os.O_RDWR | os.O_CREAT))
    database = sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)
    try:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = OFF")  # a cache that a crash damages is made again
        database.execute("BEGIN IMMEDIATE")
        version = database.execute("PRAGMA user_version").fetchone()[0]
        if version not in (0, SCHEMA):
            raise sqlite3.DatabaseError("of another version")
        if not version:
            for statement in _TABLES:
                database.execute(statement)
            database.execute(f"PRAGMA user_version = {SCHEMA}")
        database.execute("COMMIT")
    except BaseException:
        database.close()
        raise
    return database

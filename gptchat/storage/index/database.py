"""The SQLite files in the cache folder: opens and creates them, and deletes one that is damaged.

They are only a cache. The functions of `listing` and `search` read the journals instead if `index.sqlite3` is
missing, locked, read-only or damaged.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gptchat.files import UnfitFile, make_folder, open_private, put_aside, replaceable
from gptchat.values import dataclass

SCHEMA = 2
"""Version of the tables; a file of another version is deleted and created again."""

PATIENCE = 0.25
"""Seconds to wait while another program writes to the cache; after that the journals are read instead."""

_ENDINGS = ("", "-wal", "-shm", "-journal")

_OUT_OF_REACH = (
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_AUTH,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_INTERRUPT,
    sqlite3.SQLITE_NOMEM,
)


@dataclass(frozen=True, slots=True)
class CacheFile:
    """A file of the cache. `version` is that of its tables; a file of another one is deleted and created again."""

    name: str
    version: int
    tables: str
    optional: tuple[str, ...] = ()
    """Statements that an SQLite without FTS5 cannot execute."""
    settings: str = "PRAGMA synchronous = OFF"
    """Executed at each opening. By default a crash of the machine may damage the file."""


# `infos` is the list of sessions; a row is valid while size, mtime and inode of the journal are unchanged.
# `indexed` and `chunks` tell which bytes of which journal are in the search index `grams`; `seam` is a checksum
# of the last of these bytes. `grams` contains no text, only which trigrams occur in which chunk.
_TABLES = """
CREATE TABLE folders (key INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE);
CREATE TABLE infos (
    folder INTEGER NOT NULL, id TEXT NOT NULL, size INTEGER NOT NULL, mtime INTEGER NOT NULL,
    inode INTEGER NOT NULL, title TEXT NOT NULL, created TEXT NOT NULL, updated TEXT NOT NULL,
    turns INTEGER NOT NULL, model TEXT NOT NULL, damaged TEXT NOT NULL, source TEXT NOT NULL,
    kind TEXT NOT NULL,
    PRIMARY KEY (folder, id)) WITHOUT ROWID;
CREATE TABLE indexed (
    key INTEGER PRIMARY KEY, folder INTEGER NOT NULL, id TEXT NOT NULL, size INTEGER NOT NULL,
    mtime INTEGER NOT NULL, seam INTEGER NOT NULL, whole INTEGER NOT NULL, UNIQUE (folder, id));
CREATE TABLE chunks (
    key INTEGER PRIMARY KEY AUTOINCREMENT, session INTEGER NOT NULL,
    first INTEGER NOT NULL, last INTEGER NOT NULL);
CREATE INDEX chunks_of_session ON chunks (session);
"""
_GRAMS = (
    """CREATE VIRTUAL TABLE grams USING fts5 (
        text, content='', detail=none, columnsize=0, tokenize='trigram case_sensitive 1')""",
    "CREATE VIRTUAL TABLE vocabulary USING fts5vocab (grams, row)",
)

INDEX = CacheFile("index.sqlite3", SCHEMA, _TABLES, _GRAMS)
"""Lists of sessions and the search by words."""


def connect(cache: Path | None, of: CacheFile = INDEX) -> sqlite3.Connection | None:
    """Open a file of the cache in the folder `cache`; None if it cannot be used. The caller must close it."""
    if cache is None:
        return None
    path = cache / of.name
    for _attempt in range(2):
        try:
            return _open(path, of)
        except sqlite3.Error as error:
            if out_of_reach(error):
                return None
            throw_away(cache, of)
        except UnfitFile as error:
            put_aside(Path(error.filename), error)
        except OSError:
            return None
    return None


def out_of_reach(error: sqlite3.Error) -> bool:
    """Whether `error` means that the cache cannot be used now; any other error means that it is damaged."""
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in _OUT_OF_REACH


@contextmanager
def cached(cache: Path | None, of: CacheFile = INDEX) -> Iterator[sqlite3.Connection | None]:
    """Like `connect`, closed at the end of the block; an open transaction is rolled back."""
    database = connect(cache, of)
    try:
        yield database
    finally:
        if database is not None:
            database.close()


def throw_away(cache: Path | None, of: CacheFile = INDEX) -> None:
    """Delete a file of the cache, so that the next use creates it again. Never raises OSError."""
    if cache is not None:
        for ending in _ENDINGS:
            try:
                (cache / f"{of.name}{ending}").unlink(missing_ok=True)
            except OSError:  # open in another program (Windows), or no permission
                pass


def folder_key(database: sqlite3.Connection, folder: Path) -> int:
    """The key of the journal folder `folder` in the tables; adds the folder if it is new."""
    path = str(folder.absolute())
    row = database.execute("SELECT key FROM folders WHERE path = ?", (path,)).fetchone()
    if row is None:
        return database.execute("INSERT INTO folders (path) VALUES (?)", (path,)).lastrowid or 0
    key: int = row[0]
    return key


def _open(path: Path, of: CacheFile) -> sqlite3.Connection:
    # Looked at, not opened: closing a descriptor of ours would release the locks of SQLite in another thread.
    for ending in _ENDINGS:
        replaceable(path.with_name(f"{of.name}{ending}"))
    if not path.exists():
        make_folder(path.parent)
        os.close(open_private(path, os.O_RDWR | os.O_CREAT))
    # Autocommit: transactions are begun explicitly. The connection may be passed between threads.
    database = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
    try:
        version = database.execute("PRAGMA user_version").fetchone()[0]
        if version != of.version:
            _create(database, path, version, of)
        database.executescript(of.settings)
    except BaseException:
        database.close()
        raise
    return database


def _create(database: sqlite3.Connection, path: Path, version: int, of: CacheFile) -> None:
    if version:
        database.close()
        throw_away(path.parent, of)
        raise sqlite3.DatabaseError("of another version")
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("BEGIN IMMEDIATE")
    if database.execute("PRAGMA user_version").fetchone()[0] == of.version:
        database.execute("ROLLBACK")  # another program has created the tables
        return
    for statement in of.tables.split(";\n"):
        if statement.strip():
            database.execute(statement)
    try:
        for statement in of.optional:
            database.execute(statement)
    except sqlite3.OperationalError:  # SQLite without FTS5 or trigrams (before 3.34): a search reads the journals
        pass
    database.execute(f"PRAGMA user_version = {of.version}")
    database.execute("COMMIT")

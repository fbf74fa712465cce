"""Lists a folder of journals, one row per session: from the cache if the file is unchanged, else from the file."""

from __future__ import annotations

import errno
import os
import time
from functools import lru_cache, partial
from pathlib import Path
from stat import S_ISREG
from typing import TYPE_CHECKING, NamedTuple

from gptchat import words
from gptchat.core.ports import ONESHOT, SessionInfo
from gptchat.storage.ids import safe_id, timestamp
from gptchat.words import _

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from gptchat.core.session import Session


class SessionRow(NamedTuple):
    """A session in the list, with the columns of the cache; `source` is where it was imported from, or empty.

    `kind` is that of `core.session.Session`.
    """

    id: str
    title: str
    created: str
    updated: str
    turns: int
    model: str
    damaged: str
    source: str
    kind: str
    size: int
    """Bytes of the journal. The row is valid while this, `mtime` (ns) and `inode` match the file."""
    mtime: int
    inode: int

    def info(self, user: str) -> SessionInfo:
        """The row as the public type, without the cache's own columns."""
        return SessionInfo(
            self.id,
            user,
            self.title,
            self.created,
            self.updated,
            self.turns,
            self.model,
            self.damaged,
            self.kind == ONESHOT,
        )


def rows(folder: Path, cache: Path | None, *, only_age: bool = False) -> list[SessionRow]:
    """The sessions in `folder`, unsorted. An unreadable file is listed with the reason in `damaged`.

    With `only_age`, only the new part of a journal that has grown is read: `updated` and `kind` are current, while
    title, turns and model may be outdated.
    """
    found: dict[str, os.stat_result] = {}
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.endswith(".jsonl") and safe_id(entry.name[:-6]):
                    try:
                        found[entry.name[:-6]] = entry.stat()
                    except OSError:  # deleted meanwhile
                        continue
    except OSError:
        return []
    if not found:
        return []
    if cache is None:
        return [_reader()(folder / f"{id}.jsonl", stat) for id, stat in found.items()]

    import sqlite3

    from gptchat.storage.index.database import cached, out_of_reach, throw_away

    with cached(cache) as database:
        known: dict[str, SessionRow] = {}
        try:
            if database is not None:
                known = _known(database, folder)
        except sqlite3.Error as error:
            database = None
            if not out_of_reach(error):
                throw_away(cache)
        result, fresh = [], []
        for id, stat in found.items():
            row = known.get(id)
            if (
                row is None
                or row.size != stat.st_size
                or row.mtime != stat.st_mtime_ns
                or row.inode != stat.st_ino & _POSITIVE
            ):
                path = folder / f"{id}.jsonl"
                grown = _grown(path, row, stat) if only_age and row is not None else None
                if grown is None:
                    fresh.append(_reader()(path, stat))
                row = grown or fresh[-1]
            result.append(row)
        if database is not None and (fresh or len(known) > len(found)):
            try:
                _remember(database, folder, fresh, known.keys() - found.keys())
            except sqlite3.Error:  # the next listing reads these files again
                pass
    return result


_POSITIVE = 0x7FFF_FFFF_FFFF_FFFF
"""Mask for inode numbers, which may be unsigned, while SQLite's integers are signed."""


def row_at(folder: Path, id: str, cache: Path | None) -> SessionRow:
    """The row of one session. Raises OSError if its journal does not exist."""
    if cache is None:
        return row_of(folder, id, None)

    from gptchat.storage.index.database import cached

    with cached(cache) as database:
        return row_of(folder, id, database)


_COLUMNS = ", ".join(SessionRow._fields)


def row_of(folder: Path, id: str, database: sqlite3.Connection | None) -> SessionRow:
    """Like `row_at`, with an open cache (None: no cache)."""
    import sqlite3

    path = folder / f"{id}.jsonl"
    stat = path.stat()
    query = f"""
        SELECT {_COLUMNS} FROM infos JOIN folders ON folder = key
        WHERE path = ? AND id = ? AND size = ? AND mtime = ?"""  # noqa: S608 - the columns are ours
    if database is not None:
        try:
            where = (str(folder.absolute()), id, stat.st_size, stat.st_mtime_ns)
            if (row := database.execute(query, where).fetchone()) is not None:
                return SessionRow._make(row)
        except sqlite3.Error:  # it is only a cache
            pass
    return _reader()(path, stat)


def _known(database: sqlite3.Connection, folder: Path) -> dict[str, SessionRow]:
    query = f"SELECT {_COLUMNS} FROM infos JOIN folders ON folder = key WHERE path = ?"  # noqa: S608 - as above
    found = database.execute(query, (str(folder.absolute()),))
    # Like `Row._make`, in a tenth of the time, which matters for ten thousand sessions.
    return {row.id: row for row in map(partial(tuple.__new__, SessionRow), found)}


def _remember(database: sqlite3.Connection, folder: Path, fresh: list[SessionRow], gone: set[str]) -> None:
    from gptchat.storage.index.database import folder_key

    database.execute("BEGIN IMMEDIATE")
    key = folder_key(database, folder)
    database.executemany("DELETE FROM infos WHERE folder = ? AND id = ?", [(key, id) for id in gone])
    places = ", ".join("?" * len(SessionRow._fields))
    database.executemany(
        f"INSERT OR REPLACE INTO infos (folder, {_COLUMNS}) VALUES (?, {places})",  # noqa: S608 - as above
        [(key, *map(_storable, row)) for row in fresh],
    )
    database.execute("COMMIT")


def _storable(value: object) -> object:
    """`value`; in a string, lone surrogates, which SQLite does not accept, are replaced by `?`."""
    return value.encode(errors="replace").decode() if isinstance(value, str) else value


def remember(session: Session, path: Path, stat: os.stat_result, damaged: str, cache: Path | None) -> None:
    """Update the cached row of `session`, which must hold all of its journal `path` as of `stat`.

    A session without a row gets none, since only the journal tells where it was imported from.
    """
    if cache is None:
        return

    import sqlite3

    from gptchat.storage.index.database import cached

    with cached(cache) as database:
        if database is None:
            return
        query = "SELECT source FROM infos JOIN folders ON folder = key WHERE path = ? AND id = ?"
        try:
            before = database.execute(query, (str(path.parent.absolute()), path.stem)).fetchone()
            if before is not None:
                _remember(database, path.parent, [_row(session, stat, damaged, before[0])], set())
        except sqlite3.Error:  # it is only a cache
            pass


@lru_cache
def _reader() -> Callable[[Path, os.stat_result], SessionRow]:
    """A function that reads the row of a session from its whole journal.

    The modules it needs are imported here, once: if the cache has every row, no journal is read.
    """
    from gptchat.core.session import Session
    from gptchat.files import LARGE, read_private
    from gptchat.storage import journal
    from gptchat.storage.gc_paused import undisturbed
    from gptchat.storage.upgrades import fold

    @undisturbed()
    def read(path: Path, stat: os.stat_result) -> SessionRow:
        session = Session(path.stem, "")
        source, damaged = "", ""
        try:
            if not S_ISREG(stat.st_mode):
                raise OSError(errno.EINVAL, _("not a file"))
            reading = journal.read(read_private(path, LARGE))
            fold(reading.records, session, 0)
            damaged = journal.damage(path, reading.bad)
            first = reading.records[0] if reading.records else {}
            source = str(first.get("source") or "")
        except OSError as error:
            damaged = _("{file} cannot be read: {reason}").format(file=path.name, reason=words.reason(error))
        return _row(session, stat, damaged, source)

    return read


def _grown(path: Path, row: SessionRow, stat: os.stat_result) -> SessionRow | None:
    """`row` with `updated` from the records appended since; None if the journal was replaced or is not longer."""
    if row.inode != stat.st_ino & _POSITIVE or row.size >= stat.st_size:
        return None
    from gptchat.core.session import Session
    from gptchat.files import LARGE, open_to_read
    from gptchat.storage import journal
    from gptchat.storage.upgrades import fold

    session = Session(row.id, "")
    try:
        with open_to_read(path) as file:
            file.seek(row.size)
            fold(journal.read(file.read(LARGE)).records, session, 0)
    except OSError:
        return None
    kind = session.kind or row.kind
    updated = max(row.updated, _past(session.updated, stat.st_mtime))
    return row._replace(updated=updated, kind=kind, mtime=stat.st_mtime_ns)


def _past(ts: str, mtime: float) -> str:
    """The time `ts`, or that of the file if `ts` is still to come: a clock was wrong. A day ahead is a zone."""
    now = time.time()
    return timestamp(max(min(mtime, now), 0)) if ts[:10] > timestamp(now + 86_400)[:10] else ts


def _row(session: Session, stat: os.stat_result, damaged: str, source: str) -> SessionRow:
    modified = timestamp(max(min(stat.st_mtime, time.time()), 0))
    model = next((m.model for m in map(session.messages.__getitem__, reversed(session.path_ids())) if m.model), "")
    return SessionRow(
        session.id,
        session.name,
        _past(session.created, stat.st_mtime) or modified,
        _past(session.updated, stat.st_mtime) or modified,
        len(session.user_ids()),
        model or str(session.settings.get("model") or ""),
        damaged,
        source,
        session.kind,
        stat.st_size,
        stat.st_mtime_ns,
        stat.st_ino & _POSITIVE,
    )

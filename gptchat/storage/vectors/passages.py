"""Which passages of which messages of a user's sessions have which digest, up to date with the journals."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from stat import S_ISREG
from typing import Any, NamedTuple

from gptchat.core.session import Session
from gptchat.files import LARGE, read_private
from gptchat.storage.ids import safe_id
from gptchat.storage.index.database import folder_key
from gptchat.storage.index.indexing import needs_all, text_of
from gptchat.storage.journal import read
from gptchat.storage.upgrades import fold
from gptchat.storage.users import sessions_folder, user_folder
from gptchat.storage.vectors.cutting import cut
from gptchat.storage.vectors.vector_file import VectorFile, digest_of, drop, split

Progress = Callable[[int, int], None]
"""Called with the bytes done and the total bytes."""

_SAYING = ("user", "assistant")
_BATCH = 4_000_000
"""Bytes of journals that are read per transaction."""


class PassagePlace(NamedTuple):
    """Where a passage is: indexes into the text of a message, and the estimated tokens of the passage."""

    session: str
    message: str
    first: int
    last: int
    tokens: int


class _Changed(NamedTuple):
    id: str
    size: int
    mtime: int


class Passages:
    """The passages of the sessions below the data folder `data`; `cache` is the folder of the cache, or None.

    Methods block. A cache that cannot be used is empty.
    """

    def __init__(self, data: Path, cache: Path | None) -> None:
        self._data = data
        self._file = VectorFile(cache)
        self._latest: tuple[str, bytes, dict[str, tuple[str, str]]] = ("", b"", {})
        """The session that was read last, as (id, journal, messages): a long one is asked for often."""

    def behind(self, user: str) -> int:
        """Bytes of the journals of `user` that `update` would read."""
        folder = sessions_folder(self._data, user)
        return self._file.read(lambda database: sum(one.size for one in _survey(database, folder)[0]), 0)

    def update(self, user: str, progress: Progress | None = None) -> bool:
        """Read what has changed in the sessions of `user`; False if the cache cannot be used.

        `progress` is called every few megabytes. If it raises, what was read until then stays. Vectors of texts
        that are in no session any more, nor in the trash, are deleted.
        """
        folder, trash = sessions_folder(self._data, user), user_folder(self._data, user) / "trash"

        def survey(database: sqlite3.Connection) -> tuple[list[_Changed], list[str]] | None:
            return _survey(database, folder)

        found = self._file.read(survey, None)
        if found is None:
            return False
        changed, gone = found
        if gone:
            erased = [id for id in gone if not (trash / f"{id}.jsonl").exists()]
            self._file.erase(lambda database: _remove(database, folder, gone, erased))
        total, done = sum(one.size for one in changed), 0
        vanished: set[bytes] = set()
        for batch in _batches(sorted(changed, reverse=True)):
            taken = [(one, *_read(folder, one.id)) for one in batch]

            def keep(
                database: sqlite3.Connection, taken: Sequence[tuple[_Changed, bytes, str]] = taken
            ) -> set[bytes] | None:
                return _keep(database, folder, taken)

            former = self._file.change(keep, None)
            if former is None:
                return False
            vanished |= former
            done += sum(one.size for one in batch)
            if progress is not None:
                progress(done, total)
        if vanished:
            self._file.erase(lambda database: drop(database, vanished - _digests(database)))
        return True

    def owners(self, user: str) -> tuple[dict[bytes, int], list[str]]:
        """For each digest of `user` the number of the newest session that has it, and the ids by these numbers."""
        folder = sessions_folder(self._data, user)

        def owners(database: sqlite3.Connection) -> tuple[dict[bytes, int], list[str]]:
            found: dict[bytes, int] = {}
            ids: list[str] = []
            for id, digests in _rows(database, folder, "id, digests"):
                found.update(dict.fromkeys(split(digests), len(ids)))
                ids.append(id)
            return found, ids

        nothing: tuple[dict[bytes, int], list[str]] = ({}, [])
        return self._file.read(owners, nothing)

    def places(self, user: str, sessions: Collection[str] | None = None) -> Iterator[tuple[bytes, PassagePlace]]:
        """Every digest of `user` with its place, of all sessions or of those named."""
        folder = sessions_folder(self._data, user)

        def rows(database: sqlite3.Connection) -> list[tuple[str, bytes, str]]:
            found = _rows(database, folder, "id, digests, places")
            return [row for row in found if sessions is None or row[0] in sessions]

        nothing: list[tuple[str, bytes, str]] = []
        for id, digests, places in self._file.read(rows, nothing):
            for digest, place in zip(split(digests), json.loads(places), strict=True):
                yield digest, PassagePlace(id, *place)

    def exists(self, user: str, session: str) -> bool:
        """Whether a session is on the disk, be it in the trash."""
        folder = sessions_folder(self._data, user)
        return any((place / f"{session}.jsonl").exists() for place in (folder, folder.with_name("trash")))

    def texts(self, user: str, places: Collection[PassagePlace]) -> dict[PassagePlace, tuple[str, str]]:
        """The role and text of passages; those whose session can no longer be read are left out."""
        folder, found = sessions_folder(self._data, user), {}
        for id in {place.session for place in places}:
            messages = self._messages(folder, id)
            for place in places:
                if place.session != id or place.message not in messages:
                    continue
                role, text = messages[place.message]
                if piece := text[place.first : place.last]:
                    found[place] = (role, piece)
        return found

    def _messages(self, folder: Path, id: str) -> dict[str, tuple[str, str]]:
        data = _bytes(folder / f"{id}.jsonl")
        known, journal, messages = self._latest
        if known != id or journal != data:
            messages = {message: (role, text) for message, role, text in messages_in(data, id)}
            self._latest = (id, data, messages)
        return messages

    def forgetting(self, journals: Sequence[Path]) -> Callable[[], None]:
        """A function that deletes what is kept of `journals` for good, to be called once they are gone.

        What was said in another session, too, stays.
        """
        if not self._file.exists():
            return lambda: None
        digests = {digest for path in journals for digest in _every_digest(_bytes(path))}

        def forget(database: sqlite3.Connection) -> None:
            gone = digests | _prune(database)
            drop(database, gone - _digests(database))

        return lambda: self._file.erase(forget)


def messages_in(data: bytes, id: str) -> list[tuple[str, str, str]]:
    """The messages of a person and of a model in a journal, all branches: id, role and text."""
    records = read(data).records
    if any(map(needs_all, records)):
        session = Session(id, "")
        fold(records, session, 0)
        return [(one.id, one.role, one.text) for one in session.messages.values() if one.role in _SAYING]
    return [
        (str(record.get("id") or ""), record["role"], text_of(record))
        for record in records
        if record.get("type") == "message" and record.get("role") in _SAYING
    ]


def _every_digest(data: bytes) -> Iterator[bytes]:
    """The digests of all that the messages of a journal ever were: continuations made them grow."""
    texts: dict[str, str] = {}
    for record in read(data).records:
        id = str(record.get("message" if record.get("type") == "continuation" else "id") or "")
        texts[id] = texts.get(id, "") * (record.get("type") == "continuation") + text_of(record)
        yield from (digest_of(texts[id][first:last]) for first, last, _tokens in cut(texts[id]))
    for _id, _role, text in messages_in(data, "_"):
        yield from (digest_of(text[first:last]) for first, last, _tokens in cut(text))


def _survey(database: sqlite3.Connection, folder: Path) -> tuple[list[_Changed], list[str]]:
    """The journals in `folder` that are new or have changed, and the ids of those that are gone."""
    rows = {row[0]: row[1:] for row in _rows(database, folder, "id, size, mtime")}
    changed = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                id = entry.name[:-6]
                if not entry.name.endswith(".jsonl") or not safe_id(id):
                    continue
                try:
                    stat = entry.stat()
                except OSError:  # deleted meanwhile
                    continue
                if rows.pop(id, None) != (stat.st_size, stat.st_mtime_ns) and S_ISREG(stat.st_mode):
                    changed.append(_Changed(id, stat.st_size, stat.st_mtime_ns))
    except OSError:  # no folder yet
        pass
    return changed, list(rows)


def _rows(database: sqlite3.Connection, folder: Path, columns: str) -> list[Any]:
    query = f"SELECT {columns} FROM journals JOIN folders ON folder = folders.key WHERE path = ? ORDER BY id"  # noqa: S608 - names of ours
    return database.execute(query, (str(folder.absolute()),)).fetchall()


def _batches(changed: Sequence[_Changed]) -> Iterator[list[_Changed]]:
    batch: list[_Changed] = []
    for one in changed:
        batch.append(one)
        if sum(one.size for one in batch) >= _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _read(folder: Path, id: str) -> tuple[bytes, str]:
    """The digests of a session's passages, one after the other, and their places as JSON."""
    digests, places = [], []
    for message, _role, text in messages_in(_bytes(folder / f"{id}.jsonl"), id):
        for first, last, tokens in cut(text):
            digests.append(digest_of(text[first:last]))
            places.append((message, first, last, tokens))
    return b"".join(digests), json.dumps(places, separators=(",", ":"))


def _keep(database: sqlite3.Connection, folder: Path, taken: Sequence[tuple[_Changed, bytes, str]]) -> set[bytes]:
    """Write what was read of some sessions; returns the digests that they had before and have no more."""
    number = folder_key(database, folder)
    former: set[bytes] = set()
    for changed, digests, places in taken:
        where = (number, changed.id)
        row = database.execute("SELECT digests FROM journals WHERE folder = ? AND id = ?", where).fetchone()
        if row is not None and not digests.startswith(row[0]):
            former |= {*split(row[0])} - {*split(digests)}
        database.execute(
            "INSERT OR REPLACE INTO journals (folder, id, size, mtime, digests, places) VALUES (?, ?, ?, ?, ?, ?)",
            (*where, changed.size, changed.mtime, digests, places),
        )
    return former


def _remove(database: sqlite3.Connection, folder: Path, gone: Sequence[str], erased: Collection[str]) -> None:
    """Delete the rows of the sessions `gone`, and the vectors of those that are `erased`."""
    rows = dict(_rows(database, folder, "id, digests"))
    number = folder_key(database, folder)
    database.executemany("DELETE FROM journals WHERE folder = ? AND id = ?", [(number, id) for id in gone])
    if digests := {digest for id in erased for digest in split(rows.get(id, b""))}:
        drop(database, digests - _digests(database))


def _prune(database: sqlite3.Connection) -> set[bytes]:
    """Delete the rows of all sessions that are not in their folder; returns the digests that they had."""
    found: set[bytes] = set()
    query = "SELECT journals.key, path, id, digests FROM journals JOIN folders ON folder = folders.key"
    for key, path, id, digests in database.execute(query).fetchall():
        if not os.path.lexists(f"{path}/{id}.jsonl"):
            database.execute("DELETE FROM journals WHERE key = ?", (key,))
            found.update(split(digests))
    return found


def _digests(database: sqlite3.Connection) -> set[bytes]:
    """The digests of every passage of every session."""
    rows = database.execute("SELECT digests FROM journals")
    return {digest for (digests,) in rows for digest in split(digests)}


def _bytes(path: Path) -> bytes:
    try:
        return read_private(path, LARGE)
    except OSError:  # deleted meanwhile, or no permission
        return b""

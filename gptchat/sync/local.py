"""This machine's side: where each session of a person is, what it tells, and how a union is brought into it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from gptchat.core.messages import Record
from gptchat.core.session import Session
from gptchat.files import LARGE, make_folder, read_private, sweep, write_file
from gptchat.storage import journal
from gptchat.storage.ids import acceptable_id, timestamp
from gptchat.storage.index.library import Library
from gptchat.storage.media import files_folder, named_in
from gptchat.storage.os_errors import storage_error
from gptchat.storage.removal.removed import note_removed
from gptchat.storage.store import JournalStore
from gptchat.storage.users import user_folder
from gptchat.sync.copies import merge_copies
from gptchat.sync.history import History, read_journal
from gptchat.sync.memory import Signature
from gptchat.sync.place import signature
from gptchat.values import dataclass


@dataclass(slots=True)
class LocalCopy:
    """A session as this machine has it. `session` is what `history` tells."""

    status: str
    signature: Signature
    history: History
    session: Session
    data: bytes = b""
    moved: str = ""
    """When its journal came to where it is (ISO 8601), as far as the disk tells."""


class Machine:
    """The sessions of `user` below the data folder `data`; `cache` is the folder of the cache."""

    def __init__(self, data: Path, cache: Path | None, user: str) -> None:
        self.user = user
        self._data = data
        self._cache = cache
        self._folder = user_folder(data, user)
        self._library = Library(data, cache)
        self._gone = self._removed()

    def sweep(self) -> None:
        """Remove what killed programs left half-written."""
        sweep([self._folder, *(self._folder / name for name in ("sessions", "trash", "files"))])

    def merge_copies(self, open_id: str) -> int:
        """Merge conflict copies of journals, but for the open session; their number. Raises StorageError."""
        return merge_copies(self._data, self._cache, self.user, open_id)

    def ids(self) -> set[str]:
        """The ids of all sessions, those in the trash and those that were removed for good included."""
        found = set(self._gone)
        for name in ("sessions", "trash"):
            try:
                with os.scandir(self._folder / name) as entries:
                    found |= {entry.name[:-6] for entry in entries if entry.name.endswith(".jsonl")}
            except OSError:
                continue
        return {id for id in found if acceptable_id(id)}

    def status(self, id: str) -> str:
        """Where the session `id` is: `live`, `trash`, `removed` or `absent`."""
        for status in ("live", "trash"):
            if self._path(id, status).is_file():
                return status
        return "removed" if id in self._gone else "absent"

    def signature(self, id: str, status: str) -> Signature:
        """What tells whether the session was changed since."""
        return signature(self._path(id, status)) if status in ("live", "trash") else []

    def read(self, id: str) -> LocalCopy:
        """The session `id`. Raises OSError if its journal cannot be read."""
        status = self.status(id)
        session = Session(id, self.user)
        if status not in ("live", "trash"):
            moved = self._folder / "removed"
            when = timestamp(moved.stat().st_mtime) if status == "removed" else ""
            return LocalCopy(status, [], History(id), session, moved=when)
        path = self._path(id, status)
        seen = signature(path)
        data = read_private(path, LARGE)
        history = read_journal(id, data, session)
        return LocalCopy(status, seen, history, session, data, timestamp(path.stat().st_ctime))

    def unchanged(self, id: str, copy: LocalCopy) -> bool:
        """Whether the session is as it was read."""
        return self.status(id) == copy.status and self.signature(id, copy.status) == copy.signature

    def append(self, copy: LocalCopy, records: Iterable[Record], status: str) -> None:
        """Append `records` to the session, or create it, in the folder of `status`. Raises StorageError."""
        path = self._path(copy.session.id, status)
        added = [*records]
        if not added:
            return
        if copy.status == "live":
            store = JournalStore(self._data)
            session = store.read(self.user, copy.session.id)
            store.append(session, added, durable=True)
            if (trouble := store.trouble(session)) is not None:
                raise trouble
            return
        before = copy.data if copy.status == "trash" else b""
        if before and not before.endswith(b"\n"):
            before += b"\n"
        try:
            make_folder(path.parent)
            write_file(path, before + journal.to_bytes(added))
        except OSError as error:
            raise storage_error(error, path) from error

    def trash(self, id: str) -> None:
        """Move a session to the trash. Raises UsageError, StorageError."""
        self._library.delete(self.user, id)

    def restore(self, id: str) -> None:
        """Bring a session back from the trash. Raises UsageError, StorageError."""
        self._library.restore(self.user, id)

    def erase(self, id: str) -> None:
        """Remove a session for good. Raises UsageError, StorageError."""
        self._library.delete_forever(self.user, id)
        self._gone.add(id)

    def note_gone(self, id: str) -> None:
        """Note that a session that never was here is removed for good. Raises StorageError."""
        try:
            note_removed(self._data, self.user, [id])
        except OSError as error:
            raise storage_error(error, self._folder) from error
        self._gone.add(id)

    def files(self) -> dict[str, Path]:
        """The files of replies, by name."""
        folder = files_folder(self._data, self.user)
        try:
            return {path.name: path for path in folder.iterdir() if len(path.stem) == 64 and path.is_file()}
        except OSError:
            return {}

    def wanted_files(self) -> set[str]:
        """The names of files that the sessions, those in the trash included, speak of."""
        names: set[str] = set()
        for status in ("live", "trash"):
            for path in self._path("x", status).parent.glob("*.jsonl"):
                try:
                    names |= named_in([path])
                except OSError:
                    continue
        return names

    def keep_file(self, name: str, data: bytes) -> None:
        """Keep a reply's file. Raises StorageError."""
        JournalStore(self._data).keep_file(self.user, name, data)

    def _path(self, id: str, status: str) -> Path:
        return self._folder / ("trash" if status == "trash" else "sessions") / f"{id}.jsonl"

    def _removed(self) -> set[str]:
        try:
            return set(read_private(self._folder / "removed", LARGE).decode("utf-8", "replace").split("\n")) - {""}
        except OSError:
            return set()


def read_kept(path: Path, name: str) -> bytes | None:
    """The contents of a file of replies; None if they are not what its name says."""
    try:
        data = read_private(path, LARGE)
    except OSError:
        return None
    return data if sha256(data).hexdigest() == name.partition(".")[0] else None


def now() -> str:
    """The time, as records have it."""
    return timestamp(time.time())

"""Copies of journals that file services make when two machines wrote at once: found, and merged where it is safe.

A copy is told by its contents: its session record names the journal beside it. The name does not matter, since
each service writes another (`ID.sync-conflict-...`, `ID (conflicted copy ...)`, `ID 2`).
"""

from __future__ import annotations

from collections.abc import Iterator

from gptchat.errors import StorageError
from gptchat.files import read_regular
from gptchat.storage import journal
from gptchat.storage.index.library import Library
from gptchat.storage.store import JournalStore
from gptchat.storage.users import sessions_folder
from gptchat.values import dataclass

_LARGEST = 256_000_000
_HEAD = 4_096
"""Bytes in which the session record of a journal ends, or its beginning says enough."""


@dataclass(frozen=True, slots=True)
class ConflictCopy:
    """A copy `name` of the journal of the session `id`.

    `merged`: one went on with the other, and the copy is in the trash; otherwise both have messages of their own,
    and nothing was changed.
    """

    user: str
    id: str
    name: str
    merged: bool


def merge(store: JournalStore, library: Library, user: str, current: str = "") -> Iterator[ConflictCopy]:
    """Merge the copies among the sessions of `user`, and yield each; not the open one. Raises StorageError."""
    folder = sessions_folder(store.data, user)
    try:
        names = sorted(path.stem for path in folder.glob("*.jsonl"))
    except OSError:
        return
    known = set(names)
    for name in names:
        if "-" in name and name.count("-") == 2 and len(name) <= 20:
            continue  # a name as this program gives it
        try:
            copy = read_regular(folder / f"{name}.jsonl", _LARGEST)
            record = journal.read(copy[:_HEAD].partition(b"\n")[0] + b"\n").records[:1]
            id = record[0].get("id") if record else None
            if not isinstance(id, str) or id == name or id not in known or name == current:
                continue
            original = read_regular(folder / f"{id}.jsonl", _LARGEST)
        except OSError:
            continue
        merged = original.startswith(copy) or copy.startswith(original)
        if merged and len(copy) > len(original):
            session = store.read(user, id)
            store.append(session, journal.read(copy[len(original) :]).records)
            trouble = store.trouble(session)
            if trouble is not None:
                raise trouble
        if merged:
            library.delete(user, name)
        yield ConflictCopy(user, id, name, merged)


def all_merged(store: JournalStore, library: Library, users: list[str], current: str) -> list[ConflictCopy]:
    """The copies of all `users`; those of a folder that cannot be read or written are left out."""
    found: list[ConflictCopy] = []
    for user in users:
        try:
            found += merge(store, library, user, current)
        except StorageError:
            continue
    return found

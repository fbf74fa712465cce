"""Conflict copies among this machine's own sessions, where a file service carries the data folder itself."""

from __future__ import annotations

from pathlib import Path

from gptchat.core.session import Session
from gptchat.errors import StorageError
from gptchat.files import LARGE, make_folder, read_private
from gptchat.storage.conflicts import merge
from gptchat.storage.index.library import Library
from gptchat.storage.os_errors import storage_error
from gptchat.storage.store import JournalStore
from gptchat.storage.users import sessions_folder
from gptchat.sync.history import read_journal
from gptchat.sync.merging import lacking


def merge_copies(data: Path, cache: Path | None, user: str, open_id: str) -> int:
    """Bring each copy of a journal of `user` into that journal; the number of copies. Raises StorageError.

    The copy then lies in the trash under a name that is no session's id.
    """
    store, count = JournalStore(data), 0
    folder = sessions_folder(data, user)
    for copy in merge(store, Library(data, cache), user, open_id):
        count += 1
        if copy.merged:  # one had gone on with the other
            continue
        path = folder / f"{copy.name}.jsonl"
        try:
            theirs = read_journal(copy.id, read_private(path, LARGE), Session(copy.id, user))
            session = Session(copy.id, user)
            mine = read_journal(copy.id, read_private(folder / f"{copy.id}.jsonl", LARGE), session)
            union = mine.copy()
            union.add(theirs)
            open_one = store.read(user, copy.id)
            store.append(open_one, lacking(mine, union, session, user), durable=True)
            if (trouble := store.trouble(open_one)) is not None:
                raise trouble
            trash = make_folder(folder.with_name("trash"))
            path.replace(trash / f"{copy.id} (copy {count}, {path.stat().st_mtime_ns}).jsonl")
        except OSError as error:
            raise storage_error(error, path) from error
        except StorageError:
            count -= 1
            continue
    return count

"""People as folders: renamed, moved to the trash of the data folder, brought back, and removed for good.

`<data>/trash/<slug>` holds a person who was removed, or `<slug>~<random>` if there is one of that name already.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path

from gptchat.errors import UsageError
from gptchat.files import make_folder, read_private, write_file
from gptchat.storage.os_errors import storage_error
from gptchat.storage.removal.traces import empty_log, sweep
from gptchat.storage.users import list_users, user_folder
from gptchat.values import dataclass
from gptchat.words import _


@dataclass(frozen=True, slots=True)
class Removed:
    """A person in the trash. `folder` names them there; `sessions` is the number of their sessions."""

    name: str
    folder: str
    sessions: int


def trash_folder(data: Path) -> Path:
    """The folder with the people who were removed."""
    return data / "trash"


def rename(data: Path, old: str, new: str) -> None:
    """Give the person `old`, who has a folder, the name `new`, which nobody has. Raises StorageError."""
    source, target = user_folder(data, old), user_folder(data, new)
    try:
        source.rename(target)
    except OSError as error:
        raise storage_error(error, source) from error
    path = target / "user.json"
    try:
        document = json.loads(read_private(path)) if path.exists() else {"v": 1, "settings": {}}
        document["name"] = new
        write_file(path, (json.dumps(document, ensure_ascii=False, indent=2) + "\n").encode())
    except ValueError:  # a damaged file: the folder's own name tells the person's
        return
    except OSError as error:  # such as a full disk: the person keeps the old name, as the keys do
        with suppress(OSError):
            target.rename(source)
        raise storage_error(error, source) from error


def remove(data: Path, name: str) -> Removed:
    """Move the person `name` to the trash. Raises StorageError."""
    source, trash = user_folder(data, name), trash_folder(data)
    folder = source.name
    try:
        make_folder(trash)
        while (trash / folder).exists():
            folder = f"{source.name}~{os.urandom(2).hex()}"
        source.rename(trash / folder)
    except OSError as error:
        raise storage_error(error, source) from error
    return next(one for one in removed(data) if one.folder == folder)


def removed(data: Path) -> list[Removed]:
    """The people in the trash, sorted by name."""
    return [
        Removed(user.name, user.slug, user.sessions)
        for user in list_users(data, "trash", lambda folder: folder.partition("~")[0])
    ]


def check_free(data: Path, gone: Removed) -> None:
    """Raise UsageError if somebody has the name of a person in the trash."""
    if user_folder(data, gone.name).exists():
        raise UsageError(
            _("there is a {name} again").format(name=gone.name),
            hint=_("/users rename {name} NEW gives one of them another name").format(name=gone.name),
        )


def restore(data: Path, gone: Removed) -> None:
    """Bring a person, whose name is free, back from the trash. Raises StorageError."""
    source, target = trash_folder(data) / gone.folder, user_folder(data, gone.name)
    try:
        make_folder(target.parent)
        source.rename(target)
    except OSError as error:
        raise storage_error(error, source) from error


def erase(data: Path, cache: Path | None, folder: str) -> None:
    """Remove the person who lies in `folder` of the trash for good, with the cache. Raises StorageError."""
    import shutil  # only where somebody is removed

    from gptchat.storage.vectors.passages import Passages

    path = trash_folder(data) / folder
    forget_vectors = Passages(data, cache).forgetting([*path.rglob("*.jsonl*")])
    try:
        shutil.rmtree(path)
        if not any(trash_folder(data).iterdir()):
            trash_folder(data).rmdir()
        sweep(data)
        for aside in data.glob("*.damaged"):
            aside.unlink()
        empty_log(data)
    except OSError as error:
        raise storage_error(error, path) from error
    forget_vectors()
    forget_cache(cache)


def documents_folder(cache: Path, slug: str) -> Path:
    """The folder with the indexes of the collections of the person whose folder is `slug`."""
    return cache / "collections" / slug


def forget_documents(cache: Path | None, slug: str) -> None:
    """Drop the indexes of a person's collections, which hold the text of documents. Never raises OSError."""
    if cache is not None and (folder := documents_folder(cache, slug)).exists():
        import shutil

        shutil.rmtree(folder, ignore_errors=True)


def forget_cache(cache: Path | None) -> None:
    """Drop the cache of lists and searches, which names folders, titles and words."""
    if cache is not None:
        from gptchat.storage.index.database import throw_away

        throw_away(cache)

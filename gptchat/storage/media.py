"""Files of replies, such as pictures: `users/<slug>/files/<sha256>.<ending>`, each kept once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Set
from pathlib import Path

from gptchat.files import LARGE, make_folder, read_private, write_file
from gptchat.storage.os_errors import storage_error
from gptchat.storage.users import user_folder

FILE_NAME = re.compile(rb"[0-9a-f]{64}\.[a-z0-9]{1,6}")


def files_folder(data: Path, user: str) -> Path:
    """The folder with the files of `user`'s replies."""
    return user_folder(data, user) / "files"


def keep_file(path: Path, content: bytes) -> None:
    """Write the file `path`, which is named by its contents; does nothing if it is there. Raises StorageError."""
    try:
        if path.is_file() and path.stat().st_size == len(content):
            return
        make_folder(path.parent)
        write_file(path, content)
    except OSError as error:
        raise storage_error(error, path) from error


def read_file(path: Path) -> bytes | None:
    """The contents of the file `path`; None if there is none. Raises StorageError."""
    try:
        return read_private(path, LARGE)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise storage_error(error, path) from error


class KeptFiles:
    """The files under the data folder `data`, by user and name."""

    def __init__(self, data: Path) -> None:
        self.data = data

    def keep_file(self, user: str, name: str, data: bytes) -> None:
        """Keep a file of a reply. Raises StorageError."""
        keep_file(files_folder(self.data, user) / name, data)

    def read_file(self, user: str, name: str) -> bytes | None:
        """The contents of a kept file; None if it is missing. Raises StorageError."""
        return read_file(files_folder(self.data, user) / name)

    def file_path(self, user: str, name: str) -> str:
        """The path of a kept file; empty if it is missing."""
        path = files_folder(self.data, user) / name
        return str(path) if path.is_file() else ""


def named_in(journals: Iterable[Path]) -> Set[str]:
    """The names of files in the text of journals; one that cannot be read raises OSError."""
    names: set[str] = set()
    for journal in journals:
        names.update(name.decode() for name in FILE_NAME.findall(read_private(journal, LARGE)))
    return names


def remove_unnamed(data: Path, user: str, candidates: Set[str]) -> None:
    """Remove those files of `user` among `candidates` that none of their sessions names, trashed ones included.

    Nothing is removed if a journal cannot be read. Raises StorageError.
    """
    if not candidates:
        return
    folder = user_folder(data, user)
    journals = [path for name in ("sessions", "trash") for path in (folder / name).glob("*.*")]
    try:
        for name in candidates - named_in(path for path in journals if path.suffix in (".jsonl", ".partial")):
            (files_folder(data, user) / name).unlink(missing_ok=True)
    except OSError as error:
        raise storage_error(error, folder) from error

"""The ids of sessions that were removed for good (`users/<slug>/removed`): no open window writes them anew."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from gptchat.files import make_folder, open_private, read_private, write_all
from gptchat.storage.users import user_folder


def note_removed(data: Path, user: str, ids: Iterable[str]) -> None:
    """Note that the sessions `ids` were removed for good, so that no open window writes them anew. OSError."""
    path = user_folder(data, user) / "removed"
    make_folder(path.parent)
    fd = open_private(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        write_all(fd, "".join(f"{id}\n" for id in ids).encode())
    finally:
        os.close(fd)


def was_removed(data: Path, user: str, id: str) -> bool:
    """Whether the session `id` was removed for good."""
    try:
        return id.encode() in read_private(user_folder(data, user) / "removed").split(b"\n")
    except OSError:
        return False

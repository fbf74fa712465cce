"""The files and folders that a typed beginning of a path may mean."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from gptchat.terminal import fuzzy

_ENTRIES = 5000  # a larger folder is not looked through to its end


class Entry(NamedTuple):
    """`path` continues what was typed; `name` is what is shown. A folder's path and name end in `/`."""

    path: str
    name: str
    is_folder: bool


def matching(typed: str, limit: int) -> list[Entry]:
    """What `typed` (perhaps with an opening quote, `~` or a relative path) may become; none where unreadable.

    Hidden entries are offered when a dot is typed. This reads the disk.
    """
    typed = typed.lstrip("\"'")
    cut = max(typed.rfind("/"), typed.rfind(os.sep)) + 1
    folder, beginning = typed[:cut], typed[cut:]
    found: list[Entry] = []
    try:
        with os.scandir(Path(folder).expanduser() if folder else ".") as entries:
            for entry, _number in zip(entries, range(_ENTRIES), strict=False):
                if entry.name.startswith(".") != beginning.startswith("."):
                    continue
                is_folder = _is_folder(entry)
                name = entry.name + "/" if is_folder else entry.name
                found.append(Entry(folder + name, name, is_folder))
    except (OSError, RuntimeError):  # unreadable, no such folder, or no such user's home
        return []
    found.sort(key=lambda entry: (not entry.is_folder, entry.name.lower()))
    return fuzzy.best(beginning, found, lambda entry: entry.name, limit)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link into a place that may not be read
        return False

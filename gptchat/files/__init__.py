"""File primitives: private folders and files, atomic and durable writes, and locks.

All other modules open, write and lock the program's own files through this package.
"""

from __future__ import annotations

from gptchat.files.locks import Lock, hold_folder, locked, still_named, try_lock
from gptchat.files.opening import (
    BINARY,
    LARGE,
    SMALL,
    UnfitFile,
    make_folder,
    open_private,
    open_regular,
    open_to_read,
    put_aside,
    put_aside_dangling,
    read_pipe,
    read_private,
    read_regular,
    replaceable,
    resolved,
)
from gptchat.files.writing import (
    replacing,
    sweep,
    sync,
    sync_folder,
    write_all,
    write_file,
    write_regular,
)

__all__ = [
    "BINARY",
    "LARGE",
    "SMALL",
    "Lock",
    "UnfitFile",
    "hold_folder",
    "locked",
    "make_folder",
    "open_private",
    "open_regular",
    "open_to_read",
    "put_aside",
    "put_aside_dangling",
    "read_pipe",
    "read_private",
    "read_regular",
    "replaceable",
    "replacing",
    "resolved",
    "still_named",
    "sweep",
    "sync",
    "sync_folder",
    "try_lock",
    "write_all",
    "write_file",
    "write_regular",
]

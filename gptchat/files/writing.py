"""Atomic and durable writes, and the sweeping of what a killed program left of them."""

from __future__ import annotations

import os
import re
import stat
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from gptchat.files.locks import still_named, taken
from gptchat.files.opening import BINARY, IRREGULAR, open_private, replaceable, resolved, unfit

_NO_SYNC = ("EINVAL", "ENOSYS", "EOPNOTSUPP")
_TEMPORARY = r"\.(?s:.+)\.[0-9a-f]{8}\.tmp\Z"
_OLD = 24 * 3600.0
"""Seconds; a temporary file of this age is swept where the file system cannot tell whether it is in use."""


def write_all(fd: int, data: bytes) -> None:
    """Write all of `data`, with one `os.write` unless the system writes less than asked. Raises OSError."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def sync(fd: int) -> None:
    """Force the file's data to the disk. Raises OSError if the disk fails, not if the file system cannot sync."""
    import errno

    try:
        getattr(os, "fdatasync", os.fsync)(fd)
    except OSError as error:
        if errno.errorcode.get(error.errno or 0) not in _NO_SYNC:
            raise


def sync_folder(path: Path) -> None:
    """Force the entries of the folder `path` to the disk; does nothing if the system cannot do that."""
    try:
        fd = os.open(path, os.O_RDONLY)
    except OSError:  # Windows cannot open folders
        return
    try:
        os.fsync(fd)
    except OSError:  # not supported by this file system; the file's own contents are on the disk anyway
        pass
    finally:
        os.close(fd)


@contextmanager
def replacing(path: Path, *, durable: bool = True, own: bool = True) -> Iterator[IO[bytes]]:
    """A temporary file, opened for writing, that replaces `path` at the end of the block.

    If the block raises, the temporary file is removed and `path` is unchanged. The file has mode 0600. With
    `durable` it is on the disk before it is renamed. A link of the user's own is followed.
    Only a regular file is replaced; with `own`, one of the user's own. Raises UnfitFile, OSError.
    """
    target = replaceable(path, own=own)
    temporary, descriptor = _temporary(target)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            if durable:
                sync(file.fileno())
            if os.name != "nt":  # while it is still open and locked, so that nobody sweeps it
                temporary.replace(target)
        if os.name == "nt":
            temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if durable:
        sync_folder(target.parent)


def _temporary(target: Path) -> tuple[Path, int]:
    """A new file beside `target`, locked until it is closed, so that `sweep` leaves it alone."""
    while True:
        kept = target.name.encode("utf-8", "surrogateescape")[:80].decode("utf-8", "ignore")
        temporary = target.with_name(f".{kept}.{os.urandom(4).hex()}.tmp")
        descriptor = open_private(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        if taken(descriptor) is not False and still_named(descriptor, temporary):
            return temporary, descriptor
        os.close(descriptor)  # another program swept it before it was locked


def write_file(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Replace the contents of `path` by `data` atomically; `durable` waits for the disk. Raises OSError."""
    with replacing(path, durable=durable) as file:
        file.write(data)


def write_regular(path: Path, data: bytes, *, new: bool) -> None:
    """Write `data` to the file `path`, which a person named: with the modes of their umask, or those it has.

    A file of theirs is replaced whole or not at all, where its folder allows it and it has no other name.
    `new` says that nothing may stand there yet. Links are followed beforehand, never while opening, and not those
    of another user; devices and pipes are refused unwritten. Raises UnfitFile, OSError.
    """
    target = resolved(path, ends=not new)
    flags = os.O_WRONLY | os.O_CREAT | BINARY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        if not new:
            found = os.lstat(target)
            if not stat.S_ISREG(found.st_mode):
                raise unfit(IRREGULAR, path)
            if _replaced(target, found, data):
                return
    except FileNotFoundError:
        pass
    fd = os.open(target, flags | (os.O_EXCL if new else 0), 0o666)
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise unfit(IRREGULAR, path)
        os.ftruncate(fd, 0)
        write_all(fd, data)
    finally:
        os.close(fd)


def _replaced(target: Path, found: os.stat_result, data: bytes) -> bool:
    """Replace `target` by `data`, with its modes and group. False if that would lose what else belongs to it."""
    import errno

    if os.name == "nt" or found.st_nlink > 1 or found.st_uid != os.geteuid() or not os.access(target, os.W_OK):
        return False
    if any(not name.startswith("security.") for name in _attributes(target)):
        return False
    try:
        with replacing(target, own=False) as file:
            if os.fstat(file.fileno()).st_gid != found.st_gid:
                os.fchown(file.fileno(), -1, found.st_gid)
            os.fchmod(file.fileno(), stat.S_IMODE(found.st_mode))
            file.write(data)
    except OSError as error:
        # The folder or the group may not be changed, or the file itself is a mount: it may still be written.
        if error.errno in (errno.EACCES, errno.EPERM, errno.EBUSY, errno.EXDEV):
            return False
        raise
    return True


def _attributes(path: Path) -> list[str]:
    """The names of the extended attributes of `path`, access lists among them; none where there are no such."""
    try:
        return os.listxattr(path) if hasattr(os, "listxattr") else []
    except OSError:  # not supported by this file system
        return []


def sweep(folders: Iterable[Path], names: Iterable[str] = ()) -> list[Path]:
    """Remove the temporary files in `folders` that a killed program left; returns them. Never raises OSError.

    With `names`, only those that were to become files of these names. One that a living process writes is kept.
    """
    swept = []
    beginnings = tuple(f".{name}." for name in names)
    for folder in folders:
        try:
            found = [entry.name for entry in os.scandir(folder) if re.match(_TEMPORARY, entry.name)]
        except OSError:
            continue
        ours = (folder / name for name in found if not beginnings or name.startswith(beginnings))
        swept += [path for path in ours if _abandoned(path)]
    return swept


def _abandoned(path: Path) -> bool:
    """Remove the temporary file `path` unless a process is writing it; whether it was removed."""
    try:
        descriptor = open_private(path, os.O_WRONLY)
    except OSError:
        return False
    try:
        free = taken(descriptor)
        if free is None:  # no locks here, so only its age tells
            free = time.time() - os.fstat(descriptor).st_mtime > _OLD
        if free:
            path.unlink()
        return free
    except OSError:
        return False
    finally:
        os.close(descriptor)

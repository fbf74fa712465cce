"""File primitives: private folders and files, atomic and durable writes, and the file lock.

All other modules write and lock through this one.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

_NO_SYNC = {errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP}
BINARY = getattr(os, "O_BINARY", 0)
"""Flag for `os.open`: without it, Windows translates line endings."""


def make_folder(path: Path) -> Path:
    """Create the folder `path` and its missing parents, each with mode 0700 regardless of the umask.

    Raises OSError; NotADirectoryError if something else has the name.
    """
    if not path.is_dir():
        make_folder(path.parent)
        try:
            path.mkdir(mode=0o700)
            path.chmod(0o700)
        except FileExistsError:
            if not path.is_dir():
                raise NotADirectoryError(errno.ENOTDIR, "not a folder", str(path)) from None
    return path


def open_private(path: Path, flags: int) -> int:
    """Open `path` with `os.open` flags; a new file gets mode 0600 regardless of the umask. Raises OSError."""
    descriptor = os.open(path, flags | BINARY, 0o600)
    if flags & os.O_CREAT and hasattr(os, "fchmod"):
        try:
            os.fchmod(descriptor, 0o600)
        except OSError:  # someone else's file, or a file system without modes
            pass
    return descriptor


def write_all(fd: int, data: bytes) -> None:
    """Write all of `data`, with one `os.write` unless the system writes less than asked. Raises OSError."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def sync(fd: int) -> None:
    """Force the file's data to the disk. Raises OSError if the disk fails, not if the file system cannot sync."""
    try:
        getattr(os, "fdatasync", os.fsync)(fd)
    except OSError as error:
        if error.errno not in _NO_SYNC:
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
def replacing(path: Path, *, durable: bool = True) -> Iterator[IO[bytes]]:
    """A temporary file, opened for writing, that replaces `path` at the end of the block.

    If the block raises, the temporary file is removed and `path` is unchanged. The file has mode 0600. With
    `durable` it is on the disk before it is renamed. If `path` is a symbolic link, its target is replaced.
    Raises OSError.
    """
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f".{target.name[:80]}.{os.urandom(4).hex()}.tmp")
    descriptor = open_private(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            if durable:
                os.fsync(file.fileno())
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if durable:
        sync_folder(target.parent)


def write_file(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Replace the contents of `path` by `data` atomically; `durable` waits for the disk. Raises OSError."""
    with replacing(path, durable=durable) as file:
        file.write(data)


def write_regular(path: Path, data: bytes, *, new: bool) -> None:
    """Write `data` to the file `path`, which a person named, with the modes of their umask.

    `new` says that nothing may stand there yet. Links are followed beforehand, never while opening, and devices
    and pipes are refused unwritten. Raises OSError.
    """
    target = path if new else Path(os.path.realpath(path))
    flags = os.O_WRONLY | os.O_CREAT | BINARY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    fd = os.open(target, flags | (os.O_EXCL if new else 0), 0o666)
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), str(path))
        os.ftruncate(fd, 0)
        write_all(fd, data)
    finally:
        os.close(fd)


PATIENCE = 10.0
"""Seconds to wait for a lock. Other programs hold it for milliseconds, unless they are suspended."""

_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL}
"""Errors of file systems without locks (some network ones); the program then goes on without a lock."""

if sys.platform == "win32":
    import msvcrt

    # On Windows a locked range cannot be read or written by others, so it lies far beyond any data.
    _FAR = 0x7FFF_FFFF_0000_0000

    def _lock(fd: int) -> None:
        os.lseek(fd, _FAR, os.SEEK_SET)
        msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)

    def unlock(fd: int) -> None:
        """Release the lock of `fd`; closing the file does the same. Raises OSError."""
        os.lseek(fd, _FAR, os.SEEK_SET)
        msvcrt.locking(fd, msvcrt.LK_UNLCK, 1)

    def hold_folder(path: Path, *, alone: bool = False) -> int | None:
        """Nothing: Windows itself refuses to move a folder in which a file is open."""
        return None

else:
    import fcntl

    def hold_folder(path: Path, *, alone: bool = False) -> int | None:
        """Hold the folder `path` until the returned descriptor is closed, together with others or `alone`.

        None if there is no such folder, or no lock for it. Raises BlockingIOError if others hold it otherwise.
        """
        try:
            fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        except OSError:
            return None
        try:
            fcntl.flock(fd, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except OSError as error:
            os.close(fd)
            if isinstance(error, BlockingIOError):
                raise
            return None
        return fd

    def _lock(fd: int) -> None:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def unlock(fd: int) -> None:
        """Release the lock of `fd`; closing the file does the same. Raises OSError."""
        fcntl.flock(fd, fcntl.LOCK_UN)


def try_lock(fd: int) -> bool:
    """Lock the open file `fd` without waiting; False if another program holds the lock.

    True if the file system has no locks. Raises OSError.
    """
    try:
        _lock(fd)
    except OSError as error:
        if error.errno in _NO_LOCKS:
            return True
        if error.errno in (errno.EAGAIN, errno.EACCES, errno.EDEADLK):
            return False
        raise
    return True


@contextmanager
def locked(fd: int) -> Iterator[None]:
    """Hold the lock of the open file `fd` during the block.

    Raises TimeoutError if another program holds the lock for more than `PATIENCE` seconds, else OSError.
    """
    pause, deadline = 0.0005, time.monotonic() + PATIENCE
    while not try_lock(fd):
        if time.monotonic() > deadline:
            raise TimeoutError(errno.ETIMEDOUT, "another program holds the file")
        time.sleep(pause)
        pause = min(pause * 2, 0.02)
    try:
        yield
    finally:
        try:
            unlock(fd)
        except OSError:  # a file system without locks; closing the file releases the lock, if there was one
            pass


def still_named(fd: int, path: Path) -> bool:
    """Whether `path` still names the open file `fd`; False if it was moved or deleted before it was locked."""
    try:
        return os.path.samestat(os.fstat(fd), path.stat())
    except FileNotFoundError:
        return False

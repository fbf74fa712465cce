"""Files: private folders and files, written whole or not at all, forced to the disk; the one lock.

All other modules write and lock through this one.
"""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

_NO_SYNC = {errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP}
BINARY = getattr(os, "O_BINARY", 0)
"""Windows translates line ends unless told not to."""


def make_folder(path: Path) -> Path:
    """Create the folder `path` and those above it that are missing, each 0700 whatever the umask."""
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
    """A descriptor of `path`; a file that this creates is 0600 whatever the umask. Raises OSError."""
    descriptor = os.open(path, flags | BINARY, 0o600)
    if flags & os.O_CREAT and hasattr(os, "fchmod"):
        try:
            os.fchmod(descriptor, 0o600)
        except OSError:  # someone else's file, or a file system without modes
            pass
    return descriptor


def write_all(fd: int, data: bytes) -> None:
    """Write all of `data`: one `os.write`, and more only where the system took less. Raises OSError."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def sync(fd: int) -> None:
    """Force the file's data to the disk. Raises OSError where the disk failed."""
    try:
        getattr(os, "fdatasync", os.fsync)(fd)
    except OSError as error:
        if error.errno not in _NO_SYNC:
            raise


def sync_folder(path: Path) -> None:
    """Force the names in the folder `path` to the disk, where the system can do that."""
    try:
        fd = os.open(path, os.O_RDONLY)
    except OSError:  # Windows opens no folders
        return
    try:
        os.fsync(fd)
    except OSError:  # a file system that cannot: the file's own contents are on the disk all the same
        pass
    finally:
        os.close(fd)


@contextmanager
def replacing(path: Path, *, durable: bool = True) -> Iterator[IO[bytes]]:
    """A file to write into that becomes `path` when the block ends well, and leaves no trace when not.

    It is 0600 and, where `durable`, on the disk before it takes the name. A link at `path` stays a link: what it
    points to is replaced. Raises OSError.
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
    """Make `data` the contents of `path`, whole or not at all; `durable` waits for the disk. Raises OSError."""
    with replacing(path, durable=durable) as file:
        file.write(data)


PATIENCE = 10.0
"""Seconds to wait for another program: it holds a lock for milliseconds, unless it was stopped."""

_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL}
"""What file systems without locks (some network ones) answer: then we go on without."""

if sys.platform == "win32":
    import msvcrt

    # A locked range is mandatory on Windows, so it must lie where no data ever will.
    _FAR = 0x7FFF_FFFF_0000_0000

    def _lock(fd: int) -> None:
        os.lseek(fd, _FAR, os.SEEK_SET)
        msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)

    def unlock(fd: int) -> None:
        """Give the lock of `fd` back; closing the file does the same."""
        os.lseek(fd, _FAR, os.SEEK_SET)
        msvcrt.locking(fd, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _lock(fd: int) -> None:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def unlock(fd: int) -> None:
        """Give the lock of `fd` back; closing the file does the same."""
        fcntl.flock(fd, fcntl.LOCK_UN)


def try_lock(fd: int) -> bool:
    """Take the lock of the open file `fd` unless another holds it; false if so. Raises OSError."""
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
    """Hold the lock of the open file `fd`; waits `PATIENCE` seconds for it, then raises TimeoutError."""
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
        except OSError:  # a file system without locks; closing the file frees whatever there was
            pass


def still_named(fd: int, path: Path) -> bool:
    """Whether the open file is still the one at `path`, and was not moved away before it could be locked."""
    try:
        return os.path.samestat(os.fstat(fd), path.stat())
    except FileNotFoundError:
        return False

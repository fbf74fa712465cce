"""Advisory locks on open files: `flock` where there is one, its twin of `msvcrt` on Windows."""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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
def locked(fd: int, patience: float = PATIENCE) -> Iterator[None]:
    """Hold the lock of the open file `fd`; waits `patience` seconds for it, then raises TimeoutError."""
    pause, deadline = 0.0005, time.monotonic() + patience
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

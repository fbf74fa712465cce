"""Files and folders that only their owner may read, written whole or not at all, forced to the disk."""

from __future__ import annotations

import errno
import os
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
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """A file to write into that becomes `path` when the block ends well, and leaves no trace when not.

    It is 0600 and on the disk before it takes the name. A link at `path` stays a link: what it points to
    is replaced. Raises OSError.
    """
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f".{target.name[:80]}.{os.urandom(4).hex()}.tmp")
    descriptor = open_private(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(target.parent)


def write_file(path: Path, data: bytes) -> None:
    """Make `data` the contents of `path`, whole or not at all. Raises OSError."""
    with replacing(path) as file:
        file.write(data)

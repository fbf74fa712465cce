"""Small private files: written whole or not at all, readable by their owner alone, locked while they change."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gptchat import words
from gptchat.errors import ConfigurationError
from gptchat.words import _

_LOCK_SECONDS = 10.0


def decode(data: bytes) -> str:
    """The text of a file: UTF-8 with or without a mark, or the UTF-16 that Windows' tools write.

    Raises UnicodeDecodeError.
    """
    marked = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    return data.decode("utf-16" if marked else "utf-8-sig")


def write_private(path: Path, text: str) -> None:
    """Replace `path` with `text` in one step, mode 0600; a link is followed, and folders made 0700.

    On Windows the folder's own permissions apply: the person's profile is closed to other people there.
    Raises ConfigurationError where it cannot be written; the old file is whole then.
    """
    target = path.resolve()  # settings are often links into a folder under version control
    temporary = target.with_name(f".{target.name}.{os.urandom(4).hex()}.tmp")
    try:
        _make_folder(target.parent)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    except OSError as error:
        try:
            temporary.unlink(missing_ok=True)
        except OSError:  # the folder itself cannot be had: then there is nothing to clean up
            pass
        raise cannot_write(path, error) from None


def cannot_write(path: Path, error: OSError) -> ConfigurationError:
    """The error for a file that cannot be written, with the system's reason."""
    return ConfigurationError(
        _("cannot write {file}: {reason}").format(file=path, reason=words.reason(error)),
        hint=_("check the folder's permissions and the free space"),
    )


def _make_folder(folder: Path) -> None:
    """Make a folder and those above it; what is made is closed to others."""
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock beside `path` (`<name>.lock`), so that two programs do not undo each other's change.

    Waits up to ten seconds. Raises ConfigurationError where the lock cannot be had.
    """
    lock = path.with_name(f"{path.name}.lock")
    try:
        _make_folder(lock.parent)
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise cannot_write(lock, error) from None
    try:
        deadline = time.monotonic() + _LOCK_SECONDS
        while not _try_lock(descriptor):
            if time.monotonic() > deadline:
                raise ConfigurationError(
                    _("{file} is in use by another program").format(file=path), hint=_("try again in a moment")
                )
            time.sleep(0.02)
        yield
    finally:
        os.close(descriptor)  # closing gives the lock back


if sys.platform == "win32":

    def _try_lock(descriptor: int) -> bool:
        """Take the lock if it is free."""
        import msvcrt

        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def exposed(path: Path) -> str:
        """Nothing: files in a Windows profile take its permissions, which leave other people out."""
        return ""

else:

    def _try_lock(descriptor: int) -> bool:
        """Take the lock if it is free."""
        import fcntl

        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def exposed(path: Path) -> str:
        """A sentence that says a file with a secret can be read by others, and the command that mends it."""
        import shlex

        try:
            mode = path.stat().st_mode
        except OSError:
            return ""
        if not mode & 0o077 or not path.is_file():
            return ""
        return _("{file} can be read by other people; close it with: chmod 600 {quoted}").format(
            file=path, quoted=shlex.quote(str(path))
        )

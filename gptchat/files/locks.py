"""The lock of a file: the system's, or where it has none, a file beside it that names the process.

A lock file holds process id, start time and host. It is taken over when that process is dead.
"""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gptchat import notices
from gptchat.files.opening import open_private, read_private
from gptchat.words import _

PATIENCE = 10.0
"""Seconds to wait for a lock. Other programs hold it for milliseconds, unless they are suspended."""

_HELD = (errno.EAGAIN, errno.EACCES, errno.EDEADLK)
_BEGINNING = 5.0
"""Seconds after which a lock file without contents counts as left by a killed process."""
_FOREIGN = 24 * 3600.0
"""Seconds after which a lock file of another host, whose processes cannot be seen, counts as left behind."""

if sys.platform == "win32":
    import msvcrt

    # On Windows a locked range cannot be read or written by others, so it lies far beyond any data.
    _FAR = 0x7FFF_FFFF_0000_0000

    def _lock(fd: int) -> None:
        os.lseek(fd, _FAR, os.SEEK_SET)
        msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)

    def _unlock(fd: int) -> None:
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

    def _unlock(fd: int) -> None:
        fcntl.flock(fd, fcntl.LOCK_UN)


class Lock:
    """A lock that this process holds. Where the system has locks, closing the file releases it too."""

    __slots__ = ("_beside", "_fd")

    def __init__(self, fd: int, beside: Path | None = None) -> None:
        self._fd = fd
        self._beside = beside

    def release(self) -> None:
        """Give the lock up; call it before the file is closed. Never raises OSError."""
        with suppress(OSError):
            if self._beside is None:
                _unlock(self._fd)
            else:
                self._beside.unlink(missing_ok=True)


def taken(fd: int) -> bool | None:
    """Take the system's lock of the open file `fd` without waiting; None where the file system has no locks."""
    try:
        _lock(fd)
    except OSError as error:
        return False if error.errno in _HELD else None
    return True


def try_lock(fd: int, path: Path) -> Lock | None:
    """Lock the open file `fd`, which is `path`, without waiting; None if another program holds the lock.

    Never raises OSError: where neither the system nor a lock file can lock it, that is told once.
    """
    mine = taken(fd)
    if mine is None:
        return _lock_beside(fd, path)
    return Lock(fd) if mine else None


@contextmanager
def locked(fd: int, path: Path) -> Iterator[None]:
    """Hold the lock of the open file `fd`, which is `path`, during the block.

    Raises TimeoutError if another program holds the lock for more than `PATIENCE` seconds.
    """
    pause, deadline = 0.0005, time.monotonic() + PATIENCE
    while (lock := try_lock(fd, path)) is None:
        if time.monotonic() > deadline:
            raise TimeoutError(errno.ETIMEDOUT, "another program holds the file", str(path))
        time.sleep(pause)
        pause = min(pause * 2, 0.02)
    try:
        yield
    finally:
        lock.release()


def still_named(fd: int, path: Path) -> bool:
    """Whether `path` still names the open file `fd`; False if it was moved or deleted before it was locked."""
    try:
        return os.path.samestat(os.fstat(fd), path.stat())
    except FileNotFoundError:
        return False


def lock_file(path: Path) -> Path:
    """The lock file of `path`, for file systems without locks."""
    return path.with_name(f".{path.name}.held")


def _lock_beside(fd: int, path: Path) -> Lock | None:
    """Lock with a file beside `path`; None if a living process has it."""
    beside = lock_file(path)
    for _attempt in range(3):
        try:
            descriptor = open_private(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        except FileExistsError:
            if not _take_over(beside):
                return None
            continue
        except OSError:
            break
        try:
            os.write(descriptor, _who())
            return Lock(fd, beside)
        except OSError:
            with suppress(OSError):
                beside.unlink()
            break
        finally:
            os.close(descriptor)
    notices.tell(
        _("files in {folder} cannot be locked: use one gptchat at a time there").format(folder=path.parent)
    )
    return Lock(fd)


def _who() -> bytes:
    """This process, and a word that no other lock file has."""
    begun = _started(os.getpid()) or "-"
    return f"{os.getpid()} {begun} {_host()} {_boot()} {os.urandom(8).hex()}\n".encode()


def _take_over(beside: Path) -> bool:
    """Remove the lock file `beside` if its process is dead; whether it is gone."""
    try:
        seen, age = read_private(beside), time.time() - beside.stat().st_mtime
    except FileNotFoundError:
        return True
    except OSError:  # not a lock file of ours
        return False
    if not _left_behind(seen, age):
        return False
    aside = beside.with_name(f"{beside.name}.{os.urandom(4).hex()}.tmp")
    try:
        beside.rename(aside)  # only one of several processes succeeds
        if aside.read_bytes() != seen:  # another has taken it over since it was read
            os.link(aside, beside)
    except OSError:
        pass
    with suppress(OSError):
        aside.unlink(missing_ok=True)
    return True


def _left_behind(content: bytes, age: float) -> bool:
    """Whether the lock file with this content, `age` seconds old, was left by a process that is no more."""
    words = content.decode("ascii", "replace").split()
    if len(words) != 5 or not words[0].isdecimal():
        return age > _BEGINNING
    pid, begun, host, boot, _word = words
    if host != _host():
        return age > _FOREIGN
    return boot != _boot() or not is_alive(int(pid), begun)


def is_alive(pid: int, started: str) -> bool:
    """Whether the process `pid` that began at `started` still runs; True where that cannot be told."""
    if sys.platform == "win32":
        return True
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:  # somebody else's process
        pass
    now = _started(pid)
    return now is None or now == started or started == "-"


def _started(pid: int) -> str | None:
    """When the process `pid` began, in ticks since the system started; None where that cannot be told.

    Empty for a process that has ended and was not collected by its parent.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return None
    return "" if fields[0] in (b"Z", b"X") else fields[19].decode()


def _host() -> str:
    """The name of this machine as one ASCII word."""
    name = getattr(os, "uname", lambda: ("", "-"))()[1]
    return name.encode("ascii", "replace").decode().replace(" ", "_") or "-"


def _boot() -> str:
    """Which start of this machine it is; `-` where the system does not tell."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return "-"

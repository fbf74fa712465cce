"""Opens the program's own files: regular ones of the user's own, of a bounded size, never through another's link.

Whoever can write to a folder can put a link, a pipe, a device or a file of their own there. What is not fit to be
opened raises `UnfitFile`, whose `strerror` is the reason in words.
"""

from __future__ import annotations

import errno
import os
import stat
from functools import cache
from pathlib import Path
from typing import BinaryIO

from gptchat import notices, words
from gptchat.words import N_, _

BINARY = getattr(os, "O_BINARY", 0)
"""Flag for `os.open`: without it, Windows translates line endings."""

SMALL = 8 * 2**20
"""Bytes; limit of the files that are read as a whole at a start: settings, state, keys."""
LARGE = 2**30
"""Bytes; limit of every file of ours, so that none fills the memory."""

IRREGULAR = N_("it is not a regular file")
FOREIGN = N_("it belongs to another user")
FOREIGN_LINK = N_("a link of another user leads there")
TOO_LARGE = N_("it is too large")
NOWHERE = N_("it is a link that leads nowhere")

_SAFELY = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | BINARY
"""Flags of every opening: the last step is no link, and a pipe does not hold the program."""


class UnfitFile(OSError):
    """A file that is not opened; `strerror` is one of the reasons above, `filename` the path."""


def unfit(reason: str, path: str | Path) -> UnfitFile:
    """The error for a file that is not opened."""
    code = {TOO_LARGE: errno.EFBIG, IRREGULAR: errno.EINVAL}.get(reason, errno.EPERM)
    return UnfitFile(code, reason, str(path))


def make_folder(path: Path) -> Path:
    """Create the folder `path` and its missing parents, each with mode 0700 regardless of the umask.

    Raises OSError; NotADirectoryError if something else has the name.
    """
    if not path.is_dir():
        if path.parent == path:
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path))
        make_folder(path.parent)
        try:
            path.mkdir(mode=0o700)
            path.chmod(0o700)
        except FileExistsError:
            if not path.is_dir():
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path)) from None
    return path


def open_private(path: Path, flags: int) -> int:
    """Open the regular file `path` of the user's own with `os.open` flags; a new file gets mode 0600.

    Links of the user's own are followed. Raises UnfitFile, also for more than `LARGE` bytes, OSError.
    """
    real = resolved(path)
    _require_regular(real, path)
    descriptor = os.open(real, flags | _SAFELY, 0o600)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise unfit(IRREGULAR, path)
        if not _is_ours(found, real):
            raise unfit(FOREIGN, path)
        if found.st_size > LARGE:
            raise unfit(TOO_LARGE, path)
        if flags & os.O_CREAT and stat.S_IMODE(found.st_mode) != 0o600 and hasattr(os, "fchmod"):
            try:
                os.fchmod(descriptor, 0o600)
            except OSError:  # a file system without modes
                pass
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def open_to_read(path: Path) -> BinaryIO:
    """The file `path` of the user's own, open for reading. Raises UnfitFile, OSError."""
    return os.fdopen(open_private(path, os.O_RDONLY), "rb")


def read_private(path: Path, limit: int = SMALL) -> bytes:
    """The contents of the file `path` of the user's own; at most `limit` bytes. Raises UnfitFile, OSError."""
    with open_to_read(path) as file:
        return _bounded(file, path, limit)


def read_regular(path: Path, limit: int) -> bytes:
    """The contents of a file that a person or another program named, whoever owns it; at most `limit` bytes.

    Raises UnfitFile for what is not a regular file or larger, OSError.
    """
    with open_regular(path) as file:
        return _bounded(file, path, limit)


def open_regular(path: Path) -> BinaryIO:
    """A file that a person or another program named, open for reading, whoever owns it.

    Raises UnfitFile for what is not a regular file, OSError.
    """
    if "\0" in str(path):
        raise OSError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
    if not stat.S_ISREG(path.stat().st_mode):
        raise unfit(IRREGULAR, path)
    file = os.fdopen(os.open(path, os.O_RDONLY | _SAFELY & ~getattr(os, "O_NOFOLLOW", 0)), "rb")
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise unfit(IRREGULAR, path)
    return file


def read_pipe(path: Path) -> bytes | None:
    """What is written into the pipe `path` to its end; None if it is none, or nobody writes for 2 seconds."""
    try:
        if not stat.S_ISFIFO(path.stat().st_mode):
            return None
        descriptor = os.open(path, os.O_RDONLY | _SAFELY & ~getattr(os, "O_NOFOLLOW", 0))
    except OSError:
        return None
    import select

    data = bytearray()
    try:
        while len(data) <= SMALL:
            try:
                piece = os.read(descriptor, 1 << 16)
            except BlockingIOError:  # there is a writer, which has not written yet
                if not select.select([descriptor], [], [], 2)[0]:
                    return None
                continue
            if not piece:
                return bytes(data) or None
            data += piece
    except OSError:
        pass
    finally:
        os.close(descriptor)
    return None


def resolved(path: Path, *, ends: bool = True) -> Path:
    """The absolute path that `path` leads to, through links of the user's own and the system's only.

    What does not exist is kept as it is written. Without `ends`, a link at the end of the path stands for itself.
    Raises UnfitFile where a link of another user is on the way, OSError.
    """
    if os.name == "nt":
        return Path(os.path.realpath(path))
    rest = str(path if path.is_absolute() else Path.cwd() / path).split("/")[:0:-1]
    at, links = "", 0
    while rest:
        name = rest.pop()
        if name in ("", "."):
            continue
        if name == "..":
            at = at.rpartition("/")[0]
            continue
        step = f"{at}/{name}"
        try:
            found = os.lstat(step)
        except FileNotFoundError:
            at = step
            continue
        if not stat.S_ISLNK(found.st_mode) or (not rest and not ends):
            at = step
            continue
        if not _is_ours(found, Path(step)):
            raise unfit(FOREIGN_LINK, path)
        links += 1
        if links > 40:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
        target = str(Path(step).readlink())
        at = "" if target.startswith("/") else at
        rest += target.split("/")[::-1]
    return Path(at or "/")


def replaceable(path: Path, *, own: bool = True) -> Path:
    """The path that `path` leads to, where nothing stands or a regular file; with `own`, one of the user's own.

    Raises UnfitFile, OSError.
    """
    real = resolved(path)
    found = _require_regular(real, path)
    if own and found is not None and not _is_ours(found, real):
        raise unfit(FOREIGN, path)
    return real


def put_aside(path: Path, error: Exception) -> Path | None:
    """Rename the file `path`, which `error` says cannot be used, to `*.damaged`, and tell it once; its new path.

    None where it stays: it is somebody else's, or cannot be renamed. Never raises OSError.
    """
    moved: Path | None = path.with_name(f"{path.name}.damaged")
    try:
        if not _is_ours(os.lstat(path), path):
            raise unfit(FOREIGN, path)
    except FileNotFoundError:
        return None
    except OSError:
        moved = None
    try:
        number = 1
        while moved is not None and os.path.lexists(moved):
            number += 1
            moved = path.with_name(f"{path.name}.damaged-{number}") if number < 100 else None
        if moved is not None:
            path.rename(moved)
    except OSError:
        moved = None
    why = words.reason(error) if isinstance(error, OSError) else _("it is damaged")
    if moved is None:
        notices.tell(_("{file} is left out: {reason}").format(file=path, reason=why))
    else:
        notices.tell(
            _("{file} could not be read ({reason}); it is set aside as {name}").format(
                file=path, reason=why, name=moved.name
            )
        )
    return moved


def put_aside_dangling(path: Path) -> None:
    """`put_aside` for a file that was not found, if it is a link that leads nowhere."""
    if path.is_symlink():
        put_aside(path, unfit(NOWHERE, path))


def _bounded(file: BinaryIO, path: Path, limit: int) -> bytes:
    if os.fstat(file.fileno()).st_size > limit:
        raise unfit(TOO_LARGE, path)
    data = file.read(limit + 1)
    if len(data) > limit:
        raise unfit(TOO_LARGE, path)
    return data


def _require_regular(real: Path, path: Path) -> os.stat_result | None:
    """What stands at `real`; None if nothing does. A device or pipe is refused before it is opened."""
    try:
        found = os.lstat(real)
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(found.st_mode):
        raise UnfitFile(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(found.st_mode):
        raise unfit(IRREGULAR, path)
    return found


@cache
def _trusted(user: int) -> frozenset[int]:
    """The owners whom the program of `user` trusts: the user, root, and who called `sudo`.

    In a container root may have another number, which is that of `/`.
    """
    caller = os.environ.get("SUDO_UID", "") if user == 0 else ""
    return frozenset((user, 0, os.lstat("/").st_uid, *([int(caller)] if caller.isdecimal() else [])))


def _is_ours(found: os.stat_result, path: Path) -> bool:
    """Whether a file or link, of which `found` is the `lstat` result, is the user's own or the system's."""
    if os.name == "nt" or found.st_uid in _trusted(os.geteuid()):
        return True
    try:
        if os.geteuid() == 0 and not stat.S_ISLNK(found.st_mode):
            # Root, as in a container, works in the folder of whoever it was given.
            return found.st_uid == path.parent.stat().st_uid
    except OSError:
        return False
    return not _keeps_owners(path.parent)


def _keeps_owners(folder: Path) -> bool:
    """Whether files that are created in `folder` belong to who created them; some mounted file systems differ."""
    probe = folder / f".owner.{os.urandom(4).hex()}.tmp"
    try:
        descriptor = os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _SAFELY, 0o600)
    except OSError:
        return True
    try:
        return os.fstat(descriptor).st_uid == os.geteuid()
    finally:
        os.close(descriptor)
        probe.unlink(missing_ok=True)

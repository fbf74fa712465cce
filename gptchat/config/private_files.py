"""Small private files: written whole or not at all, readable by their owner alone, locked while they change."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from gptchat import files, words
from gptchat.errors import ConfigurationError
from gptchat.words import _


def decode(data: bytes) -> str:
    """The text of a file: UTF-8 with or without a mark, or the UTF-16 that Windows' tools write.

    Raises UnicodeDecodeError.
    """
    marked = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    return data.decode("utf-16" if marked else "utf-8-sig")


def read_settings_file(path: Path) -> bytes:
    """The contents of a settings file: a regular one, or a pipe that has a writer, as of `--config <(...)`.

    Raises UnfitFile, OSError.
    """
    try:
        return files.read_private(path)
    except (files.UnfitFile, FileNotFoundError):
        if (piped := files.read_pipe(path)) is None:
            raise
        return piped


def write_private(path: Path, text: str) -> None:
    """Replace `path` with `text` in one step, mode 0600; a link is followed, and folders are made 0700.

    On Windows the folder's own permissions apply: the person's profile is closed to other people there.
    Raises ConfigurationError where it cannot be written; the old file is whole then.
    """
    try:
        files.make_folder(path.resolve().parent)  # settings are often links into a folder under version control
        files.write_file(path, text.encode())
    except OSError as error:
        raise cannot_write(path, error) from None


def cannot_write(path: Path, error: OSError) -> ConfigurationError:
    """The error for a file that cannot be written, with the system's reason."""
    return ConfigurationError(
        _("cannot write {file}: {reason}").format(file=path, reason=words.reason(error)),
        hint=_("check the folder's permissions and the free space"),
    )


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock beside `path` (`<name>.lock`), so that two programs do not undo each other's change.

    Waits up to ten seconds. Raises ConfigurationError where the lock cannot be had.
    """
    lock = path.with_name(f"{path.name}.lock")
    try:
        files.make_folder(lock.parent)
        descriptor = files.open_private(lock, os.O_RDWR | os.O_CREAT)
    except OSError as error:
        raise cannot_write(lock, error) from None
    with ExitStack() as held:
        held.callback(os.close, descriptor)
        try:
            held.enter_context(files.locked(descriptor, lock))
        except TimeoutError:
            raise ConfigurationError(
                _("{file} is in use by another program").format(file=path), hint=_("try again in a moment")
            ) from None
        except OSError as error:
            raise cannot_write(lock, error) from None
        yield


if sys.platform == "win32":

    def exposed(path: Path) -> str:
        """Nothing: files in a Windows profile take its permissions, which leave other people out."""
        return ""

else:

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

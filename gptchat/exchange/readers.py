"""Tells the format of a file by its contents, and reads files, folders and archives as drafts of sessions."""

from __future__ import annotations

import io
import os
import shutil
import sqlite3
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from gptchat import words
from gptchat.errors import UsageError
from gptchat.exchange import streams
from gptchat.exchange.markdown_file import without_speakers
from gptchat.exchange.session_builder import Broken, Note, Progress, pack, unpacked
from gptchat.exchange.shelves import ArchiveShelf, Shelf
from gptchat.exchange.sources import databases
from gptchat.exchange.streams import Item, sessions, unknown
from gptchat.files import open_regular
from gptchat.foreign import archives
from gptchat.storage.os_errors import storage_error
from gptchat.words import _

if TYPE_CHECKING:
    from gptchat.foreign.child import ChildLimits

_PEEK = 1 << 16
_ZIP = b"PK\x03\x04"
_SQLITE = b"SQLite format 3\0"
_SMALL = 500_000
"""Bytes of a file that is read faster than a child process starts."""
_INNER = 1_000_000_000
"""Bytes of a database or an archive within an archive."""
_DEEPEST = 3
"""Archives within one another that are opened."""


def read(path: Path, progress: Progress | None = None) -> Iterator[Item]:
    """Yield the sessions in `path`: a file of any known format, an archive, or a folder of files.

    What is large, packed or a database is read in a child process. Raises UsageError if no sessions are found, or
    if the file needs more than the child may use, and OSError.
    """
    step = progress or _silent
    if path.is_dir():
        yield from _folder(path, step)
        return
    shelf = Shelf(path.parent, _neighbours(path))
    yield from _file(path, path.name, step, shelf.beside(path.name))


def _neighbours(path: Path) -> list[str]:
    """The names beside the file `path` that may belong to it."""
    branches = path.parent / "branches"
    try:
        found = [f"branches/{one.name}" for one in branches.iterdir()] if path.name == "conversation.jsonl" else []
    except OSError:
        found = []
    return sorted(found)


def _file(path: Path, name: str, step: Progress, beside: Mapping[str, Any]) -> Iterator[Item]:
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        head = file.read(16)
        file.seek(0)
        if head == _SQLITE:
            yield from _copied(path, name, step)
        elif size <= _SMALL and not head.startswith(_ZIP):
            yield from _read(file, name, step, beside)
        else:
            yield from _in_child(file, name, step, {"beside": beside})
    step(size, size)


def _in_child(file: IO[bytes] | bytes, name: str, step: Progress, arguments: dict[str, Any]) -> Iterator[Item]:
    from gptchat.foreign.child import read as read_in_child

    arguments = {**arguments, "beside": _sendable(arguments.get("beside"))}
    last = (0, 1)

    def reached(done: int, total: int) -> None:
        nonlocal last
        last = done, total
        step(done, total)

    for item in read_in_child(f"{__name__}:packed", file, name, limits=_limits(), step=reached, **arguments):
        yield unpacked(item)
        step(*last)  # what the child has read at once may take long to store


def _sendable(beside: object) -> dict[str, Any]:
    """What lies beside a file, if it fits among the arguments of a process."""
    import json

    given = {key: value for key, value in (beside if isinstance(beside, Mapping) else {}).items() if value}
    return given if len(json.dumps(given)) < 100_000 else {}


def _copied(path: Path, name: str, step: Progress) -> Iterator[Item]:
    """Read a copy of a database: one in use has its newest rows in a file beside it."""
    with tempfile.TemporaryDirectory(prefix="gptchat-") as folder:
        copy = Path(folder) / "copy.db"
        for ending in ("", "-wal", "-shm"):
            source = path.with_name(path.name + ending)
            try:
                with open_regular(source) as file, Path(f"{copy}{ending}").open("wb") as target:
                    shutil.copyfileobj(file, target, 1 << 20)
            except OSError as error:
                if not ending:
                    raise storage_error(error, path) from error
        yield from _in_child(b"", name, step, {"database": str(copy)})


def _folder(path: Path, step: Progress) -> Iterator[Item]:
    """The sessions of all files below a folder, and of chats that lie in several files."""
    shelf = Shelf(path)
    files = shelf.files()
    found = False
    for item in sessions(shelf.chats(), path.name):
        found = True
        yield item
    for number, name in enumerate(files):
        step(number, len(files))
        try:
            for item in _file(path / name, name, _silent, shelf.beside(name)):
                if item != without_speakers(name):  # a text among others is no matter
                    found = True
                    yield item
        except UsageError as error:
            if error.message != unknown(name).message:
                found = True
                yield Broken(_("{place}: {problem}").format(place=name, problem=error.message))
        except OSError as error:
            found = True
            yield Broken(storage_error(error, path / name).message)
    if not found:
        raise unknown(path.name)


def packed(file: IO[bytes], arguments: dict[str, Any], step: Progress) -> Iterator[Any]:
    """The sessions in `file` as JSON values (a reader, see `foreign.process`); `unpacked` undoes it."""
    if place := arguments.get("database"):
        items = _database(place, arguments["name"])
    else:
        items = _read(file, arguments["name"], step, arguments.get("beside") or {})
    for item in items:
        yield pack(item)


def _limits() -> ChildLimits:
    from gptchat.foreign.child import ChildLimits

    return ChildLimits(seconds=120, renewed=True, memory=1_500_000_000, output=archives.MOST * 2)


def _silent(_done: int, _total: int) -> None:
    """Nobody watches the progress."""


class _Counted(io.RawIOBase):
    """A file that tells how far it is read."""

    def __init__(self, file: IO[bytes], size: int, step: Progress) -> None:
        self._file, self._size, self._step = file, size, step
        self._told = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def readinto(self, buffer: Any) -> int:
        data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        at = self._file.tell()
        if at > self._told:
            self._told = at
            self._step(min(at, self._size), self._size)
        return len(data)


def _read(file: IO[bytes], name: str, step: Progress, beside: Mapping[str, Any], depth: int = 0) -> Iterator[Item]:
    file.seek(0, os.SEEK_END)
    size = file.tell()
    file.seek(0)
    head = file.read(_PEEK)
    file.seek(0)
    if head.startswith(_ZIP):
        yield from _zip(file, name, step, depth)
        return
    if head.startswith(_SQLITE):
        yield from _database(file.read(_INNER), name)
        return
    text, note = _utf8(file, head, size, step)
    if note:
        yield Note(_("{name} was read as {encoding}").format(name=name, encoding=note))
    head = text.read(_PEEK).removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n\0")
    text.seek(0)
    if head[:1] == b"[":
        yield from streams.array(text, name, beside)
    elif head[:1] == b"{" and _lines(head):
        yield from streams.lines(text, name, beside)
    elif head[:1] == b"{":
        data = _without_mark(text.read())
        if b'"mapping"' in head and not streams.whole(data):  # one chat of a list, or one that is cut
            yield from streams.array(io.BytesIO(data), name, beside)
        else:
            yield from streams.document(data, name, beside)
    else:
        yield from streams.prose(text.read(), name)


def _without_mark(data: bytes) -> bytes:
    return data.removeprefix(b"\xef\xbb\xbf").lstrip(b"\0")


def _lines(head: bytes) -> bool:
    """Whether a file that begins with `head` has an object on each line."""
    first, _end, rest = head.partition(b"\n")
    first = first.rstrip()
    if not first.endswith(b"}"):
        return not _end and head.startswith((b'{"timestamp":', b'{"uuid":', b'{"parentUuid":', b'{"messages":['))
    after = rest.lstrip()
    return after[:1] == b"{" or (not after and head.startswith((b'{"messages":', b'{"messages" :')))


def _utf8(file: IO[bytes], head: bytes, size: int, step: Progress) -> tuple[IO[bytes], str]:
    """`file` with its text as UTF-8, and the name of its encoding, where it had to be guessed."""
    from gptchat.attachments.decoding import decode, is_utf8

    if is_utf8(head):
        return io.BufferedReader(_Counted(file, size, step), 1 << 20), ""
    data = file.read()
    found = decode(data)
    if found is None:
        return io.BytesIO(data), ""
    text, encoding = found
    return io.BytesIO(text.encode("utf-8", "replace")), "" if encoding == "utf-8" else encoding.upper().replace(
        "_", "-"
    )


def _database(place: str | bytes, name: str) -> Iterator[Item]:
    found = False
    try:
        with databases.opened(place) as connection:
            chats = databases.chats(databases.Database(connection))
            if chats is None:
                raise unknown(name)
            for item in sessions(chats, name):
                found = True
                yield item
    except (sqlite3.Error, OverflowError) as error:
        problem = UsageError(
            _("{file} cannot be read as a database: {why}").format(file=name, why=words.reason(error))
        )
        if not found:
            raise problem from error
        yield Broken(problem.message)


def _zip(file: IO[bytes], name: str, step: Progress, depth: int) -> Iterator[Item]:
    try:
        with zipfile.ZipFile(file) as archive:
            yield from _members(ArchiveShelf(archive), archive, name, step, depth)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, ValueError) as error:
        # RuntimeError: a password is required; NotImplementedError: unsupported compression
        raise UsageError(
            _("{file} cannot be unpacked: {reason}").format(file=name, reason=words.reason(error)),
            hint=_("unpack it yourself and import the folder"),
        ) from error


def _members(
    shelf: ArchiveShelf, archive: zipfile.ZipFile, name: str, step: Progress, depth: int
) -> Iterator[Item]:
    for outside in shelf.outside:
        yield Broken(
            _("{file}: {member} lies outside the archive and is not read").format(file=name, member=outside)
        )
    infos = [shelf.infos[one] for one in shelf.files()]
    archives.check(name, archive, infos)
    total, before = sum(info.file_size for info in infos), 0
    found = False
    for item in sessions(shelf.chats(), name):
        found = True
        yield item
    shared = shelf.beside("x")
    for info in infos:
        folder = info.filename.rpartition("/")[0]
        beside = (
            {**shared, **{key: value for key, value in shelf.beside(info.filename).items() if value}}
            if folder
            else shared
        )
        begun = before

        def told(done: int, _total: int, begun: int = begun) -> None:
            step(min(begun + done, total), total)

        try:
            with archive.open(info) as member:
                for item in _member(member, info, told, beside, depth):
                    if item != without_speakers(info.filename):
                        found = True
                        yield item
        except UsageError as error:
            if error.message != unknown(info.filename).message:
                found = True
                yield Broken(_("{place}: {problem}").format(place=info.filename, problem=error.message))
        before += info.file_size
        step(min(before, total), total)
    if not found:
        raise unknown(name)


def _member(
    member: IO[bytes], info: zipfile.ZipInfo, step: Progress, beside: Mapping[str, Any], depth: int
) -> Iterator[Item]:
    head = member.read(16)
    member.seek(0)
    if head.startswith((_ZIP, _SQLITE)):
        if depth >= _DEEPEST:
            raise UsageError(_("archives within archives within archives are not opened"))
        data = b"".join(archives.limited(info.filename, member, _INNER))
        yield from _read(io.BytesIO(data), info.filename, step, beside, depth + 1)
    else:
        yield from _read(member, info.filename, step, beside, depth + 1)

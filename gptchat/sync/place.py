"""A place: a folder that others write to, which holds sessions as files whose lines stand for themselves.

`PLACE/gptchat/users/<slug>/sessions/<id>.jsonl`, and `files/<sha256>.<ending>` beside it; with the ending `.age`
where it is encrypted. Whatever stands there may be anybody's: links are not followed, sizes are bounded, and what
is no record of ours is left out.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Set
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from gptchat import words
from gptchat.errors import GptchatError, StorageError
from gptchat.files import make_folder, open_regular, replacing, sweep, write_all
from gptchat.files.opening import IRREGULAR, TOO_LARGE, unfit
from gptchat.storage import journal
from gptchat.storage.ids import acceptable_id
from gptchat.storage.media import FILE_NAME
from gptchat.storage.users import slug
from gptchat.sync.history import History, read_place
from gptchat.sync.memory import Signature
from gptchat.values import dataclass, field
from gptchat.words import _

FOLDER = "gptchat"
"""The folder of a place that is ours; nothing else of it is touched."""
LARGEST = 256_000_000
"""Bytes; a larger file in a place is left alone."""
PLAIN, SEALED = ".jsonl", ".age"


class Sealing(Protocol):
    """How the files of a place are written: plain, or encrypted."""

    suffix: str

    def seal(self, data: bytes) -> bytes:
        """`data` as it is written."""

    def open(self, data: bytes) -> bytes:
        """What was sealed; raises GptchatError if it cannot be opened."""


@dataclass(slots=True)
class Found:
    """The files of one session in a place: its own and the copies that file services made of it."""

    own: Path | None = None
    copies: list[Path] = field(default_factory=list)
    signature: Signature = field(default_factory=list)


class SyncPlace:
    """The files of `user` below the folder `root`."""

    def __init__(self, root: Path, user: str, sealing: Sealing | None = None) -> None:
        self.root = root
        self._person = root / FOLDER / "users" / slug(user)
        self._sealing = sealing
        self.problems: list[tuple[str, str]] = []
        """Files that were left out, each with the reason."""

    @property
    def sessions_folder(self) -> Path:
        """Where the sessions are."""
        return self._person / "sessions"

    def sessions(self) -> dict[str, Found]:
        """The files of each session. Raises OSError if the folder cannot be read."""
        found: dict[str, Found] = {}
        odd: list[Path] = []
        names = sorted(self._names(self.sessions_folder), key=lambda path: len(path.name))
        for path in names:
            stem = path.name.removesuffix(path.suffix)
            if not acceptable_id(stem) or any(stem[:at] in found for at in range(6, len(stem))):
                odd.append(path)  # its beginning is another session's id
            else:
                self._add(found, stem, path)
        for path in odd:
            id = self._told_id(path)
            if id and path.name.startswith(id):
                self._add(found, id, path)
            else:
                self.problems.append((path.name, _("it is no session")))
        return found

    def _add(self, found: dict[str, Found], id: str, path: Path) -> None:
        one = found.setdefault(id, Found())
        if path.name == id + (self._sealing.suffix if self._sealing else PLAIN):
            one.own = path
        else:
            one.copies.append(path)
        one.signature += signature(path)

    def read(self, id: str, found: Found) -> History:
        """The union of the files of the session `id`; of one that cannot be read nothing. They are then kept."""
        whole = History(id)
        for path in [*([found.own] if found.own else []), *found.copies]:
            try:
                whole.add(read_place(id, self._open(path)))
            except (OSError, GptchatError) as error:
                self.problems.append((path.name, why(error)))
                found.copies = [copy for copy in found.copies if copy != path]
                if path == found.own:
                    raise
        return whole

    def put(self, history: History, found: Found) -> Signature:
        """Write a session, and then remove the copies, which are part of it; its new signature. Raises OSError."""
        path = self.sessions_folder / (history.id + (self._sealing.suffix if self._sealing else PLAIN))
        self._put(path, history.lines())
        for copy in found.copies:
            if copy != path:
                copy.unlink(missing_ok=True)
        return signature(path)

    def files(self) -> dict[str, Path]:
        """The files of replies, by the name that their contents have."""
        found = {}
        for path in self._names(self._person / "files", ""):
            name = path.name.removesuffix(SEALED)
            if len(name.partition(".")[0]) == 64:
                found[name] = path
        return found

    def read_file(self, path: Path, name: str) -> bytes | None:
        """The contents of a reply's file; None if they are not what the name says. Raises OSError."""
        data = self._open(path)
        return data if sha256(data).hexdigest() == name.partition(".")[0] else None

    def write_file(self, name: str, data: bytes) -> None:
        """Write a reply's file. Raises OSError."""
        ending = SEALED if self._sealing and self._sealing.suffix == SEALED else ""
        self._put(self._person / "files" / (name + ending), data)

    def forget_files(self, names: Set[str]) -> None:
        """Remove those of `names` that no session here speaks of; none if one cannot be read. Raises OSError."""
        try:
            for id, found in self.sessions().items():
                names = names - names_in(self.read(id, found))
        except GptchatError:
            return
        for name, path in self.files().items():
            if name in names:
                path.unlink(missing_ok=True)

    def sweep(self) -> None:
        """Remove what killed programs left half-written."""
        sweep([self._person / "sessions", self._person / "files", self.root / FOLDER])

    def _names(self, folder: Path, suffixes: str = f"{PLAIN} {SEALED}") -> Iterator[Path]:
        """The regular files in `folder` with one of the endings; none if it is missing."""
        if not self._is_ours(folder):
            return
        wanted = tuple(suffixes.split()) or ("",)
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.endswith(wanted) and not entry.name.startswith("."):
                    if entry.is_file(follow_symlinks=False):
                        yield Path(entry.path)
                    else:
                        self.problems.append((entry.name, why(unfit(IRREGULAR, entry.path))))

    def _is_ours(self, folder: Path) -> bool:
        """Whether `folder` below the root is there, and no link on the way. Raises UnfitFile for a link."""
        at = self.root
        for step in folder.relative_to(self.root).parts:
            at = at / step
            try:
                mode = at.lstat().st_mode
            except FileNotFoundError:
                return False
            if not stat.S_ISDIR(mode):
                raise unfit(IRREGULAR, at)
        return True

    def _open(self, path: Path) -> bytes:
        with open_regular(path) as file:
            if os.fstat(file.fileno()).st_size > LARGEST:
                raise unfit(TOO_LARGE, path)
            data = file.read(LARGEST + 1)
        if len(data) > LARGEST:
            raise unfit(TOO_LARGE, path)
        if path.suffix != SEALED:
            return data
        if self._sealing is None:
            raise StorageError(_("it is encrypted"))
        return self._sealing.open(data)

    def _put(self, path: Path, data: bytes) -> None:
        if not self._is_ours(path.parent):
            make_folder(path.parent)
        if os.path.lexists(path) and not stat.S_ISREG(path.lstat().st_mode):
            raise unfit(IRREGULAR, path)
        with replacing(path, own=False) as file:
            write_all(file.fileno(), self._sealing.seal(data) if self._sealing else data)

    def _told_id(self, path: Path) -> str:
        """The id of the session that the file `path` says to be; empty if it says none."""
        try:
            first = self._open(path)[: 1 << 20].partition(b"\n")[0]
        except (OSError, GptchatError):
            return ""
        record, _sound = journal.read_line(first)
        id = record.get("id") if record is not None and record.get("type") in ("session", "state") else None
        return id if isinstance(id, str) and acceptable_id(id) else ""


def names_in(history: History) -> Set[str]:
    """The names of files that a session speaks of."""
    return {name.decode() for name in FILE_NAME.findall(history.lines())}


def signature(path: Path) -> Signature:
    """What tells whether the file `path` was changed; empty if it is not there."""
    try:
        found = path.lstat()
    except OSError:
        return []
    return [found.st_size, found.st_mtime_ns, found.st_ino]


def why(error: OSError | GptchatError) -> str:
    """The reason of an error, for people."""
    return error.message if isinstance(error, GptchatError) else words.reason(error)

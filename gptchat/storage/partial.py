"""The sidecar file of a streaming reply (`<id>.partial`): the received text survives if the process is killed.

The first line is the reply's record without content (a message or a continuation), with a random token as
`turn`. Each further line is one piece: `{"text": ...}` or `{"reasoning": ...}`; `{"part": ...}` names a file, and
`revised` with both texts replaces all pieces before it. The writing process holds the
file's lock while it runs. The journal record that ends the reply carries the same token, so that a reply is
never recovered twice.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from glob import escape
from pathlib import Path
from typing import Any

from gptchat.core.messages import Content, Part, Record
from gptchat.core.records import move
from gptchat.core.session import Session
from gptchat.files import Lock, open_private, still_named, try_lock, write_all
from gptchat.storage import journal


class Sidecar:
    """The sidecar of the journal `path`, for one reply. The methods never raise, so that the chat can go on."""

    _fd: int | None = None
    _lock: Lock | None = None
    _full = False

    def __init__(self, path: Path, header: Mapping[str, Any]) -> None:
        """Create the file; `header` is the reply's record without content. A `turn` in it becomes the token."""
        given = header.get("turn")
        self._token = given if isinstance(given, str) and given else os.urandom(8).hex()
        self._path, self._fd, self._lock = _claim(path, self._token)
        self._write(journal.to_line({**header, "turn": self._token}))

    @property
    def token(self) -> str:
        """The token of this reply, for the `turn` field of the record that ends it."""
        return self._token

    def write(self, text: str, *, reasoning: bool = False) -> None:
        """Append a piece of text; it has been passed to the operating system when this returns."""
        if text:
            self._write(journal.to_line({"reasoning" if reasoning else "text": text}))

    def name_file(self, part: Part) -> None:
        """Note the content part of a file of the reply."""
        self._write(journal.to_line({"part": dict(part)}))

    def revise(self, text: str, reasoning: str) -> None:
        """Replace all pieces written so far."""
        self._write(journal.to_line({"revised": True, "text": text, "reasoning": reasoning}))

    def discard(self) -> None:
        """Remove the sidecar."""
        if self._fd is None:
            return
        removed = os.name != "nt" and _remove(self._path)  # Windows cannot remove an open file
        self._close()
        if not removed:
            _remove(self._path)

    def _close(self) -> None:
        fd, self._fd = self._fd, None
        if self._lock is not None:
            self._lock.release()
        if fd is not None:
            os.close(fd)

    def __del__(self) -> None:
        if self._fd is not None:
            self._close()

    def _write(self, line: bytes) -> None:
        if self._fd is None or self._full:
            return
        try:
            write_all(self._fd, line)
        except OSError:  # a full disk: the reply is still in memory, and writing the journal is retried later
            self._full = True


def sidecars(path: Path) -> list[Path]:
    """The sidecars of the journal `path`, whoever writes them."""
    alone = path.with_suffix(".partial")
    return [alone] * alone.exists() + sorted(path.parent.glob(f"{escape(path.stem)}.*.partial"))


def take_in(path: Path, session: Session, save: Callable[[Session, list[Record]], bool]) -> None:
    """Recover the interrupted replies in the sidecars of the journal `path` of `session`, each once.

    `save` appends records and returns whether they are on the disk; only then is the sidecar removed. If the
    journal already has a sidecar's token, the process ended between append and removal, and the sidecar is
    only removed.
    """
    for sidecar in sidecars(path):
        with _orphan(sidecar) as fd:
            record = remains(fd) if fd is not None else None
            saved = True
            if record is not None and record.get("turn") not in session.turns_taken:
                records = [record]
                head, parent = session.head, record.get("parent")
                if record["type"] == "message" and parent != head and parent in session.messages:
                    records.append(move(head))  # the conversation has moved on since: keep its head
                saved = save(session, records)
            if fd is not None and saved:
                _remove(sidecar)


@contextmanager
def _orphan(path: Path) -> Iterator[int | None]:
    """Open and lock the sidecar `path`; None if its writer still runs or the file is gone."""
    try:
        fd = open_private(path, os.O_RDWR)
    except OSError:
        yield None
        return
    lock = try_lock(fd, path)
    try:
        yield fd if lock is not None and _same(fd, path) else None
    finally:
        if lock is not None:
            lock.release()
        os.close(fd)


def remains(fd: int) -> Record | None:
    """The record of the reply in the open sidecar `fd`, marked as interrupted; None if no piece was written."""
    reading = journal.read(journal.read_bytes(fd))
    header: Record = {}
    text: list[str] = []
    reasoning: list[str] = []
    parts: list[Part] = []
    for record in reading.records:
        if isinstance(record.get("type"), str):
            header = header or record
        elif record.get("revised") is True:
            text, reasoning = [str(record.get("text", ""))], [str(record.get("reasoning", ""))]
        elif isinstance(part := record.get("part"), dict):
            parts.append(part)
        elif isinstance(piece := record.get("text"), str):
            text.append(piece)
        elif isinstance(piece := record.get("reasoning"), str):
            reasoning.append(piece)
    if not text and not reasoning:
        return None
    content: Content = "".join(text)
    if parts:
        content = [{"type": "text", "text": content}, *parts]
    record = {"type": "message", "role": "assistant", **header, "content": content, "status": "interrupted"}
    if reasoning:
        record["reasoning"] = "".join(reasoning)
    return record


def _claim(path: Path, token: str) -> tuple[Path, int | None, Lock | None]:
    """Create and lock a sidecar of the journal `path`, under a second name if the first is taken.

    Returns its path, descriptor and lock; both are None if the file could not be created.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND
    names = [path.with_suffix(".partial"), path.with_suffix(f".{token}.partial")]
    for name in [*names, *names]:
        try:
            fd = open_private(name, flags)
        except FileExistsError:
            continue
        except OSError:
            break
        lock = try_lock(fd, name)
        if lock is not None and _same(fd, name):
            return name, fd, lock
        if lock is not None:
            lock.release()
        os.close(fd)  # another program took it for an orphan and removed it before we had the lock
    return path, None, None


def _same(fd: int, path: Path) -> bool:
    """Whether `path` still names the open file `fd`."""
    try:
        return still_named(fd, path)
    except OSError:
        return False


def _remove(path: Path) -> bool:
    """Remove a sidecar; whether it is gone. What stays is removed by the next `take_in`, by its token."""
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return False
    return True

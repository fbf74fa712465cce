"""The account book of each person: one line for every request that may cost, by month, in their folder.

A line is a JSON object: `ts`, `ref`, `provider`, `model`, `usage` and `cost` (US$; 0 for what is free; null where
no price is known). `ref` is the token of the reply that the journal of a session has as `turn`, so that nothing is
counted twice. Lines are only appended, by any number of processes; a torn one is skipped.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gptchat import notices
from gptchat.core.messages import Usage
from gptchat.core.numbers import amount
from gptchat.files import LARGE, make_folder, open_private, open_to_read, read_private, write_all
from gptchat.storage.os_errors import storage_error
from gptchat.storage.users import user_folder
from gptchat.values import dataclass, field
from gptchat.words import _


@dataclass(frozen=True, slots=True)
class Entry:
    """One request. `cost` is US$: 0 if it is free, None if no price is known; `ts` is UTC, as in records."""

    ts: str
    ref: str
    provider: str
    model: str
    usage: Usage
    cost: float | None

    def to_json(self) -> dict[str, Any]:
        """The line in the book."""
        return {
            "ts": self.ts,
            "ref": self.ref,
            "provider": self.provider,
            "model": self.model,
            "usage": self.usage.to_json(),
            "cost": self.cost,
        }


@dataclass(slots=True)
class _Sum:
    """What was spent since a moment: how far each file is read, and the US$ in it."""

    since: str
    read: dict[Path, tuple[int, int]] = field(default_factory=dict)
    """By file: its inode, and the bytes that are counted."""
    spent: float = 0.0


class Book:
    """The books below the data folder `data`. With `readonly` nothing is written; it counts in this run only."""

    def __init__(self, data: Path, *, readonly: bool = False) -> None:
        self._data = data
        self._readonly = readonly
        self._held: dict[str, list[Entry]] = {}
        """By person: what is on no disk."""
        self._sums: dict[str, _Sum] = {}

    def add(self, user: str, entry: Entry) -> None:
        """Book a request of `user`. Never raises: what cannot be written is told, and counted in this run."""
        if not self._readonly:
            try:
                self._append(user, entry)
            except OSError as error:
                path = self._folder(user)
                told = storage_error(error, path).message
                notices.tell(_("what this costs could not be written down: {why}").format(why=told))
            else:
                return
        self._held.setdefault(user, []).append(entry)

    def entries(self, user: str, since: str = "") -> list[Entry]:
        """The requests of `user` at or after the time `since` (UTC), in the order in which they were booked."""
        found: list[Entry] = []
        for path in self._files(user, since):
            try:
                content = read_private(path, LARGE)
            except OSError:
                continue
            found += (entry for line in content.split(b"\n") if (entry := _read(line)) is not None)
        found += self._held.get(user, ())
        return [entry for entry in found if entry.ts >= since]

    def spent(self, user: str, since: str) -> float:
        """US$ that the requests of `user` cost at or after the time `since`, as far as prices are known.

        Only what was added since the last call is read, so that it may be asked before every request.
        """
        known = self._sums.get(user)
        if known is None or known.since != since or not self._grown(known):
            known = self._sums[user] = _Sum(since)
        for path in self._files(user, since):
            known.spent += sum(_costs(_new_lines(path, known), since))
        return known.spent + sum(one.cost or 0.0 for one in self._held.get(user, ()) if one.ts >= since)

    def _grown(self, known: _Sum) -> bool:
        """Whether the files that were read have only grown since."""
        for path, (inode, size) in known.read.items():
            try:
                found = path.stat()
            except OSError:
                return False
            if found.st_ino != inode or found.st_size < size:
                return False
        return True

    def _append(self, user: str, entry: Entry) -> None:
        folder = self._folder(user)
        if not folder.parent.is_dir():  # the person was removed, or was never made
            raise FileNotFoundError(2, os.strerror(2), str(folder))
        make_folder(folder)
        line = json.dumps(entry.to_json(), ensure_ascii=False, separators=(",", ":"))
        fd = open_private(folder / f"{entry.ts[:7]}.ndjson", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        try:
            # One write, behind a line break of its own: what another process left torn spoils no line but its own.
            write_all(fd, f"\n{line}\n".encode("utf-8", "replace"))
        finally:
            os.close(fd)

    def _files(self, user: str, since: str) -> list[Path]:
        """The files of the month of `since` and later ones, in order."""
        try:
            found = sorted(self._folder(user).glob("????-??.ndjson"))
        except OSError:
            return []
        return [path for path in found if path.stem >= since[:7]]

    def _folder(self, user: str) -> Path:
        return user_folder(self._data, user) / "spending"


def moment(now: datetime | None = None) -> str:
    """The time, by default the present one, in the format of records."""
    return (now or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _new_lines(path: Path, known: _Sum) -> list[bytes]:
    """The whole lines of `path` that `known` has not counted yet; they are noted as counted."""
    try:
        with open_to_read(path) as file:
            inode, begun = os.fstat(file.fileno()).st_ino, known.read.get(path, (0, 0))[1]
            file.seek(begun)
            content = file.read()
    except OSError:
        return []
    whole = content[: content.rfind(b"\n") + 1]
    known.read[path] = inode, begun + len(whole)
    return whole.split(b"\n")


def _costs(lines: list[bytes], since: str) -> Iterator[float]:
    for line in lines:
        entry = _read(line)
        if entry is not None and entry.ts >= since:
            yield entry.cost or 0.0


def _read(line: bytes) -> Entry | None:
    """The entry in a line; None if it holds none that can be believed."""
    if not line.strip():
        return None
    try:
        data = json.loads(line)
    except (ValueError, RecursionError):
        return None
    usage = Usage.from_json(data.get("usage")) if isinstance(data, dict) else None
    if usage is None:
        return None
    cost = data.get("cost")
    ts, ref, provider, model = (str(data.get(name, "")) for name in ("ts", "ref", "provider", "model"))
    if not ts or (cost is not None and amount(cost) is None):
        return None
    return Entry(ts, ref, provider, model, usage, amount(cost))

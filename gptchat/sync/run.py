"""One run: each session of a person is brought to the union of this machine and a place, on both sides.

Every step may be the last one, for the program may be killed: a file is replaced whole, a journal is appended to,
and what is not noted in the memory is compared again by the next run.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gptchat.errors import GptchatError, StorageError
from gptchat.files import open_private, try_lock
from gptchat.storage.os_errors import storage_error
from gptchat.sync.history import SHORT, History, short
from gptchat.sync.local import LocalCopy, Machine, now, read_kept
from gptchat.sync.memory import Seen, SyncMemory
from gptchat.sync.merging import lacking
from gptchat.sync.place import Found, SyncPlace, names_in, why
from gptchat.sync.report import SyncReport
from gptchat.values import replace
from gptchat.words import _

_SAVE_EVERY = 200
_LATE = 10**6
"""Orders a stamp behind all others of its second."""


class SyncRun:
    """The state of one run. `open_id` is the session open in this chat, `deadline` monotonic seconds or None."""

    def __init__(
        self,
        machine: Machine,
        place: SyncPlace,
        memory: SyncMemory,
        name: str,
        *,
        open_id: str = "",
        deadline: float | None = None,
        progress: Callable[[int, int], None] = lambda _done, _total: None,
        clock: Callable[[], str] = now,
    ) -> None:
        self._machine = machine
        self._place = place
        self._memory = memory
        self._seen = memory.of_place(name)
        self._open_id = open_id
        self._deadline = deadline
        self._progress = progress
        self._now = clock
        self._orphans: set[str] = set()
        self.report = SyncReport()

    def run(self) -> SyncReport:
        """Synchronise everything. Raises StorageError if the place cannot be read or written at all."""
        report = self.report
        self._machine.sweep()
        report.copies = self._machine.merge_copies(self._open_id)
        try:
            self._place.sweep()
            there = self._place.sessions()
        except OSError as error:
            raise storage_error(error, self._place.root) from error
        ids = sorted(self._machine.ids() | there.keys(), reverse=True)
        try:
            for number, id in enumerate(ids):
                if self._deadline is not None and time.monotonic() > self._deadline:
                    report.left = len(ids) - number
                    break
                self._progress(number, len(ids))
                try:
                    self._session(id, there.get(id) or Found())
                except (OSError, GptchatError) as error:
                    if _is_full(error):
                        raise
                    report.problems.append((id, why(error)))
                if number % _SAVE_EVERY == _SAVE_EVERY - 1:
                    self._memory.save()
            else:
                self._files()
                self._progress(len(ids), len(ids))
        except OSError as error:
            raise storage_error(error, self._place.root) from error
        finally:
            report.problems += self._place.problems
            self._memory.save()
        return report

    def _session(self, id: str, found: Found) -> None:
        """Bring the session `id` to the union, on both sides."""
        seen, status = self._seen.get(id), self._machine.status(id)
        quiet = seen is not None and not found.copies and not seen.next
        if quiet and seen == self._now_of(id, status, seen, found):
            return
        if seen is None and status == "removed" and not found.own and not found.copies:
            return
        for _attempt in range(5):
            copy = self._machine.read(id)
            theirs = self._place.read(id, found)
            union = copy.history.copy()
            union.add(theirs)
            if not union.items and not theirs.registers:
                return
            if copy.status == "trash" and not theirs.registers and copy.history.named not in ("", id):
                return  # a conflict copy that was merged
            self._say_status(union, theirs, copy, seen)
            status = self._status(union)
            if not self._machine.unchanged(id, copy):
                continue  # somebody is writing to it this moment
            if id == self._open_id and status != "live":
                self.report.open = id
                return
            written = self._bring_there(union, theirs, found, status)
            self._bring_here(union, copy, status)
            at = self._machine.status(id)
            self._seen[id] = Seen(at, "", *_state(union), self._machine.signature(id, at), written)
            return

    def _now_of(self, id: str, status: str, seen: Seen | None, found: Found) -> Seen | None:
        """`seen` as it would be if it were noted now."""
        if seen is None:
            return None
        return replace(seen, status=status, local=self._machine.signature(id, status), place=found.signature)

    def _say_status(self, union: History, theirs: History, copy: LocalCopy, seen: Seen | None) -> None:
        """Write into `union` that the session was deleted or brought back here since the last run."""
        status = copy.status
        if seen is not None and seen.state:
            # A service may have lost the file that said so.
            self._say(union, seen.state[2], (seen.state[0], seen.state[1]), _parts(seen.said))
        if seen is None:
            gone = theirs.registers.get("state")
            if status == "trash" and (gone is None or gone.record["state"] != "removed"):
                self._say(union, status, copy.history.tick(copy.moved), copy.history.said())
            elif status == "removed" and theirs.items:
                older = {
                    short(uid) for uid, record in theirs.items.items() if str(record.get("ts", "")) <= copy.moved
                }
                self._say(union, status, (copy.moved, _LATE), older)
        elif status not in ("absent", seen.status, seen.next):
            known = _parts(seen.said) | copy.history.said()
            self._say(union, status, union.tick(self._now()), known)

    def _say(self, union: History, status: str, stamp: tuple[str, int], said: set[str]) -> None:
        record = {"type": "state", "id": union.id, "state": status, "seen": "".join(sorted(said))}
        union.put("state", stamp, record if status != "live" else {**record, "seen": ""})

    def _status(self, union: History) -> str:
        """Where the session belongs: a deletion holds unless something was said that it had not seen."""
        register = union.registers.get("state")
        if register is None or register.record["state"] == "live":
            return "live"
        known = _parts(register.record["seen"])
        later = any(one.stamp > register.stamp for key, one in union.registers.items() if key != "state")
        if not later and union.said() <= known:
            return str(register.record["state"])
        self._say(union, "live", union.tick(self._now()), set())
        kept = (union.id, _title(union))
        if kept not in self.report.kept:
            self.report.kept.append(kept)
        return "live"

    def _bring_there(self, union: History, theirs: History, found: Found, status: str) -> list[Any]:
        """Write the union to the place; the signature of its file."""
        if status == "removed":
            self._orphans |= names_in(theirs)
            union = History(union.id, registers={"state": union.registers["state"]})
        elif not union.header:
            return found.signature
        if found.own is not None and not found.copies and union.same(theirs):
            return found.signature
        report = self.report
        if status != "removed":
            report.sessions_out += not theirs.items
            report.sent += _messages(union) - _messages(theirs)
        report.copies += max(0, len(found.copies) - (found.own is None))
        return self._place.put(union, found)

    def _bring_here(self, union: History, copy: LocalCopy, status: str) -> None:
        """Bring the union, and where it belongs, to this machine."""
        machine, report, id = self._machine, self.report, union.id
        was = copy.status
        if status == "removed":
            if was in ("live", "trash"):
                self._intend(union, was, status)
                machine.erase(id)
                report.removed += 1
            elif was == "absent":
                machine.note_gone(id)
            return
        if not union.header or not union.items:
            return
        session = copy.session
        records = lacking(copy.history, union, session, machine.user)
        here = was if was in ("live", "trash") else status
        machine.append(copy, records, here)
        if records:
            report.received += max(0, _messages(union) - _messages(copy.history))
            report.sessions_in += was not in ("live", "trash")
        if here != status:
            self._intend(union, here, status)
            if status == "trash":
                machine.trash(id)
                report.trashed += 1
            else:
                machine.restore(id)
                report.restored += 1

    def _intend(self, union: History, status: str, following: str) -> None:
        """Note that a session is being moved, so that the move is never taken for the person's own."""
        self._seen[union.id] = Seen(status, following, *_state(union))
        self._memory.save()

    def _files(self) -> None:
        """LocalCopy the files of replies either way, as far as sessions name them."""
        if self._orphans:
            self._place.forget_files(self._orphans)
        here, there = self._machine.files(), self._place.files()
        if here.keys() == there.keys():
            return
        wanted = self._machine.wanted_files()
        for name in sorted(wanted & (here.keys() ^ there.keys())):
            try:
                if name in here:
                    data = read_kept(here[name], name)
                    if data is not None:
                        self._place.write_file(name, data)
                else:
                    data = self._place.read_file(there[name], name)
                    if data is not None:
                        self._machine.keep_file(name, data)
                if data is None:
                    self.report.problems.append((name, _("its contents are not what its name says")))
                self.report.files += data is not None
            except (OSError, GptchatError) as error:
                if _is_full(error):
                    raise
                self.report.problems.append((name, why(error)))


def synchronise(run: SyncRun, data: Path) -> SyncReport:
    """Do `run`, unless another program synchronises the data folder `data`. Raises StorageError."""
    path = data / "sync.lock"
    try:
        fd = open_private(path, os.O_RDWR | os.O_CREAT)
    except OSError as error:
        raise storage_error(error, path) from error
    lock = try_lock(fd, path)
    try:
        if lock is None:
            raise StorageError(
                _("another gptchat is synchronising this moment"), hint=_("try again when it is done")
            )
        return run.run()
    finally:
        if lock is not None:
            lock.release()
        os.close(fd)


def _state(union: History) -> tuple[str, list[Any]]:
    """What to remember of a union: what was said, and the last word on where it belongs."""
    register = union.registers.get("state")
    if register is None:
        return "".join(sorted(union.said())), []
    state = register.record["state"]
    said = register.record["seen"] if state != "live" else "".join(sorted(union.said()))
    return said, [*register.stamp, state]


def _parts(said: str) -> set[str]:
    return {said[at : at + SHORT] for at in range(0, len(said), SHORT)}


def _messages(history: History) -> int:
    return sum(record["type"] == "message" for record in history.items.values())


def _title(history: History) -> str:
    register = history.registers.get("title")
    return str(register.record["title"] or "") if register is not None else ""


def _is_full(error: Exception) -> bool:
    """Whether writing anything more makes no sense."""
    import errno

    cause = error if isinstance(error, OSError) else error.__cause__
    return isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)

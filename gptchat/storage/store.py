"""The session store: journals in a data folder, which several programs can write at once without loss.

Every write holds the lock of the session's journal and first reads what other programs wrote. Records that
cannot be written stay in memory and are retried with every later append, so that the chat can go on.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from gptchat.core.messages import Record
from gptchat.core.session import VERSION, Session, move
from gptchat.errors import StorageError
from gptchat.files import locked, make_folder, open_private, open_to_read, still_named, sync_folder
from gptchat.storage import journal
from gptchat.storage.gc_paused import undisturbed
from gptchat.storage.ids import new_id, safe_id, timestamp
from gptchat.storage.media import KeptFiles
from gptchat.storage.os_errors import RemovedError, storage_error
from gptchat.storage.partial import Sidecar, sidecars, take_in
from gptchat.storage.removal.removed import was_removed
from gptchat.storage.snapshot import header, snapshot
from gptchat.storage.state import State, missing, new_messages, renumber
from gptchat.storage.upgrades import fold
from gptchat.storage.users import sessions_folder
from gptchat.words import _

_STILL_READABLE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ETIMEDOUT, errno.ENOSPC, errno.EDQUOT)
"""Errors that prevent writing or locking a journal, but not reading it."""


class JournalStore(KeptFiles):
    """Sessions under the data folder `data`. `clock` returns the time in seconds since 1970."""

    def __init__(self, data: Path, clock: Callable[[], float] = time.time) -> None:
        super().__init__(data)
        self._clock = clock
        self._states: WeakKeyDictionary[Session, State] = WeakKeyDictionary()
        self._waiting: dict[Session, None] = {}
        """Sessions with unsaved records, as ordered set; the reference keeps them alive after they are closed."""

    def path(self, session: Session) -> Path:
        """The path of the session's journal, which need not exist yet."""
        return self.journal_path(session.user, session.id)

    def journal_path(self, user: str, session_id: str) -> Path:
        """The path of the journal with the id `session_id`. Raises StorageError if that cannot be an id."""
        if not safe_id(session_id):
            message = _("{id} is not the id of a session").format(id=repr(session_id[:80]))
            raise StorageError(message, hint=_("/sessions lists them"))
        return sessions_folder(self.data, user) / f"{session_id}.jsonl"

    def create(self, user: str, settings: Mapping[str, Any], *, title: str | None = None, **extra: str) -> Session:
        """Create a session with `extra` header fields; its journal file is created by the first append."""
        return self.begin(user, settings, title=title, **{name: value for name, value in extra.items() if value})

    def begin(
        self,
        user: str,
        settings: Mapping[str, Any],
        *,
        title: str | None = None,
        id: str = "",
        ts: str = "",
        **extra: object,
    ) -> Session:
        """Like `create`, with a given `id` or ISO 8601 time `ts`; `extra` goes into the session record."""
        moment = self._clock()
        session = Session(id or new_id(moment), user)
        if not id:
            while self.path(session).exists():
                session.id = new_id(moment)
        record = header(session.id, user, ts or timestamp(moment), title, settings, **extra)
        session.apply(record)
        self._states[session] = State(header=record, version=VERSION)
        return session

    @undisturbed()
    def open(self, user: str, session_id: str) -> Session:
        """Read a session, heal its journal, and recover interrupted replies. Raises StorageError."""
        for session in self.waiting():
            if (session.user, session.id) == (user, session_id):
                self.retry()
                return session
        session = Session(session_id, user)
        path = self.path(session)
        state = self._states[session] = State(created=True)
        try:
            try:
                with self._journal(session, state):
                    pass
            except OSError as error:
                if error.errno not in _STILL_READABLE:
                    raise
                self._read(session, state)
        except OSError as error:
            raise storage_error(error, path) from error
        if state.version <= VERSION:
            take_in(path, session, self._saved)
        state.foreign = []
        return session

    def read(self, user: str, session_id: str) -> Session:
        """Read a session without changing anything on disk. Raises StorageError."""
        session = Session(session_id, user)
        state = self._states[session] = State(created=True)
        try:
            self._read(session, state)
        except OSError as error:
            raise storage_error(error, self.path(session)) from error
        return session

    def append(self, session: Session, records: Sequence[Record], *, durable: bool = False) -> Sequence[Record]:
        """Write `records` and apply them to `session`, after applying what other programs wrote meanwhile.

        A message with an empty `id` gets a free one. Returns the records as written. `durable` forces them to
        the disk before returning. If writing fails, nothing is raised: the records are applied to the session,
        `trouble` returns the reason, and the next append tries again. Raises StorageError only if a newer
        version of the program has written the journal.
        """
        state = self._state(session)
        if not records and not state.unsaved:
            return ()
        taken: list[Record] | None = None
        path, state.stood = self.path(session), self.stood(session)
        try:
            with self._journal(session, state, write=True) as (fd, fresh):
                if state.version > VERSION:
                    raise StorageError(
                        _("session {id} was written by a newer version of gptchat").format(id=session.id),
                        hint=_("update gptchat, or use /fork to go on in a new session"),
                    )
                before = self._before(session, state, fresh)
                taken = state.take(session, records)
                data = journal.to_bytes([*before, *taken])
                size = 0 if fresh else state.offset
                journal.append(fd, self.path(session), data, size, durable=durable)
        except OSError as error:
            if taken is None:
                taken = state.take(session, records)
            state.unsaved += taken
            state.trouble = storage_error(error, path)
            self._waiting[session] = None
            return taken
        if fresh:
            state.reach(0, b"")
            state.bad, state.created = [], True
            if durable:
                sync_folder(path.parent)
        state.reach(size + len(data), data)
        state.header, state.version, state.unsaved, state.trouble = None, VERSION, [], None
        self._waiting.pop(session, None)
        self.retry()
        return taken

    def refresh(self, session: Session) -> Sequence[Record]:
        """Apply what other programs wrote to the session; returns their records since the last call."""
        state = self._state(session)
        path = self.path(session)
        foreign, state.foreign = state.foreign, []
        with suppress(OSError):  # missing or not readable now: the next append handles and reports it
            if state.created and path.stat().st_size != state.offset:
                foreign += self._read(session, state)
        return tuple(foreign)

    def stood(self, session: Session) -> str | None:
        """The session's head without the records that the next `refresh` will return."""
        state = self._state(session)
        return state.stood if state.foreign else session.head

    def partial(self, session: Session, header: Record) -> Sidecar:
        """Create the sidecar of a reply; `header` is its message or continuation record without content."""
        return Sidecar(self.path(session), header)

    def replying(self, session: Session) -> bool:
        """Whether a program has a sidecar of the session; `open` has removed those that nobody writes."""
        return bool(sidecars(self.path(session)))

    def trouble(self, session: Session) -> StorageError | None:
        """Why the last append could not be written; None if it was."""
        return self._state(session).trouble

    def unsaved(self, session: Session) -> Sequence[Record]:
        """The records that are applied to the session and not yet written."""
        return tuple(self._state(session).unsaved)

    def waiting(self) -> Sequence[Session]:
        """The sessions with unsaved records, including those that are no longer open."""
        return tuple(self._waiting)

    def retry(self) -> None:
        """Try again to write the unsaved records of all sessions."""
        for session in self.waiting():
            with suppress(StorageError):  # a newer version of the program has written to it meanwhile
                self.append(session, (), durable=True)

    def forget(self, user: str, session_id: str) -> None:
        """Drop the unsaved records of a deleted session, so that a later append does not restore it."""
        for session in self.waiting():
            if (session.user, session.id) == (user, session_id):
                del self._waiting[session]

    def settled(self, session: Session) -> os.stat_result | None:
        """The `os.stat` result of the session's journal; None if session and journal are not in step."""
        state = self._state(session)
        try:
            stat = self.path(session).stat()
        except OSError:
            return None
        return stat if stat.st_size == state.offset and not state.unsaved else None

    def damage(self, session: Session) -> str:
        """A sentence for the user about unreadable lines of the session's journal; empty if there are none."""
        return journal.damage(self.path(session), self._state(session).bad)

    def _saved(self, session: Session, records: Sequence[Record]) -> bool:
        self.append(session, records, durable=True)
        return self.trouble(session) is None

    def _state(self, session: Session) -> State:
        """The state of `session`. A session of another store is compared with its file, or written completely."""
        state = self._states.get(session)
        if state is None:
            state = self._states[session] = State(version=VERSION)
            if self.path(session).exists():
                state.created, state.offset, state.seam = True, 1, b"\0"  # matches no journal: counts as replaced
        return state

    @contextmanager
    def _journal(self, session: Session, state: State, *, write: bool = False) -> Iterator[tuple[int, bool]]:
        """Open and lock the session's journal, read it to its end and heal it.

        Yields the descriptor, and whether the file is new. With `write`, a missing journal is created, and
        removed again if the block raises an OSError.
        """
        while True:
            path, fresh, failed = self.path(session), False, False
            try:
                fd = open_private(path, os.O_RDWR | os.O_APPEND)
            except FileNotFoundError:
                if not write:
                    raise
                if state.created and was_removed(self.data, session.user, session.id):
                    raise RemovedError from None
                make_folder(path.parent)
                try:
                    fd = open_private(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL)
                except FileExistsError:
                    continue
                fresh = True
            try:
                if not fresh and not state.created:
                    session.id = new_id(self._clock())  # another program has taken the id
                    if state.header is not None:
                        state.header["id"] = session.id
                    continue
                with locked(fd, path):
                    if not still_named(fd, path):
                        continue  # it was moved before it was locked
                    if not fresh:
                        self._catch_up(fd, path, session, state)
                    yield fd, fresh
                return
            except OSError:
                failed = True
                raise
            finally:
                os.close(fd)
                if fresh and failed:
                    path.unlink(missing_ok=True)

    def _before(self, session: Session, state: State, fresh: bool) -> list[Record]:
        """The records to write before new ones: the session record if it is missing, and the unsaved records.

        If the journal has disappeared, all records of the session.
        """
        if state.header is not None:
            return [state.header, *state.unsaved]
        if fresh:
            return snapshot(session)
        if state.version < VERSION:
            return [header(session.id, session.user, session.created, None, {}), *state.unsaved]
        return state.unsaved

    def _catch_up(self, fd: int, path: Path, session: Session, state: State) -> None:
        """Apply what other programs wrote, and heal the journal. A replaced file is read from its beginning.

        Unsaved records are applied after those of other programs, in memory as in the file.
        """
        back, start = len(state.seam), state.offset
        data = journal.read_bytes(fd, start - back)
        another = data[:back] != state.seam
        remembered = snapshot(session) if another else []
        again = another or (bool(state.unsaved) and len(data) > back)
        known: Set[str] = set()
        if again:
            known = session.messages.keys() - {record.get("id") for record in state.unsaved}
            data, back, start = journal.read_bytes(fd), 0, 0
            state.reach(0, b"")
            state.bad, state.version = [], 0
            session.reset()
        reading = journal.read(data[back:], start)
        state.version = fold(reading.records, session, state.version)
        state.foreign += reading.records if not again else new_messages(reading.records, known)
        end = reading.end - start + back
        state.reach(reading.end, data[back:end])
        if again:
            state.unsaved = renumber(state.unsaved, session)
            for record in state.unsaved:
                session.apply(record)
            self._bring_back(session, state, remembered)
        if state.version <= VERSION:
            # All state in memory is complete by now, since healing may raise (full disk).
            journal.heal(fd, path, reading, known_good=start > 0)
            state.bad += [at for at in reading.bad if at < reading.size]
            # Healing may have added a line feed to the last line, so it is added here too.
            state.reach(reading.size, (data + b"\n")[end : reading.size - start + back])

    def _bring_back(self, session: Session, state: State, remembered: Sequence[Record]) -> None:
        """Apply the messages in `remembered` that the file has lost, and queue them to be written again."""
        head, lost = session.head, missing(session, remembered)
        if lost and head is not None:
            lost.append(move(head))
        for record in lost:
            session.apply(record)
        state.unsaved += lost

    def _read(self, session: Session, state: State) -> Sequence[Record]:
        """Apply the new complete lines, without locking or healing. Returns their records."""
        with open_to_read(self.path(session)) as file:
            back = len(state.seam)
            file.seek(state.offset - back)
            data = file.read()
        if data[:back] != state.seam:
            return ()  # the file was replaced; the next append reads it under the lock
        reading = journal.read(data[back:], state.offset)
        if not reading.end > state.offset:
            return ()
        end = reading.end
        state.bad += [at for at in reading.bad if at < end]
        state.version = fold(reading.records, session, state.version)
        state.reach(end, data[: end - state.offset + back])
        return reading.records

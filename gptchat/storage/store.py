"""The store of sessions: journals in a data folder, written by several programs at once without loss.

Every write happens under the lock of the session's journal and begins by reading what others wrote. What
cannot be written waits in memory and is tried again with every later append, so the chat goes on.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from gptchat.core.messages import Record
from gptchat.core.session import VERSION, Session, move
from gptchat.errors import StorageError
from gptchat.files import BINARY, locked, make_folder, open_private, still_named, sync_folder
from gptchat.storage import journal
from gptchat.storage.gc_paused import undisturbed
from gptchat.storage.ids import new_id, safe_id, timestamp
from gptchat.storage.os_errors import storage_error
from gptchat.storage.partial import Sidecar, take_in
from gptchat.storage.snapshot import header, snapshot
from gptchat.storage.state import State, missing, new_messages, renumber
from gptchat.storage.upgrades import fold
from gptchat.storage.users import sessions_folder
from gptchat.words import _

_STILL_READABLE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ETIMEDOUT, errno.ENOSPC, errno.EDQUOT)
"""Why a journal may not be written, and can be read all the same."""


class JournalStore:
    """Sessions under the data folder `data`. `clock` gives the time in seconds since 1970."""

    def __init__(self, data: Path, clock: Callable[[], float] = time.time) -> None:
        self.data = data
        self._clock = clock
        self._states: WeakKeyDictionary[Session, State] = WeakKeyDictionary()
        self._waiting: dict[Session, None] = {}
        """Sessions with records that wait to be written, kept also when nobody else holds them any longer."""

    def path(self, session: Session) -> Path:
        """Where the session's journal is, or will be."""
        return self.journal_path(session.user, session.id)

    def journal_path(self, user: str, session_id: str) -> Path:
        """Where the journal of a session is. Raises StorageError for what can be no id."""
        if not safe_id(session_id):
            message = _("{id} is not the id of a session").format(id=repr(session_id[:80]))
            raise StorageError(message, hint=_("/sessions lists them"))
        return sessions_folder(self.data, user) / f"{session_id}.jsonl"

    def create(self, user: str, settings: Mapping[str, Any], *, title: str | None = None) -> Session:
        """A new session; its journal appears with its first record."""
        return self.begin(user, settings, title=title)

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
        """As `create`, for a session that has an id or a time already; `extra` goes into its session record."""
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
        """Read a session, heal its journal, and take in a reply that was cut off. Raises StorageError."""
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
        """Read a session and change nothing on disk. Raises StorageError."""
        session = Session(session_id, user)
        state = self._states[session] = State(created=True)
        try:
            self._read(session, state)
        except OSError as error:
            raise storage_error(error, self.path(session)) from error
        return session

    def append(self, session: Session, records: Sequence[Record], *, durable: bool = False) -> Sequence[Record]:
        """Write `records` and apply them to `session`; first apply what other programs wrote meanwhile.

        A message with an empty `id` is given one that nobody else has taken. Returns the records as
        written. `durable` forces them to the disk before returning. Where the disk refuses, nothing is
        raised: the records are in the session, `trouble` says why, and the next append tries again.
        Raises StorageError only for a journal that a newer version of the program has written.
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
        """Apply what other programs have written to the session, and return it, once."""
        state = self._state(session)
        path = self.path(session)
        foreign, state.foreign = state.foreign, []
        try:
            if state.created and path.stat().st_size != state.offset:
                foreign += self._read(session, state)
        except OSError:  # gone, or out of reach: the next append deals with it, and says so
            pass
        return tuple(foreign)

    def stood(self, session: Session) -> str | None:
        """Where the session stood before what `refresh` is going to return, or was put by us since."""
        state = self._state(session)
        return state.stood if state.foreign else session.head

    def partial(self, session: Session, header: Record) -> Sidecar:
        """Begin the sidecar of a reply: `header` is its message record (or continuation) without content."""
        return Sidecar(self.path(session), header)

    def trouble(self, session: Session) -> StorageError | None:
        """Why the last append could not be written, if so."""
        return self._state(session).trouble

    def unsaved(self, session: Session) -> Sequence[Record]:
        """The records that are in the session and not on disk."""
        return tuple(self._state(session).unsaved)

    def waiting(self) -> Sequence[Session]:
        """The sessions with records that wait to be written, those that were left since among them."""
        return tuple(self._waiting)

    def retry(self) -> None:
        """Try again to write what waits, of every session."""
        for session in self.waiting():
            try:
                self.append(session, (), durable=True)
            except StorageError:  # a newer version of the program has written to it meanwhile
                pass

    def forget(self, user: str, session_id: str) -> None:
        """Let go of what waits of a session that was deleted: it must not come back."""
        for session in self.waiting():
            if (session.user, session.id) == (user, session_id):
                del self._waiting[session]

    def settled(self, session: Session) -> os.stat_result | None:
        """The state of the session's journal, if the session holds all of it and it all of the session."""
        state = self._state(session)
        try:
            stat = self.path(session).stat()
        except OSError:
            return None
        return stat if stat.st_size == state.offset and not state.unsaved else None

    def damage(self, session: Session) -> str:
        """One sentence on lines of the session's journal that cannot be read; empty where there are none."""
        return journal.damage(self.path(session), self._state(session).bad)

    def _saved(self, session: Session, records: Sequence[Record]) -> bool:
        self.append(session, records, durable=True)
        return self.trouble(session) is None

    def _state(self, session: Session) -> State:
        """The state of `session`; one that another store made is compared with its file, or written whole."""
        state = self._states.get(session)
        if state is None:
            state = self._states[session] = State(version=VERSION)
            if self.path(session).exists():
                state.created, state.offset, state.seam = True, 1, b"\0"  # as of a file that has changed
        return state

    @contextmanager
    def _journal(self, session: Session, state: State, *, write: bool = False) -> Iterator[tuple[int, bool]]:
        """The session's journal, locked, read to its end and healed, and whether it is fresh.

        Where `write` and missing it is created, and removed again if the block ends in an OSError.
        """
        while True:
            path, fresh, failed = self.path(session), False, False
            try:
                fd = os.open(path, os.O_RDWR | os.O_APPEND | BINARY)
            except FileNotFoundError:
                if not write:
                    raise
                make_folder(path.parent)
                try:
                    fd = open_private(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL)
                except FileExistsError:
                    continue
                fresh = True
            try:
                if not fresh and not state.created:
                    session.id = new_id(self._clock())  # another program has taken this very id
                    if state.header is not None:
                        state.header["id"] = session.id
                    continue
                with locked(fd):
                    if not still_named(fd, path):
                        continue  # moved away between the opening and the lock
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
        """What is to be written before new records: the session record where it is missing, and what waits.

        All of the session, where its journal has vanished.
        """
        if state.header is not None:
            return [state.header, *state.unsaved]
        if fresh:
            return snapshot(session)
        if state.version < VERSION:
            return [header(session.id, session.user, session.created, None, {}), *state.unsaved]
        return state.unsaved

    def _catch_up(self, fd: int, path: Path, session: Session, state: State) -> None:
        """Apply what others wrote. A file that is not the one we knew is read from its beginning.

        Records that waited come after what others wrote meanwhile, in memory as in the file.
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
            # The memory is complete whatever happens now: healing may meet a full disk.
            journal.heal(fd, path, reading, known_good=start > 0)
            state.bad += [at for at in reading.bad if at < reading.size]
            # The line feed is the one by which healing ends a last line that lacked it.
            state.reach(reading.size, (data + b"\n")[end : reading.size - start + back])

    def _bring_back(self, session: Session, state: State, remembered: Sequence[Record]) -> None:
        """Let the messages that `remembered` has, and the file no longer, be written again beside the rest."""
        head, lost = session.head, missing(session, remembered)
        if lost and head is not None:
            lost.append(move(head))
        for record in lost:
            session.apply(record)
        state.unsaved += lost

    def _read(self, session: Session, state: State) -> Sequence[Record]:
        """Apply the complete lines that are new, without lock and healing."""
        with self.path(session).open("rb") as file:
            back = len(state.seam)
            file.seek(state.offset - back)
            data = file.read()
        if data[:back] != state.seam:
            return ()  # another file by now; the next append reads it under the lock
        reading = journal.read(data[back:], state.offset)
        if not reading.end > state.offset:
            return ()
        end = reading.end
        state.bad += [at for at in reading.bad if at < end]
        state.version = fold(reading.records, session, state.version)
        state.reach(end, data[: end - state.offset + back])
        return reading.records

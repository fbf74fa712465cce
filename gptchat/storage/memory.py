"""The session store of an incognito run: sessions are kept in memory and never written to disk."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from gptchat.core.messages import Part, Record
from gptchat.core.session import Session
from gptchat.errors import StorageError
from gptchat.storage.ids import new_id, timestamp
from gptchat.storage.media import read_file
from gptchat.storage.snapshot import header
from gptchat.storage.state import take
from gptchat.words import _


class MemoryReply:
    """Stands in for a sidecar on disk while a reply streams; stores nothing."""

    def __init__(self, token: str) -> None:
        self._token = token

    @property
    def token(self) -> str:
        """The random token of this reply, as in `Sidecar.token`."""
        return self._token

    def write(self, text: str, *, reasoning: bool = False) -> None:
        """Does nothing: the caller has the text."""

    def name_file(self, part: Part) -> None:
        """Does nothing: the caller has the part."""

    def revise(self, text: str, reasoning: str) -> None:
        """Does nothing: the caller has the text."""

    def discard(self) -> None:
        """Does nothing: there is no file to remove."""


class MemoryStore:
    """Sessions that exist until the program ends.

    `read` takes a user and a session id and returns a copy of a saved session to continue in memory; None if
    saved sessions cannot be opened. `saved_file` takes a user and the name of a file and returns the path of a
    file of such a session, empty if there is none. `clock` returns the time in seconds since 1970.
    """

    def __init__(
        self,
        read: Callable[[str, str], Session] | None = None,
        clock: Callable[[], float] = time.time,
        *,
        saved_file: Callable[[str, str], str] = lambda _user, _name: "",
    ) -> None:
        self._read = read
        self._saved_file = saved_file
        self._files: dict[tuple[str, str], bytes] = {}
        self._clock = clock
        self._sessions: dict[tuple[str, str], Session] = {}

    def create(
        self, user: str, settings: Mapping[str, Any], *, title: str | None = None, kind: str = ""
    ) -> Session:
        """Create a session."""
        moment = self._clock()
        id = new_id(moment)
        while (user, id) in self._sessions:
            id = new_id(moment)
        session = self._sessions[user, id] = Session(id, user)
        session.apply(header(id, user, timestamp(moment), title, settings, **({"kind": kind} if kind else {})))
        return session

    def open(self, user: str, session_id: str) -> Session:
        """A session of this run, or a copy of a saved one. Raises StorageError if there is neither."""
        session = self._sessions.get((user, session_id))
        if session is None:
            if self._read is None:
                message = _("session {id} is not of this incognito run").format(id=session_id)
                raise StorageError(message, hint=_("start without --incognito to open saved sessions"))
            session = self._sessions[user, session_id] = self._read(user, session_id)
        return session

    def append(self, session: Session, records: Sequence[Record], *, durable: bool = False) -> Sequence[Record]:
        """Apply `records` to `session`; a message without an id gets the next free one. Returns the records."""
        return take(session, records)

    def refresh(self, session: Session) -> Sequence[Record]:
        """Always empty: no other program can write to the session."""
        return ()

    def stood(self, session: Session) -> str | None:
        """The head of `session`: no other program can move it."""
        return session.head

    def replying(self, session: Session) -> bool:
        """Always False: no other program can write to the session."""
        return False

    def partial(self, session: Session, header: Record) -> MemoryReply:
        """Begin a reply with the record `header`; its `turn`, if any, becomes the token."""
        return MemoryReply(str(header.get("turn") or os.urandom(8).hex()))

    def trouble(self, session: Session) -> StorageError | None:
        """Always None: nothing is written, so nothing can fail."""
        return None

    def unsaved(self, session: Session) -> Sequence[Record]:
        """Always empty: no records wait to be written."""
        return ()

    def waiting(self) -> Sequence[Session]:
        """Always empty: no session has records that wait to be written."""
        return ()

    def retry(self) -> None:
        """Does nothing: no records wait to be written."""

    def forget(self, user: str, session_id: str) -> None:
        """Does nothing: no records wait to be written."""

    def keep_file(self, user: str, name: str, data: bytes) -> None:
        """Keep a file in memory."""
        self._files[user, name] = data

    def read_file(self, user: str, name: str) -> bytes | None:
        """The contents of a file of this run, or of a saved session; None if it is missing."""
        if (user, name) in self._files:
            return self._files[user, name]
        path = self._saved_file(user, name)
        return read_file(Path(path)) if path else None

    def file_path(self, user: str, name: str) -> str:
        """The path of a file of a saved session; empty for a file of this run."""
        return self._saved_file(user, name)

    def damage(self, session: Session) -> str:
        """Always empty: there is no journal."""
        return ""

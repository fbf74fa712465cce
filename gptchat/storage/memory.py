"""The store of an incognito run: sessions live in memory, and nothing of them is written anywhere."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gptchat.core.messages import Record
from gptchat.core.session import Session
from gptchat.errors import StorageError
from gptchat.storage.ids import new_id, timestamp
from gptchat.storage.snapshot import header
from gptchat.storage.state import take
from gptchat.words import _


class MemoryReply:
    """A reply while it streams, kept by nobody."""

    def __init__(self, token: str) -> None:
        self._token = token

    @property
    def token(self) -> str:
        """The token of this reply, as a sidecar on disk has one."""
        return self._token

    def write(self, text: str, *, reasoning: bool = False) -> None:
        """A piece came; whoever paints it has it."""

    def discard(self) -> None:
        """There is nothing to remove."""


class MemoryStore:
    """Sessions that end with the program. `read` gives a saved session to go on from, without touching it.

    `clock` gives the time in seconds since 1970.
    """

    def __init__(
        self, read: Callable[[str, str], Session] | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self._read = read
        self._clock = clock
        self._sessions: dict[tuple[str, str], Session] = {}

    def create(self, user: str, settings: Mapping[str, Any], *, title: str | None = None) -> Session:
        """A new session."""
        moment = self._clock()
        id = new_id(moment)
        while (user, id) in self._sessions:
            id = new_id(moment)
        session = self._sessions[user, id] = Session(id, user)
        session.apply(header(id, user, timestamp(moment), title, settings))
        return session

    def open(self, user: str, session_id: str) -> Session:
        """A session of this run, or a copy of a saved one. Raises StorageError."""
        session = self._sessions.get((user, session_id))
        if session is None:
            if self._read is None:
                message = _("session {id} is not of this incognito run").format(id=session_id)
                raise StorageError(message, hint=_("start without --incognito to open saved sessions"))
            session = self._sessions[user, session_id] = self._read(user, session_id)
        return session

    def append(self, session: Session, records: Sequence[Record], *, durable: bool = False) -> Sequence[Record]:
        """Apply `records` to `session`, each message without an id under the next free one."""
        return take(session, records)

    def refresh(self, session: Session) -> Sequence[Record]:
        """Nobody else knows the session."""
        return ()

    def stood(self, session: Session) -> str | None:
        """Nobody else moves it."""
        return session.head

    def partial(self, session: Session, header: Record) -> MemoryReply:
        """Begin a reply."""
        return MemoryReply(str(header.get("turn") or os.urandom(8).hex()))

    def trouble(self, session: Session) -> StorageError | None:
        """Nothing is written, so nothing fails."""
        return None

    def unsaved(self, session: Session) -> Sequence[Record]:
        """Nothing waits to be written."""
        return ()

    def waiting(self) -> Sequence[Session]:
        """Nothing waits to be written."""
        return ()

    def retry(self) -> None:
        """Nothing waits to be written."""

    def forget(self, user: str, session_id: str) -> None:
        """Nothing waits to be written."""

    def damage(self, session: Session) -> str:
        """There is no journal to be damaged."""
        return ""

"""Turns beside that of the session's manager: several answers to one message, and questions aside."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, cast

from gptchat.core.messages import Message, Record
from gptchat.core.ports import SessionStore
from gptchat.core.records import move
from gptchat.core.session import Session
from gptchat.manager.manager import SessionManager

Stays = Callable[[Session], bool]
"""Whether the head of a session stays where it is when a message is written beside it."""


class _Beside:
    """A store for turns that run at once: it writes one after the other, and the head stays where `stays` says so.

    The head's record is written together with the message, so that a crash cannot come between them.
    """

    def __init__(self, store: SessionStore, stays: Stays) -> None:
        self._store = store
        self._stays = stays
        self._one_at_a_time = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def append(self, session: Session, records: Sequence[Record], *, durable: bool = False) -> Sequence[Record]:
        """Write `records`, and where the head stays a record that puts it back; returns `records` as written."""
        with self._one_at_a_time:
            moves = any(record.get("type") == "message" for record in records)
            back = [move(session.head)] if moves and self._stays(session) else []
            return self._store.append(session, [*records, *back], durable=durable)[: len(records)]


class _Turn(SessionManager):
    """Runs one turn on the session of another manager."""

    def __init__(self, main: SessionManager, store: SessionStore) -> None:
        super().__init__(store, main.counter, now=main.now, clock=main.clock)
        self._session = main.session


class TurnsBeside:
    """`count` managers for turns on the open session of `main`, which run at once.

    `stays` says whether the conversation stays where it stands when one of them writes a message. While it is used
    as a context, what stops the reply of `main` stops all of them.
    """

    def __init__(self, main: SessionManager, count: int, stays: Stays) -> None:
        store = cast("SessionStore", _Beside(main.store, stays))
        self._main = main
        self._store = store
        self.managers: Sequence[SessionManager] = [_Turn(main, store) for _turn in range(count)]
        self.stopped = False

    def __enter__(self) -> TurnsBeside:
        self._main.running = self
        return self

    def __exit__(self, *_error: object) -> None:
        self._main.running = None

    def ask(self, message: Message) -> Message:
        """Write the question `message`; returns it with its id. Blocks."""
        written = self._store.append(self._main.session, [message.to_record()], durable=True)
        return self._main.session.messages[written[0]["id"]]

    def stop(self) -> None:
        """Stop every reply; what came of it is kept."""
        self.stopped = True
        for manager in self.managers:
            manager.stop()

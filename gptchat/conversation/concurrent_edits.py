"""Concurrent edits: records that another process wrote are shown before anything is added to the session."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, Protocol

from gptchat.conversation.events import ConversationEvent, Decision, Foreign, NotSent, SessionMoved, Told
from gptchat.core import session as tree
from gptchat.core.branches import fork
from gptchat.core.messages import Record
from gptchat.core.session import Session
from gptchat.manager import SessionManager
from gptchat.words import _, ngettext


class BeginSession(Protocol):
    """Opens a new session for the current user."""

    def __call__(self, *, title: str | None = None, settings: Mapping[str, Any] | None = None) -> Session:
        """The new session."""


class ConcurrentEdits:
    """Detects changes by another process and asks the user where to continue; nothing is lost."""

    def __init__(self, manager: SessionManager, begin_session: BeginSession) -> None:
        self._manager = manager
        self._begin_session = begin_session

    async def check(self) -> AsyncGenerator[ConversationEvent, None]:
        """Show what another process wrote since the last check, and ask where to continue.

        Yields NotSent where the person wants to think first.
        """
        manager, session = self._manager, self._manager.session
        head = manager.store.stood(session)
        foreign = await asyncio.to_thread(manager.store.refresh, session)
        count = sum(1 for record in foreign if record.get("type") == "message")
        moved = session.head != head
        if not moved and not count:
            return
        words = ngettext(
            "another gptchat has added {n} message to this session",
            "another gptchat has added {n} messages to this session",
            count,
        )
        if not count:
            words = _("another gptchat has moved this conversation, as /undo does")
        yield Told(words.format(n=count), "notice")
        if not moved:  # the user has moved since, for example with /undo or /retry
            return
        yield Foreign([message for message in session.tail(count) if message.id != head])
        decision = Decision(
            "foreign_edits",
            _("go on from there?"),
            (
                ("y", _("yes, after those messages")),
                ("b", _("no, make a branch from where I was")),
                ("f", _("no, fork: go on in a session of my own")),
                ("n", _("wait, I want to think")),
            ),
            "y",
            answer="y",
        )
        yield decision
        if decision.answer == "b":
            manager.record(tree.move(head))
        elif decision.answer == "f":
            manager.record(tree.move(head))
            records = fork(session)
            # Restore the other process's head in the old session.
            manager.record(tree.move(_head(foreign)))
            title = _("{title} (fork)").format(title=session.name)
            self._begin_session(title=title, settings=dict(session.settings))
            manager.record(*records)
            yield SessionMoved()
        elif decision.answer != "y":
            yield NotSent()


def _head(records: Sequence[Record]) -> str | None:
    """The head after the records of the other process."""
    head: str | None = None
    for record in records:
        if record.get("type") == "message":
            head = record.get("id")
        elif record.get("type") == "head":
            head = record.get("message")
    return head

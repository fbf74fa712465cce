"""Turns to write, and sessions to compare."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gptchat.core.messages import Record
from gptchat.core.session import Session
from gptchat.storage.store import JournalStore


def user(text: str, parent: str | None = None) -> Record:
    """The record of a person's message."""
    return {"type": "message", "id": "", "parent": parent, "role": "user", "content": text, "ts": ""}


def assistant(text: str, parent: str | None = None, **fields: Any) -> Record:
    """The record of a reply."""
    return {
        "type": "message",
        "id": "",
        "parent": parent,
        "role": "assistant",
        "content": text,
        "ts": "",
        "provider": "demo",
        "model": "demo-1",
        "status": "complete",
        "finish_reason": "stop",
        **fields,
    }


def turn(store: JournalStore, session: Session, question: str, answer: str) -> None:
    """A whole turn, written as the program writes it."""
    store.append(session, [user(question, session.head)], durable=True)
    store.append(session, [assistant(answer, session.head)], durable=True)


def texts(session: Session) -> list[str]:
    """The conversation as it stands."""
    return [message.text for message in session.path()]


def tree(session: Session) -> dict[str, tuple[str | None, str]]:
    """Every message's parent and text, by id."""
    return {id: (session.parent_of(id), message.text) for id, message in session.messages.items()}


def lines(path: Path) -> list[Any]:
    """Every line of a journal, each of which must be JSON."""
    data = path.read_bytes()
    assert data.endswith(b"\n")
    return [json.loads(line) for line in data.split(b"\n")[:-1]]


def reopened(store: JournalStore, session: Session) -> Session:
    """The session as another start of the program finds it."""
    return JournalStore(store.data).open(session.user, session.id)

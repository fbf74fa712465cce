"""Turns to write, and sessions to compare."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gptchat.core.messages import Record
from gptchat.core.session import Session, move, summary_record, undo
from gptchat.exchange.importing import Imported, import_file
from gptchat.storage.index.library import Library
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


class House:
    """A data folder to export from or to import into."""

    def __init__(self, folder: Path) -> None:
        self.store = JournalStore(folder)
        self.library = Library(folder)

    def take(self, path: Path, name: str = "alice") -> Imported:
        return import_file(self.store, self.library, name, path)

    def sessions(self, name: str = "alice") -> list[Session]:
        return [self.store.open(name, info.id) for info in self.library.list(name)]


def branched(house: House) -> Session:
    """A session with branches, pins, a summary, parts, odd characters and a head that is not the last message."""
    session = house.store.create("alice", {"model": "demo-1", "system": "Be brief."}, title="A <b>title</b>")
    turn(house.store, session, "first 数据", 'say "hi"\u2028\n```html\n<script>alert(1)</script>\n```\n--> # x')
    turn(house.store, session, "second", "of the first branch")
    record = undo(session)
    assert record is not None
    parts = [
        {"type": "text", "text": "look"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}},
    ]
    house.store.append(
        session, [record, {**user("", "m2"), "content": parts}, assistant("seen", "m5", mood="glad")]
    )
    house.store.append(session, [{"type": "pin", "message": "m1", "pinned": True}])
    house.store.append(
        session, [summary_record("s1", "m2", "short", "m6", ""), move("m4"), move("m6"), user("late", "m4")]
    )
    house.store.append(session, [move("m6"), {"type": "colour", "colour": "blue"}])
    return session

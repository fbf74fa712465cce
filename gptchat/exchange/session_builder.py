"""Results of reading an import file: drafts of sessions, and reports of unreadable parts."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterable
from typing import Any, Literal

from gptchat.core.messages import Record
from gptchat.core.numbers import believable
from gptchat.core.session import Session
from gptchat.storage.upgrades import upgrade
from gptchat.values import dataclass, field, fields

LEFT = (
    "hidden",
    "system",
    "call",
    "result",
    "reasoning",
    "empty",
    "error",
    "command",
    "subagent",
    "draft",
    "event",
)
"""Kinds of things that an import leaves out: hidden messages, later system messages, calls and results of tools,
reasoning without an answer, messages without text, messages of failures, commands of a program, conversations
between programs, unsent drafts, and events that are no exchange."""

Progress = Callable[[int, int], None]
"""Called as `progress(done, total)`; the unit is bytes or sessions."""


@dataclass(slots=True)
class SessionDraft:
    """A session that is about to be imported. Empty strings mean unknown.

    `source` is a stable name of its origin, so that a second import recognises the session; a session that
    keeps its own `id` needs none. `user` is its owner; if empty, the user who imports.
    """

    records: list[Record]
    id: str = ""
    source: str = ""
    user: str = ""
    title: str | None = None
    created: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    kind: str = ""
    left: dict[str, int] = field(default_factory=dict)
    """Number of things that are left out, by kind; see `LEFT`."""
    same: Literal["texts", "ids", "path"] = "texts"
    """What makes a message of an earlier import the same: its id and text, its id alone (where the program gives
    ids), or its id, if one of both conversations goes on with the other (where the id follows from the texts)."""
    earlier: str = ""
    """A source under which an older version imported the same chat."""
    branches: int = 1
    named: int = 0
    """Number of files that its messages name."""
    files: dict[str, bytes] = field(default_factory=dict)
    """Contents of files of replies, by name; the names fit the contents."""


@dataclass(frozen=True, slots=True)
class Broken:
    """A part that could not be read. `reason` is a sentence for the user that names it."""

    reason: str


@dataclass(frozen=True, slots=True)
class Note:
    """A sentence about what was read, such as a guessed encoding, that is no failure."""

    text: str


def pack(item: SessionDraft | Broken | Note) -> Any:
    """`item` as a value that JSON can express."""
    if isinstance(item, Note):
        return [item.text]
    if isinstance(item, Broken):
        return item.reason
    values = {one.name: getattr(item, one.name) for one in fields(item)}
    return {**values, "files": {name: base64.b64encode(data).decode() for name, data in item.files.items()}}


def unpacked(value: Any) -> SessionDraft | Broken | Note:
    """What `pack` made of it."""
    if isinstance(value, str):
        return Broken(value)
    if isinstance(value, list):
        return Note(value[0])
    files = {name: base64.b64decode(data) for name, data in value["files"].items()}
    return SessionDraft(**{**value, "files": files})


def from_records(records: Iterable[Record]) -> SessionDraft:
    """Build the draft of a session from its journal records, of any version."""
    kept: list[Record] = []
    first: Record = {}
    session, version = Session("", ""), 0
    for record in records:
        version, upgraded = upgrade(believable(record), session, version)
        if upgraded.get("type") == "message" and not upgraded.get("id"):
            upgraded = {**upgraded, "id": session.next_id()}
        session.apply(upgraded)
        if upgraded.get("type") != "session":
            kept.append(upgraded)
        else:
            first = first or upgraded
    source = first.get("source")
    return SessionDraft(
        kept,
        id=_word(first.get("id")),
        source=source if isinstance(source, str) else "",
        title=session.title,
        created=session.created,
        settings=session.settings,
        kind=session.kind,
    )


def digest(value: object) -> str:
    """A short hash of `value` that is the same in every run: 16 hexadecimal digits."""
    text = json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _word(value: object) -> str:
    return value if isinstance(value, str) else ""

"""Results of reading an import file: drafts of sessions, and reports of unreadable parts."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from gptchat.core.messages import ROLES, Record
from gptchat.core.numbers import believable
from gptchat.core.session import Session
from gptchat.storage.upgrades import upgrade
from gptchat.values import dataclass, field, fields
from gptchat.words import _

_OURS = ("type", "id", "parent", "role", "content")

Progress = Callable[[int, int], None]
"""Called as `progress(done, total)`; the unit is bytes or sessions."""


@dataclass(slots=True)
class SessionDraft:
    """A session that is about to be imported. Empty strings mean unknown.

    `source` is a stable name of its origin, so that a second import recognises the session; a session that
    keeps its own `id` needs none. `user` is its owner; if empty, the user who imports. `left_out` is the number
    of messages that are not part of the conversation (hidden, tools).
    """

    records: list[Record]
    id: str = ""
    source: str = ""
    user: str = ""
    title: str | None = None
    created: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    kind: str = ""
    left_out: int = 0
    files: dict[str, bytes] = field(default_factory=dict)
    """Contents of files of replies, by name; the names fit the contents."""


@dataclass(frozen=True, slots=True)
class Broken:
    """A part that could not be read. `reason` is a sentence for the user that names it."""

    reason: str


def pack(item: SessionDraft | Broken) -> Any:
    """`item` as a value that JSON can express."""
    if isinstance(item, Broken):
        return item.reason
    values = {one.name: getattr(item, one.name) for one in fields(item)}
    return {**values, "files": {name: base64.b64encode(data).decode() for name, data in item.files.items()}}


def unpacked(value: Any) -> SessionDraft | Broken:
    """What `pack` made of it."""
    if isinstance(value, str):
        return Broken(value)
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


def from_messages(messages: Sequence[object], name: str, where: str) -> tuple[SessionDraft | None, list[Broken]]:
    """Build the draft of a session from chat API messages. Its source is `name` and a digest of the contents.

    System messages at the start become the system prompt. `where` names the list in error messages. Returns
    the draft (None if there are no valid messages) and the invalid entries.
    """
    broken: list[Broken] = []
    records: list[Record] = []
    settings: dict[str, Any] = {}
    for number, message in enumerate(messages, 1):
        if not isinstance(message, Mapping) or message.get("role") not in ROLES or "content" not in message:
            reason = _("{where}: entry {number} is not a message with role and content")
            broken.append(Broken(reason.format(where=where, number=number)))
            continue
        content = message["content"] if message["content"] is not None else ""
        if message["role"] in ("system", "developer") and not records and isinstance(content, str):
            settings["system"] = "\n\n".join(filter(None, (settings.get("system"), content)))
            continue
        parent = f"m{len(records)}" if records else None
        further = {key: value for key, value in message.items() if key not in _OURS}
        record = {"type": "message", "id": f"m{len(records) + 1}", "parent": parent, "role": message["role"]}
        records.append({**record, "content": content, **believable(further)})
    if not records and not settings:
        return None, broken
    return SessionDraft(records, source=f"{name}:{digest(messages)}", settings=settings), broken


def digest(value: object) -> str:
    """A short hash of `value` that is the same in every run: 16 hexadecimal digits."""
    text = json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _word(value: object) -> str:
    return value if isinstance(value, str) else ""

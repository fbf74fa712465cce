"""What an import has understood: sessions to be, and parts that could not be read, in one stream."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from gptchat.core.messages import ROLES, Record
from gptchat.core.session import Session
from gptchat.storage.upgrades import upgrade
from gptchat.values import dataclass, field
from gptchat.words import _

_OURS = ("type", "id", "parent", "role", "content")

Progress = Callable[[int, int], None]
"""Called with the bytes done and the bytes in all."""


@dataclass(slots=True)
class Draft:
    """A session that is about to be imported. Empty strings mean: not known.

    `source` is a stable name of where it came from, by which a second import knows it again; a session that
    keeps its own `id` needs none. `user` is the person it belongs to; empty: whoever imports. `left_out` counts
    messages that are no part of the conversation (hidden ones, tools).
    """

    records: list[Record]
    id: str = ""
    source: str = ""
    user: str = ""
    title: str | None = None
    created: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Broken:
    """A part that could not be read: a sentence that names it."""

    reason: str


def from_records(records: Iterable[Record]) -> Draft:
    """The draft of one session from the records of its journal, of whatever version."""
    kept: list[Record] = []
    first: Record = {}
    session, version = Session("", ""), 0
    for record in records:
        version, upgraded = upgrade(record, session, version)
        if upgraded.get("type") == "message" and not upgraded.get("id"):
            upgraded = {**upgraded, "id": session.next_id()}
        session.apply(upgraded)
        if upgraded.get("type") != "session":
            kept.append(upgraded)
        else:
            first = first or upgraded
    source = first.get("source")
    return Draft(
        kept,
        id=_word(first.get("id")),
        source=source if isinstance(source, str) else "",
        title=session.title,
        created=session.created,
        settings=session.settings,
    )


def from_messages(messages: Sequence[object], name: str, where: str) -> tuple[Draft | None, list[Broken]]:
    """The draft of one session from messages of the chat API. `name` and the contents make its source.

    A system message at the beginning becomes the session's system prompt. `where` names the list in what is
    said of broken parts.
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
        records.append({**record, "content": content, **further})
    if not records and not settings:
        return None, broken
    return Draft(records, source=f"{name}:{digest(messages)}", settings=settings), broken


def digest(value: object) -> str:
    """A short name for `value`, the same in every run."""
    text = json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _word(value: object) -> str:
    return value if isinstance(value, str) else ""

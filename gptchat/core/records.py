"""Journal records other than messages: their values, and functions that build them."""

from __future__ import annotations

from collections.abc import Sequence

from gptchat.core.messages import Message, Record, Usage
from gptchat.values import dataclass

VERSION = 1
"""Version of the journal format that gptchat writes."""


@dataclass(frozen=True, slots=True)
class Summary:
    """The model's summary of the path up to and including the message `until`."""

    id: str
    until: str
    content: str
    head: str | None
    """The head when the summary was made: `/undo` at this head removes the summary."""
    ts: str = ""


def kind_record(id: str, kind: str) -> Record:
    """The record that makes the session `id` one of `kind`, as in `Session.kind`.

    It is a further session record, since such a record also comes before the records of a newer version.
    """
    return {"v": VERSION, "type": "session", "id": id, "kind": kind}


def move(target: str | None) -> Record:
    """The record that moves the head to the message `target` (None: before the first message)."""
    return {"type": "head", "message": target}


def summary_record(id: str, until: str, content: str, head: str | None, ts: str) -> Record:
    """The record of a summary that replaces the path up to and including `until`."""
    return {"type": "summary", "id": id, "until": until, "content": content, "head": head, "ts": ts}


def aside_record(provider: str, model: str, usage: Usage, cost: float | None, ref: str = "") -> Record:
    """The record of a request outside a turn, such as for a summary or a title. `cost` is US$, None if unknown.

    `ref` names the request in the account book of the person, as `turn` does in the record of a reply.
    """
    record = {"type": "aside", "provider": provider, "model": model, "usage": usage.to_json(), "cost": cost}
    return {**record, "turn": ref} if ref else record


def continuation_record(message: str, piece: Message) -> Record:
    """The record that appends `piece` to the message with the id `message`."""
    record = piece.to_record()
    for key in ("id", "parent", "role"):
        record.pop(key)
    return {**record, "type": "continuation", "message": message}


def spent(messages: Sequence[Message]) -> Usage:
    """The total usage of `messages`."""
    total = Usage()
    for message in messages:
        if message.usage is not None:
            total = total.plus(message.usage)
    return total

"""The records of a journal that are no messages: what they hold, and how they are built."""

from __future__ import annotations

from collections.abc import Sequence

from gptchat.core.messages import Message, Record, Usage
from gptchat.values import dataclass


@dataclass(frozen=True, slots=True)
class Summary:
    """The model's summary of everything on the path up to and with the message `until`."""

    id: str
    until: str
    content: str
    head: str | None
    """Where the conversation stood when the summary was taken: `/undo` there takes it back."""
    ts: str = ""


def move(target: str | None) -> Record:
    """The record that puts the head on the message `target` (None: before the first)."""
    return {"type": "head", "message": target}


def summary_record(id: str, until: str, content: str, head: str | None, ts: str) -> Record:
    """The record of a summary that stands for the path up to and with `until`."""
    return {"type": "summary", "id": id, "until": until, "content": content, "head": head, "ts": ts}


def aside_record(provider: str, model: str, usage: Usage, cost: float | None) -> Record:
    """The record of a request that is no turn, as for a summary or a title: what it took and cost (US$)."""
    return {"type": "aside", "provider": provider, "model": model, "usage": usage.to_json(), "cost": cost}


def continuation_record(message: str, piece: Message) -> Record:
    """The record by which `piece` becomes the further part of the message `message`."""
    record = piece.to_record()
    for key in ("id", "parent", "role"):
        record.pop(key)
    return {**record, "type": "continuation", "message": message}


def spent(messages: Sequence[Message]) -> Usage:
    """The usage of all `messages` together."""
    total = Usage()
    for message in messages:
        if message.usage is not None:
            total = total.plus(message.usage)
    return total

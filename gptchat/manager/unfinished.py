"""Results for calls of tools that have none: after a program was killed, or where no call may run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from gptchat.core.events import ToolCall
from gptchat.core.messages import Message, Record
from gptchat.core.session import Session
from gptchat.manager.request import INTERRUPTED, calls_of

Write = Callable[[Record], Sequence[Record]]
"""Appends a record to the session and returns it as written."""


def close(session: Session, write: Write, ts: str) -> None:
    """Give each call at the end of `session` that has no result one that says it was interrupted."""
    tail = session.tail(1)
    while tail and tail[0].role == "tool" and tail[0].parent in session.messages:
        tail.insert(0, session.messages[tail[0].parent])
    if tail:
        known = {message.extra.get("tool_call_id") for message in tail[1:]}
        missing = [call for call in calls_of(tail[0]) if call.id not in known]
        answer(missing, session.head, INTERRUPTED, "interrupted", write, ts)


def answer(calls: Iterable[ToolCall], after: str | None, text: str, outcome: str, write: Write, ts: str) -> None:
    """Write `text` as the result of each of `calls`, behind the message `after`. `ts` is the current time."""
    for call in calls:
        extra = {"tool_call_id": call.id, "name": call.name, "outcome": outcome}
        record = Message("tool", text, parent=after, ts=ts, extra=extra).to_record()
        after = write(record)[-1]["id"]

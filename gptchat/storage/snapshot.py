"""Converts a session back to the records of a journal that produces the same tree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gptchat.core.messages import Record
from gptchat.core.records import aside_record
from gptchat.core.session import VERSION, Session, move, summary_record
from gptchat.values import replace


def header(id: str, user: str, ts: str, title: str | None, settings: Mapping[str, Any], **extra: object) -> Record:
    """The first record of a journal. `ts` is an ISO 8601 time; `extra` are further fields, such as `source`."""
    return {
        "v": VERSION,
        "type": "session",
        "id": id,
        "user": user,
        "ts": ts,
        "title": title,
        "settings": dict(settings),
        **extra,
    }


def message_records(session: Session) -> list[Record]:
    """The messages of all branches in order of arrival, each with its current parent.

    A message that was moved below a later one comes after that one.
    """
    records: list[Record] = []
    done: set[str | None] = {None}
    waiting = list(session.messages)
    while waiting:
        later = []
        for id in waiting:
            parent = session.parent_of(id)
            if parent in done:
                records.append(replace(session.messages[id], parent=parent).to_record())
                done.add(id)
            else:
                later.append(id)
        waiting = later
    return records


def snapshot(session: Session) -> list[Record]:
    """All records of a journal from which `session` can be read again, except its undo history."""
    kind = {"kind": session.kind} if session.kind else {}
    records = [header(session.id, session.user, session.created, session.title, session.settings, **kind)]
    records += message_records(session)
    records += [{"type": "pin", "message": id, "pinned": True} for id in session.pinned]
    records += [
        summary_record(summary.id, summary.until, summary.content, summary.head, summary.ts)
        for summary in session.summaries.values()
    ]
    records += [
        {
            **aside_record(
                aside.provider, aside.model, aside.usage, aside.extra.get("cost"), str(aside.extra.get("turn", ""))
            ),
            "ts": aside.ts,
        }
        for aside in session.asides
        if aside.usage is not None
    ]
    if session.head != next(reversed(session.messages), None):
        records.append(move(session.head))
    return records

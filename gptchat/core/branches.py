"""The branches of a session: versions of a message, the tree of all turns, ends of branches, and forks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gptchat.core.records import summary_record
from gptchat.values import dataclass, replace

if TYPE_CHECKING:
    from gptchat.core.messages import Message, Record
    from gptchat.core.session import Session


@dataclass(frozen=True, slots=True)
class TreeRow:
    """A message in the tree. `lines` are drawn before it, such as `│  ├─ `; empty on an unbranched path."""

    id: str
    lines: str
    on_path: bool


ASIDE = "aside"
"""Field of a question that was asked beside the conversation; what goes on from there is a branch of its own."""


def is_aside(message: Message) -> bool:
    """Whether `message` is a question beside the conversation."""
    return message.extra.get(ASIDE) is True


def versions(session: Session, id: str) -> Sequence[str]:
    """The ids of the message `id` and of those of its role beside it (answers to one message, edits of one).

    A question beside the conversation is a version of none.
    """
    message = session.messages[id]
    if is_aside(message):
        return [id]
    beside = [(one, session.messages[one]) for one in session.children_of(session.parent_of(id))]
    return [one for one, other in beside if other.role == message.role and not is_aside(other)]


def place(session: Session, id: str) -> tuple[int, int]:
    """(number, count) of the message `id` among its versions, from 1."""
    beside = versions(session, id)
    return beside.index(id) + 1, len(beside)


def tip(session: Session, id: str) -> str:
    """The newest message of the branch that goes through `id`; `id` itself if nothing follows it.

    Questions beside the conversation, and their answers, are passed over.
    """
    order = {known: number for number, known in enumerate(session.messages)}
    newest, waiting = id, [id]
    while waiting:
        at = waiting.pop()
        newest = max(newest, at, key=order.__getitem__)
        waiting += [child for child in session.children_of(at) if not is_aside(session.messages[child])]
    return newest


def path_to(session: Session, id: str | None) -> list[Message]:
    """The messages from the first one to `id`; none for None."""
    path: list[Message] = []
    while id is not None:
        path.append(session.messages[id])
        id = session.parent_of(id)
    return path[::-1]


def tree(session: Session) -> list[TreeRow]:
    """Every message of every branch, each before those that follow it; only where branches part is it indented."""
    on_path = set(session.path_ids())
    rows: list[TreeRow] = []
    # (message, lines before it, lines before those that follow it), the next one last
    waiting = _children(session, None, "")
    while waiting:
        id, lines, below = waiting.pop()
        rows.append(TreeRow(id, lines, id in on_path))
        waiting += _children(session, id, below)
    return rows


def _children(session: Session, id: str | None, lines: str) -> list[tuple[str, str, str]]:
    children = session.children_of(id)
    if len(children) < 2:
        return [(child, lines, lines) for child in children]
    last = children[-1]
    return [
        (child, lines + ("└─ " if child == last else "├─ "), lines + ("   " if child == last else "│  "))
        for child in reversed(children)
    ]


def fork(session: Session, turns: int | None = None) -> list[Record]:
    """The records that start a new session with the first `turns` turns of the path (None: all).

    Message ids, all message fields, pins and summaries are kept. Messages are marked `copied`, so that their
    cost is not counted twice.
    """
    kept = list(session.turns())
    messages = [message for turn in (kept if turns is None else kept[: max(turns, 0)]) for message in turn]
    records: list[Record] = []
    parent: str | None = None
    for message in messages:
        records.append({**replace(message, parent=parent).to_record(), "copied": True})
        parent = message.id
    ids = {message.id for message in messages}
    records += [{"type": "pin", "message": id, "pinned": True} for id in session.pinned if id in ids]
    for one in session.summaries.values():
        if one.until in ids:
            # Keep the head of the summary: /undo reverses whatever came last, which may be a turn.
            head = one.head if one.head in ids else None
            records.append(summary_record(one.id, one.until, one.content, head, one.ts))
    return records

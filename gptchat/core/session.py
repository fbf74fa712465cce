"""A session: a tree of messages with a head, built by applying the records of its journal in order.

Every change (undo, redo, retry, edit, fork, continue) is a record that is appended and applied; nothing is
ever removed. The functions below `Session`, and those in `records`, build these records.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gptchat.core.messages import Message, Record
from gptchat.core.records import VERSION as VERSION
from gptchat.core.records import Summary as Summary
from gptchat.core.records import continuation_record as continuation_record
from gptchat.core.records import move as move
from gptchat.core.records import spent as spent
from gptchat.core.records import summary_record as summary_record
from gptchat.core.replies.media import grown
from gptchat.core.replies.sources import merged, records_of, sources_of
from gptchat.core.titles import shorten as shorten
from gptchat.values import replace

_NUMBERED = re.compile(r"m([0-9]{1,15})\Z")


class Session:
    """The state of a session after the records applied so far. Change it only through `apply`."""

    def __init__(self, id: str, user: str) -> None:
        self.id = id
        self.user = user
        self.reset()

    def reset(self) -> None:
        """Clear everything except `id` and `user`, so that all records can be applied again."""
        self.created = ""
        self.updated = ""
        self.title: str | None = None
        self.kind = ""
        """`ports.ONESHOT`, or else that of a conversation."""
        self.settings: dict[str, Any] = {}
        self.messages: dict[str, Message] = {}
        """The messages of all branches by id, in the order of arrival."""
        self.head: str | None = None
        self.pinned: dict[str, None] = {}
        """Ids of the pinned messages, in the order they were pinned."""
        self.summaries: dict[str, Summary] = {}
        self.asides: list[Message] = []
        """Requests outside turns, such as for a summary: no text, but usage and cost."""
        self.redo_heads: list[str | None] = []
        self.turns_taken: set[str] = set()
        """The `turn` tokens of applied replies, so that an interrupted reply is never recovered twice."""
        self._children: dict[str | None, list[str]] = {}
        self._parents: dict[str, str | None] = {}
        self._path: list[str] = []
        self._walk: list[Message] = []
        """The messages of `_path`, cached so that the cost of a turn does not depend on the path length."""
        self._places: dict[str, int] = {}
        """Index of each message id in `_path`."""
        self._number = 0

    def __repr__(self) -> str:
        return f"Session({self.id!r}, user={self.user!r}, messages={len(self.messages)}, head={self.head!r})"

    def apply(self, record: Mapping[str, Any]) -> None:
        """Apply one record. Unknown types and fields of the wrong type are ignored; never raises."""
        ts = record.get("ts")
        if isinstance(ts, str) and ts > self.updated and ts[:4].isdecimal():
            self.updated = ts
        match record.get("type"):
            case "session":
                self._apply_session(record)
            case "message":
                self._apply_message(record)
            case "continuation":
                self._apply_continuation(record)
            case "head":
                self._apply_head(record)
            case "title":
                title = record.get("title")
                self.title = title if isinstance(title, str) and title else None
            case "settings":
                self._merge_settings(record.get("settings"))
            case "aside":
                self.asides.append(Message.from_record(record))
            case "pin":
                self._apply_pin(record)
            case "summary":
                self._apply_summary(record)

    def path(self) -> list[Message]:
        """The messages from the root to the head: the current conversation. Returns a new list."""
        return self._walk.copy()

    def path_ids(self) -> Sequence[str]:
        """The ids of `path()`. Do not modify the result."""
        return self._path

    def tail(self, count: int) -> list[Message]:
        """The last `count` messages of the path. The cost does not grow with the session."""
        return self._walk[-count:] if count > 0 else []

    def parent_of(self, id: str) -> str | None:
        """The id of the parent of `id`; if its record is lost, the id of the message written before `id`."""
        return self._parents.get(id)

    def children_of(self, id: str | None) -> Sequence[str]:
        """The ids of the children of `id`, in the order of arrival; the roots for None."""
        return self._children.get(id, ())

    def next_id(self) -> str:
        """An id that no message of this session uses."""
        number = self._number + 1
        while f"m{number}" in self.messages:
            number += 1
        return f"m{number}"

    def turns(self) -> Iterator[list[Message]]:
        """The path as turns, oldest first: each is a user message and what answered it.

        Messages before the first user message (a greeting in an imported session) belong to the first turn.
        """
        turn: list[Message] = []
        asked = False
        for message in self.path():
            if message.role == "user":
                if asked:
                    yield turn
                    turn = []
                asked = True
            turn.append(message)
        if turn:
            yield turn

    def user_ids(self) -> list[str]:
        """The ids of the user messages on the path, oldest first: one per turn."""
        return [message.id for message in self._walk if message.role == "user"]

    def summary(self) -> Summary | None:
        """The newest summary whose `until` is on the path, if any."""
        if not self.summaries:
            return None
        for summary in reversed(self.summaries.values()):
            if summary.until in self._places:
                return summary
        return None

    @property
    def name(self) -> str:
        """The title, or else the shortened first user message; empty if there is neither."""
        if self.title:
            return self.title
        for id in self._path or self.messages:
            if self.messages[id].role == "user":
                return shorten(self.messages[id].text)
        return ""

    def _apply_session(self, record: Mapping[str, Any]) -> None:
        ts, title = record.get("ts"), record.get("title")
        if isinstance(ts, str):
            self.created = self.created or ts
        if isinstance(title, str) and title:
            self.title = title
        if isinstance(kind := record.get("kind"), str):
            self.kind = kind
        self._merge_settings(record.get("settings"))

    def _apply_message(self, record: Mapping[str, Any]) -> None:
        message = Message.from_record(record)
        if not message.id:
            message = replace(message, id=self.next_id())
        token = record.get("turn")
        if isinstance(token, str):
            self.turns_taken.add(token)
        if match := _NUMBERED.match(message.id):
            self._number = max(self._number, int(match[1]))
        known = message.id in self.messages
        parent = message.parent
        if parent == message.id or (parent is not None and parent not in self.messages):
            # The record of the parent is lost. Attach the message to the one written before it, so that
            # one bad line does not hide the rest of the conversation.
            parent = self._parents[message.id] if known else next(reversed(self.messages), None)
        self._put(message)
        if known:
            self._move_child(message.id, parent)
        else:
            self._parents[message.id] = parent
            self._children.setdefault(parent, []).append(message.id)
        self._set_head(message.id)
        self.redo_heads.clear()

    def _apply_continuation(self, record: Mapping[str, Any]) -> None:
        old = self.messages.get(str(record.get("message")))
        if old is None:
            return
        token = record.get("turn")
        if isinstance(token, str):
            if token in self.turns_taken:
                return  # a duplicate, as after merging a journal with a copy of itself
            self.turns_taken.add(token)
        piece = Message.from_record(record)
        usage = old.usage.plus(piece.usage) if old.usage and piece.usage else piece.usage or old.usage
        if piece.content:
            old = old.with_content(grown(old, piece))
        extra = {key: value for key, value in piece.extra.items() if key not in ("message", "turn", "returned")}
        if "sources" in extra and "sources" in old.extra:
            extra["sources"] = records_of(merged(sources_of(old), sources_of(piece)))
        paid = old.extra.get("cost"), extra.get("cost")
        if None not in paid:
            extra["cost"] = sum(paid)  # each piece was a separate request
        elif paid[1] is None and "cost" in old.extra:
            extra["cost"] = paid[0]  # a piece of unknown price does not make the first one free
        self._put(
            replace(
                old,
                status=piece.status,
                finish_reason=piece.finish_reason,
                usage=usage,
                reasoning=old.reasoning + piece.reasoning,
                # What the first piece brought to be sent back belongs to its text alone
                extra={key: value for key, value in {**old.extra, **extra}.items() if key != "returned"},
            )
        )

    def _put(self, message: Message) -> None:
        """Store `message` under its id, replacing an earlier version."""
        self.messages[message.id] = message
        if message.id in self._places:
            self._walk[self._places[message.id]] = message

    def _apply_head(self, record: Mapping[str, Any]) -> None:
        target = record.get("message", "")
        if target is not None and not (isinstance(target, str) and target in self.messages):
            return
        match record.get("move"):
            case "undo" | "redo" if target == self.head:
                return  # two terminals made the same move
            case "undo":
                self.redo_heads.append(self.head)
            case "redo" if self.redo_heads and self.redo_heads[-1] == target:
                self.redo_heads.pop()
            case _:
                self.redo_heads.clear()
        self._set_head(target)

    def _apply_pin(self, record: Mapping[str, Any]) -> None:
        id = record.get("message")
        if not isinstance(id, str) or id not in self.messages:
            return
        if record.get("pinned") is False:
            self.pinned.pop(id, None)
        else:
            self.pinned[id] = None

    def _apply_summary(self, record: Mapping[str, Any]) -> None:
        id, until, content = record.get("id"), record.get("until"), record.get("content")
        if not isinstance(id, str):
            return
        if record.get("removed") is True:
            self.summaries.pop(id, None)
        elif isinstance(until, str) and isinstance(content, str) and until in self.messages:
            head, ts = record.get("head"), record.get("ts")
            self.summaries[id] = Summary(
                id, until, content, head if isinstance(head, str) else None, ts if isinstance(ts, str) else ""
            )

    def _merge_settings(self, changes: object) -> None:
        if not isinstance(changes, dict):
            return
        for key, value in changes.items():
            if value is None:
                self.settings.pop(key, None)
            else:
                self.settings[key] = value

    def _move_child(self, id: str, parent: str | None) -> None:
        old = self._parents[id]
        if old == parent or id in self._ancestors(parent):
            return  # unchanged, or a loop (only in a damaged journal)
        self._children[old].remove(id)
        self._parents[id] = parent
        self._children.setdefault(parent, []).append(id)
        if id in self._places:
            self._set_head(old)  # its descendants leave the path too

    def _ancestors(self, id: str | None) -> Iterator[str]:
        while id is not None:
            yield id
            id = self._parents[id]

    def _set_head(self, id: str | None) -> None:
        """Move the head to `id`. The cost grows with the distance moved, not with the session."""
        new: list[str] = []
        at = id
        while at is not None and at not in self._places:
            new.append(at)
            at = self._parents[at]
        kept = 0 if at is None else self._places[at] + 1
        for gone in self._path[kept:]:
            del self._places[gone]
        del self._path[kept:], self._walk[kept:]
        for step in reversed(new):
            self._places[step] = len(self._path)
            self._path.append(step)
            self._walk.append(self.messages[step])
        self.head = id


def undo(session: Session, count: int = 1) -> Record | None:
    """The record that undoes the last `count` turns, or the newest summary if nothing follows it.

    None if there is nothing to undo.
    """
    summary = session.summary()
    if summary is not None and summary.head == session.head:
        return {"type": "summary", "id": summary.id, "removed": True}
    users = session.user_ids()
    if not users or count < 1:
        return None
    first = users[-min(count, len(users))]
    return {"type": "head", "message": session.parent_of(first), "move": "undo"}


def redo(session: Session) -> Record | None:
    """The record that reverses the last undo; None if there is nothing to redo."""
    if not session.redo_heads:
        return None
    return {"type": "head", "message": session.redo_heads[-1], "move": "redo"}

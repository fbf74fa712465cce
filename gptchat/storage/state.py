"""The store's bookkeeping per open session: how far its journal was read, and which records are unsaved."""

from __future__ import annotations

from collections.abc import Sequence, Set

from gptchat.core.messages import Record
from gptchat.core.session import Session
from gptchat.errors import StorageError
from gptchat.values import dataclass, field

SEAM = 64
"""Bytes before the last read offset that are compared to detect that the file was replaced."""


@dataclass(slots=True)
class State:
    """The journal of one session as this program knows it."""

    offset: int = 0
    """Bytes of the journal that were read, or written by this program."""
    seam: bytes = b""
    """The last bytes before `offset`."""
    version: int = 0
    header: Record | None = None
    """The session record, until it is written; then None."""
    created: bool = False
    """Whether the journal file has existed."""
    bad: list[int] = field(default_factory=list)
    """Byte offsets of unreadable lines."""
    unsaved: list[Record] = field(default_factory=list)
    """Records that are applied to the session and not yet written."""
    trouble: StorageError | None = None
    """Why the unsaved records could not be written."""
    foreign: list[Record] = field(default_factory=list)
    """Records of other programs that are applied to the session and not yet returned by `refresh`."""
    stood: str | None = None
    """The session's head without the `foreign` records: from before them, or from a later record of our own."""

    def reach(self, offset: int, last: bytes) -> None:
        """Note that the journal is known up to `offset`; `last` are the bytes before it."""
        self.seam = (self.seam + last)[-SEAM:] if offset else b""
        self.offset = offset

    def take(self, session: Session, records: Sequence[Record]) -> list[Record]:
        """Like the function `take`; also updates `stood` if the records move the head."""
        taken = take(session, records)
        if any(record.get("type") in ("message", "head") for record in taken):
            self.stood = session.head
        return taken


def take(session: Session, records: Sequence[Record]) -> list[Record]:
    """Apply `records` to `session`; a message without an id gets the next free one. Returns them as applied."""
    taken = []
    for record in records:
        if record.get("type") == "message" and not record.get("id"):
            record = {**record, "id": session.next_id()}
        session.apply(record)
        taken.append(record)
    return taken


def new_messages(records: Sequence[Record], known: Set[str]) -> list[Record]:
    """The messages among `records` whose ids are not `known`."""
    return [r for r in records if r.get("type") == "message" and r.get("id") not in known]


def renumber(records: Sequence[Record], session: Session) -> list[Record]:
    """The unsaved `records`, with new ids for messages whose id another program has taken meanwhile.

    References to such a message are changed with it.
    """
    names: dict[str, str] = {}
    scratch = Session(session.id, session.user)
    for id in session.messages:
        scratch.apply({"type": "message", "id": id})
    renamed = []
    for record in records:
        record = dict(record)
        for key in ("parent", "message", "until", "head"):
            if isinstance(old := record.get(key), str):
                record[key] = names.get(old, old)
        if record.get("type") == "message":
            old = str(record["id"])
            if old in scratch.messages:
                names[old] = record["id"] = scratch.next_id()
            scratch.apply({"type": "message", "id": record["id"]})
        renamed.append(record)
    return renamed


def missing(session: Session, remembered: Sequence[Record]) -> list[Record]:
    """Message records in `remembered` that are missing from `session` after its journal was read again."""
    return [r for r in remembered if r["type"] == "message" and r["id"] not in session.messages]

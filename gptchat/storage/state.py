"""What the store remembers of each open session besides its tree: how far its journal was read, what waits."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass, field

from gptchat.core.messages import Record
from gptchat.core.session import Session
from gptchat.errors import StorageError

SEAM = 64
"""How many bytes before the place reached are compared, to notice that the file is another one now."""


@dataclass(slots=True)
class State:
    """The journal of one session as this program knows it."""

    offset: int = 0
    """Everything before it was read, or written by us."""
    seam: bytes = b""
    """The last bytes before `offset`."""
    version: int = 0
    header: Record | None = None
    """The session record, until it is written."""
    created: bool = False
    """Whether the journal was ever there."""
    bad: list[int] = field(default_factory=list)
    """Where lines that cannot be read begin."""
    unsaved: list[Record] = field(default_factory=list)
    """Records that are in the session and wait to be written."""
    trouble: StorageError | None = None
    """Why they could not be written."""
    foreign: list[Record] = field(default_factory=list)
    """What others wrote, in the session since one of our own appends, and not told yet."""
    stood: str | None = None
    """Where the session stood for us before that, or was put by us since."""

    def reach(self, offset: int, last: bytes) -> None:
        """The journal is known up to `offset`; `last` are the bytes before it."""
        self.seam = (self.seam + last)[-SEAM:] if offset else b""
        self.offset = offset

    def take(self, session: Session, records: Sequence[Record]) -> list[Record]:
        """As the function `take`; where these records put the head is where the session stands for us."""
        taken = take(session, records)
        if any(record.get("type") in ("message", "head") for record in taken):
            self.stood = session.head
        return taken


def take(session: Session, records: Sequence[Record]) -> list[Record]:
    """Apply `records` to `session`, each message without an id under the next free one; the records as applied."""
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
    """`records` that waited, with new ids for those messages whose id another program has taken meanwhile."""
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
    """Of the `remembered` records of a session those that its journal, read again, no longer tells."""
    return [r for r in remembered if r["type"] == "message" and r["id"] not in session.messages]

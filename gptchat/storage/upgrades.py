"""Reads journals of every format version: one upgrade function per older version.

A journal is never rewritten. Older records are upgraded as they are read, and the first append of this
program writes a session record with its own version between the old records and the new ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from gptchat.core.messages import Record
from gptchat.core.session import VERSION, Session

Upgrade = Callable[[Record, Session], Record]
"""Converts a record of one version to the next; the session holds the records before it."""


def _from_0(record: Record, session: Session) -> Record:
    """Version 0 has no session record: each line is a plain chat API message whose parent is the line before."""
    if "type" in record or "role" not in record:
        return record
    return {"parent": session.head, **record, "type": "message"}


UPGRADES: tuple[Upgrade, ...] = (_from_0,)
"""`UPGRADES[n]` upgrades version n to n + 1."""


def fold(records: Iterable[Record], session: Session, version: int) -> int:
    """Apply `records` to `session`, starting in format `version`; returns the version of the last record.

    A session record changes the version for the records after it. Records of a newer version than this
    program's are applied as far as they are known.
    """
    for record in records:
        version, upgraded = upgrade(record, session, version)
        session.apply(upgraded)
    return version


def upgrade(record: Record, session: Session, version: int) -> tuple[int, Record]:
    """The version that applies from `record` on, and `record` upgraded to the current version."""
    if record.get("type") == "session":
        said = record.get("v")
        version = said if isinstance(said, int) and said >= 0 else VERSION
    for step in UPGRADES[version:VERSION]:
        record = step(record, session)
    return version, record

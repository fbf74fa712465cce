"""Journals of every version: what older ones meant, one function a version, and how far newer ones can be read.

A journal is never rewritten. Older records are upgraded as they are read, and the first append of this
program puts a session record of its own version between the old records and the new.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from gptchat.core.messages import Record
from gptchat.core.session import VERSION, Session

Upgrade = Callable[[Record, Session], Record]
"""Makes of a record of one version the record of the next; the session is what the records before it tell."""


def _from_0(record: Record, session: Session) -> Record:
    """Version 0 has no session record: each line is a bare message of the chat API, following the one before."""
    if "type" in record or "role" not in record:
        return record
    return {"parent": session.head, **record, "type": "message"}


UPGRADES: tuple[Upgrade, ...] = (_from_0,)
"""`UPGRADES[n]` leads from version n to n + 1."""


def fold(records: Iterable[Record], session: Session, version: int) -> int:
    """Apply `records`, written in `version` until a session record says otherwise; returns the last version.

    Records of a newer version than ours are applied as far as they are known.
    """
    for record in records:
        version, upgraded = upgrade(record, session, version)
        session.apply(upgraded)
    return version


def upgrade(record: Record, session: Session, version: int) -> tuple[int, Record]:
    """The version that holds from `record` on, and `record` as our version has it."""
    if record.get("type") == "session":
        said = record.get("v")
        version = said if isinstance(said, int) and said >= 0 else VERSION
    for step in UPGRADES[version:VERSION]:
        record = step(record, session)
    return version, record

"""One session as a set of records that merges by union, whatever ids each copy gives to its messages.

Two machines that go on from one message both call the next one `m3`. So a message is known by its digest here: of
its fields and of its parent's digest. Everything that is said once (messages, continuations, summaries, requests
aside) is an item of a set; everything of which the last word counts (head, title, pins, settings, deletion) is a
register: the largest stamp wins. Both unions give the same result in any order, and done twice.

In a place each line stands for itself: a message has its digest as `id`, and all references are digests. So lines
may be repeated, reordered and mixed by others, as by git's union merge.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Any

from gptchat.core.messages import Record
from gptchat.core.numbers import plausible
from gptchat.core.session import VERSION, Session
from gptchat.storage import journal
from gptchat.storage.upgrades import upgrade
from gptchat.values import dataclass, field

Stamp = tuple[str, int]
"""When a register was written: the time of the record, and a number that orders writes of the same time."""

_NEVER: Stamp = ("", 0)
_REGISTERS = ("session", "head", "title", "settings", "pin", "state")
_REFERENCES = ("parent", "message", "until", "head")
_OURS = frozenset(("id", "parent", "message", "until", "head", "uid", "at"))
"""Fields that differ between copies of one item."""
_NAMES = ("id", "uid", *_REFERENCES)
_SUMMARY = "summary "
_MOST = 10**9
_TWINS = 100
"""Equal messages with one parent and one time that are told apart."""
SHORT = 8
"""Characters of `short`."""


@dataclass(slots=True)
class Register:
    """The last word on something: `record` as it stands in a place, with digests as references."""

    stamp: Stamp
    record: Record

    def order(self) -> tuple[Stamp, str]:
        """What decides between two words on the same thing."""
        return self.stamp, _canonical(self.record)


@dataclass(slots=True)
class History:
    """The items and registers of the session `id`."""

    id: str
    header: Record = field(default_factory=dict)
    """The session record; empty if it is not known."""
    items: dict[str, Record] = field(default_factory=dict)
    """By digest, as in a place; a message after its parent."""
    registers: dict[str, Register] = field(default_factory=dict)
    local: dict[str, str] = field(default_factory=dict)
    """The id in the journal for each digest of a message or summary."""
    waiting: list[Record] = field(default_factory=list)
    """Records of a place whose parent is not there yet."""
    clock: Stamp = _NEVER
    """The largest stamp."""
    named: str = ""
    """The id that the first session record tells, which differs in a copy."""

    def tick(self, ts: str) -> Stamp:
        """A stamp for what is written at `ts`, later than every other."""
        self.clock = (ts, 0) if ts > self.clock[0] else (self.clock[0], self.clock[1] + 1)
        return self.clock

    def put(self, key: str, stamp: Stamp, record: Mapping[str, Any]) -> None:
        """Write a register, unless it has a later word."""
        said = Register(stamp, {**record, "ts": stamp[0], "at": [*stamp]})
        known = self.registers.get(key)
        if known is None or known.order() < said.order():
            self.registers[key] = said
        self.clock = max(self.clock, stamp)

    def said(self) -> set[str]:
        """The beginnings of the digests of what was said: messages and continuations."""
        kinds = ("message", "continuation")
        return {short(uid) for uid, record in self.items.items() if record["type"] in kinds}

    def add(self, other: History) -> None:
        """Take in everything of `other`, which is the same session."""
        if other.header and (not self.header or _canonical(other.header) < _canonical(self.header)):
            self.header = other.header
        for uid, record in other.items.items():
            self.items.setdefault(uid, record)
        for key, register in other.registers.items():
            self.put(key, register.stamp, register.record)
        if waiting := [*self.waiting, *other.waiting]:
            self.waiting = []
            _read_waiting(self, waiting)

    def copy(self) -> History:
        """A history that can be changed without changing this one."""
        return History(
            self.id, self.header, dict(self.items), dict(self.registers), dict(self.local),
            [*self.waiting], self.clock,
        )  # fmt: skip

    def lines(self) -> bytes:
        """The history as it is written to a place."""
        registers = [register.record for register in self.registers.values()]
        header = [self.header] if self.header else []
        return journal.to_bytes([*header, *self.items.values(), *self.waiting, *registers])

    def same(self, other: History) -> bool:
        """Whether both hold the same items and registers."""
        mine, others = ({k: r.order() for k, r in one.registers.items()} for one in (self, other))
        if bool(self.header) != bool(other.header):
            return False
        return self.items.keys() == other.items.keys() and mine == others


def read_journal(id: str, data: bytes, session: Session) -> History:
    """The history of the journal `data`; `session`, which is empty, becomes what the journal tells."""
    history = History(id)
    uids: dict[str, str] = {}  # by id in the journal
    version = 0
    for line in data.split(b"\n"):
        record, _sound = journal.read_line(line)
        if record is None or not plausible(record):
            continue
        version, record = upgrade(_plain(record), session, version)
        if record.get("type") == "message" and not (isinstance(record.get("id"), str) and record["id"]):
            record = {**record, "id": session.next_id()}
        if record.get("type") == "message" and record["id"] in session.messages:
            session.apply(record)  # said again, as after a merge by hand: the first one tells what it is
            continue
        session.apply(record)
        parent = session.parent_of(record["id"]) if record.get("type") == "message" else None
        try:
            _take(history, record, uids, parent=uids.get(parent or ""), local=True)
        except (ValueError, RecursionError):  # nested too deeply, or a number of thousands of digits
            continue
    if history.items and not history.header:  # a journal of version 0, or one whose beginning is damaged
        record = {"v": VERSION, "type": "session", "id": id, "user": session.user, "ts": session.updated}
        history.header = {**record, "title": None, "settings": {}, "at": ["", 0]}
    return history


def read_place(id: str, data: bytes) -> History:
    """The history of a file in a place, which anybody may have written."""
    history = History(id)
    lines = (journal.read_line(line) for line in data.split(b"\n"))
    _read_waiting(
        history, [_plain(record) for record, _sound in lines if record is not None and plausible(record)]
    )
    return history


def _read_waiting(history: History, records: list[Record]) -> None:
    """Take in records of a place in any order; those whose parent is missing wait in `history`."""
    uids = {uid: uid for uid, record in history.items.items() if record["type"] == "message"}
    given = set(history.items)
    while records:
        later = []
        for record in records:
            id, parent = record.get("id"), record.get("parent")
            if record.get("type") == "message":
                if not isinstance(id, str) or id in given:
                    continue
                if isinstance(parent, str) and parent not in uids:
                    later.append(record)
                    continue
                given.add(id)
            elif record.get("type") not in _REGISTERS and not _refers(record, uids):
                later.append(record)
                continue
            try:
                _take(history, record, uids, parent=uids.get(parent) if isinstance(parent, str) else None)
            except (ValueError, RecursionError, TypeError):
                continue
        if len(later) == len(records):
            history.waiting = _each_once(later)
            return
        records = later


def _refers(record: Record, uids: Mapping[str, str]) -> bool:
    """Whether the messages that an item names are there."""
    if record.get("type") == "summary" and record.get("removed") is not None:
        return True
    needed = {"continuation": ("message",), "summary": ("until",)}.get(str(record.get("type")), ())
    named = {key: record.get(key) for key in ("message", "until")}
    return all(named[key] in uids for key in named if key in needed or isinstance(named[key], str))


def _plain(record: Record) -> Record:
    """`record` without ids that are no text."""
    return {key: v for key, v in record.items() if key not in _NAMES or v is None or isinstance(v, str)}


def _each_once(records: Iterable[Record]) -> list[Record]:
    kept: dict[str, Record] = {}
    for record in records:
        try:
            kept.setdefault(_canonical(record), record)
        except (ValueError, RecursionError):
            continue
    return list(kept.values())


def _take(
    history: History, record: Record, uids: dict[str, str], *, parent: str | None, local: bool = False
) -> None:
    """Take in one record, whose ids are the keys of `uids`; a summary's has `_SUMMARY` before it."""
    stamp = _stamp(history, record)
    kind = record.get("type")
    match kind:
        case "session":
            _take_session(history, record, stamp)
        case "message":
            uid = _digest(history, [parent or history.id], record)
            uids[record["id"]] = uid
            said = {key: value for key, value in record.items() if key not in ("at", "uid")}
            history.items.setdefault(uid, {**said, "id": uid, "parent": parent})
            history.local.setdefault(uid, record["id"])
            if local and record["id"] != uid:  # one that came from elsewhere does not move the head
                history.put("head", stamp, {"type": "head", "message": uid})
        case "head" if "message" in record:
            target = record.get("message")
            if target is None or target in uids:
                history.put("head", stamp, {"type": "head", "message": uids.get(target or "")})
            elif not local and isinstance(target, str):
                history.put("head", stamp, {"type": "head", "message": target})
        case "title":
            title = record.get("title")
            if title is None or isinstance(title, str):
                history.put("title", stamp, {"type": "title", "title": title})
        case "settings":
            _take_settings(history, record.get("settings"), stamp)
        case "pin":
            target = record.get("message")
            if isinstance(target, str) and (target in uids or not local):
                uid, pinned = uids.get(target, target), record.get("pinned") is not False
                history.put(f"pin {uid}", stamp, {"type": "pin", "message": uid, "pinned": pinned})
        case "summary" if record.get("removed") is not None:
            named = record.get("id")
            uid = uids.get(_SUMMARY + named, "" if local else named) if isinstance(named, str) else ""
            if uid:
                removed = record["removed"] is True
                history.put(f"summary {uid}", stamp, {"type": "summary", "id": uid, "removed": removed})
        case "state":
            if record.get("state") in ("live", "trash", "removed") and not local:
                seen = record.get("seen")
                seen = seen if isinstance(seen, str) and len(seen) < 2**24 else ""
                state = {"type": "state", "id": history.id, "state": record["state"], "seen": seen}
                history.put("state", stamp, state)
        case str():
            _take_item(history, record, uids, stamp, local=local)


def _take_session(history: History, record: Record, stamp: Stamp) -> None:
    if not history.header:
        history.named = str(record.get("id") or "")
        history.header = {**record, "v": VERSION, "id": history.id, "at": [*stamp]}
    title, kind = record.get("title"), record.get("kind")
    if isinstance(title, str) and title:
        history.put("title", stamp, {"type": "title", "title": title})
    if isinstance(kind, str):
        history.put("kind", stamp, {"v": VERSION, "type": "session", "id": history.id, "kind": kind})
    _take_settings(history, record.get("settings"), stamp)


def _take_settings(history: History, changes: object, stamp: Stamp) -> None:
    if isinstance(changes, dict):
        for key, value in changes.items():
            history.put(f"set {key}", stamp, {"type": "settings", "settings": {key: value}})


def _take_item(history: History, record: Record, uids: dict[str, str], stamp: Stamp, *, local: bool) -> None:
    """Take in what is neither a message nor a register: a continuation, a summary, a request aside, or unknown."""
    kind, given = record["type"], record.get("uid")
    if isinstance(given, str) and given in history.items:
        return
    if not _refers(record, uids):
        return
    mapped = {k: uids.get(v, v) for k in _REFERENCES if isinstance(v := record.get(k), str)}
    known = uids.get(f"{_SUMMARY}{record.get('id')}", "")
    if kind == "summary" and local and known in history.items:
        # the same one again, as after an undo that was undone
        history.put(f"summary {known}", stamp, {"type": "summary", "id": known, "removed": False})
        return
    uid: str = _digest(history, [kind, mapped.get("message"), mapped.get("until")], record)
    id = record.get("id")
    if kind == "summary" and isinstance(id, str):
        uids[_SUMMARY + id] = uid
        mapped["id"] = uid
        history.local.setdefault(uid, id)
    history.items.setdefault(uid, {**record, **mapped, "uid": uid, "at": [*stamp]})


def _stamp(history: History, record: Record) -> Stamp:
    """The stamp of a record: the one it carries, or else one later than those before it."""
    match record.get("at"):
        case [str(ts), int(number)] if _is_time(ts) and 0 <= number < _MOST:
            history.clock = max(history.clock, (ts, number))
            return ts, number
    given = record.get("ts")
    return history.tick(given if isinstance(given, str) and _is_time(given) else "")


def _is_time(ts: str) -> bool:
    return ts == "" or (len(ts) <= 40 and ts.isascii() and ts[:4].isdecimal())


def _digest(history: History, place: list[str | None], record: Mapping[str, Any]) -> str:
    """The digest of an item at `place`; the second of two equal ones gets another."""
    body = {key: value for key, value in record.items() if key not in _OURS}
    given = record.get("id"), record.get("uid")
    free = ""
    for twin in range(_TWINS):
        uid = "g" + blake2b(_canonical([*place, body, twin]).encode(), digest_size=15).hexdigest()
        if uid in given:
            return uid
        if not free and uid not in history.items:
            free = uid
            if not any(isinstance(name, str) and len(name) == len(uid) for name in given):
                break
    if not free:
        raise ValueError
    return free


def short(uid: str) -> str:
    """The part of a digest that tells whether a deletion has seen an item."""
    return uid[1 : 1 + SHORT]


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))

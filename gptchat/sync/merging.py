"""What a journal lacks of a union, as records to append: nothing in it is changed, and its own ids stay."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gptchat.core.messages import Record
from gptchat.core.session import Session
from gptchat.sync.history import History
from gptchat.values import replace


def lacking(mine: History, union: History, session: Session, user: str) -> list[Record]:
    """The records to append to the journal of `mine`, so that it tells all of `union`.

    `session` is what that journal tells now, and is changed to what it will tell. A new message keeps its digest
    as id, which no message of this machine has. The last record puts the head where the last writer had it.
    """
    ids = dict(mine.local)
    head = session.head
    records: list[Record] = []
    if not mine.header and union.header:
        records.append({**union.header, "user": user})
    new = [(uid, record) for uid, record in union.items.items() if uid not in mine.items]
    for uid, record in new:
        if record["type"] == "message":
            parent = record["parent"]
            records.append({**record, "parent": ids[parent] if parent else None})
            ids[uid] = uid
    moved = any(record["type"] == "message" for record in records)
    for uid, record in sorted((one for one in new if one[1]["type"] != "message"), key=_said_at):
        ids.setdefault(uid, uid)
        records.append(_named(record, ids))
    for record in records:
        session.apply(record)
    regrown = _regrown(union, session, ids)
    records += regrown
    for key, register in union.registers.items():
        known = mine.registers.get(key)
        if key in ("state", "head") or (known is not None and known.order() >= register.order()):
            continue
        if all(register.record.get(name) in ids for name in _referred(register.record)):
            records.append(_named(register.record, ids))
    return records + _head(mine, union, ids, head, moved or bool(regrown))


def _head(mine: History, union: History, ids: Mapping[str, str], head: str | None, moved: bool) -> list[Record]:
    """The record that moves the head to the last writer's place; `moved` if records before it moved the head."""
    said, known = union.registers.get("head"), mine.registers.get("head")
    if said is None:
        return []
    target = said.record["message"]
    if target is not None and target not in ids:  # not here yet: stay
        return [{**known.record, "message": head}] if moved and known is not None else []
    wanted = ids[target] if target is not None else None
    if not moved and wanted == head and known is not None and known.order() >= said.order():
        return []
    return [{**said.record, "message": wanted}]


def _regrown(union: History, session: Session, ids: Mapping[str, str]) -> list[Record]:
    """Messages that two machines continued: their contents in the order in which that happened, again."""
    pieces: dict[str, list[tuple[str, Record]]] = {}
    for uid, record in union.items.items():
        if record["type"] == "continuation":
            pieces.setdefault(record["message"], []).append((uid, record))
    again = []
    for uid, several in pieces.items():
        if len(several) < 2:
            continue
        base = union.items[uid]
        scratch = Session(session.id, session.user)
        scratch.apply({**base, "parent": None})
        for _uid, record in sorted(several, key=_said_at):
            scratch.apply(record)
        wanted, now = scratch.messages[uid], session.messages[ids[uid]]
        if (wanted.text, wanted.reasoning, wanted.status) != (now.text, now.reasoning, now.status):
            usage = scratch.messages[uid].from_record(base).usage  # the pieces' own is told by their records
            message = replace(wanted, id=ids[uid], parent=session.parent_of(ids[uid]), usage=usage)
            again.append(message.to_record())
            session.apply(again[-1])
    return again


def _said_at(item: tuple[str, Record]) -> tuple[str, int, str]:
    uid, record = item
    ts, number = record["at"]
    return ts, number, uid


def _referred(record: Record) -> Iterable[str]:
    if record["type"] == "session":
        return []
    return [name for name in ("message", "id") if isinstance(record.get(name), str)]


def _named(record: Record, ids: Mapping[str, str]) -> Record:
    """`record` with the ids of the journal in place of digests."""
    names = ("message", "until", "head", *(("id",) if record["type"] == "summary" else ()))
    return {**record, **{name: ids.get(record[name], record[name]) for name in names if record.get(name)}}

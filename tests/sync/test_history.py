"""Histories: the union is the same in any order and done twice, and nothing that a place holds breaks it."""

from __future__ import annotations

import json
import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gptchat.core.session import Session
from gptchat.storage import journal
from gptchat.sync.history import History, read_journal, read_place
from gptchat.sync.merging import lacking

ID = "20261128-120000-0001"
KEYS = ("id", "parent", "message", "until", "head", "content", "ts", "at", "uid", "turn", "title", "settings",
        "state", "seen", "removed", "pinned", "kind", "role", "status", "usage", "v")  # fmt: skip
TYPES = (
    "session",
    "message",
    "head",
    "title",
    "settings",
    "pin",
    "summary",
    "continuation",
    "aside",
    "state",
    "new",
)
names = st.sampled_from(("m1", "m2", "m3", "", "g", ID))
values = st.one_of(
    names, st.none(), st.booleans(), st.integers(-(10**20), 10**20), st.floats(), st.text(max_size=5),
    st.just("2026-11-28T12:00:00Z"), st.tuples(st.just("2026-11-28T12:00:00Z"), st.integers(0, 3)),
    st.lists(names, max_size=2), st.dictionaries(names, st.integers(), max_size=2), st.just("\ud800"),
)  # fmt: skip
records = st.builds(
    lambda kind, fields: {"type": kind, **fields},
    st.sampled_from(TYPES),
    st.dictionaries(st.sampled_from(KEYS), values, max_size=8),
)
good = st.builds(
    lambda id, parent, text: {"type": "message", "id": id, "parent": parent, "role": "user", "content": text},
    st.sampled_from(("m1", "m2", "m3")),
    st.sampled_from(("m1", "m2", None)),
    st.sampled_from(("a", "b")),
)
journals = st.lists(st.one_of(records, good), max_size=12).map(
    lambda found: journal.to_bytes([{"v": 1, "type": "session", "id": ID, "ts": "2026-11-28T12:00:00Z"}, *found])
)


def told(history: History) -> Any:
    """What a history holds, without the order of it."""
    registers = {key: register.order() for key, register in history.registers.items()}
    items = {uid: {k: v for k, v in one.items() if k != "at"} for uid, one in history.items.items()}
    return json.dumps([items, registers, bool(history.header)], sort_keys=True)


@settings(max_examples=50, deadline=None)
@given(st.lists(journals, min_size=1, max_size=3), st.randoms(use_true_random=False))
def test_a_union_is_a_union(copies: list[bytes], chance: random.Random) -> None:
    """Copies of a session with any contents have one union: in any order, done twice, and through any place."""
    histories = [read_journal(ID, data, Session(ID, "ann")) for data in copies]
    union = History(ID)
    for one in histories:
        union.add(one)
    lines = b"".join(one.lines() for one in histories * 2).split(b"\n")
    chance.shuffle(lines)
    assert told(read_place(ID, b"\n".join(lines))) == told(union)
    assert told(read_place(ID, union.lines())) == told(union)


@settings(max_examples=50, deadline=None)
@given(journals, journals)
def test_a_journal_takes_in_a_union(mine: bytes, theirs: bytes) -> None:
    """After a journal has taken in what it lacked, it tells the union, and lacks nothing."""
    session = Session(ID, "ann")
    own = read_journal(ID, mine, session)
    union = own.copy()
    union.add(read_place(ID, theirs))
    added = lacking(own, union, session, "ann")
    again = Session(ID, "ann")
    whole = read_journal(ID, mine + journal.to_bytes(added), again)
    assert whole.items.keys() == union.items.keys()
    for one in again.messages.values():
        assert one.id in again.messages
    assert not [one for one in lacking(whole, union, again, "ann") if one["type"] == "message"]


def test_equal_messages_are_told_apart() -> None:
    """The same said twice in the same second stays said twice, here and after it has travelled."""
    one = {"type": "message", "role": "user", "parent": None, "content": "yes", "ts": "2026-11-28T12:00:00Z"}
    data = journal.to_bytes([{"type": "session", "id": ID}, {**one, "id": "m1"}, {**one, "id": "m2"}])
    history = read_journal(ID, data, Session(ID, "ann"))
    assert len(history.items) == 2
    assert len(read_place(ID, history.lines()).items) == 2
    copy = Session(ID, "bob")
    records = lacking(History(ID), history, copy, "bob")
    assert len(read_journal(ID, journal.to_bytes(records), Session(ID, "bob")).items) == 2


def test_a_message_waits_for_its_parent() -> None:
    """A line that came before the one it answers waits in the place, and is never lost there."""
    base = {"type": "message", "role": "user", "ts": "2026-11-28T12:00:00Z"}
    first = {**base, "id": "m1", "parent": None, "content": "a"}
    data = journal.to_bytes(
        [{"type": "session", "id": ID}, first, {**base, "id": "m2", "parent": "m1", "content": "b"}]
    )
    lines = read_journal(ID, data, Session(ID, "ann")).lines().split(b"\n")
    late = read_place(ID, b"\n".join([lines[0], lines[2]]))
    assert not late.items
    rest = read_place(ID, lines[1])
    rest.add(read_place(ID, late.lines()))
    assert len(rest.items) == 2

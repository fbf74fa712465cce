"""Journals: whatever stands in the file, what can be read is read, and nothing of it is lost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gptchat.core.session import Session
from gptchat.storage import journal
from gptchat.storage.store import JournalStore
from tests.storage.helpers import lines, reopened, texts, turn


@pytest.fixture
def store(tmp_path: Path) -> JournalStore:
    return JournalStore(tmp_path)


@pytest.fixture
def session(store: JournalStore) -> Session:
    session = store.create("alice", {"model": "demo-1"})
    turn(store, session, "one", "two")
    return session


TAILS = {
    "a torn record": b'{"type":"message","id":"m9","role":"user","cont',
    "a torn character": '{"type":"message","content":"数'.encode()[:-1],
    "NULs": b"\0" * 512,
    "words": b"hello",
    "a foreign line": b"hello\n",
    "foreign lines": b"\xff\xfe\0\n<html>\n",
    "a list": b"[1, 2]\n",
}


@pytest.mark.parametrize("tail", TAILS.values(), ids=TAILS)
def test_a_bad_tail_is_set_aside(store: JournalStore, session: Session, tail: bytes) -> None:
    """What cannot be read at the end is kept in a .torn file, and the journal goes on with whole lines."""
    path = store.path(session)
    sound = path.read_bytes()
    path.write_bytes(sound + tail)
    again = reopened(store, session)
    assert texts(again) == ["one", "two"]
    assert path.read_bytes() == sound
    assert path.with_suffix(".torn").read_bytes().rstrip(b"\n") == tail.rstrip(b"\n")
    turn(store, again, "three", "four")
    assert texts(reopened(store, session)) == ["one", "two", "three", "four"]
    lines(path)


@pytest.mark.parametrize("tail", TAILS.values(), ids=TAILS)
def test_a_bad_tail_met_by_an_open_session(store: JournalStore, session: Session, tail: bytes) -> None:
    """A session that is open while its file gets a bad tail writes its next turn on a line of its own."""
    path = store.path(session)
    path.write_bytes(path.read_bytes() + tail)
    store.refresh(session)
    turn(store, session, "three", "four")
    assert texts(session) == texts(reopened(store, session)) == ["one", "two", "three", "four"]
    lines(path)


def test_a_missing_final_newline(store: JournalStore, session: Session) -> None:
    """A last record without a line feed, as some editors leave it, is read and stays in the journal."""
    path = store.path(session)
    path.write_bytes(path.read_bytes()[:-1])
    again = reopened(store, session)
    turn(store, again, "three", "four")
    turn(store, again, "five", "six")
    assert texts(reopened(store, session)) == ["one", "two", "three", "four", "five", "six"]
    assert not path.with_suffix(".torn").exists()


def test_bad_lines_in_the_middle(store: JournalStore, session: Session) -> None:
    """Unreadable lines in the middle hide nothing, stay where they are, and are counted and named."""
    path = store.path(session)
    first, second, third = path.read_bytes().split(b"\n")[:-1]
    path.write_bytes(b"\n".join([first, b"garbage", second, b"\0\0\0\0", b"", b'"text"', third, b""]))
    before = path.read_bytes()
    again = reopened(store, session)
    assert texts(again) == ["one", "two"]
    fresh = JournalStore(store.data)
    damage = fresh.damage(fresh.open("alice", session.id))
    assert "3 lines" in damage
    assert str(len(first) + 1) in damage
    assert path.read_bytes() == before


def test_a_record_glued_to_a_torn_one(store: JournalStore, session: Session) -> None:
    """A record that another program has glued to a torn line is found within it."""
    path = store.path(session)
    first, second, third = path.read_bytes().split(b"\n")[:-1]
    path.write_bytes(first + b"\n" + second + b"\n" + b'{"type":"message","content":"lo' + third + b"\n")
    assert texts(reopened(store, session)) == ["one", "two"]


def test_a_lost_first_line(store: JournalStore, session: Session) -> None:
    """A journal that lost its first line opens, and its next append says again what version it is."""
    path = store.path(session)
    data = path.read_bytes()
    path.write_bytes(data[data.index(b"\n") + 1 :])
    again = reopened(store, session)
    turn(store, again, "three", "four")
    assert texts(reopened(store, session)) == ["one", "two", "three", "four"]
    assert [line["type"] for line in lines(path)] == ["message", "message", "session", "message", "message"]


def test_windows_line_ends_and_bom(store: JournalStore, session: Session) -> None:
    """A journal that an editor saved with a byte order mark and CRLF is read as before."""
    path = store.path(session)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    fresh = JournalStore(store.data)
    again = fresh.open("alice", session.id)
    assert texts(again) == ["one", "two"]
    assert fresh.damage(again) == ""


def test_unknown_records_and_fields_stay(store: JournalStore, session: Session) -> None:
    """Records and fields that this version does not know are left in the journal and on the messages."""
    path = store.path(session)
    strange = b'{"type":"colour","colour":{"deep":[1]}}\n'
    message = b'{"type":"message","id":"m3","parent":"m2","role":"user","content":"x","mood":"glad"}\n'
    path.write_bytes(path.read_bytes() + strange + message)
    again = reopened(store, session)
    turn(store, again, "y", "z")
    assert strange in path.read_bytes()
    assert again.messages["m3"].to_record()["mood"] == "glad"


def test_odd_characters(store: JournalStore, session: Session) -> None:
    """Line separators, NUL, emoji and lone surrogates come back as they were; readable text stays readable."""
    odd = [
        "a\u2028b\u2029c\x85d",
        "nul\0nul",
        "👩‍👩‍👧 张三",
        "lone \ud800 surrogate",
        'quote " \\ \n\r\t',
        "\ufeff",
    ]
    for text in odd:
        turn(store, session, text, text)
    assert texts(reopened(store, session))[2:] == [text for text in odd for _ in range(2)]
    data = store.path(session).read_bytes()
    assert "张三".encode() in data
    assert b"\\ud800" in data
    lines(store.path(session))


def test_no_nan_is_written() -> None:
    """Numbers that JSON does not have are written as null, and everything around them stays."""
    record = {"type": "x", "a": float("nan"), "b": [float("inf"), 1.5], "c": {"d": -float("inf")}}
    assert json.loads(journal.to_line(record)) == {"type": "x", "a": None, "b": [None, 1.5], "c": {"d": None}}


def test_foreign_numbers_and_depth() -> None:
    """NaN, endless digits and endless nesting in a foreign line harm neither the reading nor the other lines."""
    data = b'{"a":NaN}\n{"a":' + b"9" * 10_000 + b"}\n" + b'{"a":' * 100_000 + b"\n" + b'{"b":1}\n'
    reading = journal.read(data)
    assert reading.records[0] == {"a": None}
    assert reading.records[-1] == {"b": 1}
    assert len(reading.bad) == 2


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.dictionaries(st.text(), JSON, max_size=4), max_size=6), st.integers(0, 400))
def test_any_record_comes_back(records: list[dict[str, object]], cut: int) -> None:
    """Any records are read as they were written, and of a file cut anywhere all whole ones."""
    data = journal.to_bytes(records)
    assert journal.read(data).records == records
    cut = min(cut, len(data))
    reading = journal.read(data[:cut])
    whole = data[:cut].count(b"\n")
    assert reading.records in (records[:whole], records[: whole + 1])
    assert not reading.bad or reading.bad == [data[:cut].rfind(b"\n") + 1]


@settings(max_examples=80, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_survived(data: bytes) -> None:
    """Any bytes whatever are read without an error, and every offset named lies in them."""
    reading = journal.read(data + b'\n{"type":"title","title":"x"}\n')
    assert reading.records[-1] == {"type": "title", "title": "x"}
    assert all(0 <= at <= len(data) for at in reading.bad)


@pytest.mark.parametrize("version", [0, 1])
def test_kept_journals_of_each_version(store: JournalStore, version: int) -> None:
    """A journal that was written by each earlier version opens as the conversation it was, and goes on."""
    kept = Path(__file__).with_name("data") / f"v{version}.jsonl"
    session = store.create("alice", {})
    path = store.path(session)
    path.parent.mkdir(parents=True)
    path.write_bytes(kept.read_bytes())
    opened = JournalStore(store.data).open("alice", session.id)
    assert texts(opened) == ["What is 数据?", "Data.", "Thanks", "You are welcome."]
    fresh = JournalStore(store.data)
    opened = fresh.open("alice", session.id)
    turn(fresh, opened, "three", "four")
    assert path.read_bytes().startswith(kept.read_bytes())
    assert texts(reopened(store, session))[-3:] == ["You are welcome.", "three", "four"]


def test_a_newer_journal(store: JournalStore) -> None:
    """A journal of a newer version is read as far as it is known, and not one byte of it is changed."""
    from gptchat.errors import StorageError
    from tests.storage.helpers import user

    kept = Path(__file__).with_name("data") / "v2.jsonl"
    session = store.create("alice", {})
    path = store.path(session)
    path.parent.mkdir(parents=True)
    path.write_bytes(kept.read_bytes())
    opened = JournalStore(store.data).open("alice", session.id)
    assert texts(opened) == ["Hello", "Hi."]
    fresh = JournalStore(store.data)
    opened = fresh.open("alice", session.id)
    with pytest.raises(StorageError, match="newer version"):
        fresh.append(opened, [user("x")])
    assert path.read_bytes() == kept.read_bytes()
    assert texts(opened) == ["Hello", "Hi."]

"""A reply that was cut off comes back as far as it came, and once only."""

from __future__ import annotations

from pathlib import Path

import pytest

from gptchat.core.messages import Message
from gptchat.core.session import continuation_record, undo
from gptchat.storage.store import JournalStore
from tests.storage.helpers import assistant, reopened, texts, turn, user


@pytest.fixture
def store(tmp_path: Path) -> JournalStore:
    return JournalStore(tmp_path / "data")


def test_a_cut_off_reply_comes_back_once(store: JournalStore) -> None:
    """A reply whose program ended while it streamed is there as interrupted, however often it is opened."""
    session = store.create("alice", {})
    store.append(session, [user("question")])
    reply = store.partial(session, assistant("", "m1"))
    reply.write("thinking", reasoning=True)
    reply.write("Half a ")
    reply.write("re\u2028ply \ud800")
    del reply  # the lock goes with the program
    for _ in range(3):
        again = reopened(store, session)
        assert texts(again) == ["question", "Half a re\u2028ply \ud800"]
        message = again.messages["m2"]
        assert (message.status, message.reasoning, message.model) == ("interrupted", "thinking", "demo-1")
    assert not list(store.path(session).parent.glob("*.partial"))


def test_thoughts_alone_come_back_too(store: JournalStore) -> None:
    """A reply that was cut off while the model was thinking is there with its thoughts, and no words."""
    session = store.create("alice", {})
    store.append(session, [user("question")])
    reply = store.partial(session, assistant("", "m1"))
    reply.write("thinking", reasoning=True)
    del reply
    message = reopened(store, session).messages["m2"]
    assert (message.text, message.reasoning, message.status) == ("", "thinking", "interrupted")


def test_a_reply_that_still_streams_is_left_alone(store: JournalStore) -> None:
    """Opening a session in a second terminal takes nothing of the reply that streams in the first."""
    session = store.create("alice", {})
    store.append(session, [user("question")])
    first = store.partial(session, assistant("", "m1"))
    first.write("one")
    assert texts(reopened(store, session)) == ["question"]
    second = store.partial(session, assistant("", "m1"))
    second.write("two")
    assert len(list(store.path(session).parent.glob("*.partial"))) == 2
    assert first.token != second.token
    del first, second
    assert sorted(m.text for m in reopened(store, session).messages.values()) == ["one", "question", "two"]


def test_the_end_between_append_and_discard(store: JournalStore) -> None:
    """A reply that reached the journal is not taken in again from what streaming left behind."""
    session = store.create("alice", {})
    store.append(session, [user("question")])
    reply = store.partial(session, assistant("", "m1"))
    reply.write("answer")
    store.append(session, [assistant("answer", "m1", turn=reply.token)], durable=True)
    del reply
    again = reopened(store, session)
    assert texts(again) == ["question", "answer"]
    assert len(again.messages) == 2  # nor beside it
    assert not list(store.path(session).parent.glob("*.partial"))


def test_a_reply_of_which_nothing_came(store: JournalStore) -> None:
    """A reply that was cut off before its first word leaves no message."""
    session = store.create("alice", {})
    store.append(session, [user("question")])
    reply = store.partial(session, assistant("", "m1"))
    del reply
    assert texts(reopened(store, session)) == ["question"]
    assert not list(store.path(session).parent.glob("*.partial"))


def test_a_cut_off_continuation(store: JournalStore) -> None:
    """A continuation that was cut off becomes part of the message that it continued."""
    session = store.create("alice", {})
    store.append(session, [user("q"), assistant("Half", "m1", status="interrupted")])
    reply = store.partial(session, continuation_record("m2", Message("assistant", "", model="demo-1")))
    reply.write(" and more")
    del reply
    for _ in range(2):
        assert texts(reopened(store, session)) == ["q", "Half and more"]


def test_a_cut_off_reply_on_a_branch_left_behind(store: JournalStore) -> None:
    """A cut-off reply joins its own question, and the conversation stays where it has gone on since."""
    session = store.create("alice", {})
    turn(store, session, "one", "two")
    store.append(session, [user("three", "m2")])
    reply = store.partial(session, assistant("", "m3"))
    reply.write("four, cut")
    other = JournalStore(store.data)
    theirs = other.open("alice", session.id)
    record = undo(theirs)
    assert record is not None
    other.append(theirs, [record])
    turn(other, theirs, "five", "six")
    del reply
    again = reopened(store, session)
    assert texts(again) == ["one", "two", "five", "six"]
    assert [again.messages[id].text for id in again.children_of("m3")] == ["four, cut"]


def test_a_damaged_sidecar(store: JournalStore) -> None:
    """Bad lines in what streaming left behind cost only themselves."""
    session = store.create("alice", {})
    store.append(session, [user("question")])
    path = store.path(session).with_suffix(".partial")
    path.write_bytes(
        b'{"type":"message","id":"","role":"assistant","parent":"m1","turn":"t"}\n{"text":"a"}\n\0\0x\n{"text":"b"}\n{"te'
    )
    assert texts(reopened(store, session)) == ["question", "ab"]

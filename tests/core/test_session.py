"""Sessions as trees: what the moves do, and that no journal, however odd, breaks one."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gptchat.core.branches import fork
from gptchat.core.messages import Message, Record, Usage
from gptchat.core.session import Session, continuation_record, move, redo, shorten, summary_record, undo


def message(id: str, parent: str | None, role: str = "user", text: str = "") -> Record:
    return {"type": "message", "id": id, "parent": parent, "role": role, "content": text or id}


def conversation(turns: int) -> Session:
    session = Session("s", "u")
    for number in range(1, 2 * turns + 1):
        role = "user" if number % 2 else "assistant"
        session.apply(message(f"m{number}", f"m{number - 1}" if number > 1 else None, role))
    return session


def done(session: Session, record: Record | None) -> None:
    assert record is not None
    session.apply(record)


def test_undo_and_redo() -> None:
    """Two undos and two redos lead back to the same message, and a new message ends the redoing."""
    session = conversation(3)
    done(session, undo(session))
    done(session, undo(session))
    assert session.head == "m2"
    done(session, redo(session))
    assert session.head == "m4"
    done(session, redo(session))
    assert session.head == "m6"
    assert redo(session) is None
    done(session, undo(session, 2))
    session.apply(message("m7", "m2"))
    assert redo(session) is None
    assert session.path_ids() == ["m1", "m2", "m7"]


def test_undo_everything() -> None:
    """Undoing more turns than there are stops before the first, from where redo leads back."""
    session = conversation(2)
    done(session, undo(session, 99))
    assert session.head is None
    assert session.path() == []
    assert undo(session) is None
    done(session, redo(session))
    assert session.head == "m4"


def test_the_same_undo_from_two_terminals() -> None:
    """Two terminals that undo the same turn at once undo it once, and one redo brings it back."""
    session = conversation(3)
    record = undo(session)
    done(session, record)
    done(session, record)
    assert session.head == "m4"
    done(session, redo(session))
    assert session.head == "m6"
    assert redo(session) is None


def test_the_same_redo_from_two_terminals() -> None:
    """Two terminals that redo at once go one step forward, and the next redo is still there."""
    session = conversation(3)
    done(session, undo(session))
    done(session, undo(session))
    record = redo(session)
    done(session, record)
    done(session, record)
    assert session.head == "m4"
    done(session, redo(session))
    assert session.head == "m6"


def test_a_redo_that_others_overtook() -> None:
    """A redo written after another terminal went elsewhere moves the head and spoils no later redo."""
    session = conversation(3)
    done(session, undo(session))
    record = redo(session)
    session.apply(message("m7", "m4"))
    done(session, record)
    assert session.head == "m6"
    assert redo(session) is None


def test_parts_continued() -> None:
    """What continues a message of several parts becomes a further part of it."""
    session = Session("s", "u")
    parts = [{"type": "text", "text": "one"}]
    session.apply({"type": "message", "id": "m1", "role": "assistant", "content": parts, "parent": None})
    session.apply(continuation_record("m1", Message("assistant", " two", extra={"conversation": "c"})))
    assert session.messages["m1"].text == "one\n\n two"
    assert session.messages["m1"].extra == {"conversation": "c"}


def test_what_a_continued_message_used() -> None:
    """A continued message has used what its pieces used, as far as each of them tells."""
    some, more = Usage(3, 2, 5), Usage(4, 1, 5)
    for first, second, whole in ((some, more, some.plus(more)), (some, None, some), (None, more, more)):
        session = Session("s", "u")
        session.apply(Message("assistant", "one", id="m1", usage=first).to_record())
        session.apply(continuation_record("m1", Message("assistant", " two", usage=second)))
        assert session.messages["m1"].usage == whole


def test_a_continuation_twice() -> None:
    """A continuation that stands twice in a journal is part of the message once."""
    session = conversation(1)
    record = {**continuation_record("m2", Message("assistant", "!")), "turn": "token"}
    session.apply(record)
    session.apply(record)
    assert session.messages["m2"].text == "m2!"


def test_a_lost_parent() -> None:
    """A message whose parent's line is lost follows the message written before it."""
    session = conversation(1)
    session.apply(message("m4", "m3"))
    assert session.path_ids() == ["m1", "m2", "m4"]


def test_no_loops() -> None:
    """A journal that asks for a loop gets a tree in which every message can be reached."""
    session = conversation(2)
    session.apply(message("m1", "m4"))
    session.apply(message("m9", "m9"))
    session.apply(message("m2", "m2"))
    assert session.parent_of("m1") is None
    assert session.parent_of("m9") == "m4"
    assert session.parent_of("m2") == "m1"


def test_a_moved_message_moves_what_follows() -> None:
    """A message written again under another parent takes its followers along, and the path is right."""
    session = conversation(3)
    session.apply(message("m3", None))
    assert session.path_ids() == ["m3"]
    session.apply(move("m6"))
    assert session.path_ids() == ["m3", "m4", "m5", "m6"]
    assert list(session.children_of("m2")) == []


def test_free_ids() -> None:
    """The next id is free whatever ids a journal holds, numbers of any length among them."""
    session = Session("s", "u")
    for id in ("m7", "m" + "9" * 5000, "m٣", "x", "m999999999999999"):
        session.apply(message(id, None))
        assert session.next_id() not in session.messages
        session.apply(message(session.next_id(), None))
    assert len(session.messages) == 10


def test_fork_with_a_greeting() -> None:
    """A fork of the first turn keeps the greeting that stands before it, and the turn's reply."""
    session = Session("s", "u")
    session.apply(message("g", None, "assistant"))
    session.apply(message("q1", "g"))
    session.apply(message("a1", "q1", "assistant"))
    session.apply(message("q2", "a1"))
    forked = Session("f", "u")
    for record in fork(session, 1):
        forked.apply(record)
    assert forked.path_ids() == ["g", "q1", "a1"]


def test_a_fork_keeps_its_pins() -> None:
    """What was pinned stays pinned in a fork, as far as the fork has it."""
    session = Session("s", "u")
    for id, parent, role in (("q1", None, "user"), ("a1", "q1", "assistant"), ("q2", "a1", "user")):
        session.apply(message(id, parent, role))
    for id in ("q1", "q2"):
        session.apply({"type": "pin", "message": id, "pinned": True})
    for turns, pinned in ((1, ["q1"]), (None, ["q1", "q2"])):
        forked = Session("f", "u")
        for record in fork(session, turns):
            forked.apply(record)
        assert list(forked.pinned) == pinned


def test_undo_takes_back_a_summary_first() -> None:
    """Right after a summary, undo takes the summary back and leaves the conversation."""
    session = conversation(2)
    session.apply(summary_record("s1", "m2", "short", "m4", ""))
    assert session.summary() is not None
    done(session, undo(session))
    assert session.summary() is None
    assert session.head == "m4"


def test_odd_fields_change_nothing() -> None:
    """Records with fields of the wrong type are passed over, and the conversation stays as it is."""
    session = conversation(1)
    odd: list[Record] = [
        {"type": "head"},
        {"type": "head", "message": []},
        {"type": "head", "message": 7, "move": "undo"},
        {"type": "pin", "message": {}},
        {"type": "summary", "id": "s", "until": [], "content": 1},
        {"type": "settings", "settings": [1]},
        {"type": "continuation", "message": None},
        {"type": ["x"]},
        {"type": "colour", "colour": "red"},
        {},
    ]
    for record in odd:
        session.apply(record)
    assert session.path_ids() == ["m1", "m2"]
    assert session.redo_heads == []


def test_titles() -> None:
    """A title is the first message in one line, cut at a word, and never wider than the room it has."""
    assert shorten("  one\n two ") == "one two"
    assert shorten("a" * 47 + " bcd") == "a" * 47 + "…"
    assert shorten("数据" * 20) == "数据" * 11 + "数…"
    assert len(shorten("x" * 10_000_000)) < 60


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 20) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
IDS = st.sampled_from(["m1", "m2", "m3", "m4", "m5", ""])
RECORDS = st.fixed_dictionaries(
    {
        "type": st.sampled_from(
            ["message", "head", "continuation", "pin", "summary", "title", "settings", "session"]
        )
    },
    optional={
        "id": IDS,
        "parent": IDS | st.none(),
        "message": IDS | st.none() | JSON,
        "move": st.sampled_from(["undo", "redo", "x"]),
        "role": st.sampled_from(["user", "assistant"]) | JSON,
        "content": JSON,
        "until": IDS,
        "head": IDS,
        "removed": st.booleans(),
        "pinned": st.booleans() | JSON,
        "title": JSON,
        "settings": JSON,
        "turn": st.sampled_from(["t1", "t2"]) | JSON,
        "usage": JSON,
        "ts": JSON,
        "tokens": JSON,
    },
)


@settings(max_examples=120, deadline=None)
@given(st.lists(RECORDS, max_size=30))
def test_any_records_make_a_tree(records: list[Record]) -> None:
    """Whatever records come, every message has one place in one tree, and the path leads to the head."""
    session = Session("s", "u")
    for record in records:
        session.apply(record)
        path = list(session.path_ids())
        assert (path[-1] if path else None) == session.head
        assert [session.parent_of(id) for id in path] == [None, *path[:-1]][: len(path)]
        assert session.next_id() not in session.messages
    reached: list[str] = []
    waiting: list[str | None] = [None]
    while waiting:
        children = session.children_of(waiting.pop())
        reached += children
        waiting += children
    assert sorted(reached) == sorted(session.messages)
    assert session.name is not None
    assert undo(session) is None or session.head is not None or session.summaries
    for forked in fork(session, 1):
        Session("f", "u").apply(forked)

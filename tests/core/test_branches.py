"""Rules for branches: whatever was done, every message ever said can be looked at and opened."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from gptchat.core import branches
from gptchat.core import session as tree
from gptchat.core.messages import Message
from gptchat.core.session import Session

RUNS = int(os.environ.get("GPTCHAT_TEST_TREES", "100"))


class Tree(RuleBasedStateMachine):
    """What the commands write into the journal, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.session = Session("s", "ann")
        self.said: list[str] = []

    def _write(self, role: str, parent: str | None) -> None:
        id = self.session.next_id()
        self.session.apply(Message(role, f"text {id}", id=id, parent=parent).to_record())
        self.said.append(id)

    @rule()
    def say(self) -> None:
        self._write("user", self.session.head)
        self._write("assistant", self.session.head)

    @rule()
    def stop_before_the_reply(self) -> None:
        self._write("user", self.session.head)

    @rule(count=st.integers(1, 3))
    def retry(self, count: int) -> None:
        users = self.session.user_ids()
        for _time in range(count if users else 0):
            self._write("assistant", users[-1])

    @rule(number=st.integers(1, 5))
    def edit(self, number: int) -> None:
        users = self.session.user_ids()
        if number <= len(users):
            self._write("user", self.session.parent_of(users[-number]))
            self._write("assistant", self.session.head)

    @rule(count=st.integers(1, 3))
    def undo(self, count: int) -> None:
        if record := tree.undo(self.session, count):
            self.session.apply(record)

    @rule()
    def redo(self) -> None:
        if record := tree.redo(self.session):
            self.session.apply(record)

    @rule(data=st.data())
    def open_from_the_tree(self, data: st.DataObject) -> None:
        if rows := branches.tree(self.session):
            row = data.draw(st.sampled_from(rows))
            self.session.apply(tree.move(branches.tip(self.session, row.id)))

    @invariant()
    def everything_can_be_opened(self) -> None:
        rows = branches.tree(self.session)
        assert sorted(row.id for row in rows) == sorted(self.said)
        path = self.session.path_ids()
        assert [row.id for row in rows if row.on_path] == list(path)
        assert [message.id for message in branches.path_to(self.session, self.session.head)] == list(path)
        for row in rows:
            assert row.id in [
                message.id for message in branches.path_to(self.session, branches.tip(self.session, row.id))
            ]
            number, count = branches.place(self.session, row.id)
            assert 1 <= number <= count


# a hundred runs take a second
TestTree = pytest.mark.timeout(60 + RUNS // 10)(Tree.TestCase)
TestTree.settings = settings(max_examples=RUNS, stateful_step_count=30)


def test_the_tree_is_drawn_where_it_branches() -> None:
    """A conversation without branches is a plain list; where it parts, lines show what belongs together."""
    session = Session("s", "ann")
    for id, parent, role in (
        ("a", None, "user"), ("b", "a", "assistant"), ("c", "b", "user"), ("d", "c", "assistant"),
        ("e", "c", "assistant"), ("f", "b", "user"),
    ):  # fmt: skip
        session.apply(Message(role, id, id=id, parent=parent).to_record())
    assert [(row.lines + row.id, row.on_path) for row in branches.tree(session)] == [
        ("a", True),
        ("b", True),
        ("├─ c", False),
        ("│  ├─ d", False),
        ("│  └─ e", False),
        ("└─ f", True),
    ]
    assert branches.tip(session, "c") == "e"
    assert branches.versions(session, "d") == ["d", "e"]

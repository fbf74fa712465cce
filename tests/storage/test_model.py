"""Any sequence of what people and crashes do to a session, against a model that is only lists and dictionaries."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gptchat.core.branches import fork
from gptchat.core.session import Session, move, redo, undo
from gptchat.storage.store import JournalStore
from tests.storage.helpers import assistant, user

TORN = st.sampled_from(
    [
        b'{"type":"message","id":"m1","ro',
        b"\0" * 64,
        b"x",
        b"garbage\n",
        "数".encode()[:2],
        b'{"type":"head"',
        b"\n\n",
    ]
)


class Model:
    """A conversation as plain data: who follows whom, where it stands, where redo leads."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.roles: dict[str, str] = {}
        self.parents: dict[str, str | None] = {}
        self.head: str | None = None
        self.undone: list[str | None] = []

    def say(self, role: str, text: str, parent: str | None) -> None:
        id = f"m{len(self.texts) + 1}"
        self.texts[id], self.roles[id], self.parents[id] = text, role, parent
        self.head, self.undone = id, []

    def path(self) -> list[str]:
        found: list[str] = []
        at = self.head
        while at is not None:
            found.insert(0, at)
            at = self.parents[at]
        return found

    def undo(self, count: int) -> bool:
        questions = [id for id in self.path() if self.roles[id] == "user"][-count:]
        if questions:
            self.undone.append(self.head)
            self.head = self.parents[questions[0]]
        return bool(questions)

    def redo(self) -> bool:
        if self.undone:
            self.head = self.undone.pop()
            return True
        return False

    def fork(self, turns: int) -> Model:
        path = self.path()
        questions = [place for place, id in enumerate(path) if self.roles[id] == "user"]
        end = questions[turns] if turns < len(questions) else len(path)
        twin = Model()
        parent = None
        for id in path[: end if turns else 0]:
            twin.texts[id], twin.roles[id], twin.parents[id] = self.texts[id], self.roles[id], parent
            parent = id
        twin.head = parent
        return twin


class Sessions(RuleBasedStateMachine):
    """Two programs with one session open in both, and whatever may happen to its file."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.stores = [JournalStore(self.folder), JournalStore(self.folder)]
        self.model = Model()
        first = self.stores[0].create("张三", {})
        self.stores[0].append(first, [{"type": "settings", "settings": {"a": 1}}])
        self.open = [first, self.stores[1].open("张三", first.id)]
        self.path = self.stores[0].path(first)

    def teardown(self) -> None:
        shutil.rmtree(self.folder)

    @rule(who=st.integers(0, 1), text=st.text(max_size=8), reply=st.booleans(), durable=st.booleans())
    def say(self, who: int, text: str, reply: bool, durable: bool) -> None:
        store, session = self.stores[who], self.open[who]
        store.refresh(session)
        record = assistant(text, session.head) if reply else user(text, session.head)
        store.append(session, [record], durable=durable)
        self.model.say("assistant" if reply else "user", text, self.model.head)

    @rule(who=st.integers(0, 1), count=st.integers(1, 3))
    def take_back(self, who: int, count: int) -> None:
        store, session = self.stores[who], self.open[who]
        store.refresh(session)
        record = undo(session, count)
        assert (record is not None) == self.model.undo(count)
        if record is not None:
            store.append(session, [record])

    @rule(who=st.integers(0, 1))
    def redo(self, who: int) -> None:
        store, session = self.stores[who], self.open[who]
        store.refresh(session)
        record = redo(session)
        assert (record is not None) == self.model.redo()
        if record is not None:
            store.append(session, [record])

    @precondition(lambda self: self.model.texts)
    @rule(who=st.integers(0, 1), place=st.integers(0, 100))
    def go_to(self, who: int, place: int) -> None:
        target = list(self.model.texts)[place % len(self.model.texts)]
        self.stores[who].append(self.open[who], [move(target)])
        self.model.head, self.model.undone = target, []

    @rule(who=st.integers(0, 1), turns=st.integers(0, 4))
    def fork(self, who: int, turns: int) -> None:
        store, session = self.stores[who], self.open[who]
        store.refresh(session)
        twin = store.create("张三", {})
        store.append(twin, fork(session, turns))
        model = self.model.fork(turns)
        self.compare(twin, model)
        store.append(twin, [move(None)])
        self.compare(JournalStore(self.folder).open("张三", twin.id) if model.texts else twin, model, None)

    @rule(tail=TORN)
    def tear(self, tail: bytes) -> None:
        with self.path.open("ab") as file:
            file.write(tail)

    @rule(who=st.integers(0, 1))
    def reopen(self, who: int) -> None:
        self.stores[who] = JournalStore(self.folder)
        self.open[who] = self.stores[who].open("张三", self.open[who].id)

    @rule(who=st.integers(0, 1), cut=st.integers(1, 3), text=st.text(min_size=1, max_size=6))
    def cut_off_a_reply(self, who: int, cut: int, text: str) -> None:
        store, session = self.stores[who], self.open[who]
        store.refresh(session)
        reply = store.partial(session, assistant("", session.head))
        for _piece in range(cut):
            reply.write(text)
        del reply
        self.reopen(who)
        self.model.say("assistant", text * cut, self.model.head)

    @rule(who=st.integers(0, 1))
    def lose_the_file(self, who: int) -> None:
        store, session = self.stores[who], self.open[who]
        store.refresh(session)
        self.path.unlink()
        store.append(session, [{"type": "title", "title": "T"}])
        self.model.undone = []
        self.open[1 - who] = self.stores[1 - who].open("张三", session.id)
        self.reopen(who)

    @invariant()
    def same(self) -> None:
        for store, session in zip(self.stores, self.open, strict=True):
            store.refresh(session)
            self.compare(session, self.model)
        self.compare(JournalStore(self.folder).read("张三", self.open[0].id), self.model)

    def compare(self, session: Session, model: Model, *head: str | None) -> None:
        assert {id: message.text for id, message in session.messages.items()} == model.texts
        assert {id: session.parent_of(id) for id in session.messages} == model.parents
        assert session.head == (head[0] if head else model.head)
        if not head:
            assert list(session.path_ids()) == model.path()


Sessions.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
TestSessions = Sessions.TestCase
TestSessions.__doc__ = (
    "Whatever writing, undoing, forking, tearing and reopening does, the tree is the one a person expects."
)

"""The store: sessions survive several writers, full disks, vanished files and cut-off replies."""

from __future__ import annotations

import gc
import json
import multiprocessing
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from gptchat.core.ports import SessionStore
from gptchat.core.session import Session, undo
from gptchat.errors import StorageError
from gptchat.storage.memory import MemoryStore
from gptchat.storage.store import JournalStore
from tests.storage.helpers import assistant, lines, reopened, texts, tree, turn, user

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions and limits")


@pytest.fixture
def store(tmp_path: Path) -> JournalStore:
    return JournalStore(tmp_path / "data")


def test_an_empty_session_leaves_no_file(store: JournalStore) -> None:
    """Starting a chat and leaving again writes nothing; the first message makes the journal."""
    session = store.create("张三", {"model": "demo-1"}, title="Title")
    assert not store.data.exists()
    store.append(session, [user("hello")])
    header, message = lines(store.path(session))
    assert header == {
        "v": 1,
        "type": "session",
        "id": session.id,
        "user": "张三",
        "ts": session.created,
        "title": "Title",
        "settings": {"model": "demo-1"},
    }
    assert message["id"] == "m1"


def test_ids_tell_the_time(tmp_path: Path) -> None:
    """A session's id is its time in UTC and something random, and no two sessions share one."""
    store = JournalStore(tmp_path, clock=lambda: 1795163415.0)
    sessions = [store.create("alice", {}) for _ in range(50)]
    for session in sessions:
        store.append(session, [user("x")])
    assert len({session.id for session in sessions}) == 50
    assert all(session.id.startswith("20261120-083015-") for session in sessions)
    assert sessions[0].created == "2026-11-20T08:30:15Z"


def test_an_id_that_another_program_took(store: JournalStore) -> None:
    """A new session never writes into the journal of another that happens to have its id."""
    mine = store.create("alice", {})
    theirs = JournalStore(store.data).begin("alice", {}, id=mine.id)
    JournalStore(store.data).append(theirs, [user("theirs")])
    store.append(mine, [user("mine")])
    assert mine.id != theirs.id
    assert texts(reopened(store, mine)) == ["mine"]
    assert lines(store.path(mine))[0]["id"] == mine.id
    assert texts(reopened(store, theirs)) == ["theirs"]


@POSIX
def test_only_the_owner_can_read(store: JournalStore) -> None:
    """Folders are 0700 and files 0600 whatever the umask is."""
    before = os.umask(0)
    try:
        session = store.create("alice", {})
        turn(store, session, "one", "two")
        reply = store.partial(session, assistant(""))
        reply.write("x")
    finally:
        os.umask(before)
    for path in [store.data, *store.data.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)
    reply.discard()


def test_what_an_append_took_in_is_told(store: JournalStore) -> None:
    """What another terminal wrote before a title, a move or a message of mine is told once, and where I stood."""
    other_store = JournalStore(store.data)
    mine = store.create("alice", {})
    turn(store, mine, "one", "two")
    theirs = other_store.open("alice", mine.id)
    assert other_store.refresh(theirs) == ()
    turn(other_store, theirs, "three", "four")
    store.append(mine, [{"type": "title", "title": "T"}])
    assert (store.stood(mine), mine.head) == ("m2", "m4")
    assert [record["content"] for record in store.refresh(mine)] == ["three", "four"]
    assert (store.stood(mine), store.refresh(mine)) == ("m4", ())
    turn(other_store, theirs, "five", "six")
    record = undo(mine)
    assert record is not None
    store.append(mine, [record])
    assert store.stood(mine) == mine.head == "m2"
    assert [record["content"] for record in store.refresh(mine)] == ["five", "six"]


def test_ids_are_given_in_order(store: JournalStore) -> None:
    """Messages written without an id get the next free ones, in one batch as in several."""
    session = store.create("alice", {})
    store.append(session, [user("a"), assistant("b", "m1"), user("c", "m2")])
    written = store.append(session, [assistant("d", "m3")])
    assert [record["id"] for record in written] == ["m4"]
    assert texts(reopened(store, session)) == ["a", "b", "c", "d"]


def test_two_terminals_on_one_session(store: JournalStore) -> None:
    """Each terminal reads what the other wrote before it writes, and both end with the same conversation."""
    other_store = JournalStore(store.data)
    mine = store.create("alice", {})
    turn(store, mine, "one", "two")
    theirs = other_store.open("alice", mine.id)
    turn(other_store, theirs, "three", "four")
    assert [record["content"] for record in store.refresh(mine)] == ["three", "four"]
    assert store.refresh(mine) == ()
    turn(store, mine, "five", "six")
    written = other_store.append(theirs, [user("seven", "m6")])
    assert written[0]["id"] == "m7"
    store.refresh(mine)
    assert tree(mine) == tree(theirs) == tree(reopened(store, mine))
    assert texts(mine) == ["one", "two", "three", "four", "five", "six", "seven"]


def _write_turns(data: str, id: str, name: str, turns: int) -> None:
    store = JournalStore(Path(data))
    session = store.open("alice", id)
    for number in range(turns):
        question = store.append(session, [user(f"{name} asks {number} " + "数据" * 50, session.head)])
        store.append(session, [assistant(f"{name} hears {number}", question[0]["id"])])


def test_four_processes_on_one_session(store: JournalStore) -> None:
    """Four programs that write 200 turns each to one session at once leave 800 turns and no torn line."""
    session = store.create("alice", {})
    store.append(session, [{"type": "settings", "settings": {"a": 1}}])
    context = multiprocessing.get_context("spawn")
    writers = [
        context.Process(target=_write_turns, args=(str(store.data), session.id, name, 200)) for name in "abcd"
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(120)
    assert [writer.exitcode for writer in writers] == [0, 0, 0, 0]
    written = [line for line in lines(store.path(session)) if line["type"] == "message"]
    assert len({line["id"] for line in written}) == len(written) == 1600
    by_id = {line["id"]: line for line in written}
    replies = [line for line in written if line["role"] == "assistant"]
    assert len(replies) == 800
    for reply in replies:
        name, _hears, number = reply["content"].split()
        assert by_id[reply["parent"]]["content"].startswith(f"{name} asks {number} ")
    assert not store.path(session).with_suffix(".torn").exists()


def test_reading_changes_nothing(store: JournalStore) -> None:
    """Reading a session for an incognito run heals nothing, takes nothing in and writes nothing."""
    session = store.create("alice", {})
    turn(store, session, "one", "two")
    path = store.path(session)
    path.write_bytes(path.read_bytes() + b"torn")
    reply = store.partial(session, assistant("", "m2"))
    reply.write("x")
    del reply
    before = {file: file.read_bytes() for file in store.data.rglob("*") if file.is_file()}
    memory = MemoryStore(JournalStore(store.data).read)
    copy = memory.open("alice", session.id)
    memory.append(copy, [user("three", copy.head)])
    assert texts(copy) == ["one", "two", "three"]
    assert {file: file.read_bytes() for file in store.data.rglob("*") if file.is_file()} == before


def test_incognito_keeps_nothing() -> None:
    """An incognito session works as any other, and can be opened again only within its run."""
    store = MemoryStore()
    session = store.create("alice", {"a": 1}, title="T")
    written = store.append(session, [user("one"), assistant("two", "m1")], durable=True)
    reply = store.partial(session, assistant(""))
    reply.write("x")
    reply.discard()
    assert [record["id"] for record in written] == ["m1", "m2"]
    assert store.open("alice", session.id) is session
    assert store.refresh(session) == store.unsaved(session) == ()
    assert store.trouble(session) is None
    with pytest.raises(StorageError):
        MemoryStore().open("alice", session.id)


def test_a_session_of_another_store(tmp_path: Path) -> None:
    """A session that lived in memory only can be saved whole."""
    memory = MemoryStore()
    session = memory.create("alice", {"a": 1})
    memory.append(session, [user("one"), assistant("two", "m1")])
    store = JournalStore(tmp_path)
    store.append(session, [user("three", "m2")])
    assert texts(reopened(store, session)) == ["one", "two", "three"]
    again = reopened(store, session)
    turn(store, again, "four", "five")
    assert again.id == session.id
    assert texts(reopened(store, session)) == texts(again) == ["one", "two", "three", "four", "five"]
    assert len(lines(store.path(session))) == 6


def test_the_stores_are_what_the_program_asks_for(tmp_path: Path) -> None:
    """Both stores can be used wherever the program asks for one."""
    stores: list[SessionStore] = [JournalStore(tmp_path), MemoryStore()]
    for store in stores:
        session: Session = store.create("alice", {})
        assert store.append(session, []) == () or store.append(session, []) == []
        assert json.dumps(store.append(session, [user("x")])[0])


def test_importing_the_store_is_light() -> None:
    """Starting to write a session loads neither SQLite nor what only import and export need."""
    script = (
        "import sys, gptchat.storage.store, gptchat.storage.index.library, gptchat.storage.users\n"
        "heavy = {'sqlite3', 'zipfile', 'html', 'asyncio', 'difflib', 'openai', 'rich', 'prompt_toolkit'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_reading_leaves_the_garbage_collector_as_it_was(store: JournalStore) -> None:
    """While a journal is read no garbage is looked for; afterwards it is again, even where reading failed."""
    session = store.create("alice", {})
    turn(store, session, "question", "answer")
    with pytest.raises(StorageError):
        store.open("alice", "20200101-000000-ffff")
    reopened(store, session)
    assert gc.isenabled()
    gc.disable()
    try:
        reopened(store, session)
        assert not gc.isenabled()
    finally:
        gc.enable()

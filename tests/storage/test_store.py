"""The store: sessions survive several writers, full disks, vanished files and cut-off replies."""

from __future__ import annotations

import json
import multiprocessing
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from gptchat.core.messages import Message
from gptchat.core.ports import SessionStore
from gptchat.core.session import Session, continuation_record, undo
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
    assert texts(reopened(store, session)) == ["question", "answer"]
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


def test_a_vanished_journal_is_written_anew(store: JournalStore) -> None:
    """When a journal is deleted while its session is open, the next message brings all of it back."""
    session = store.create("alice", {"model": "demo-1"})
    turn(store, session, "one", "two")
    record = undo(session)
    assert record is not None
    store.append(session, [record, {"type": "title", "title": "T"}, user("else"), assistant("where", "m3")])
    store.append(session, [{"type": "pin", "message": "m1", "pinned": True}])
    store.path(session).unlink()
    store.path(session).parent.rmdir()
    store.append(session, [user("five", session.head)])
    again = reopened(store, session)
    assert tree(again) == tree(session)
    assert (again.head, again.title, list(again.pinned)) == (session.head, "T", ["m1"])
    assert again.settings == {"model": "demo-1"}
    assert store.trouble(session) is None


def test_a_journal_replaced_by_an_older_copy(store: JournalStore) -> None:
    """When a sync tool puts an older copy in a journal's place, what the open session knew is added again."""
    session = store.create("alice", {})
    turn(store, session, "one", "two")
    old = store.path(session).read_bytes()
    turn(store, session, "three", "four")
    store.path(session).write_bytes(old)
    store.append(session, [user("five", session.head)])
    again = reopened(store, session)
    assert tree(again) == tree(session)
    assert {m.text for m in again.messages.values()} == {"one", "two", "three", "four", "five"}


def test_a_journal_edited_by_hand(store: JournalStore) -> None:
    """A word changed by hand in the file of an open session is what counts from the next message on."""
    session = store.create("alice", {})
    turn(store, session, "one", "two")
    path = store.path(session)
    path.write_bytes(path.read_bytes().replace(b'"two"', b'"a longer two"'))
    turn(store, session, "three", "four")
    assert texts(session) == texts(reopened(store, session)) == ["one", "a longer two", "three", "four"]


def test_a_folder_that_is_no_folder(store: JournalStore) -> None:
    """Where nothing can be written the chat goes on, says why once, and saves all as soon as it can."""
    store.data.parent.mkdir(parents=True, exist_ok=True)
    store.data.write_text("in the way")
    session = store.create("alice", {})
    turn(store, session, "one", "two")
    trouble = store.trouble(session)
    assert isinstance(trouble, StorageError)
    assert trouble.hint
    assert [record["content"] for record in store.unsaved(session)] == ["one", "two"]
    store.partial(session, assistant("")).write("goes nowhere")
    assert texts(session) == ["one", "two"]
    store.data.unlink()
    turn(store, session, "three", "four")
    assert store.trouble(session) is None
    assert store.unsaved(session) == ()
    assert texts(reopened(store, session)) == ["one", "two", "three", "four"]


def test_waiting_records_and_another_writer(store: JournalStore) -> None:
    """What waited in memory while another terminal wrote is saved after it, under ids of its own."""
    session = store.create("alice", {})
    turn(store, session, "one", "two")
    path = store.path(session)
    aside = path.with_suffix(".aside")
    path.rename(aside)
    path.mkdir()
    turn(store, session, "mine", "my reply")
    assert store.trouble(session) is not None
    path.rmdir()
    aside.rename(path)
    other = JournalStore(store.data)
    theirs = other.open("alice", session.id)
    turn(other, theirs, "theirs", "their reply")
    store.append(session, [{"type": "title", "title": "T"}])
    assert store.unsaved(session) == ()
    assert tree(session) == tree(reopened(store, session))
    assert session.head == reopened(store, session).head
    assert texts(session) == ["one", "two", "mine", "my reply"]
    assert {m.text for m in session.messages.values()} >= {"theirs", "their reply"}


FULL_DISK = """
import resource, sys
from pathlib import Path
from gptchat.storage.store import JournalStore
from tests.storage.helpers import lines, texts, turn
store = JournalStore(Path(sys.argv[1]))
session = store.create("alice", {})
turn(store, session, "one", "two")
path = store.path(session)
size = path.stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 40, resource.RLIM_INFINITY))
turn(store, session, "three", "four" * 100)
assert store.trouble(session) and len(store.unsaved(session)) == 2, store.unsaved(session)
assert path.stat().st_size == size
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
turn(store, session, "five", "six")
assert not store.trouble(session)
lines(path)
print(texts(JournalStore(store.data).open("alice", session.id)))
"""


@POSIX
def test_a_full_disk(store: JournalStore) -> None:
    """When the disk takes only half a record, no half stays, the chat goes on, and all is saved later."""
    result = subprocess.run([sys.executable, "-c", FULL_DISK, str(store.data)], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == str(["one", "two", "three", "four" * 100, "five", "six"])


@POSIX
def test_a_read_only_folder(store: JournalStore) -> None:
    """A session in a folder that may only be read opens, goes on in memory, and says that nothing is saved."""
    session = store.create("alice", {})
    turn(store, session, "one", "two")
    store.path(session).chmod(0o444)
    store.path(session).parent.chmod(0o555)
    script = (
        "import os, sys\nfrom pathlib import Path\nfrom gptchat.storage.store import JournalStore\n"
        "from tests.storage.helpers import texts, turn\n"
        "os.geteuid() == 0 and os.seteuid(65534)\n"
        "store = JournalStore(Path(sys.argv[1]))\nsession = store.open('alice', sys.argv[2])\n"
        "turn(store, session, 'three', 'four')\nassert store.trouble(session).hint\nprint(texts(session))\n"
    )
    for folder in [store.path(session).parent, *store.path(session).parents]:
        if folder.stat().st_mode & 0o005 != 0o005 and os.geteuid() == 0:
            folder.chmod(0o755)  # so that the unprivileged user of the script may pass
    result = subprocess.run(
        [sys.executable, "-c", script, str(store.data), session.id], capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == "['one', 'two', 'three', 'four']"
    assert len(lines(store.path(session))) == 3


def test_a_session_that_is_not_there(store: JournalStore) -> None:
    """Opening what is not there, or what can be no id, is refused in words."""
    for id in ("20261120-083015-4f2a", "../../etc/passwd", "..", "", "a/b", "con", "x" * 300, "a\0b", "张三"):
        with pytest.raises(StorageError) as caught:
            store.open("alice", id)
        assert caught.value.hint


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
        "import sys, gptchat.storage.store, gptchat.storage.library, gptchat.storage.users\n"
        "heavy = {'sqlite3', 'zipfile', 'html', 'asyncio', 'difflib', 'openai', 'rich', 'prompt_toolkit'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"

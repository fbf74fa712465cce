"""When the disk fails, or files change or vanish, the chat goes on and nothing that was said is lost."""

from __future__ import annotations

import errno
import gc
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gptchat.core.session import undo
from gptchat.errors import StorageError
from gptchat.exchange.importing import FORMATS, export
from gptchat.storage.index.library import Library
from gptchat.storage.store import JournalStore
from tests.storage.helpers import assistant, lines, reopened, texts, tree, turn, user

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions and limits")


@pytest.fixture
def store(tmp_path: Path) -> JournalStore:
    return JournalStore(tmp_path / "data")


@pytest.mark.parametrize("reason", [errno.EROFS, errno.EACCES, errno.ENOSPC])
def test_a_disk_that_may_only_be_read(store: JournalStore, monkeypatch: pytest.MonkeyPatch, reason: int) -> None:
    """A session on a disk that takes nothing is opened and read; any other failure of the disk is told."""
    session = store.create("alice", {})
    turn(store, session, "one", "two")
    path, open_ = store.path(session), os.open

    def refuse(name: Any, flags: int, *more: Any, **named: Any) -> int:
        if Path(name) == path and flags & os.O_RDWR:
            raise OSError(reason, os.strerror(reason))
        return open_(name, flags, *more, **named)

    monkeypatch.setattr(os, "open", refuse)
    assert texts(reopened(store, session)) == ["one", "two"]
    reason = errno.EIO
    with pytest.raises(StorageError):
        reopened(store, session)


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


def test_a_session_that_was_left_while_the_disk_refused(store: JournalStore) -> None:
    """What could not be saved of a session is saved when it can be, also after another one was begun."""
    left = store.create("alice", {})
    turn(store, left, "one", "two")
    folder = store.path(left).parent
    folder.rename(folder.with_name("away"))
    folder.write_text("in the way")
    turn(store, left, "three", "four")
    id = left.id
    del left
    gc.collect()
    assert [(session.id, texts(session)) for session in store.waiting()] == [(id, ["one", "two", "three", "four"])]
    assert texts(store.open("alice", id)) == ["one", "two", "three", "four"]
    folder.unlink()
    folder.with_name("away").rename(folder)
    turn(store, store.create("alice", {}), "another", "session")
    assert store.waiting() == ()
    assert texts(JournalStore(store.data).open("alice", id)) == ["one", "two", "three", "four"]


def test_a_session_deleted_while_the_disk_refused(store: JournalStore) -> None:
    """A session that was deleted does not come back because something of it waited to be saved."""
    session = store.create("alice", {})
    turn(store, session, "one", "two")
    path = store.path(session)
    path.rename(path.with_name("aside"))
    path.mkdir()
    turn(store, session, "three", "four")
    path.rmdir()
    store.forget("alice", session.id)
    turn(store, store.create("alice", {}), "another", "session")
    assert store.waiting() == ()
    assert not path.exists()


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
from gptchat.exchange.importing import FORMATS, export
from gptchat.storage.index.library import Library
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


def test_a_folder_that_comes_back(store: JournalStore) -> None:
    """When a drive is away for a while and comes back, what was said meanwhile is added, once."""
    session = store.create("alice", {})
    turn(store, session, "one", "two")
    away = store.data.with_name("away")
    store.data.rename(away)
    store.data.write_text("in the way")
    turn(store, session, "three", "four")
    assert store.trouble(session) is not None
    assert [record["content"] for record in store.unsaved(session)] == ["three", "four"]
    store.data.unlink()
    away.rename(store.data)
    turn(store, session, "five", "six")
    assert store.trouble(session) is None
    assert texts(session) == texts(reopened(store, session)) == ["one", "two", "three", "four", "five", "six"]
    assert len(lines(store.path(session))) == 7


def test_no_room_to_heal(store: JournalStore) -> None:
    """Where a torn tail cannot be set aside, the chat goes on in memory, and all is saved once it can be."""
    session = store.create("alice", {})
    turn(store, session, "one", "two")
    path = store.path(session)
    other = JournalStore(store.data)
    turn(other, other.open("alice", session.id), "three", "four")
    with path.open("ab") as file:
        file.write(b'{"torn')
    path.with_suffix(".torn").mkdir()
    turn(store, session, "five", "six")
    assert store.trouble(session) is not None
    assert texts(session) == ["one", "two", "five", "six"]
    assert [session.messages[id].text for id in session.children_of("m2")] == ["three", "five"]
    path.with_suffix(".torn").rmdir()
    turn(store, session, "seven", "eight")
    assert store.trouble(session) is None
    assert tree(session) == tree(reopened(store, session))
    assert texts(session) == ["one", "two", "five", "six", "seven", "eight"]
    assert [session.messages[id].text for id in session.children_of("m2")] == ["three", "five"]
    assert len(session.messages) == 8


def test_what_could_not_be_saved_can_be_exported(store: JournalStore, tmp_path: Path) -> None:
    """What could not be saved can be written elsewhere, whole, in any format."""
    session = store.create("alice", {})
    turn(store, session, "one", "two")
    store.path(session).unlink()
    store.path(session).mkdir()
    turn(store, session, "three", "four")
    assert store.trouble(session) is not None
    for format in FORMATS:
        text = export(store, [session], format, tmp_path / format).read_text(encoding="utf-8")
        assert all(word in text for word in ("one", "two", "three", "four"))


def test_copies_that_sync_tools_make(store: JournalStore) -> None:
    """A copy that a sync tool has made of a journal, under a name of its own, is listed and opens."""
    session = store.create("alice", {})
    turn(store, session, "one", "two")
    name = f"{session.id} (张三's conflicted copy [1])"
    store.path(session).with_name(f"{name}.jsonl").write_bytes(store.path(session).read_bytes())
    assert sorted(info.id for info in Library(store.data).list("alice")) == sorted([session.id, name])
    copy = store.open("alice", name)
    turn(store, copy, "three", "four")
    reply = store.partial(copy, assistant("", copy.head))
    reply.write("cut")
    del reply
    assert texts(JournalStore(store.data).open("alice", name)) == ["one", "two", "three", "four", "cut"]
    assert texts(reopened(store, session)) == ["one", "two"]

"""Sessions are found again, thrown away and brought back, whatever state the files and the cache are in."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from gptchat.core.ports import CONVERSATION, ONESHOT, SessionInfo
from gptchat.core.records import kind_record
from gptchat.core.session import Session
from gptchat.errors import UsageError
from gptchat.exchange.exporting import render
from gptchat.storage.ids import timestamp
from gptchat.storage.index.library import Library, matching, title_record
from gptchat.storage.index.search import SearchIndex
from gptchat.storage.store import JournalStore
from tests.storage.helpers import House, assistant, texts, turn, user


class Shelf:
    """A data folder with sessions, one a minute."""

    def __init__(self, folder: Path) -> None:
        self.moment = 1_795_163_415.0
        self.store = JournalStore(folder / "data", clock=lambda: self.moment)
        self.cache = folder / "cache"
        self.library = Library(folder / "data", self.cache)

    def add(self, question: str, title: str | None = None, name: str = "alice", kind: str = "") -> Session:
        self.moment += 60
        session = self.store.create(name, {"model": "m"}, title=title, kind=kind)
        ts = session.created
        self.store.append(session, [{**user(question), "ts": ts}])
        self.store.append(session, [{**assistant("reply", session.head), "ts": ts}])
        return session

    def titles(self) -> list[str]:
        return [info.title for info in self.library.list("alice")]


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


def test_newest_first(shelf: Shelf) -> None:
    """Sessions are listed newest first by their last message, each with title, times, turns and model."""
    first = shelf.add("How do I boil an egg?")
    shelf.add("数据是什么", title="数据")
    shelf.add("not alice's", name="bob")
    assert shelf.titles() == ["数据", "How do I boil an egg?"]
    soon = timestamp(time.time() + 3600)
    shelf.store.append(first, [{**user("And two?", first.head), "ts": soon}])
    latest = shelf.library.latest("alice")
    assert shelf.library.list("alice")[0] == latest
    assert latest == SessionInfo(first.id, "alice", "How do I boil an egg?", first.created, soon, 2, "demo-1")
    assert shelf.library.list("nobody") == []
    assert shelf.library.latest("nobody") is None


def test_any_name_a_person_would_give(shelf: Shelf) -> None:
    """A session is found by its id, the beginning of it, its number, or words of its title in any script."""
    egg = shelf.add("How do I boil an EGG?")
    data = shelf.add("数据模型是什么")
    named = shelf.add("x", title="Straße nach Rom")
    find = shelf.library.find
    for ref, session in [
        (egg.id, egg),
        (egg.id[:-1], egg),
        ("1", named),
        ("3", egg),
        ("boil egg", egg),
        ("Egg  boil", egg),
        ("数据", data),
        ("模型 数据", data),
        ("STRASSE", named),
    ]:
        assert find("alice", ref).id == session.id, ref


def test_a_name_that_means_several_or_none(shelf: Shelf) -> None:
    """What could mean several sessions, or none, is answered with those that are near."""
    first = shelf.add("python question")
    second = shelf.add("another python question")
    with pytest.raises(UsageError) as caught:
        shelf.library.find("alice", "python")
    assert first.id in caught.value.message
    assert second.id in caught.value.message
    with pytest.raises(UsageError) as caught:
        shelf.library.find("alice", "pyton question")
    assert first.id in caught.value.hint
    for ref in ("99", "", "zzz", "../x", "\0"):
        with pytest.raises(UsageError):
            shelf.library.find("alice", ref)
    assert shelf.library.find("alice", "python question").id == first.id


def test_one_shots_are_numbered_after_the_conversations(shelf: Shelf) -> None:
    """One-shots take the numbers after the conversations, and a conversation wins where a name fits both."""
    old = shelf.add("about rice")
    asked = shelf.add("rice and beans?", kind=ONESHOT)
    newest = shelf.add("about bread")
    order = [newest.id, old.id, asked.id]
    for _cached in range(2):
        assert [info.id for info in shelf.library.numbered("alice")] == order
        assert [shelf.library.find("alice", str(number)).id for number in (1, 2, 3)] == order
        assert [info.oneshot for info in shelf.library.numbered("alice")] == [False, False, True]
    assert shelf.library.find("alice", "rice").id == old.id
    assert shelf.library.find("alice", "beans").id == asked.id
    assert [info.id for info in shelf.library.list("alice")] == [newest.id, asked.id, old.id]


def test_the_latest_of_each_kind(shelf: Shelf) -> None:
    """The latest conversation, one-shot and session are told apart, and one that became a conversation is one."""
    talk = shelf.add("about rice")
    asked = shelf.add("a question", kind=ONESHOT)

    def latest() -> list[str | None]:
        return [shelf.library.latest_id("alice", kind) for kind in ("any", "conversation", "oneshot")]

    assert latest() == [asked.id, talk.id, asked.id]
    with shelf.store.path(asked).open("a") as file:
        file.write(json.dumps(kind_record(asked.id, CONVERSATION)) + "\n")
    assert latest() == [asked.id, asked.id, None]
    found = shelf.library.latest("alice")
    assert found is not None
    assert (found.id, found.oneshot) == (asked.id, False)
    assert shelf.store.open("alice", asked.id).kind == CONVERSATION


def test_a_kind_outlives_what_happens_to_its_file(shelf: Shelf) -> None:
    """A one-shot is one after its journal was lost while it was open, and after an export and import of it."""
    asked = shelf.add("a question", kind=ONESHOT)
    path = shelf.store.path(asked)
    path.unlink()
    shelf.store.append(asked, [user("again", asked.head)])
    assert JournalStore(shelf.store.data).open("alice", asked.id).kind == ONESHOT
    for name in ("json", "jsonl"):
        target = path.parents[3] / f"chat.{name}"
        target.write_text("".join(render([asked], name, [path])), encoding="utf-8")
        house = House(path.parents[3] / name)
        house.take(target)
        assert [one.kind for one in house.sessions()] == [ONESHOT], name


def test_renamed(shelf: Shelf) -> None:
    """A session is listed under its last title, one line of it, and an empty title is refused."""
    session = shelf.add("hello")
    shelf.store.append(session, [title_record(" A\nbetter\x1b[31m title " + "x" * 500)])
    assert shelf.titles()[0].startswith("A better [31m title xxx")
    assert len(shelf.titles()[0]) == 200
    for title in ("", " \n ", "\0"):
        with pytest.raises(UsageError):
            title_record(title)


def test_narrowed(shelf: Shelf) -> None:
    """A filter keeps the sessions whose title holds all its words."""
    shelf.add("boil an egg")
    shelf.add("boil a potato")
    assert [info.title for info in matching(shelf.library.list("alice"), "BOIL egg")] == ["boil an egg"]


def test_deleted_and_restored(shelf: Shelf) -> None:
    """A deleted session lies in the trash with everything beside it, and comes back whole."""
    session = shelf.add("hello")
    path = shelf.store.path(session)
    path.write_bytes(path.read_bytes() + b"torn")
    JournalStore(shelf.store.data).open("alice", session.id)
    before = sorted((file.name, file.read_bytes()) for file in path.parent.iterdir())
    assert len(before) == 2
    trashed = shelf.library.delete("alice", session.id)
    assert trashed.parent.name == "trash"
    assert shelf.titles() == []
    assert [info.title for info in shelf.library.trash("alice")] == ["hello"]
    assert shelf.library.restore("alice", session.id) == path
    assert sorted((file.name, file.read_bytes()) for file in path.parent.iterdir()) == before
    assert shelf.library.trash("alice") == []
    with pytest.raises(UsageError):
        shelf.library.restore("alice", session.id)


def test_deleted_twice(shelf: Shelf) -> None:
    """A session deleted, made again and deleted again is in the trash twice."""
    session = shelf.add("hello")
    data = shelf.store.path(session).read_bytes()
    shelf.library.delete("alice", session.id)
    shelf.store.path(session).write_bytes(data)
    shelf.library.delete("alice", session.id)
    assert len(shelf.library.trash("alice")) == 2


def test_deleted_forever(shelf: Shelf) -> None:
    """A session deleted forever leaves no file, listed or in the trash: nothing torn or cut off either."""
    for trash_first in (False, True):
        session = shelf.add("secret")
        path = shelf.store.path(session)
        path.write_bytes(path.read_bytes() + b"a secret that was torn")
        JournalStore(shelf.store.data).open("alice", session.id)
        assert path.with_suffix(".torn").exists()
        shelf.store.partial(session, assistant("", session.head)).write(
            "a secret that was cut off", reasoning=False
        )
        assert shelf.titles() == ["secret"]
        if trash_first:
            shelf.library.delete("alice", session.id)
        shelf.library.delete_forever("alice", session.id)
        assert not [file for file in shelf.store.data.rglob("*") if session.id in file.name]
        with pytest.raises(UsageError):
            shelf.library.delete_forever("alice", session.id)
        assert not shelf.cache.exists() or not [f for f in shelf.cache.iterdir() if b"secret" in f.read_bytes()]
    for id in ("../user", "../../state", ""):
        with pytest.raises(UsageError):
            shelf.library.delete_forever("alice", id)


def test_deleted_while_open(shelf: Shelf) -> None:
    """A session deleted in one terminal while another writes to it is whole again after the next message."""
    session = shelf.add("hello")
    shelf.library.delete("alice", session.id)
    turn(shelf.store, session, "still here", "yes")
    assert texts(JournalStore(shelf.store.data).open("alice", session.id)) == [
        "hello",
        "reply",
        "still here",
        "yes",
    ]
    assert len(shelf.library.trash("alice")) == 1


def test_bad_files_hide_no_others(shelf: Shelf) -> None:
    """Damaged, empty, foreign and unreadable files are listed as they are, and every other session with them."""
    good = shelf.add("good")
    damaged = shelf.add("damaged")
    with shelf.store.path(damaged).open("ab") as file:
        file.write(b'garbage\n{"type":"title","title":"T"}\n')
    folder = shelf.store.path(good).parent
    (folder / "empty.jsonl").write_bytes(b"")
    (folder / "binary.jsonl").write_bytes(os.urandom(4096))
    (folder / "folder.jsonl").mkdir()
    (folder / "notes.txt").write_text("x")
    (folder / "gone.jsonl").symlink_to(folder / "nowhere")
    found = {info.id: info for info in shelf.library.list("alice")}
    assert found[good.id].damaged == ""
    assert found[good.id].title == "good"
    assert found[damaged.id].title == "T"
    assert "1 line" in found[damaged.id].damaged
    assert found["binary"].damaged
    assert found["folder"].damaged
    assert shelf.library.list("alice") == shelf.library.list("alice")


@pytest.mark.parametrize(
    "state", ["none", "missing", "garbage", "empty", "folder", "cut", "other version", "locked"]
)
def test_the_list_needs_no_cache(shelf: Shelf, state: str) -> None:
    """The list is right whatever state the cache is in, and right again after every change."""
    sessions = [shelf.add(f"question {number}") for number in range(5)]
    expected = Library(shelf.store.data).list("alice")
    assert shelf.library.list("alice") == expected
    file = shelf.cache / "index.sqlite3"
    holder = None
    for extra in shelf.cache.glob("index.sqlite3-*"):
        extra.unlink()
    match state:
        case "none":
            shelf.library.cache = None
        case "missing":
            file.unlink()
        case "garbage":
            file.write_bytes(os.urandom(20_000))
        case "empty":
            file.write_bytes(b"")
        case "folder":
            file.unlink()
            file.mkdir()
        case "cut":
            file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
        case "other version" | "locked":
            import sqlite3

            holder = sqlite3.connect(file, isolation_level=None)
            holder.execute("PRAGMA user_version = 99" if state == "other version" else "BEGIN EXCLUSIVE")
    assert shelf.library.list("alice") == expected
    shelf.store.append(sessions[0], [{"type": "title", "title": "new title"}])
    shelf.store.path(sessions[1]).unlink()
    for _time in range(2):
        assert shelf.library.list("alice") == Library(shelf.store.data).list("alice")
    assert "new title" in shelf.titles()
    assert len(shelf.titles()) == 4
    if holder is not None:
        holder.close()


def test_remembered_on_leaving(shelf: Shelf) -> None:
    """What the program notes of a session when it leaves it is what the list would read of it."""
    session = shelf.add("one")
    shelf.titles()
    turn(shelf.store, session, "two", "three")
    shelf.store.append(session, [title_record("Title")])
    shelf.library.remember(shelf.store, session)
    noted = shelf.library.list("alice")
    assert noted == Library(shelf.store.data).list("alice")
    assert (noted[0].title, noted[0].turns) == ("Title", 2)
    assert shelf.library.find("alice", session.id) == noted[0]
    imported = shelf.store.begin("alice", {}, source="chatgpt:1")
    shelf.store.append(imported, [user("x")])
    for _time in range(2):
        shelf.library.remember(shelf.store, imported)
        assert shelf.library.sources("alice") == {"chatgpt:1": imported.id}


def test_the_latest_is_the_first_of_the_list(shelf: Shelf) -> None:
    """`-c` opens what `/sessions` lists first, whatever has happened to the files since they were last listed."""
    sessions = [shelf.add(f"question {number}") for number in range(3)]

    def agree() -> str | None:
        found = shelf.library.latest_id("alice")
        listed = Library(shelf.store.data).list("alice")
        assert found == (listed[0].id if listed else None)
        return found

    assert agree() == sessions[2].id
    shelf.titles()
    shelf.store.append(sessions[0], [{**user("later", sessions[0].head), "ts": "2027-01-01T00:00:00Z"}])
    assert agree() == sessions[0].id
    shelf.store.append(sessions[1], [{"type": "title", "title": "no newer for that"}])
    assert agree() == sessions[0].id
    replaced = shelf.store.path(sessions[0])
    other = replaced.with_name("other")
    other.write_bytes(b"".join(replaced.read_bytes().splitlines(keepends=True)[:3]) + b" " * 1000 + b"\n")
    other.replace(replaced)
    assert agree() == sessions[2].id
    added = shelf.add("new")
    assert agree() == added.id
    shelf.store.path(added).unlink()
    assert agree() == sessions[2].id
    for session in sessions:
        shelf.store.path(session).unlink()
    assert agree() is None


@pytest.mark.skipif(not Path("/proc/self/io").exists(), reason="the system does not count what is read")
def test_the_latest_is_found_without_reading_it_again(shelf: Shelf) -> None:
    """`-c` reads a large session once, also when the program was killed before it noted how the session stands."""
    session = shelf.add("x" * 1_000_000)
    shelf.titles()
    shelf.store.append(session, [{**user("later", session.head), "ts": "2027-01-01T00:00:00Z"}])

    def read() -> int:
        return int(Path("/proc/self/io").read_text("ascii").split()[1])

    before = read()
    assert shelf.library.latest_id("alice") == session.id
    assert read() - before < 500_000


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_a_pipe_among_the_sessions(shelf: Shelf) -> None:
    """A named pipe among the journals stops neither the list nor the search."""
    session = shelf.add("hello")
    os.mkfifo(shelf.store.path(session).with_name("pipe-pipe.jsonl"))
    assert {info.id for info in shelf.library.list("alice") if not info.damaged} == {session.id}
    assert [hit.session for hit in SearchIndex(shelf.store.data).search("alice", "hello")] == [session.id]

"""The search finds what is there, in Chinese and English, with an index, without one, or with a spoilt one."""

from __future__ import annotations

import os
import random
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gptchat.core.messages import Message
from gptchat.core.session import Session, continuation_record
from gptchat.storage.index.library import Library
from gptchat.storage.index.matching import Hit, excerpt, fold, terms
from gptchat.storage.index.search import SearchIndex
from gptchat.storage.store import JournalStore
from tests.storage.helpers import assistant, turn, user


class Desk:
    """A data folder and its search."""

    def __init__(self, folder: Path) -> None:
        self.store = JournalStore(folder / "data")
        self.cache = folder / "cache"
        self.index = SearchIndex(folder / "data", self.cache)

    def add(self, *messages: str, title: str | None = None) -> Session:
        session = self.store.create("alice", {}, title=title)
        for number, text in enumerate(messages):
            record = user(text, session.head) if number % 2 == 0 else assistant(text, session.head)
            self.store.append(session, [record])
        return session

    def find(self, text: str) -> set[tuple[str, str]]:
        """What the index answers, which must be what reading every file answers."""
        hits = self.index.search("alice", text, 1000)
        assert hits == SearchIndex(self.store.data).search("alice", text, 1000)
        return {(hit.session, hit.message) for hit in hits}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_chinese_and_english(desk: Desk) -> None:
    """Words of any length and script are found in any case, each with its message."""
    one = desk.add("How do I sort a list in Python?", "用 sorted 函数。数据结构很重要。")
    two = desk.add("数据库是什么？", "A DATABASE stores data.")
    assert desk.find("python") == {(one.id, "m1")}
    assert desk.find("data") == {(two.id, "m2")}
    assert desk.find("数据") == {(one.id, "m2"), (two.id, "m1")}
    assert desk.find("数据结构") == {(one.id, "m2")}
    assert desk.find("数") == {(one.id, "m2"), (two.id, "m1")}
    assert desk.find("？") == {(two.id, "m1")}
    assert desk.find("a") == {(one.id, "m1"), (two.id, "m2")}
    assert desk.find("函数 重要") == {(one.id, "m2")}
    assert desk.find("sort PYTHON") == {(one.id, "m1")}
    assert desk.find('"list in"') == {(one.id, "m1")}
    assert desk.find('"in list"') == set()
    assert desk.find("要。") == {(one.id, "m2")}
    assert desk.find("nothing") == desk.find("") == desk.find("   ") == set()


def test_the_line_and_the_place(desk: Desk) -> None:
    """A hit shows the line that matches, shortened around the match, and where in it the words are."""
    desk.add("first line\nthe second line has Straße and 数据\nthird", title="T")
    (hit,) = desk.index.search("alice", "数据 SECOND")
    assert hit == Hit(hit.session, "T", "m1", "user", "the second line has Straße and 数据", ((4, 10), (31, 33)))
    desk.add("x" * 5000 + " needle " + "y" * 5000)
    (hit,) = desk.index.search("alice", "needle")
    assert len(hit.line) == 160
    assert [hit.line[begin:end] for begin, end in hit.spans] == ["needle"]


def test_titles_are_searched(desk: Desk) -> None:
    """A session is found by its present title, and not by one it had before."""
    session = desk.add("hello", title="old name")
    desk.store.append(session, [{"type": "title", "title": "new name"}])
    assert [(hit.role, hit.line) for hit in desk.index.search("alice", "name")] == [("title", "new name")]
    desk.find("name")


def test_every_branch_and_only_this_person(desk: Desk) -> None:
    """What was undone is found as well; what others wrote is not."""
    session = desk.add("keep", "answer")
    desk.store.append(session, [{"type": "head", "message": None, "move": "undo"}, user("other branch")])
    bob = desk.store.create("bob", {})
    desk.store.append(bob, [user("keep this of bob")])
    SearchIndex(desk.store.data, desk.cache).search("bob", "keep")
    assert desk.find("keep") == {(session.id, "m1")}


def test_a_match_over_a_continuation(desk: Desk) -> None:
    """Words that begin in an interrupted reply and end in its continuation are found."""
    session = desk.add("question", "an inter")
    desk.find("question")
    desk.store.append(session, [continuation_record("m2", Message("assistant", "rupted answer"))])
    assert desk.find("interrupted") == {(session.id, "m2")}
    assert desk.find("rupted") == {(session.id, "m2")}
    turn(desk.store, session, "after", "wards")
    assert desk.find("interrupted answer") == {(session.id, "m2")}


def test_escaped_files(desk: Desk) -> None:
    """Text that stands escaped in a journal (surrogates, quotation marks, other programs' habits) is found."""
    session = desk.add("数据 \ud800 around", 'say "hi\\there"\ttab')
    assert desk.find("数据") == desk.find("around") == {(session.id, "m1")}
    assert desk.find("hi\\there") == {(session.id, "m2")}


def test_what_changed_is_found(desk: Desk) -> None:
    """New, grown, edited, deleted and restored sessions are searched as they are at that moment."""
    session = desk.add("alpha")
    assert desk.find("alpha") == {(session.id, "m1")}
    turn(desk.store, session, "beta", "gamma")
    assert desk.find("gamma") == {(session.id, "m3")}
    path = desk.store.path(session)
    path.write_bytes(path.read_bytes().replace(b"alpha", b"omega"))
    assert desk.find("alpha") == set()
    assert desk.find("omega") == {(session.id, "m1")}
    path.write_bytes(path.read_bytes().replace(b"omega", b"a longer word"))
    assert desk.find("longer") == {(session.id, "m1")}
    assert desk.find("gamma") == {(session.id, "m3")}
    library = Library(desk.store.data)
    library.delete("alice", session.id)
    assert desk.find("gamma") == set()
    library.restore("alice", session.id)
    assert desk.find("gamma") == {(session.id, "m3")}


def test_only_new_bytes_are_indexed(desk: Desk) -> None:
    """A session that has grown is indexed from where it had ended."""
    session = desk.add("alpha " * 1000)
    desk.index.update("alice")
    size = desk.store.path(session).stat().st_size
    turn(desk.store, session, "beta", "gamma")
    seen: list[tuple[int, int]] = []
    assert desk.index.update("alice", lambda done, total: seen.append((done, total)))
    grown = desk.store.path(session).stat().st_size - size
    assert seen == [(grown, grown)]
    assert desk.index.behind("alice") == 0
    assert desk.find("alpha beta") == set()
    assert desk.find("gamma") == {(session.id, "m3")}


def test_limits(desk: Desk) -> None:
    """At most as many hits as asked for come, the newest sessions first, and not all of one session."""
    for number in range(3):
        desk.store.begin("alice", {}, id=f"20261120-08301{number}-0000")
        session = desk.store.begin("alice", {}, id=f"20261120-08301{number}-0000")
        desk.store.append(session, [user("word one"), assistant("word two", "m1"), user("word three", "m2")])
    hits = desk.index.search("alice", "word", 5)
    assert [hit.session[14] for hit in hits] == ["2", "2", "2", "1", "1"]
    assert [hit.session[14] for hit in desk.index.search("alice", "word", 5, each=1)] == ["2", "1", "0"]


def test_the_index_is_built_while_it_is_used(desk: Desk) -> None:
    """While the first index is built in a thread, searches answer rightly and progress only grows."""
    rng = random.Random(7)
    for number in range(60):
        desk.add(f"number{number:03} " + " ".join(f"w{rng.randrange(5000)}" for _ in range(12_000)))
    assert desk.index.behind("alice") > 2_000_000
    seen: list[tuple[int, int]] = []
    builder = threading.Thread(target=desk.index.update, args=("alice", lambda a, b: seen.append((a, b))))
    builder.start()
    searches = 0
    while builder.is_alive() or not searches:
        number = rng.randrange(60)
        assert len(desk.index.search("alice", f"number{number:03}")) == 1
        searches += 1
    builder.join()
    assert len(seen) > 1
    assert seen == sorted(seen)
    assert seen[-1][0] == seen[-1][1]
    assert desk.index.behind("alice") == 0
    assert len(desk.find("number007")) == 1


def test_a_stopped_build_keeps_what_is_done(desk: Desk) -> None:
    """Whoever watches the progress may stop the work; what was indexed stays, and answers stay right."""
    for number in range(8):
        desk.add(f"number{number} " + "words " * 100_000)
    before = desk.index.behind("alice")

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        desk.index.update("alice", stop)
    assert 0 < desk.index.behind("alice") < before
    assert len(desk.find("number3")) == 1


SPOILT = ["missing", "garbage", "empty", "folder", "cut", "page", "tables", "other version", "locked", "no cache"]


@pytest.mark.parametrize("state", SPOILT)
def test_a_spoilt_index(desk: Desk, state: str) -> None:
    """Missing, damaged, locked or foreign, the index never spoils an answer, and is made anew where it can be."""
    sessions = [desk.add(f"word{number} 数据{number}") for number in range(40)]
    desk.index.update("alice")
    file = desk.cache / "index.sqlite3"
    holder: sqlite3.Connection | None = None
    match state:
        case "missing":
            file.unlink()
        case "garbage":
            file.write_bytes(os.urandom(30_000))
        case "empty":
            file.write_bytes(b"")
        case "folder":
            file.unlink()
            file.mkdir()
        case "cut":
            file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
        case "page":
            data = bytearray(file.read_bytes())
            data[4096:] = os.urandom(len(data) - 4096)
            file.write_bytes(data)
        case "tables":
            with closing(sqlite3.connect(file)) as database:
                database.execute("DROP TABLE grams_data")
        case "other version":
            with closing(sqlite3.connect(file)) as database:
                database.execute("PRAGMA user_version = 99")
        case "locked":
            holder = sqlite3.connect(file, isolation_level=None)
            holder.execute("BEGIN EXCLUSIVE")
        case "no cache":
            desk.index.cache = None
    added = desk.add("a new word5")
    for _time in range(2):
        assert desk.find("word5") == {(sessions[5].id, "m1"), (added.id, "m1")}
        assert desk.find("数据7") == {(sessions[7].id, "m1")}
    if holder is not None:
        holder.close()
    assert desk.index.update("alice") == (state != "no cache")
    assert desk.find("word6") == {(sessions[6].id, "m1")}


LETTERS = st.text(st.sampled_from("abAB 数据库\n\0\"'%_*é\u0130ßΣς😀\ud800"), max_size=12)


@settings(max_examples=60, deadline=None)
@given(st.lists(LETTERS, min_size=1, max_size=6), st.lists(LETTERS, min_size=1, max_size=4))
def test_the_index_changes_no_answer(
    tmp_path_factory: pytest.TempPathFactory, said: list[str], asked: list[str]
) -> None:
    """Whatever was said and whatever is asked, the index gives the very answer that comparing every text gives."""
    desk = Desk(tmp_path_factory.mktemp("desk"))
    session = desk.add(*said)
    for text in asked:
        wanted = terms(text)
        expected = {
            (session.id, id)
            for id, message in session.messages.items()
            if wanted and all(term in fold(message.text) for term in wanted)
        }
        assert {found for found in desk.find(text) if found[1]} == expected


@settings(max_examples=150, deadline=None)
@given(LETTERS, LETTERS)
def test_the_excerpt_shows_the_match(text: str, asked: str) -> None:
    """Wherever the words are, the line shown is of the text, and every place named is one of the words."""
    wanted = terms(asked)
    if not wanted or not all(term in fold(text) for term in wanted):
        return
    line, spans = excerpt(text, wanted)
    assert line in text
    assert spans
    for begin, end in spans:
        assert any(term in fold(line[begin:end]) for term in wanted)


def test_matches_that_overlap_are_marked_as_one() -> None:
    """Words that overlap or touch in a text are one place there, from the first letter to the last."""
    assert excerpt("say abcd now", ["abc", "bcd"]) == ("say abcd now", ((4, 8),))
    assert excerpt("say abcd now", ["abcd", "bc"]) == ("say abcd now", ((4, 8),))
    assert excerpt("say abcd now", ["ab", "cd"]) == ("say abcd now", ((4, 8),))
    assert excerpt("say ab cd now", ["ab", "cd"]) == ("say ab cd now", ((4, 6), (7, 9)))

"""What can go wrong during a run: no time, no room, unreadable journals, files of others, two who continue."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from gptchat.core.session import Session
from gptchat.errors import StorageError, TurnInterruptedError
from gptchat.storage import journal
from gptchat.sync.history import History, read_journal
from gptchat.sync.merging import lacking
from gptchat.sync.repository import Rejected, Repository
from gptchat.sync.sealing import AgeSealing
from gptchat.sync.service import Synchroniser, find_target
from tests.sync.helpers import ID, TIME, begin, ids, place_file, say, session, store, sync, texts
from tests.sync.model import IDENTITY, KEY

LATER = "2026-11-28T12:07:00Z"


def work(folder: Path, place: Path, *, git: bool = False) -> Synchroniser:
    data = folder / "data"
    target = find_target(str(place), git, data, "ann", {"PATH": os.environ["PATH"], "HOME": str(folder)})
    return Synchroniser(data, None, target)


def test_a_run_out_of_time_goes_on_the_next_time(here: Path, place: Path) -> None:
    """A run that may take no longer says what is left, and the next one does it; Esc ends it between sessions."""
    for number in range(3):
        begin(here, "one", id=f"20261128-120000-000{number}")
    report = work(here, place).run(["ann"], None, seconds=-1)["ann"]
    assert (report.left, report.sent) == (3, 0)

    def stop(done: int, _total: int) -> None:
        if done == 2:
            raise TurnInterruptedError("stopped")

    with pytest.raises(TurnInterruptedError):
        work(here, place).run(["ann"], None, progress=stop)
    assert work(here, place).run(["ann"], None)["ann"].sent == 1


def test_a_continuation_on_two_machines(here: Path, there: Path, place: Path) -> None:
    """A reply that two machines went on with has both pieces on both, in the order in which they were said."""
    begin(here, "one")
    sync(here, str(place))
    sync(there, str(place))
    for folder, text, ts in ((here, "+late", LATER), (there, "+early", "2026-11-28T12:06:00Z")):
        journals = store(folder)
        opened = journals.open("ann", ID)
        piece = {"type": "continuation", "message": opened.head, "content": text, "turn": text, "ts": ts}
        journals.append(opened, [piece])
    for folder in (here, there, here):
        sync(folder, "")
    assert texts(here) == texts(there) == ["one+early+late"]


def test_a_journal_that_cannot_be_read(here: Path, there: Path, place: Path) -> None:
    """A session that is a folder, or too large, is told and left out; the others are synchronised."""
    begin(here, "one")
    begin(here, "two", id="20261128-120000-0002")
    path = here / "data/users/ann/sessions/20261128-120000-0002.jsonl"
    with path.open("r+b") as file:
        file.truncate(2**30 + 1)
    words, counts = sync(here, str(place))
    assert counts["sent"] == 1
    assert "20261128-120000-0002 is left out" in words
    file_in_place = place_file(place)
    with file_in_place.open("r+b") as file:
        file.truncate(300_000_000)
    assert sync(there, str(place))[1]["problems"]
    assert ids(there) == []


def test_a_place_that_cannot_be_written(here: Path, place: Path) -> None:
    """Where a file of others is in the way of the folder, the reason is told, and nothing is lost."""
    begin(here, "one")
    place.mkdir()
    (place / "gptchat").write_text("")
    with pytest.raises(StorageError):
        sync(here, str(place))
    assert texts(here) == ["one"]


def test_the_trash_takes_part(here: Path, there: Path, place: Path) -> None:
    """A session in the trash on both sides still gets what the other said; an old copy is never a session."""
    begin(here, "one")
    sync(here, str(place))
    sync(there, str(place))
    shutil.copy(here / f"data/users/ann/sessions/{ID}.jsonl", here / f"data/users/ann/trash-{ID}")
    (here / "data/users/ann/trash").mkdir()
    shutil.move(here / f"data/users/ann/trash-{ID}", here / f"data/users/ann/trash/{ID}-4f2a.jsonl")
    assert sync(here, "")[0] == "both sides are the same"
    os.utime(here / f"data/users/ann/sessions/{ID}.jsonl")
    (here / f"data/users/ann/sessions/{ID}.jsonl").unlink()  # by hand, not by the program
    assert sync(here, "")[1]["sessions_in"] == 1
    assert texts(here) == ["one"]


def test_a_journal_without_a_beginning(here: Path, there: Path, place: Path) -> None:
    """A journal of plain messages, as of the first version, travels, too."""
    folder = here / "data/users/ann/sessions"
    folder.mkdir(parents=True)
    (folder / f"{ID}.jsonl").write_text(
        '{"role":"user","content":"old"}\n{"role":"assistant","content":"words"}\n'
    )
    sync(here, str(place))
    sync(there, str(place))
    assert [message.text for message in session(there).path()] == ["old", "words"]


def test_a_summary_taken_back(here: Path) -> None:
    """A summary that was taken back and made again is one summary, here and where it travels."""
    made: dict[str, Any] = {
        "type": "summary",
        "id": "s1",
        "until": "m1",
        "content": "short",
        "head": "m1",
        "ts": TIME,
    }
    said = {"type": "message", "id": "m1", "parent": None, "role": "user", "content": "x", "ts": TIME}
    lines: list[dict[str, Any]] = [
        {"type": "session", "id": ID},
        said,
        made,
        {"type": "summary", "id": "s1", "removed": True},
    ]
    for records, count in ((lines, 0), ([*lines, made], 1)):
        history = read_journal(ID, journal.to_bytes(records), Session(ID, "ann"))
        other = Session(ID, "ann")
        told = Session(ID, "ann")
        for record in lacking(History(ID), history, other, "ann"):
            told.apply(record)
        assert len(told.summaries) == count


@pytest.mark.skipif(shutil.which("git") is None, reason="there is no git")
def test_two_histories_of_encrypted_files(here: Path, there: Path, tmp_path: Path) -> None:
    """Two repositories that began by themselves, and a session that both changed at once, become one."""
    bare = tmp_path / "chats.git"
    subprocess.run(["git", "init", "--quiet", "--bare", "-b", "main", str(bare)], check=True)
    sealing = AgeSealing([IDENTITY.partition(" ")[2]])
    trees, both = [tmp_path / "tree1", tmp_path / "tree2"], (here, there)
    begin(here, "one")
    shutil.copytree(here, there)
    for tree in trees:
        subprocess.run(["git", "init", "--quiet", "-b", "main", str(tree)], check=True)
        (tree / "gptchat").mkdir()
        (tree / "gptchat" / "key.age").write_bytes(KEY)
    for tree, folder in zip(trees, both, strict=True):
        work(folder, tree).run(["ann"], sealing)
        subprocess.run(["git", "-C", str(tree), "remote", "add", "origin", str(bare)], check=True)
    for turn in range(3):
        for tree, folder in zip(trees, both, strict=True):
            say(folder, f"{folder.name} {turn}")
            one = work(folder, tree)
            if turn < 2:
                assert one.target.repository is not None
                one.target.repository.pull()
            one.run(["ann"], sealing)
    one = work(here, trees[0])
    assert one.target.repository is not None
    one.target.repository.pull()
    one.run(["ann"], sealing)
    assert texts(here) == texts(there)
    assert len(texts(here)) == 7


@pytest.mark.skipif(shutil.which("git") is None, reason="there is no git")
def test_a_push_that_others_are_faster_with(here: Path, tmp_path: Path) -> None:
    """A push that is refused because the repository went on is seen as such, and is done again after a merge."""
    bare = tmp_path / "chats.git"
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    subprocess.run(["git", "init", "--quiet", "--bare", "-b", "main", str(bare)], check=True)
    one, other = (Repository(tmp_path / name, str(bare), environ) for name in ("one", "other"))
    for repository, name in ((one, "a"), (other, "b")):
        repository.pull()
        (repository.root / "gptchat" / f"{name}.jsonl").write_text("x\n")
    one.push()
    with pytest.raises(Rejected):
        other.push()
    other.pull()
    other.push()
    one.pull()
    assert (one.root / "gptchat" / "b.jsonl").exists()
    (other.root / "gptchat" / "a.jsonl").unlink()
    (one.root / "gptchat" / "a.jsonl").write_text("y\n")
    other.push()
    one.pull()
    one.push()
    assert (one.root / "gptchat" / "a.jsonl").read_text() == "y\n"
    shutil.rmtree(bare)
    with pytest.raises(StorageError, match="git fetch failed"):
        one.pull()

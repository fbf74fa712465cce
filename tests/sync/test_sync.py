"""/sync with a folder: what goes either way, what stays, and what is told."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from gptchat.errors import GptchatError, StorageError, UsageError
from gptchat.files import open_private, try_lock
from gptchat.storage.index.library import Library
from tests.sync.helpers import ID, begin, ids, place_file, say, session, store, sync, texts

NAMES = (
    f"{ID} (Ann's conflicted copy 2026-11-28)",
    f"{ID}.sync-conflict-20261128-120000-ABCDEFG",
    f"{ID}-LAPTOP",
    f"{ID} (1)",
    f"{ID} 2",
    f"{ID} (conflicted copy 2026-11-28 120000)",
)
"""As Dropbox, Syncthing, OneDrive, Google Drive, iCloud and Nextcloud call them."""


def library(folder: Path) -> Library:
    return Library(folder / "data")


def test_both_get_what_the_other_has(here: Path, there: Path, place: Path) -> None:
    """After one run on each machine everything is on both, and a further run changes nothing."""
    begin(here, "one", "two")
    begin(there, "drei", "四", id="20261128-130000-0002")
    words, counts = sync(here, str(place))
    assert words == "2 messages went out"
    words, counts = sync(there, str(place))
    assert (counts["received"], counts["sent"], counts["sessions_in"], counts["sessions_out"]) == (2, 2, 1, 1)
    assert sync(here, "")[0] == "2 messages came in, 1 new session here"
    assert ids(here) == ids(there)
    assert [texts(one, "20261128-130000-0002") for one in (here, there)] == [["drei", "四"]] * 2
    assert sync(there, "")[0] == "both sides are the same"


def test_both_branches_are_kept(here: Path, there: Path, place: Path) -> None:
    """Where two machines go on from one message, each has both branches, and stands at what was said last."""
    begin(here, "one")
    sync(here, str(place))
    sync(there, str(place))
    say(here, "left", ts="2026-11-28T12:01:00Z")
    say(there, "right", ts="2026-11-28T12:02:00Z")
    for folder in (here, there, here):
        sync(folder, "")
    assert texts(here) == texts(there) == ["left", "one", "right"]
    for folder in (here, there):
        told = session(folder)
        assert [message.text for message in told.path()] == ["one", "right"]
        assert len(told.children_of(told.path_ids()[0])) == 2


def test_the_trash_agrees(here: Path, there: Path, place: Path) -> None:
    """What is moved to the trash, brought back, and removed for good here is so on the other machine."""
    begin(here, "one")
    sync(here, str(place))
    sync(there, str(place))
    library(here).delete("ann", ID)
    sync(here, "")
    assert "1 to the trash" in sync(there, "")[0]
    assert (ids(there), ids(there, "trash")) == ([], [ID])
    library(there).restore("ann", ID)
    sync(there, "")
    assert "1 back from the trash" in sync(here, "")[0]
    assert ids(here) == [ID]
    library(here).delete_forever("ann", ID)
    sync(here, "")
    assert "one" not in place_file(place).read_text()
    assert "1 removed for good" in sync(there, "")[0]
    assert (ids(there), ids(there, "trash")) == ([], [])


def test_an_older_copy_does_not_bring_back_what_was_removed(here: Path, there: Path, place: Path) -> None:
    """A machine that comes back with an old copy of a removed session loses it, too."""
    begin(here, "one", "two")
    shutil.copytree(here, there)
    sync(here, str(place))
    library(here).delete_forever("ann", ID)
    sync(here, "")
    assert sync(there, str(place))[1]["removed"] == 1
    assert ids(there) == []


@pytest.mark.parametrize("forever", [False, True])
def test_what_went_on_is_kept_and_told(here: Path, there: Path, place: Path, forever: bool) -> None:
    """A session that one machine deleted and another went on with stays on both, and that is told."""
    begin(here, "one")
    sync(here, str(place))
    sync(there, str(place))
    (library(here).delete_forever if forever else library(here).delete)("ann", ID)
    sync(here, "")
    say(there, "two")
    words, counts = sync(there, "")
    assert "one was deleted on another machine, and is kept" in words
    assert counts["kept"] == [{"session": ID, "title": "one"}]
    sync(here, "")
    assert texts(here) == texts(there) == ["one", "two"]


@pytest.mark.parametrize("name", NAMES)
def test_conflict_copies_are_merged(here: Path, there: Path, place: Path, name: str) -> None:
    """What a file service set aside as a conflict copy is part of the session again, and the copy is gone."""
    begin(here, "one")
    sync(here, str(place))
    shutil.copytree(here, there)
    say(there, "two")
    other = place.with_name("other")
    shutil.copytree(place, other)
    sync(there, str(other))
    shutil.copy(place_file(other), place_file(place, name))
    words, _counts = sync(here, "")
    assert "1 conflict copy merged" in words
    assert texts(here) == ["one", "two"]
    assert [path.name for path in place_file(place).parent.iterdir()] == [f"{ID}.jsonl"]


@pytest.mark.parametrize("name", NAMES)
def test_conflict_copies_of_journals_are_merged(here: Path, place: Path, name: str) -> None:
    """Where the data folder itself is carried by a service, copies of journals that went on are one again."""
    begin(here, "one")
    journal = here / "data" / "users" / "ann" / "sessions" / f"{ID}.jsonl"
    copy = journal.with_name(f"{name}.jsonl")
    shutil.copy(journal, copy)
    say(here, "two")
    say(here, "three", id=name)
    assert sync(here, str(place))[1]["copies"] == 1
    assert texts(here) == ["one", "three", "two"]
    assert ids(here) == [ID]
    assert sync(here, "")[0] == "both sides are the same"


def test_a_copy_that_did_not_go_on(here: Path, tmp_path: Path) -> None:
    """A copy that the journal went on from is merged, too; a place may have blanks in its name, quoted."""
    begin(here, "one")
    journal = here / "data" / "users" / "ann" / "sessions" / f"{ID}.jsonl"
    shutil.copy(journal, journal.with_name(f"{ID} (1).jsonl"))
    say(here, "two")
    assert sync(here, f'"{tmp_path / "My Drive"}"')[1]["copies"] == 1
    assert place_file(tmp_path / "My Drive").exists()
    assert ids(here) == [ID]


def test_secrets_never_travel(here: Path, place: Path) -> None:
    """Keys, drafts, the input history, settings, caches and half-written replies stay on the machine."""
    begin(here, "one")
    person = here / "data" / "users" / "ann"
    secret = "sk-secret-0123456789abcdef"
    for path in (
        here / "data" / "credentials.json", person / "draft", person / "input_history", person / "user.json",
        person / "sessions" / f"{ID}.partial", person / "sessions" / f"{ID}.torn", here / "data" / "learnt.json",
    ):  # fmt: skip
        path.write_text(json.dumps({"text": secret, "name": "ann", "settings": {}}))
    sync(here, str(place))
    found = [path for path in place.rglob("*") if path.is_file()]
    assert [path.name for path in found] == [f"{ID}.jsonl"]
    assert secret not in found[0].read_text()


def test_pictures_travel_with_their_sessions(here: Path, there: Path, place: Path) -> None:
    """A picture that a session names comes along; one with other contents than its name says does not."""
    from hashlib import sha256

    good, bad = b"picture", b"other"
    name, wrong = f"{sha256(good).hexdigest()}.png", f"{sha256(b'x').hexdigest()}.png"
    begin(here, "one", f"see {name} and {wrong}")
    store(here).keep_file("ann", name, good)
    store(here).keep_file("ann", wrong, bad)
    words, counts = sync(here, str(place))
    assert counts["files"] == 1
    assert "contents are not what its name says" in words
    (place / "gptchat/users/ann/files" / wrong).write_bytes(bad)
    assert sync(there, str(place))[1]["files"] == 1
    assert store(there).read_file("ann", name) == good
    assert store(there).read_file("ann", wrong) is None
    library(here).delete_forever("ann", ID)
    sync(here, "")
    assert not (place / "gptchat/users/ann/files" / name).exists()


def test_hostile_files_do_no_harm(here: Path, there: Path, place: Path, tmp_path: Path) -> None:
    """Links, pipes, huge files, other formats and damaged lines in the place are left out; the rest goes on."""
    begin(here, "one")
    sync(here, str(place))
    folder, victim = place_file(place).parent, tmp_path / "victim"
    victim.write_text("precious")
    (folder / "20261128-140000-0001.jsonl").symlink_to(victim)
    os.mkfifo(folder / "20261128-140000-0002.jsonl")
    (folder / "20261128-140000-0003.jsonl").write_text("[" * 100_000 + "\n{}\n[1]\nnull\n\0\n")
    (folder / "..jsonl").write_text('{"type":"session","id":"../../x"}\n')
    (folder / "holiday.docx").write_bytes(b"PK")
    with (folder / "20261128-140000-0004.jsonl").open("wb") as huge:
        huge.truncate(300_000_000)
    deep = (
        '{"type":"message","id":"a","parent":null,"role":"user","content":"x","deep":'
        + "[" * 900
        + "]" * 900
        + "}"
    )
    lines = [
        '{"type":"session","id":"20261128-140000-0005","user":"../../root","ts":7,"settings":[],"title":{}}',
        '{"type":"message","id":"m1","parent":"m2","role":"user","content":"loop"}',
        '{"type":"message","id":"m2","parent":"m1","role":"user","content":"loop"}',
        '{"type":"message","id":{"a":1},"parent":[],"role":3,"content":{}}',
        '{"type":"message","id":"m3","parent":null,"role":"user","content":"fine","usage":{"total_tokens":1e999}}',
        '{"type":"continuation","message":["x"],"content":"y"}', '{"type":"summary","id":[],"until":7}',
        '{"type":"head","message":{}}', '{"type":"pin","message":null}',
        '{"type":"state","state":"gone","seen":7}',
        '{"type":"settings","settings":7}', '{"type":7}', '{"type":"title","title":7,"at":["9",-1]}', deep,
        '{"type":"message","id":"m4","parent":null,"role":"user","content":"good","at":[1,2,3]}',
    ]  # fmt: skip
    (folder / "20261128-140000-0005.jsonl").write_text("\n".join(lines))
    _words, counts = sync(there, str(place))
    assert texts(there) == ["one"]
    assert "good" in texts(there, "20261128-140000-0005")
    assert "loop" not in texts(there, "20261128-140000-0005")
    assert victim.read_text() == "precious"
    told = " ".join(problem["file"] for problem in counts["problems"])
    assert "0001" in told
    assert "0004" in told
    begin(there, "mine", id="20261128-140000-0001")  # the place has a link of this name
    assert sync(there, "")[1]["problems"]
    assert victim.read_text() == "precious"
    assert session(there, "20261128-140000-0005").user == "ann"


def test_a_link_for_a_folder_is_not_followed(here: Path, place: Path, tmp_path: Path) -> None:
    """A folder in the place that is a link is refused: nothing is written where it leads."""
    begin(here, "one")
    (tmp_path / "elsewhere").mkdir()
    (place / "gptchat").mkdir(parents=True)
    (place / "gptchat" / "users").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StorageError):
        sync(here, str(place))
    assert not list((tmp_path / "elsewhere").iterdir())


def test_the_place_is_remembered(here: Path, place: Path) -> None:
    """`/sync` alone goes to the last place; `status` tells it, `off` forgets it and touches nothing."""
    begin(here, "one")
    assert "no place is remembered" in sync(here, "status")[0]
    with pytest.raises(UsageError, match="no place"):
        sync(here, "")
    sync(here, f"--watch {place}")
    words, status = sync(here, "status")
    assert str(place) in words
    assert (status["place"], status["watch"], status["encrypted"]) == (str(place), True, False)
    assert sync(here, "off")[1]["forgotten"] == str(place)
    assert "no place" in sync(here, "off")[0]
    assert place_file(place).exists()


def test_a_place_must_make_sense(here: Path, tmp_path: Path) -> None:
    """The data folder, a missing folder and a file are refused as places; incognito synchronises nothing."""
    begin(here, "one")
    (tmp_path / "file").write_text("")
    for wrong in (here / "data", here / "data" / "users", tmp_path / "a" / "b", tmp_path / "file"):
        with pytest.raises(UsageError):
            sync(here, str(wrong))
    with pytest.raises(UsageError):
        sync(here, "git")
    with pytest.raises(UsageError):
        sync(here, f"git {tmp_path}")


def test_everybody_on_the_machine(here: Path, there: Path, place: Path) -> None:
    """People are matched by name: only whoever is chatting, or with --all everybody here."""
    begin(here, "one")
    journals = store(here)
    other = journals.begin("bob 波", {}, id="20261128-150000-0001")
    journals.append(other, [{"type": "message", "role": "user", "parent": None, "content": "secret"}])
    sync(here, str(place))
    assert [path.name for path in (place / "gptchat" / "users").iterdir()] == ["ann"]
    words, counts = sync(here, "--all")
    assert set(counts["users"]) == {"ann", "bob 波"}
    assert "bob 波: 1 message went out" in words
    assert sync(there, f"--all {place}")[1]["received"] == 1  # bob is not there


def test_one_run_at_a_time(here: Path, place: Path) -> None:
    """While another program synchronises the same data, that is told, and nothing is done."""
    begin(here, "one")
    path = here / "data" / "sync.lock"
    fd = open_private(path, os.O_RDWR | os.O_CREAT)
    lock = try_lock(fd, path)
    with pytest.raises(GptchatError, match="another gptchat"):
        sync(here, str(place))
    assert lock is not None
    lock.release()
    os.close(fd)
    assert sync(here, str(place))[1]["sent"] == 1


def test_a_damaged_memory_costs_time_only(here: Path, there: Path, place: Path) -> None:
    """Without what the machine remembers of the place, a run finds the same again."""
    begin(here, "one")
    sync(here, str(place))
    memory = here / "data" / "users" / "ann" / "sync.json"
    for damage in ("{", "[]", '{"seen":{"x":{"y":7},"z":7},"identities":{"a":[7],"b":7},"place":7}', '{"seen":7}'):
        memory.write_text(damage)
        assert sync(here, str(place))[0] == "both sides are the same"
    library(here).delete("ann", ID)
    memory.unlink()
    sync(here, str(place))
    sync(there, str(place))
    assert (ids(there), ids(there, "trash")) == ([], [ID])
    library(here).empty_trash("ann")
    memory.unlink()
    sync(here, str(place))
    sync(there, str(place))
    assert (ids(there), ids(there, "trash")) == ([], [])

"""Encrypted places, git repositories, and the chat that synchronises by itself."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gptchat import notices
from gptchat.errors import ConfigurationError, GptchatError, StorageError, UsageError
from gptchat.sync.repository import Repository, is_address
from gptchat.terminal.keeping.synchronising import Watch, keep_in_sync
from tests.support.program import compose_program, effects, running, shown
from tests.sync.helpers import CONFIG, ID, begin, ids, place_file, say, sync, texts
from tests.sync.model import KEY, PASSPHRASE

WORD = "correct horse 马"
GIVEN = {"GPTCHAT_SYNC_PASSPHRASE": WORD}


def bare(folder: Path) -> Path:
    path = folder / "chats.git"
    subprocess.run(["git", "init", "--quiet", "--bare", "-b", "main", str(path)], check=True)
    return path


def contents(place: Path) -> bytes:
    return b"".join(path.read_bytes() for path in place.rglob("*") if path.is_file())


def test_an_encrypted_place(here: Path, there: Path, place: Path) -> None:
    """With --encrypt nothing that was said can be read in the place; the passphrase is asked once a machine."""
    begin(here, "precious words")
    sync(here, str(place))  # plain so far
    assert sync(here, "--encrypt", WORD, WORD)[1]["encrypted"]
    assert b"precious" not in contents(place)
    assert sync(here, "")[0] == "both sides are the same"
    assert sync(here, "status")[1]["encrypted"]
    begin(there, "more", id="20261128-130000-0001")
    with pytest.raises(UsageError, match="does not open"):
        sync(there, str(place), "wrong")
    with pytest.raises(UsageError, match="encrypted"):
        sync(there, str(place), None)
    assert sync(there, str(place), WORD)[1]["received"] == 1
    assert sync(there, "")[0] == "both sides are the same"
    assert texts(there) == ["precious words"]
    copy = place_file(place, f"{ID} (1)").with_suffix(".age")
    shutil.copy(place_file(place).with_suffix(".age"), copy)
    place_file(place, "20261128-130000-0001").with_suffix(".age").write_bytes(b"age-encryption.org/v1\nx")
    words, counts = sync(here, "")
    assert counts["copies"] == 1
    assert "cannot be decrypted" in words
    key = place / "gptchat" / "key.age"
    key.unlink()
    with pytest.raises(StorageError, match=r"key\.age is missing"):
        sync(here, "")
    with pytest.raises(UsageError, match="not the same"):
        sync(here, "--encrypt", WORD, "another")
    assert not key.exists()
    assert not place_file(place).exists()


def test_the_passphrase_from_the_environment(here: Path, place: Path) -> None:
    """A script gives the passphrase by a variable, or by a command whose failure is told."""
    begin(here, "one")
    (place / "gptchat").mkdir(parents=True)
    (place / "gptchat" / "key.age").write_bytes(KEY)
    for command in ("exit 3", "true"):
        with pytest.raises(ConfigurationError, match="PASSPHRASE_COMMAND"):
            sync(here, str(place), environ={"GPTCHAT_SYNC_PASSPHRASE_COMMAND": command})
    program = compose_program(here, CONFIG, attended=False)
    with running(program) as runner, pytest.raises(UsageError, match="encrypted"):
        runner.run(effects(program, f"/sync {place}"))
    given = {"GPTCHAT_SYNC_PASSPHRASE_COMMAND": f"echo '{PASSPHRASE}'"}
    assert sync(here, str(place), environ=given)[1]["encrypted"]


def test_without_the_extra(here: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without pyrage a plain place works, and an encrypted one names what to install."""
    begin(here, "one")
    monkeypatch.setitem(sys.modules, "pyrage", None)
    assert sync(here, str(place))[1]["sent"] == 1
    with pytest.raises(ConfigurationError, match="extra"):
        sync(here, "--encrypt", environ=GIVEN)


@pytest.mark.skipif(shutil.which("git") is None, reason="there is no git")
def test_through_a_repository(here: Path, there: Path, tmp_path: Path) -> None:
    """With the address of a repository each machine has a clone; both branches are kept, and all is pushed."""
    address = bare(tmp_path)
    begin(here, "one")
    assert sync(here, f"git {address}")[1]["sent"] == 1
    assert sync(there, f"git {address}")[1]["received"] == 1
    say(here, "left")
    say(there, "right")
    sync(here, "")
    sync(there, "git")
    sync(here, "")
    assert texts(here) == texts(there) == ["left", "one", "right"]
    assert sync(here, "status")[1]["git"]
    clone = next((here / "data" / "users" / "ann" / "sync").iterdir())
    shutil.rmtree(clone / ".git" / "refs")  # a broken clone is told
    with pytest.raises(GptchatError):
        sync(here, "")


@pytest.mark.skipif(shutil.which("git") is None, reason="there is no git")
def test_a_working_tree_of_the_persons_own(here: Path, there: Path, tmp_path: Path) -> None:
    """A folder that is a git repository is committed and pushed; other files in it stay as they are."""
    address = bare(tmp_path)
    trees = [tmp_path / "tree1", tmp_path / "tree2"]
    for tree in trees:
        subprocess.run(["git", "clone", "--quiet", str(address), str(tree)], check=True, stderr=subprocess.DEVNULL)
        (tree / "notes.txt").write_text("mine")
    begin(here, "one")
    begin(there, "two", id="20261128-130000-0001")
    sync(here, str(trees[0]))
    sync(there, str(trees[1]))
    assert sync(here, "")[1]["received"] == 1
    log = subprocess.run(["git", "log", "--name-only", "--format="], cwd=trees[0], capture_output=True, check=True)
    assert b"notes.txt" not in log.stdout
    assert (trees[0] / "notes.txt").read_text() == "mine"
    alone = tmp_path / "alone"
    subprocess.run(["git", "init", "--quiet", "-b", "main", str(alone)], check=True)
    sync(here, str(alone))  # without a remote it is committed
    log = subprocess.run(["git", "log", "--format=%s"], cwd=alone, capture_output=True, check=True)
    assert log.stdout == b"gptchat: sessions\n"


@pytest.mark.skipif(shutil.which("git") is None, reason="there is no git")
def test_git_never_waits_for_a_password(here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A repository that is not there, or wants a password, ends with git's reason; a missing git is told."""
    begin(here, "one")
    with pytest.raises(StorageError, match="git clone failed"):
        sync(here, f"git file://{tmp_path}/nowhere.git")
    monkeypatch.setattr("gptchat.sync.repository.SECONDS", 0.0)
    with pytest.raises(StorageError, match="longer than"):
        sync(here, f"git file://{tmp_path}/nowhere.git")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigurationError, match="git is missing"):
        Repository(tmp_path, "", {"PATH": str(tmp_path)}).push()
    assert is_address("git@example.org:me/chats.git")
    assert not is_address("-oProxyCommand=x")


def test_an_open_session_is_joined(here: Path, there: Path, place: Path) -> None:
    """What comes in for the open session is another terminal's message to this chat; it is never moved away."""
    begin(here, "one")
    sync(here, str(place))
    sync(there, str(place))
    program = compose_program(here, CONFIG)
    with running(program) as runner:
        program.services.profile.open_session(ID)
        say(there, "two", ts="2026-11-28T12:05:00Z")
        sync(there, "")

        runner.run(effects(program, "/sync"))
        foreign = program.services.journals.refresh(program.services.manager.session)
        assert [record["content"] for record in foreign if record["type"] == "message"] == ["two"]
        assert program.services.manager.session.tail(1)[0].text == "two"
        from gptchat.storage.index.library import Library

        Library(there / "data").delete_forever("ann", ID)
        sync(there, "")
        assert "stays while it is open" in shown(runner.run(effects(program, "/sync")))
        assert ids(here) == [ID]
    assert sync(here, "")[1]["removed"] == 1


def test_the_chat_synchronises_by_itself(here: Path, there: Path, place: Path) -> None:
    """With --watch a chat brings its own turns to the place, and fetches what changes there; a failure is told."""
    begin(here, "one")
    program = compose_program(here, CONFIG)
    with running(program) as runner:
        watch = Watch(program.services)
        runner.run(watch.look())
        assert watch.runs == 0  # nothing is wanted yet
        sync(here, str(place))
        runner.run(watch.look())
        assert watch.runs == 0
        sync(here, "--watch")
        runner.run(watch.look())
        runner.run(watch.look())
        assert watch.runs == 1
        sync(there, str(place))
        say(there, "two")
        sync(there, "")
        runner.run(watch.look())
        assert texts(here) == ["one", "two"]
        say(here, "three")
        program.services.profile.open_session(ID)
        runner.run(watch.look())
        assert sync(there, "")[1]["received"] == 1
        shutil.rmtree(place)
        place.write_text("")
        notices.forget()

        async def a_while() -> None:
            task = asyncio.ensure_future(keep_in_sync(program.services))
            while not (told := notices.take()):
                await asyncio.sleep(0.01)
            assert "there is no folder" in told[0]
            task.cancel()

        runner.run(a_while())
        sync(here, "off")
        runner.run(watch.look())
    assert watch.runs > 1

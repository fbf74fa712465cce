"""People and their folders: any name a person would use, and no way out of `users/`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gptchat.errors import GptchatError, StorageError, UsageError
from gptchat.storage.store import JournalStore
from gptchat.storage.users import (
    ensure_user,
    input_history,
    list_users,
    read_state,
    read_user,
    slug,
    user_folder,
    validate_name,
    write_settings,
    write_state,
)
from tests.storage.helpers import texts, turn

ODD = [
    "../../etc/x",
    "..",
    ".",
    "/etc/passwd",
    "C:\\Windows",
    "con",
    "CON",
    "nul.txt",
    "com1",
    "😀👩‍👩‍👧",
    "张三",
    "Zhang San",
    "ALICE",
    "alice",
    "a%b",
    "%61lice",
    "trailing.",
    "-rf",
    "~",
    "$HOME",
    "a:b*c?",
    "é",
    "ß",
    "ss",
]
REFUSED = [
    "",
    "   ",
    "x" * 300,
    "a\nb",
    "a\0b",
    "\x1b[31mred",
    "a\x85b",
    "a\u202eb",
    "a\u200bb",
    "\ud800",
    "数" * 40,
]


@pytest.mark.parametrize("name", ODD)
def test_odd_names_are_kept_safely(tmp_path: Path, name: str) -> None:
    """A name of any script, or one that looks like a path, is a person whose files stay within users/."""
    user = ensure_user(tmp_path, name)
    store = JournalStore(tmp_path)
    session = store.create(user.name, {})
    turn(store, session, "one", "two")
    input_history(tmp_path, user.name).write_text("x")
    folder = user_folder(tmp_path, user.name)
    assert folder.parent == tmp_path / "users"
    assert folder.resolve().parent == (tmp_path / "users").resolve()
    assert [path.name for path in tmp_path.iterdir()] == ["users"]
    assert [found.name for found in list_users(tmp_path)] == [name]
    assert texts(JournalStore(tmp_path).open(name, session.id)) == ["one", "two"]


@pytest.mark.parametrize("name", REFUSED)
def test_bad_names_are_refused_with_a_reason(tmp_path: Path, name: str) -> None:
    """A name that is empty, too long, or hides characters is refused with a reason, and leaves nothing."""
    with pytest.raises(UsageError) as caught:
        ensure_user(tmp_path, name)
    assert caught.value.message
    assert caught.value.hint
    assert list(tmp_path.iterdir()) == []


def test_plain_names_are_their_own_folder() -> None:
    """A plain name is the name of its folder; every other name is percent-encoded."""
    assert [slug(name) for name in ("alice", "a-b_9", "x" * 64)] == ["alice", "a-b_9", "x" * 64]
    assert slug("张三") == "%E5%BC%A0%E4%B8%89"
    assert slug("Al") == "%41l"
    assert slug("con") != "con"


def test_names_are_composed_and_stripped() -> None:
    """The same name typed with combining marks, or with blanks around it, is the same person."""
    assert validate_name("  e\u0301 ") == "é"


@settings(max_examples=150, deadline=None)
@given(st.lists(st.text(min_size=1, max_size=12), min_size=2, max_size=2, unique=True))
def test_no_two_names_share_a_folder(names: list[str]) -> None:
    """Two different names never share a folder, not even where upper and lower case are the same."""
    slugs = [slug(name) for name in names]
    assert slugs[0].lower() != slugs[1].lower()
    for found in slugs:
        assert all((char.isalnum() and char.isascii()) or char in "%_-" for char in found)


def test_settings_of_a_person(tmp_path: Path) -> None:
    """A person's settings come back as they were set, and what else their file holds stays."""
    ensure_user(tmp_path, "张三")
    path = user_folder(tmp_path, "张三") / "user.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "colour": "blue"}))
    write_settings(tmp_path, "张三", {"model": "demo-1"})
    assert read_user(tmp_path, "张三").settings == {"model": "demo-1"}
    assert json.loads(path.read_text(encoding="utf-8")) == {
        "v": 1,
        "name": "张三",
        "settings": {"model": "demo-1"},
        "colour": "blue",
    }
    ensure_user(tmp_path, "张三")
    assert read_user(tmp_path, "张三").settings == {"model": "demo-1"}
    if sys.platform != "win32":
        assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("damage", [b"", b"{", b"[1]", b"\0\0\0", b"\xff", b'{"settings": 3}'])
def test_a_damaged_user_file(tmp_path: Path, damage: bytes) -> None:
    """A damaged user.json is kept aside and stops nobody; the person keeps their name and sessions."""
    ensure_user(tmp_path, "Bob")
    path = user_folder(tmp_path, "Bob") / "user.json"
    path.write_bytes(damage)
    assert [(user.name, user.settings) for user in list_users(tmp_path)] == [("Bob", {})]
    assert ensure_user(tmp_path, "Bob").name == "Bob"
    write_settings(tmp_path, "Bob", {"a": 1})
    assert read_user(tmp_path, "Bob").settings == {"a": 1}
    kept = [file.read_bytes() for file in path.parent.iterdir()]
    assert damage in kept or damage.startswith(b"{")


def test_everyone_is_listed(tmp_path: Path) -> None:
    """Everyone with a folder is listed by name with their number of sessions; foreign folders are not people."""
    store = JournalStore(tmp_path)
    for name, count in (("bob", 2), ("张三", 1), ("Alice", 0)):
        ensure_user(tmp_path, name)
        for _number in range(count):
            turn(store, store.create(name, {}), "one", "two")
    (tmp_path / "users" / "Not Ours").mkdir()
    (tmp_path / "users" / "%zz").mkdir()
    (tmp_path / "users" / "file").write_text("")
    assert [(user.name, user.sessions) for user in list_users(tmp_path)] == [("Alice", 0), ("bob", 2), ("张三", 1)]
    assert list_users(tmp_path / "nowhere") == []


def test_the_last_person_is_remembered(tmp_path: Path) -> None:
    """What is remembered between runs comes back, and a damaged file of it is no obstacle."""
    data = tmp_path / "data"
    assert read_state(data) == {}
    write_state(data, user="张三")
    write_state(data, theme="dark")
    assert read_state(data) == {"v": 1, "user": "张三", "theme": "dark"}
    (data / "state.json").write_bytes(b"{torn")
    assert read_state(data) == {}
    write_state(data, user="bob")
    assert read_state(data) == {"v": 1, "user": "bob"}
    assert not list(data.glob(".*.tmp"))


def test_no_room_for_people(tmp_path: Path) -> None:
    """Where no folder can be made, the reason is told in words."""
    (tmp_path / "users").write_text("in the way")
    with pytest.raises(StorageError) as caught:
        ensure_user(tmp_path, "alice")
    assert isinstance(caught.value, GptchatError)
    assert caught.value.hint

"""Sessions leave and come back in every format, and nothing comes in twice."""

from __future__ import annotations

import json
import stat
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gptchat import redaction
from gptchat.errors import StorageError, UsageError
from gptchat.exchange.exporting import format_of, messages, render
from gptchat.exchange.importing import FORMATS, export
from tests.storage.helpers import House, branched, texts, tree, turn, user


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path / "data")


@pytest.fixture
def other(tmp_path: Path) -> House:
    return House(tmp_path / "other")


@pytest.mark.parametrize("format", ["json", "jsonl"])
def test_everything_comes_back(house: House, other: House, tmp_path: Path, format: str) -> None:
    """Exported as json or jsonl and imported, a session is the same: ids, branches, head, pins, settings."""
    session = branched(house)
    path = export(house.store, [session], format, tmp_path / "file")
    result = other.take(path)
    assert [(taken.id, taken.messages) for taken in result.sessions] == [(session.id, 7)]
    (copy,) = other.sessions()
    assert tree(copy) == tree(session)
    for name in ("id", "head", "title", "settings", "pinned", "summaries", "created"):
        assert getattr(copy, name) == getattr(session, name), name
    assert copy.messages["m6"].extra["mood"] == "glad"
    assert copy.messages["m5"].content == session.messages["m5"].content


def test_markdown_comes_back(house: House, other: House, tmp_path: Path) -> None:
    """Exported as Markdown and imported, the conversation as it stands is the same, ids and models too."""
    session = branched(house)
    path = export(house.store, [session], "markdown", tmp_path / "file.md")
    other.take(path)
    (copy,) = other.sessions()
    assert copy.path() == session.path()
    assert (copy.id, copy.title, copy.settings) == (session.id, session.title, session.settings)


@pytest.mark.parametrize("format", [format for format in FORMATS if format != "html"])
def test_importing_twice_adds_nothing(house: House, other: House, tmp_path: Path, format: str) -> None:
    """A file imported a second time changes not one byte, whatever its format."""
    path = export(house.store, [branched(house)], format, tmp_path / "file")
    assert len(other.take(path).sessions) == 1
    before = {file: file.read_bytes() for file in other.store.data.rglob("*.jsonl")}
    result = other.take(path)
    assert (result.sessions, result.known, result.broken) == ([], 1, [])
    assert {file: file.read_bytes() for file in other.store.data.rglob("*.jsonl")} == before
    assert house.take(path).known == (1 if format in ("json", "jsonl", "markdown") else 0)


def test_a_session_that_has_grown(house: House, other: House, tmp_path: Path) -> None:
    """A session imported again after it has grown gets what is new, once, and goes on from there."""
    session = house.store.create("alice", {})
    turn(house.store, session, "one", "two")
    other.take(export(house.store, [session], "json", tmp_path / "1.json"))
    turn(house.store, session, "three", "four")
    result = other.take(export(house.store, [session], "json", tmp_path / "2.json"))
    assert [taken.messages for taken in result.sessions] == [2]
    assert texts(other.sessions()[0]) == ["one", "two", "three", "four"]
    assert other.take(tmp_path / "1.json").known == 1
    assert texts(other.sessions()[0]) == ["one", "two", "three", "four"]


def test_sessions_that_went_apart(house: House, other: House, tmp_path: Path) -> None:
    """Of a session that went on differently in two places both are kept, the imported one as its own."""
    session = house.store.create("alice", {})
    turn(house.store, session, "one", "two")
    other.take(export(house.store, [session], "json", tmp_path / "1.json"))
    turn(house.store, session, "three here", "four")
    copy = other.sessions()[0]
    turn(other.store, copy, "three there", "four there")
    path = export(house.store, [session], "json", tmp_path / "2.json")
    for added in (1, 0):
        assert len(other.take(path).sessions) == added
        assert sorted(texts(session)[2] for session in other.sessions()) == ["three here", "three there"]


def test_messages_for_the_api(house: House) -> None:
    """The messages format is what the chat API takes: the system prompt, then the conversation as it stands."""
    session = branched(house)
    found = json.loads("".join(render([session], "messages")))
    assert found == messages(session)
    assert [message["role"] for message in found] == ["system", "user", "assistant", "user", "assistant"]
    assert found[0]["content"] == "Be brief."
    assert found[3]["content"][1]["type"] == "image_url"
    with pytest.raises(UsageError):
        render([session, session], "messages")


def test_users_round_trip(house: House, other: House, tmp_path: Path) -> None:
    """The people exported as users are there after an import, with what they said."""
    for name in ("张三", "Bob"):
        turn(house.store, house.store.create(name, {}), f"I am {name}", "Hello")
    everyone = [session for name in ("张三", "Bob") for session in house.sessions(name)]
    path = export(house.store, everyone, "users", tmp_path / "users.json")
    assert json.loads(path.read_text(encoding="utf-8"))["Bob"][0] == {"role": "user", "content": "I am Bob"}
    other.take(path)
    assert texts(other.sessions("张三")[0]) == ["I am 张三", "Hello"]


def test_keys_stay_behind(house: House, tmp_path: Path) -> None:
    """A key that the program knows is masked in every export, even where a person typed it into a message."""
    redaction.register("sk-very-secret-0123456789abcdef")
    session = house.store.create("alice", {})
    turn(house.store, session, "my key is sk-very-secret-0123456789abcdef", "ok")
    for format in FORMATS:
        path = export(house.store, [session], format, tmp_path / format)
        text = path.read_text(encoding="utf-8")
        assert "very-secret" not in text
        assert "my key is ****cdef" in text


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_written_whole_or_not_at_all(house: House, tmp_path: Path) -> None:
    """An export is readable by its owner only, and one that fails leaves the old file as it was and no other."""
    session = branched(house)
    path = tmp_path / "file.md"
    path.write_text("old")
    export(house.store, [session], "markdown", path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.write_text("old")
    with pytest.raises(UsageError, match="mardown"):
        export(house.store, [session], "mardown", path)
    with pytest.raises(StorageError):
        export(house.store, [session], "json", tmp_path / "nowhere" / "file.json")
    assert path.read_text() == "old"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["data", "file.md"]


def test_formats_by_name() -> None:
    """The name of a file tells its format."""
    assert [format_of(Path(name)) for name in ("a.md", "a.JSON", "a.jsonl", "a.html", "a.txt")] == [
        "markdown",
        "json",
        "jsonl",
        "html",
        None,
    ]


def test_several_in_one_file(house: House, other: House, tmp_path: Path) -> None:
    """Several sessions in one file come back as several."""
    for number in range(3):
        turn(house.store, house.store.create("alice", {}), f"question {number}", "answer")
    for format in ("json", "jsonl", "markdown"):
        place = House(other.store.data / format)
        place.take(export(house.store, house.sessions(), format, tmp_path / "file"))
        taken, given = ([tree(session) for session in where.sessions()] for where in (place, house))
        assert sorted(taken, key=repr) == sorted(given, key=repr)  # all were made in one second: no order is due


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.text() | st.sampled_from(["<!-- gptchat message {} -->", "## User\n\nx", "\n\n", "-->", "a\r\nb"]),
        min_size=1,
        max_size=4,
    )
)
def test_any_text_survives_markdown(tmp_path_factory: pytest.TempPathFactory, said: list[str]) -> None:
    """Whatever was said, a Markdown export of it reads back as the same words."""
    folder = tmp_path_factory.mktemp("house")
    house, other = House(folder / "a"), House(folder / "b")
    session = house.store.create("alice", {})
    for text in said:
        house.store.append(session, [user(text, session.head)])
    other.take(export(house.store, [session], "markdown", folder / "file.md"))
    assert texts(other.sessions()[0]) == [text.encode(errors="replace").decode() for text in said]

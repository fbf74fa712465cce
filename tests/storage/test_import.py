"""What others write comes in, what is broken is named, and what is no conversation adds nothing."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from gptchat.errors import StorageError, UsageError
from gptchat.exchange.importing import export
from gptchat.storage.users import list_users
from tests.storage.helpers import House, branched, lines, texts, tree, turn


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path / "data")


@pytest.fixture
def other(tmp_path: Path) -> House:
    return House(tmp_path / "other")


def test_the_layout_of_simple_scripts(house: House, tmp_path: Path) -> None:
    """A file of names with messages brings its people, each with their session and system prompt."""
    path = tmp_path / "user_messages.json"
    engineer = {"role": "system", "content": "You are an algorithm engineer."}
    said = [{"role": "user", "content": "你好"}, {"role": "assistant", "content": "您好！"}]
    path.write_text(
        json.dumps(
            {"张三": [engineer, *said], "Bob": said, "../x": said, "": said, "a\nb": said, "n": 3, "e": [5]}
        ),
        encoding="utf-8-sig",
    )
    result = house.take(path)
    assert [person.name for person in list_users(house.store.data)] == ["../x", "alice", "Bob", "张三"]
    (session,) = house.sessions("张三")
    assert texts(session) == ["你好", "您好！"]
    assert session.settings == {"system": "You are an algorithm engineer."}
    assert len(result.sessions) == 4
    assert len(result.broken) == 3
    assert "n" in result.broken[1] or "n" in result.broken[0]
    again = house.take(path)
    assert (len(again.sessions), again.known) == (0, 4)


FOREIGN = {
    "markdown of others": "# Chat\n\n## User\n\nhello\n\n## ChatGPT\n\nhi\n**there**\n",
    "windows markdown": "## User\r\n\r\nhello\r\n\r\n## Assistant\r\n\r\nhi\n**there**",
    "a request": '{"model": "x", "messages": [{"role": "user", "content": "hello"},\n'
    '{"role": "assistant", "content": "hi\\n**there**"}]}',
    "bare lines": '{"role": "user", "content": "hello"}\n{"role": "assistant", "content": "hi\\n**there**"}\n',
    "a list": '[{"role": "user", "content": "hello"}, {"role": "assistant", "content": "hi\\n**there**"}]',
}


@pytest.mark.parametrize("text", FOREIGN.values(), ids=FOREIGN)
def test_what_others_write(house: House, tmp_path: Path, text: str) -> None:
    """Conversations as other programs write them come in, and only once."""
    path = tmp_path / "file"
    path.write_bytes(text.encode())
    assert house.take(path).broken == []
    assert house.take(path).known == 1
    (session,) = house.sessions()
    assert texts(session) == ["hello", "hi\n**there**"]
    assert lines(house.store.path(session))[0]["v"] == 1


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"[]", b"hello", b"\0" * 99, b"PK\x03\x04nonsense", b"{torn", b"[1, 2", b"\xff\xfe"]
)
def test_what_is_no_conversation(house: House, tmp_path: Path, data: bytes) -> None:
    """A file that holds no conversation adds nothing, and the reason is told."""
    path = tmp_path / "file"
    path.write_bytes(data)
    reason = ""
    try:
        result = house.take(path)
    except UsageError as error:
        reason = error.message
    else:
        reason = "".join(result.broken)
        assert result.sessions == []
    assert bool(reason) == (data != b"[]")
    assert house.sessions() == []


def test_a_file_that_is_not_there(house: House, tmp_path: Path) -> None:
    """A missing file, or a folder without conversations, is told in words."""
    with pytest.raises(StorageError):
        house.take(tmp_path / "nowhere")
    with pytest.raises(UsageError):
        house.take(tmp_path)


def test_a_damaged_journal(house: House, other: House, tmp_path: Path) -> None:
    """Of a journal with bad lines everything else comes in, and each bad line is named."""
    session = branched(house)
    path = tmp_path / "file.jsonl"
    path.write_bytes(b"garbage\n" + house.store.path(session).read_bytes() + b'{"torn')
    result = other.take(path)
    assert len(result.broken) == 2
    assert tree(other.sessions()[0]) == tree(session)


def test_edited_markdown(house: House, other: House, tmp_path: Path) -> None:
    """A Markdown export that someone has edited comes in as it reads now."""
    session = house.store.create("alice", {})
    turn(house.store, session, "one\nline", "two")
    path = export(house.store, [session], "markdown", tmp_path / "file.md")
    path.write_text(path.read_text().replace("one\nline", "one\nmore\nline\n## heading"))
    other.take(path)
    assert texts(other.sessions()[0]) == ["one\nmore\nline\n## heading", "two"]


def test_known_sessions_cost_no_look_through_the_folder(house: House, tmp_path: Path) -> None:
    """Importing a large file again takes a time that grows with the file, and not with its square."""
    path = tmp_path / "conversations.json"
    conversations = [{"title": str(n), "mapping": MAPPING, "id": f"id{n}"} for n in range(40)]
    path.write_text(json.dumps(conversations), encoding="utf-8")
    assert len(house.take(path).sessions) == 40
    listed: list[str] = []
    counting = True

    def hear(event: str, _arguments: tuple[object, ...]) -> None:
        if counting and event in ("os.scandir", "os.listdir"):
            listed.append(event)

    sys.addaudithook(hear)
    again = house.take(path)
    counting = False
    assert (again.known, again.sessions) == (40, [])
    assert len(listed) < 10


MAPPING = {
    "r": {"id": "r", "message": None, "parent": None, "children": ["a"]},
    "a": {
        "id": "a",
        "message": {
            "id": "a",
            "author": {"role": "user"},
            "content": {"content_type": "text", "parts": ["hello"]},
        },
        "parent": "r",
        "children": [],
    },
}

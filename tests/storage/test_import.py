"""What others write comes in, what is broken is named, and what is no conversation adds nothing."""

from __future__ import annotations

import io
import json
import sys
import zipfile
from pathlib import Path

import pytest

from gptchat.errors import StorageError, UsageError
from gptchat.exchange.importing import export, import_file
from gptchat.exchange.jsonstream import elements
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
    assert reason
    assert house.sessions() == []


NODE = {"message": {"author": {"role": "user"}, "content": {"content_type": "text", "parts": ["hello"]}}}
GOOD = {
    "title": "good",
    "mapping": {"q": {"id": "q", "parent": None, "children": [], **NODE}},
    "current_node": "q",
}
EMPTY = {"title": "", "mapping": {}}
DEEP = '{"mapping":' + "[" * 100_000 + "]" * 100_000 + "}"
BAD_ENTRIES = {
    "two that are empty": [json.dumps(EMPTY)] * 2,
    "numbers": ["1", "[]", "null", '""'],
    "depth": [DEEP],
    "a number of 5,000 digits": ['{"create_time": ' + "9" * 5000 + "}"],
    "times beyond time": [json.dumps({**GOOD, "title": "odd", "create_time": 1e300})],
    "a loop": [json.dumps({"mapping": {"a": {"parent": "b"}, "b": {"parent": "a"}}})],
    "other types": [
        json.dumps({"title": [], "mapping": {"a": {"parent": {}, "message": []}}, "current_node": {}})
    ],
    "garbage": ["{]", "}{", "nonsense"],
}


@pytest.mark.parametrize("entries", BAD_ENTRIES.values(), ids=BAD_ENTRIES)
def test_a_bad_entry_never_ends_an_import(house: House, tmp_path: Path, entries: list[str]) -> None:
    """Whatever stands before a good conversation, that one comes in, and what did not is counted."""
    path = tmp_path / "conversations.json"
    path.write_text("[" + ",".join([*entries, json.dumps(GOOD)]) + "]", encoding="utf-8")
    result = house.take(path)
    assert "good" in [taken.title for taken in result.sessions]
    assert len(result.sessions) + result.empty + len(result.broken) > 1
    assert house.take(path).sessions == []


def test_a_large_import_is_read_in_a_child(house: House, tmp_path: Path) -> None:
    """A large export comes in as a small one does, with its progress."""
    path, seen = tmp_path / "conversations.json", list[tuple[int, int]]()
    talks = [{**GOOD, "title": f"talk {n}", "conversation_id": f"c{n}", "more": "x" * 20_000} for n in range(30)]
    path.write_text(json.dumps(talks), encoding="utf-8")
    result = import_file(house.store, house.library, "alice", path, lambda *step: seen.append(step))
    assert [taken.title for taken in result.sessions] == [talk["title"] for talk in talks]
    assert seen[-1][0] == seen[-1][1] == path.stat().st_size
    assert house.take(path).known == 30


def test_an_archive_that_is_a_trap(house: House, tmp_path: Path) -> None:
    """A small archive that unpacks to gigabytes is refused with the reason, at once."""
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("conversations.json", "[" + " " * 60_000_000)
    with pytest.raises(UsageError, match="trap") as caught:
        house.take(path)
    assert caught.value.hint


def test_blanks_without_end(tmp_path: Path) -> None:
    """Megabytes of blanks, brackets or unfinished elements before a conversation take no room and little time."""
    for filling in (" " * 5_000_000, "}" * 500_000, '{"title":' * 50_000, "{]" * 50_000):
        data = ("[" + filling + json.dumps(GOOD) + "]").encode()
        assert GOOD in list(elements(io.BytesIO(data), r'\{\s*"title"\s*:'))


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

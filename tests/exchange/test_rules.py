"""Rules that hold for every program: times, tool rounds, growth, files in several places, encodings."""

from __future__ import annotations

import io
import json
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptchat.attachments.decoding import decode
from gptchat.exchange.exporting import render
from gptchat.exchange.forms.times import moment, record_time
from gptchat.exchange.forms.yaml_subset import load
from gptchat.exchange.importing import import_file
from gptchat.storage import conflicts
from tests.exchange.test_sources import EXPORTS
from tests.storage.helpers import House, assistant, texts, turn, user


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path / "data")


def taken(house: House, tmp_path: Path, source: object, name: str = "file.json") -> list[list[str]]:
    """The paths of the sessions that come in from `source`, as JSON or as text."""
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        source if isinstance(source, str) else json.dumps(source, ensure_ascii=False), encoding="utf-8"
    )
    house.take(path)
    return sorted(texts(session) for session in house.sessions())


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1_760_000_000.25, "2025-10-09T08:53:20Z"),
        (1_760_000_000_250, "2025-10-09T08:53:20Z"),
        ("1760000000250", "2025-10-09T08:53:20Z"),
        ("2026-02-03T10:00:00.123000+08:00", "2026-02-03T02:00:00Z"),
        ("2026-01-02T10:00:00.123456789Z", "2026-01-02T10:00:00Z"),
        ("2026-01-02 10:00:00.123456789+08:00", "2026-01-02T02:00:00Z"),
        ("2026-01-02T10:00:00", "2026-01-02T10:00:00Z"),
        ({"$date": {"$numberLong": "1767600000000"}}, "2026-01-05T08:00:00Z"),
        ({"$date": "2026-01-05T08:00:00Z"}, "2026-01-05T08:00:00Z"),
        ("2026/1/2 10:00:00", "2026-01-02T10:00:00Z"),
        ("1/2/2026, 10:01:00 PM", "2026-01-02T22:01:00Z"),
        ("13/2/2026, 10:01:00", "2026-02-13T10:01:00Z"),
        ("3/4/2026, 10:01:00", ""),
        ("2.1.2026, 10:01:00", "2026-01-02T10:01:00Z"),
        ("January 3, 2026 10:00am", "2026-01-03T10:00:00Z"),
        ("2026-1-3 @10h 00m 00s 000ms", "2026-01-03T10:00:00Z"),
        ("2026-1-3@10h00m00s", "2026-01-03T10:00:00Z"),
        (None, ""),
        (True, ""),
        (float("nan"), ""),
        ("yesterday", ""),
        (-5, ""),
    ],
)
def test_times_of_every_form(value: object, expected: str) -> None:
    """A time comes in whatever its form; one whose day and month cannot be told apart is none."""
    assert record_time(value) == expected


@given(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40))
def test_any_time_is_survived(value: object) -> None:
    """No value fails, and no time lies in the future."""
    found = moment(value)
    assert found is None or found <= time.time() + 90_000


CALL = {"id": "c1", "type": "function", "function": {"name": "now", "arguments": "{}"}}
ROUND: list[dict[str, Any]] = [
    {"role": "user", "content": "Time?"},
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "c1", "content": "noon"},
    {"role": "assistant", "content": "Noon."},
]


def test_a_tool_round_comes_in_whole(house: House, tmp_path: Path) -> None:
    """Calls and results come in together, with the fields that a server wants, and go out as they came."""
    assert taken(house, tmp_path, ROUND) == [["Time?", "", "noon", "Noon."]]
    (session,) = house.sessions()
    asked, answered = session.path()[1:3]
    assert asked.extra["tool_calls"] == [CALL]
    assert (answered.role, answered.extra["tool_call_id"]) == ("tool", "c1")
    line = json.loads("".join(render([session], "training")))
    assert [message["role"] for message in line["messages"]] == ["user", "assistant", "tool", "assistant"]
    assert line["messages"][1]["tool_calls"] == [CALL]


@pytest.mark.parametrize("gone", [1, 2])
def test_half_a_tool_round_stays_out(house: House, tmp_path: Path, gone: int) -> None:
    """A call without its result, or a result without its call, is left out and counted."""
    path = tmp_path / "list.json"
    path.write_text(json.dumps(ROUND[:gone] + ROUND[gone + 1 :]))
    result = house.take(path)
    assert texts(house.sessions()[0]) == ["Time?", "Noon."]
    assert result.left_out == 1


def test_an_answer_that_was_not_finished(house: House, tmp_path: Path) -> None:
    """An answer that was cut when it was exported is completed by the next export, not doubled."""
    chat = json.loads((EXPORTS / "claude.json").read_text(encoding="utf-8"))[1:]
    chat[0]["chat_messages"][1]["text"] = "Yes, it"
    assert taken(house, tmp_path, chat)[0][1] == "Yes, it"
    chat[0]["chat_messages"][1]["text"] = "Yes, it is."
    assert [said[1] for said in taken(house, tmp_path, chat)] == ["Yes, it is."]


def test_a_list_that_has_grown(house: House, tmp_path: Path) -> None:
    """A list without ids that goes on is the same chat; one that begins alike and goes on otherwise is another."""
    begin = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]
    taken(house, tmp_path, begin)
    assert taken(house, tmp_path, [*begin, {"role": "user", "content": "more"}]) == [["hi", "hello", "more"]]
    assert taken(house, tmp_path, begin) == [["hi", "hello", "more"]]
    other = [begin[0], {"role": "assistant", "content": "yes?"}]
    assert taken(house, tmp_path, other) == [["hi", "hello", "more"], ["hi", "yes?"]]


def test_an_import_goes_on(house: House, tmp_path: Path) -> None:
    """An import that was interrupted goes on when it is repeated, and nothing comes in twice."""
    chats = json.loads((EXPORTS / "chatgpt.json").read_text(encoding="utf-8"))
    many = [
        {**chats[1], "id": f"c{n}", "conversation_id": f"c{n}", "title": f"{n} " + "x" * 9000} for n in range(300)
    ]
    path = tmp_path / "conversations.json"
    path.write_text(json.dumps(many))
    seen = 0

    def stop(_done: int, _total: int) -> None:
        nonlocal seen
        seen += 1
        if len(house.library.list("alice")) > 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_file(house.store, house.library, "alice", path, stop)
    before = len(house.sessions())
    result = house.take(path)
    assert 0 < before < 300
    assert (result.known, len(result.sessions)) == (before, 300 - before)
    assert len(house.sessions()) == 300


def test_titles_beside_the_messages(house: House, tmp_path: Path) -> None:
    """Jan keeps a chat's title and model in a file beside its messages, and gptme its branches in a folder."""
    thread = tmp_path / "all" / "threads" / "01T1"
    thread.mkdir(parents=True)
    (thread / "messages.jsonl").write_bytes((EXPORTS / "jan-messages.jsonl").read_bytes())
    (thread / "thread.json").write_text(json.dumps({"id": "01T1", "title": "Paths 小路", "assistants": []}))
    log = tmp_path / "all" / "logs" / "2026-count"
    (log / "branches").mkdir(parents=True)
    data = (EXPORTS / "gptme-conversation.jsonl").read_text(encoding="utf-8").splitlines()
    (log / "conversation.jsonl").write_text("\n".join(data))
    other = [
        *data[:4],
        json.dumps({"role": "assistant", "content": "Another way.", "timestamp": "2026-01-02T11:00:00"}),
    ]
    (log / "branches" / "second.jsonl").write_text("\n".join(other))
    result = house.take(tmp_path / "all")
    assert result.broken == []
    by_title = {session.title: session for session in house.sessions()}
    assert set(by_title) == {"Paths 小路", "2026-count"}
    assert any(m.text == "Another way." for m in by_title["2026-count"].messages.values())
    assert "Another way." not in texts(by_title["2026-count"])
    assert house.take(log / "conversation.jsonl").known == 1
    assert house.take(thread / "messages.jsonl").known == 1


def test_a_store_of_many_small_files(house: House, tmp_path: Path) -> None:
    """opencode's older store, a file a message and a file a part, is one chat a session."""
    for place, value in {
        "session/global/ses_1.json": {"id": "ses_1", "title": "Hills", "time": {"created": 1_767_348_000_000}},
        "message/ses_1/msg_1.json": {"id": "msg_1", "role": "user", "time": {"created": 1_767_348_000_000}},
        "message/ses_1/msg_2.json": {"id": "msg_2", "role": "assistant", "modelID": "gpt-5"},
        "part/msg_1/prt_1.json": {"type": "text", "text": "How high? 多高？"},
        "part/msg_2/prt_2.json": {"type": "text", "text": "Low."},
    }.items():
        path = tmp_path / "storage" / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(value))
    house.take(tmp_path / "storage")
    (session,) = house.sessions()
    assert (session.title, texts(session)) == ("Hills", ["How high? 多高？", "Low."])


def test_archives_in_archives(house: House, tmp_path: Path) -> None:
    """A zip within a zip is opened, and a bomb or a member that leads out is told."""
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as file:
        file.writestr("a/conversations.json", (EXPORTS / "deepseek.json").read_bytes())
    with zipfile.ZipFile(tmp_path / "outer.zip", "w") as file:
        file.writestr("inner.zip", inner.getvalue())
        file.writestr("__MACOSX/._inner.zip", b"\0\1")
        file.writestr("/etc/x.json", b"[]")
    result = house.take(tmp_path / "outer.zip")
    assert len(result.sessions) == 1
    assert len(result.broken) == 1


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("gb18030", "这是一个测试文件，里面有中文。请把它翻译成英文，谢谢！\n"),
        ("gb18030", "竹子长得很快"),
        ("big5", "這是一個測試檔案，裡面有中文。請把它翻譯成英文，謝謝！\n"),
        ("big5", "請問明天的天氣如何？"),
        ("shift_jis", "これは日本語のテキストです。よろしくお願いします。"),
        ("euc_jp", "これは日本語のテキストです。よろしくお願いします。"),
        ("cp949", "이것은 한국어 텍스트입니다. 안녕하세요!"),
        ("koi8_r", "Это русский текст. Привет, как дела?"),
        ("cp1251", "Это русский текст. Привет, как дела?"),
        ("cp1252", "Müller fährt über die Straße nach Köln. Grüße!"),
        ("cp1252", "El niño comió piñata mañana ¿verdad? ¡Sí!"),
        ("utf-16-le", '{"a": "中文"} and more'),
        ("utf-16-be", "hello wörld, where are you"),
        ("utf-16-le", "你好世界，这是没有标记的文件。\n第二行 a b c"),
    ],
)
def test_encodings_are_recognised(encoding: str, text: str) -> None:
    """Text of an older system is read as it was written, and the encoding is told by its name."""
    assert decode(text.encode(encoding)) == (text, encoding)


def test_a_copy_that_goes_on_is_merged(house: House) -> None:
    """A sync service's copy that went on with a journal becomes part of it; one that parted stays, and is told."""
    session = house.store.create("alice", {})
    turn(house.store, session, "one", "two")
    path = house.store.path(session)
    longer = path.with_name(f"{session.id} (conflicted copy 2026-01-02).jsonl")
    before = path.read_bytes()
    turn(house.store, session, "three", "four")
    longer.write_bytes(path.read_bytes())
    path.write_bytes(before)
    apart = path.with_name(f"{session.id}.sync-conflict-20260102-100000-ABCDEFG.jsonl")
    other = House(house.store.data.parent / "second")
    fork = other.store.create("alice", {})
    apart_line = json.dumps({**assistant("apart", "m2"), "id": "m3"}) + "\n"
    apart.write_bytes(before + apart_line.encode())
    assert fork.id
    fresh = House(house.store.data)
    found = list(conflicts.merge(fresh.store, fresh.library, "alice"))
    assert sorted(copy.merged for copy in found) == [False, True]
    assert texts(fresh.store.open("alice", session.id)) == ["one", "two", "three", "four"]
    assert not longer.exists()
    assert apart.exists()


def test_a_journal_of_the_future(house: House) -> None:
    """A session that a wrong clock dated in the future does not stay first in the list."""
    wrong = house.store.create("alice", {})
    house.store.append(wrong, [{**user("wrong"), "ts": "2099-01-01T00:00:00Z"}])
    assert all(info.updated < "2099" for info in House(house.store.data).library.list("alice"))


YAMLS: dict[str, Any] = {
    "a: 1\nb: [1, 2]\nc: {}\n": {"a": 1, "b": [1, 2], "c": {}},
    "- x\n- 'it''s'\n- \"a\\nb\"\n": ["x", "it's", "a\nb"],
    "t: |-\n  one\n\n    two\nu: >-\n  a\n  b\n": {"t": "one\n\n  two", "u": "a b"},
    "m:\n- role: user\n  content: hi there\n- role: x\n  content:\n  - type: text\n    text: y\n": {
        "m": [{"role": "user", "content": "hi there"}, {"role": "x", "content": [{"type": "text", "text": "y"}]}]
    },
    "t: |\n  end\nn: null\nf: 0.5\ns: a b\n  c\n": {"t": "end\n", "n": None, "f": 0.5, "s": "a b c"},
}


@pytest.mark.parametrize("source", YAMLS)
def test_yaml_as_programs_write_it(source: str) -> None:
    """The YAML that programs write by themselves is read."""
    assert load(source) == YAMLS[source]


@given(st.text(alphabet="ab:- \n\"'|>[]{}#,\\", max_size=60))
def test_any_yaml_is_survived(source: str) -> None:
    """Any text is a value or a ValueError."""
    try:
        load(source)
    except ValueError:
        pass


def test_results_of_calls_at_once_make_no_branches(house: House, tmp_path: Path) -> None:
    """Claude Code writes each call of an answer as a line, and each result below its own call: it is one path."""

    def line(id: str, parent: str | None, kind: str, content: object, answer: str = "") -> str:
        message = {"role": kind, "content": content, **({"id": answer, "model": "claude"} if answer else {})}
        return json.dumps({"uuid": id, "parentUuid": parent, "sessionId": "s", "type": kind, "message": message})

    def use(id: str) -> list[dict[str, object]]:
        return [{"type": "tool_use", "id": id, "name": "Bash", "input": {}}]

    def result(id: str) -> list[dict[str, object]]:
        return [{"type": "tool_result", "tool_use_id": id, "content": "1"}]

    rows = [
        line("q", None, "user", "Both?"),
        line("a1", "q", "assistant", [{"type": "text", "text": "Looking."}], "m1"),
        line("a2", "a1", "assistant", use("t1"), "m1"),
        line("a3", "a2", "assistant", use("t2"), "m1"),
        line("r1", "a2", "user", result("t1")),
        line("r2", "a3", "user", result("t2")),
        line("b1", "r2", "assistant", [{"type": "text", "text": "Done."}], "m2"),
        line("q2", "b1", "user", "Thanks"),
    ]
    assert taken(house, tmp_path, "\n".join(rows), "s.jsonl") == [["Both?", "Looking.\n\nDone.", "Thanks"]]
    assert len(house.sessions()[0].messages) == 3


def test_a_fork_of_codex_is_its_own_chat(house: House, tmp_path: Path) -> None:
    """A forked rollout begins with its parent's head as well; the first line says which chat it is."""
    lines = (EXPORTS / "codex-rollout.jsonl").read_text(encoding="utf-8").splitlines()
    head = json.loads(lines[0])
    head["payload"]["id"] = "019b0000-fork"
    taken(house, tmp_path, "\n".join(lines), "a.jsonl")
    assert len(taken(house, tmp_path, "\n".join([json.dumps(head), *lines]), "b.jsonl")) == 2


def test_names_of_files_in_both_layouts(house: House, tmp_path: Path) -> None:
    """A picture of ChatGPT's export is named by the list beside it, by its attachment, or by the member's name."""

    def chat(pointer: str) -> dict[str, Any]:
        parts = [{"content_type": "image_asset_pointer", "asset_pointer": pointer}, "What is it?"]
        message = {"author": {"role": "user"}, "content": {"content_type": "multimodal_text", "parts": parts}}
        return {"id": pointer, "mapping": {"u": {"id": "u", "parent": None, "message": message}}}

    with zipfile.ZipFile(tmp_path / "x.zip", "w") as file:
        chats = [chat("sediment://file_1"), chat("file-service://file-AbCdEfGh12"), chat("sediment://file_3")]
        file.writestr("conversations-000.json", json.dumps(chats))
        file.writestr("conversation_asset_file_names.json", json.dumps({"file_1.dat": "pond.png"}))
        file.writestr("library_files.json", json.dumps([{"file_id": "file_3", "file_name": "third.png"}]))
        file.writestr("file-AbCdEfGh12-lake.png", b"x")
    house.take(tmp_path / "x.zip")
    said = sorted(texts(session)[0] for session in house.sessions())
    assert said == [f"What is it?\n\n[{name}]" for name in ("lake.png", "pond.png", "third.png")]


def test_writing_blocks_and_canvas(house: House, tmp_path: Path) -> None:
    """The text of a writing block stays, its marks go; a canvas document is there after each change."""
    mapping: dict[str, Any] = {}
    said = [
        ("user", "Write it", "all"),
        ("assistant", '{"name":"Note","type":"document","content":"# A\\n\\none 一"}', "canmore.create_textdoc"),
        (
            "assistant",
            '{"updates":[{"pattern":"one","multiple":false,"replacement":"two"}]}',
            "canmore.update_textdoc",
        ),
        ("assistant", "{cut", "canmore.create_textdoc"),
        ("assistant", 'Here:\n:::writing{variant="email" id="1" subject="Hello"}\nDear B\n:::\nDone.', "all"),
    ]
    for number, (role, words, to) in enumerate(said):
        content = {"content_type": "code" if to != "all" else "text", "text": words, "parts": [words]}
        message = {"author": {"role": role}, "content": content, "recipient": to}
        mapping[str(number)] = {"id": str(number), "parent": str(number - 1), "message": message}
    (path,) = taken(house, tmp_path, [{"id": "c", "mapping": mapping}])
    assert len(path) == 2
    assert "# A\n\none 一" in path[1]
    assert "# A\n\ntwo 一" in path[1]
    assert "{cut" in path[1]
    assert path[1].endswith("Here:\n**Hello**\n\nDear B\nDone.")

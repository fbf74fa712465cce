"""Chats of other programs come in whole: branches, Chinese, code and names of files, once."""

from __future__ import annotations

import os
import random
import sqlite3
import tempfile
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gptchat.errors import UsageError
from gptchat.exchange import readers
from gptchat.exchange.importing import Imported
from gptchat.exchange.session_builder import unpacked
from tests.storage.helpers import House, texts

EXPORTS = Path(__file__).parent / "exports"
EXAMPLES = int(os.environ.get("GPTCHAT_IMPORT_EXAMPLES", "150"))

# sessions, messages, further branches, words on the path, words on another branch, a file's name
EXPECTED: dict[str, tuple[int, int, int, str, str, str]] = {
    "chatgpt.json": (2, 9, 1, "从零到二", "另一个回答", "map.png"),
    "chatgpt-sharded.zip": (2, 5, 1, "第二个分片", "A red dot.", "pond.png"),
    "claude.json": (2, 7, 1, "大约150秒", "Two to three minutes.", "longjing 龙井"),
    "claude.zip": (2, 7, 1, "旧格式", "Two to three minutes.", "kettle.png"),
    "deepseek.json": (1, 5, 1, "竹子一天长多高", "大约九十厘米", "竹林.jpg"),
    "deepseek-old.json": (1, 2, 0, "一片叶子", "", "leaf.txt"),
    "grok.json": (1, 5, 1, "会下雨吗", "也许", "rain.jpg"),
    "gemini-MyActivity.json": (2, 6, 0, "蓝光", "", "sky.jpg"),
    "aistudio.json": (1, 4, 0, "红色的", "", "1AbC_drive_id_0001"),
    "perplexity.json": (1, 2, 0, "有多少星星", "", ""),
    "lechat.json": (1, 3, 1, "十五分钟", "Knead ten minutes[1].", "dough.jpg"),
    "openwebui.json": (1, 5, 1, "一点", "At noon.", "menu.pdf"),
    "librechat-flat.json": (1, 5, 1, "宽的那条", "The long one.", "rivers.csv"),
    "librechat-tree.json": (1, 5, 1, "宽的那条", "The long one.", "rivers.csv"),
    "nextchat.json": (1, 4, 0, "这是什么云", "", ""),
    "lobechat.json": (1, 3, 1, "织巢鸟", "Wrens.", "file-nest.jpg"),
    "cherrystudio-data.json": (1, 3, 1, "在石头上", "In the shade.", "moss.txt"),
    "chatbox.json": (2, 8, 1, "用什么面粉", "Gluten.", "flours.docx"),
    "typingmind.json": (1, 2, 0, "橡木还是竹子", "", ""),
    "betterchatgpt.json": (1, 2, 0, "蓝还是黑", "", ""),
    "lmstudio.conversation.json": (1, 4, 2, "猫头鹰看得见颜色吗", "First try.", "1767-owl.png"),
    "jan-messages.jsonl": (1, 2, 0, "小路多宽", "", ""),
    "sillytavern.jsonl": (1, 4, 1, "欢迎", "No. 不。", "loop.png"),
    "ollama-app.sql": (1, 2, 0, "沙子是什么", "", "dune.txt"),
    "llm-logs.sql": (3, 12, 0, "什么是蕨", "", "fern.png"),
    "llm-logs.json": (1, 4, 0, "第二问", "", "leaf.png"),
    "aichat-session.yaml": (1, 4, 0, "早先的问题", "", "fern.png"),
    "aichat-messages.md": (2, 4, 0, "这行横线是回答的一部分", "", "notes.txt"),
    "gptme-conversation.jsonl": (1, 2, 0, "完成", "", "count.txt"),
    "sgpt-chat.json": (1, 2, 0, "你好", "", ""),
    "oterm-store.sql": (1, 4, 0, "这是什么贝壳", "", ""),
    "elia.sql": (1, 2, 0, "你好", "", ""),
    "crush.sql": (1, 2, 0, "列出文件", "", "gravel.png"),
    "aider.chat.history.md": (2, 4, 0, "数到三", "", ""),
    "codex-rollout.jsonl": (1, 6, 1, "数到五", "1 2 3 4", "three.png"),
    "codex-rollout-old.jsonl": (1, 2, 0, "你好", "", ""),
    "claude-code.jsonl": (1, 6, 1, "五呢", "And four?", ""),
    "gemini-cli-session.jsonl": (1, 5, 1, "五？", "Four?", ""),
    "qwen-code-chat.jsonl": (1, 3, 0, "另一支", "", ""),
    "opencode.sql": (1, 2, 0, "山多高", "", "hill.txt"),
    "finetune.jsonl": (3, 11, 1, "中午", "No.", ""),
    "sharegpt.json": (1, 5, 0, "数", "", ""),
}


def export(name: str, folder: Path) -> Path:
    """The fixture `name` as the file that its program writes."""
    source = EXPORTS / name
    if source.suffix != ".sql":
        return source
    path = folder / f"{source.stem}.db"
    with sqlite3.connect(path) as database:
        database.executescript(source.read_text(encoding="utf-8"))
    database.close()
    return path


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path / "data")


def test_every_fixture_is_expected() -> None:
    """No fixture lies there untried."""
    assert {path.name for path in EXPORTS.iterdir()} - {"README.md"} == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_chat_comes_in_whole_and_once(house: House, tmp_path: Path, name: str) -> None:
    """What is told came in: sessions, messages, branches, and names of files; a second time nothing is added."""
    sessions, messages, branches, words, beside, file = EXPECTED[name]
    path = export(name, tmp_path)
    result = house.take(path)
    assert (len(result.sessions), result.messages, result.branches) == (sessions, messages, branches)
    assert result.broken == []
    assert all(result.left.values())
    found = house.sessions()
    assert sum(len(session.messages) for session in found) == messages
    shown = "\n".join(text for session in found for text in [session.title or "", *texts(session)])
    assert words in shown
    assert file in "\n".join(message.text for session in found for message in session.messages.values())
    hidden = [m.text for s in found for id, m in s.messages.items() if id not in s.path_ids()]
    assert any(beside in text for text in hidden) or not beside
    assert ("for i in range(3):" in shown + "".join(hidden)) or name in _WITHOUT_CODE
    again = house.take(path)
    assert (len(again.sessions), again.known, again.broken) == (0, sessions, [])


_WITHOUT_CODE = ("cherrystudio-data.json", "chatgpt.json", "deepseek-old.json", "gemini-MyActivity.json")


def test_a_reader_gives_what_the_child_does(tmp_path: Path) -> None:
    """Each fixture is read alike here and in the child, which reads what is large, packed or a database."""
    for fixture in sorted(EXPORTS.iterdir()):
        if fixture.is_dir():
            continue
        path, given = fixture, {"name": fixture.name}
        if fixture.suffix == ".sql":
            path = tmp_path / f"{fixture.stem}.db"
            with sqlite3.connect(path) as database:
                database.executescript(fixture.read_text(encoding="utf-8"))
            database.close()
            given = {"name": path.name, "database": str(path)}
        with path.open("rb") as file:
            here = [unpacked(item) for item in readers.packed(file, given, lambda _done, _total: None)]
        assert here, fixture.name
        assert [str(type(one)) for one in here] == [str(type(one)) for one in readers.read(path)], fixture.name


@pytest.mark.parametrize("name", [name for name in EXPECTED if not name.endswith((".sql", ".zip"))])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le"])
def test_encodings_of_an_export(house: House, tmp_path: Path, name: str, encoding: str) -> None:
    """A file that a shell or an editor saved as UTF-16, or with a mark, comes in like the original."""
    path = tmp_path / name
    path.write_bytes((EXPORTS / name).read_text(encoding="utf-8").encode(encoding))
    result = house.take(path)
    assert (len(result.sessions), result.messages) == EXPECTED[name][:2]
    assert len(result.notes) == (encoding != "utf-8-sig")


def test_a_folder_and_an_archive_of_everything(house: House, tmp_path: Path) -> None:
    """A folder of many files comes in at once, a zip of it adds nothing, and what is no chat is no matter."""
    folder = tmp_path / "all"
    (folder / "inner").mkdir(parents=True)
    (folder / "__MACOSX").mkdir()
    (folder / "__MACOSX" / "._claude.json").write_bytes(b"\0\5")
    (folder / "notes.json").write_text('{"a": 1}')
    (folder / "page.html").write_text("<p>x")
    (folder / "README.md").write_text("# Read me\n\nNothing is said here.\n")
    archive = tmp_path / "all.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for number, name in enumerate(EXPECTED):
            source = export(name, tmp_path)
            target = f"{'inner/' if number % 2 else ''}{source.name}"
            (folder / target).write_bytes(source.read_bytes())
            file.writestr(target, source.read_bytes())
        file.writestr("../evil.json", (EXPORTS / "grok.json").read_bytes())
    result = house.take(folder)
    twice = 2 + 1  # claude.zip and a tree of a flat list have the same chats
    assert len(result.sessions) == sum(expected[0] for expected in EXPECTED.values()) - twice
    assert result.broken == []
    again = house.take(archive)
    assert again.sessions == []
    assert [part for part in again.broken if "evil.json" in part] == again.broken


@pytest.mark.parametrize("name", ["chatgpt.json", "claude.json", "deepseek.json", "openwebui.json", "grok.json"])
def test_a_newer_export_adds(house: House, tmp_path: Path, name: str) -> None:
    """An older export and then the whole one are the same as the whole one alone."""
    import json

    source = json.loads((EXPORTS / name).read_text(encoding="utf-8"))
    older = json.loads(json.dumps(source))
    chat = older[0] if isinstance(older, list) else older["conversations"][0]
    if "mapping" in chat:
        last = list(chat["mapping"])[-2:]
        chat["mapping"] = {id: node for id, node in chat["mapping"].items() if id not in last}
        chat.pop("current_node", None)
    elif "chat_messages" in chat:
        chat["chat_messages"] = chat["chat_messages"][:-2]
    elif "responses" in chat:
        chat["responses"] = chat["responses"][:-2]
    else:
        history = chat["chat"]["history"]
        history["messages"] = {id: one for id, one in history["messages"].items() if id not in ("u2", "b2")}
    path = tmp_path / name
    path.write_text(json.dumps(older))
    house.take(path)
    result = house.take(EXPORTS / name)
    assert result.broken == []
    grown = house.sessions()
    whole = House(tmp_path / "whole")
    whole.take(EXPORTS / name)
    assert sorted(texts(s) for s in grown) == sorted(texts(s) for s in whole.sessions())
    assert len(grown) == EXPECTED[name][0]


def test_keys_in_backups_are_never_read(house: House, tmp_path: Path) -> None:
    """A key that a backup holds stands nowhere in what came in."""
    import json

    source = json.loads((EXPORTS / "nextchat.json").read_text(encoding="utf-8"))
    source["access-control"]["openaiApiKey"] = "sk-secret-of-a-backup"
    path = tmp_path / "backup.json"
    path.write_text(json.dumps(source))
    house.take(path)
    for file in house.store.data.rglob("*"):
        assert not file.is_file() or b"sk-secret-of-a-backup" not in file.read_bytes()


def test_a_database_in_use(house: House, tmp_path: Path) -> None:
    """The newest rows of a database that another program has open come in, and it is not changed."""
    path = export("oterm-store.sql", tmp_path)
    database = sqlite3.connect(path)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("INSERT INTO message (id, chat_id, author, text) VALUES (9, 1, 'user', 'newest')")
    database.commit()
    before = path.read_bytes()
    result = house.take(path)
    assert result.broken == []
    assert texts(house.sessions()[0])[-1] == "newest"
    assert path.read_bytes() == before
    database.close()


def told(house: House, path: Path) -> Imported | None:
    """What an import tells; None if it is refused with a reason."""
    with suppress(UsageError):
        result = house.take(path)
        return _something(result)
    return None


def _something(result: Imported) -> Imported:
    assert result.sessions or result.known or result.broken
    return result


NAMES = [name for name in EXPECTED if not name.endswith((".sql", ".zip"))]


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.sampled_from(NAMES), st.integers(0, 2**32), st.sampled_from(["cut", "bytes", "gone", "twice", "swap"]))
def test_damage_never_ends_in_a_traceback(name: str, seed: int, how: str) -> None:
    """Whatever is damaged in an export, what can be read comes in, and the rest is told or refused."""
    dice = random.Random(seed)
    data = bytearray((EXPORTS / name).read_bytes())
    at, end = sorted(dice.randrange(len(data)) for _side in range(2))
    if how == "cut":
        del data[at:]
    elif how == "bytes":
        for _time in range(dice.randrange(1, 9)):
            data[dice.randrange(len(data))] = dice.choice(b'"{}[],:\\\x00\xff 01nt')
    elif how == "gone":
        del data[at : min(end, at + 300)]
    elif how == "twice":
        data[at:at] = data[at : min(end, at + 300)]
    else:
        words = bytes(data)
        for old, new in ((b": [", b": {"), (b"null", b"[3]"), (b'"id"', b'"di"'), (b"true", b'"x"')):
            if dice.random() < 0.4:
                words = words.replace(old, new, dice.randrange(1, 4))
        data = bytearray(words)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(bytes(data))
        house = House(Path(folder) / "data")
        first = told(house, path)
        if first is not None and (first.sessions or first.known):
            again = house.take(path)
            assert again.sessions == []
            before = EXPECTED[name][1]
            if how == "cut" and name.endswith(".json"):
                assert first.messages >= before or first.broken, "a part is missing, and nobody is told"


@pytest.mark.parametrize(
    "name", ["oterm-store.sql", "llm-logs.sql", "opencode.sql", "claude.zip", "chatgpt-sharded.zip"]
)
@pytest.mark.parametrize("seed", range(int(os.environ.get("GPTCHAT_IMPORT_SEEDS", "2"))))
def test_a_damaged_database_or_archive(tmp_path: Path, name: str, seed: int) -> None:
    """A damaged database or archive is refused with a reason, or what can be read of it comes in."""
    dice = random.Random(seed)
    data = bytearray(export(name, tmp_path).read_bytes())
    if dice.random() < 0.3:
        del data[dice.randrange(100, len(data)) :]
    for _time in range(dice.randrange(1, 40)):
        data[dice.randrange(30, len(data))] = dice.randrange(256)
    path = tmp_path / "damaged"
    path.write_bytes(bytes(data))
    told(House(tmp_path / "data"), path)


@pytest.mark.parametrize("name", [name for name in EXPECTED if name.endswith((".json", ".jsonl"))])
def test_halves_of_characters_and_controls(house: House, tmp_path: Path, name: str) -> None:
    """Lone halves of characters and NUL change nothing else, and stay out of the journals."""
    data = (EXPORTS / name).read_text(encoding="utf-8")
    for at, char in enumerate("三的一是花河云？茶"):
        data = data.replace(char, char + ("\\ud83d", "\\u0000", "\\udc00\\u001b[2J")[at % 3])
    path = tmp_path / name
    path.write_text(data, encoding="utf-8")
    result = house.take(path)
    assert (len(result.sessions), result.messages) == EXPECTED[name][:2]
    for session in house.sessions():
        for words in [session.title or "", *(message.text for message in session.messages.values())]:
            assert "\0" not in words
            words.encode()
    assert house.take(path).sessions == []

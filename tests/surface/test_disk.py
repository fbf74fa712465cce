"""The files on disk, which people read with their own tools: names, modes, records, and what may be deleted."""

from __future__ import annotations

import json
import re
import stat
import sys
import threading
from pathlib import Path

import pytest

from tests.support.server import CUT, Gate, Server, say
from tests.surface.machine import Machine


def modes(folder: Path) -> dict[str, str]:
    """The mode of everything below `folder`, folders with a slash at the end."""
    return {
        str(path.relative_to(folder)) + "/" * path.is_dir(): f"{stat.S_IMODE(path.stat().st_mode):04o}"
        for path in folder.rglob("*")
    }


@pytest.mark.skipif(sys.platform == "win32", reason="modes are POSIX's")
def test_only_the_owner_can_read(connected: Machine) -> None:
    """Every folder with sessions is 0700 and every file in it 0600, whatever the umask."""
    connected.ask("hi")
    connected.ask("/search", "hi")
    connected.ask("/key", "show")
    wrong = {
        name: mode
        for name, mode in modes(connected.data).items()
        if mode != ("0700" if name[-1] == "/" else "0600")
    }
    assert wrong == {}
    assert stat.S_IMODE(connected.data.stat().st_mode) == 0o700


def test_the_layout_and_the_records(connected: Machine) -> None:
    """Sessions lie where the documentation says, one JSON object a line, with the promised fields."""
    id = connected.ask("-u", "bob", "--create-user", "-o", "temperature=0.5", "hello")["session"]
    assert re.fullmatch(r"\d{8}-\d{6}-[0-9a-f]{4}", id)
    folder = connected.data / "users" / "bob"
    user = json.loads((folder / "user.json").read_text())
    assert (user["v"], user["name"], user["settings"]) == (1, "bob", {})
    assert [path.name for path in (folder / "sessions").iterdir()] == [f"{id}.jsonl"]
    first, question, answer = connected.journals("bob")[0]
    assert list(first) == ["v", "type", "id", "user", "ts", "title", "settings", "kind"]
    assert (first["v"], first["type"], first["id"], first["user"], first["title"]) == (
        1,
        "session",
        id,
        "bob",
        None,
    )
    assert first["settings"]["temperature"] == 0.5
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", first["ts"])
    assert list(question)[:6] == ["type", "id", "parent", "role", "content", "ts"]
    assert [question[key] for key in ("id", "parent", "role", "content")] == ["m1", None, "user", "hello"]
    assert list(answer)[:11] == [
        "type", "id", "parent", "role", "content", "ts", "provider", "model", "status", "finish_reason", "usage",
    ]  # fmt: skip
    assert [answer[key] for key in ("id", "parent", "role", "status", "finish_reason")] == [
        "m2", "m1", "assistant", "complete", "stop",
    ]  # fmt: skip
    assert list(answer["usage"])[:3] == ["prompt_tokens", "completion_tokens", "total_tokens"]


def test_the_records_of_commands(connected: Machine) -> None:
    """A title, a pin, a setting, a step back: each is a record at the end, and nothing before it changes."""
    connected.ask("hello")
    before = connected.journals()[0]
    for words, record in (
        (("/rename", "My title"), {"type": "title", "title": "My title"}),
        (("/pin", "1"), {"type": "pin", "message": "m1", "pinned": True}),
        (("/unpin", "1"), {"type": "pin", "message": "m1", "pinned": False}),
        (("/system", "Be brief"), {"type": "settings", "settings": {"system": "Be brief"}}),
        (("/undo",), {"type": "head", "message": None}),
        (("/redo",), {"type": "head", "message": "m2"}),
    ):
        connected.ask("-c", *words)
        journal = connected.journals()[0]
        assert journal[: len(before)] == before
        assert {key: journal[-1][key] for key in record} == record, words
        before = journal


def test_a_reply_lies_beside_its_session_only_while_it_streams(connected: Machine, server: Server) -> None:
    """While a reply streams, what came of it is already in `.partial`; when it is over the file is gone."""
    gate = Gate()
    server.script(say("half ", gate, "whole"))
    seen: list[str] = []
    sessions = connected.data / "users" / "alice" / "sessions"

    def look() -> None:
        gate.reached.wait(10)
        for _look in range(2000):
            seen.extend(text for path in sessions.glob("*.partial") if "half" in (text := path.read_text()))
            if seen or (gate.reached.wait(0) and threading.Event().wait(0.005)):
                break
        gate.open()

    watcher = threading.Thread(target=look)
    watcher.start()
    assert connected.run("hello").out == "half whole"
    watcher.join()
    assert seen
    assert [path.suffix for path in sessions.iterdir()] == [".jsonl"]


def test_a_failed_reply_keeps_its_status(machine: Machine, server: Server) -> None:
    """What came of a broken reply is saved with its status, and the session can be gone on with."""
    machine.connect(server.url, more="[network]\nmax_retries = 0\n")
    server.script(say("half", CUT))
    machine.run("hello")
    assert machine.journals()[0][-1]["status"] == "failed"
    assert machine.run("-c", "again").status == 0
    assert machine.journals()[0][-1]["status"] == "complete"


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("bob", "bob"),
        ("Bob", "%42ob"),
        ("张三", "%E5%BC%A0%E4%B8%89"),
        ("../up", "%2E%2E%2Fup"),
        ("a b", "a%20b"),
        ("o'brien-2_x", "o%27brien-2_x"),
    ],
)
def test_any_name_is_a_folder_of_its_own(name: str, slug: str, connected: Machine) -> None:
    """A person's name may be any Unicode; its folder is a safe name below `users/` and nowhere else."""
    assert connected.ask("-u", name, "--create-user", "hi")["user"] == name
    folders = [path.name for path in (connected.data / "users").iterdir()]
    assert len(folders) == 1
    assert folders[0].upper() == slug.upper()
    assert json.loads((connected.data / "users" / folders[0] / "user.json").read_text())["name"] == name
    assert not (connected.folder / "up").exists()


@pytest.mark.parametrize("name", ["", " "])
def test_an_empty_name_is_nobody(name: str, connected: Machine) -> None:
    """An empty `--user`, such as a script's unset variable, is refused; it never means whoever chatted last."""
    connected.ask("-u", "carol", "--create-user", "hi")
    result = connected.run("-u", name, "hi")
    assert result.status == 2
    assert "may not be empty" in result.told[0]
    assert len(list(connected.data.rglob("*.jsonl"))) == 1


@pytest.mark.parametrize("name", [".", "..", "a\nb", "x" * 5000])
def test_a_name_that_is_none(name: str, connected: Machine) -> None:
    """What cannot be a name is refused, or is a folder below `users/` like any other."""
    result = connected.run("-u", name, "hi")
    assert result.status in (0, 2)
    for path in connected.data.rglob("*.jsonl"):
        assert len(path.relative_to(connected.data / "users").parts) == 3


def test_the_index_may_be_deleted_at_any_time(connected: Machine) -> None:
    """Lists and searches are the same without the cache, with a damaged one, and with a fresh one."""
    connected.ask("a needle in the hay")
    connected.ask("nothing of it")
    caches = list((connected.folder / ".cache").rglob("*.sqlite3*"))
    listed, found = connected.ask("/sessions", "--all"), connected.ask("/search", "needle")
    assert found
    caches = list((connected.folder / ".cache").rglob("index.sqlite3"))
    assert len(caches) == 1
    caches[0].unlink()
    assert (connected.ask("/sessions", "--all"), connected.ask("/search", "needle")) == (listed, found)
    caches[0].write_bytes(b"this is no database" * 1000)
    assert (connected.ask("/sessions", "--all"), connected.ask("/search", "needle")) == (listed, found)


def test_unknown_records_are_kept(connected: Machine) -> None:
    """Records and fields that another version wrote stay where they are, and the session goes on."""
    connected.ask("hello")
    path = next(connected.data.rglob("*.jsonl"))
    lines = path.read_text().splitlines()
    later = json.loads(lines[1])
    later["mood"] = "good"
    path.write_text("\n".join([lines[0], json.dumps(later), lines[2], '{"type":"weather","sky":"blue"}']) + "\n")
    connected.ask("-c", "more")
    journal = connected.journals()[0]
    assert journal[1]["mood"] == "good"
    assert {"type": "weather", "sky": "blue"} in journal
    assert len([record for record in journal if record["type"] == "message"]) == 4


@pytest.mark.parametrize("format", ["markdown", "json", "jsonl", "messages", "users"])
def test_what_leaves_comes_back(format: str, connected: Machine, tmp_path: Path) -> None:
    """A session exported in any format but html can be imported elsewhere, word for word."""
    said = "a question\nwith ``` fences\n\n## User\nand 中文"
    connected.ask(said)
    connected.ask("-c", "and more")
    whole = connected.ask("-c", "/export", format, "out.file")
    assert whole["format"] == format
    connected.ask("--data-dir", str(tmp_path / "other"), "/import", "out.file")
    again = connected.ask("--data-dir", str(tmp_path / "other"), "-u", "alice", "-c", "/history")
    texts = [message["content"] for message in again]
    assert texts == [said, f"You said: {said}", "and more", "You said: and more"]
    piped = connected.run("-c", "/export", format)
    assert piped.out.rstrip("\n") == (connected.folder / "out.file").read_text(encoding="utf-8").rstrip("\n")

"""Slash commands from the shell: each one is known by all its names, and answers in JSON where it is asked to."""

from __future__ import annotations

import json

import pytest

from gptchat.commands.program import registry
from tests.support.server import Server, say
from tests.surface.machine import Machine

CODE = "Here:\n\n```python\nprint(1)\n```\n\nand\n\n```sh\nls\n```\n"

TABLE = {
    "new": "clear reset", "sessions": "ls", "resume": "open", "rename": "", "delete": "", "fork": "branch",
    "search": "", "history": "", "export": "", "import": "", "retry": "regenerate", "edit": "", "undo": "",
    "redo": "", "continue": "", "user": "", "users": "", "model": "", "models": "", "provider": "", "set": "",
    "unset": "", "system": "", "preset": "", "key": "", "context": "", "tokens": "", "pin": "", "unpin": "",
    "compact": "", "attach": "", "editor": "", "copy": "", "save": "", "raw": "", "code": "", "json": "",
    "usage": "cost", "status": "", "doctor": "", "config": "", "theme": "", "lang": "", "help": "?",
    "exit": "quit bye",
}  # fmt: skip
"""Every promised command, with its other names."""


def test_every_command_has_all_its_names() -> None:
    """Each command of the documentation exists, under each of its names, with help of its own."""
    known = registry()
    for name, aliases in TABLE.items():
        for word in (name, *aliases.split()):
            command = known.get(word)
            assert command is not None, word
            assert command.name == name


@pytest.mark.parametrize("name", [name for name in TABLE if name != "doctor"])
def test_every_command_answers_json(name: str, connected: Machine, server: Server) -> None:
    """With `--json` every command prints one JSON document, whether it can do its work in a shell or not."""
    server.script(say(CODE))
    connected.run("hello")
    arguments = {
        "rename": ["A title"],
        "search": ["hello"],
        "import": ["nowhere.json"],
        "unset": ["temperature"],
        "attach": ["nowhere.txt"],
        "save": ["1", "block.py"],
        "resume": ["1"],
    }
    result = connected.run("--json", "-c", f"/{name}", *arguments.get(name, []))
    document = result.json
    if result.status:
        assert document["error"]["kind"] in ("usage", "storage"), document
        assert name in ("redo", "unpin", "compact", "attach", "editor", "import"), document
    assert result.err == ""


def test_commands_do_their_work_in_a_shell(connected: Machine, server: Server) -> None:
    """A script can fork, rename, move in the tree, take code out, switch people, and change settings that stay."""
    server.script(say(CODE))
    session = connected.ask("hello")["session"]
    assert connected.run("-c", "/raw").out == CODE
    assert connected.run("-c", "/copy", "2").out.strip() == "ls"
    connected.ask("-c", "/save", "1", "block.py")
    assert (connected.folder / "block.py").read_text().strip() == "print(1)"
    fork = connected.ask("-c", "/fork")["session"]
    assert fork != session
    assert connected.ask("-s", fork, "/rename", "Forked")["title"] == "Forked"
    assert connected.ask("-s", session, "/delete", "Forked")["deleted"] == fork
    assert [found["id"] for found in connected.ask("/sessions", "--all")] == [session]
    assert connected.ask("-c", "/undo")["turns"] == 0
    assert connected.ask("-c", "/history") == []
    connected.ask("-c", "/redo")
    assert [entry["turn"] for entry in connected.ask("-c", "/history")] == [1, 1]
    assert connected.ask("-c", "/retry", "m2")["model"] == "m2"
    assert connected.ask("/set", "temperature", "0.3") == {"temperature": 0.3}
    connected.run("later")
    assert server.requests[-1].json["temperature"] == 0.3
    assert connected.ask("/unset", "temperature") == {"temperature": None}
    assert connected.ask("--create-user", "/user", "Bob") == {"user": "Bob", "new": True}
    assert {user["name"]: user["current"] for user in connected.ask("/users")} == {"Bob": True, "alice": False}


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("/sess", "/sessions"), ("/retri", "/retry"), ("/hlep", "/help"), ("/SESSIONZ", "/sessions")],
)
def test_an_unknown_command_is_never_sent(typed: str, meant: str, connected: Machine, server: Server) -> None:
    """A misspelt command, or the beginning of one, is answered with the nearest and goes to no model."""
    result = connected.run(typed, "and words")
    assert result.status == 2
    assert result.told[1].split("?")[0].split("mean ")[1].startswith(meant)
    assert server.requests == []


def test_a_language_is_the_person_s_own(connected: Machine) -> None:
    """`/lang zh` stays with who chose it; `--lang` goes before it for one run."""
    connected.ask("-u", "li", "--create-user", "/lang", "zh")
    assert "没有" in connected.run("-u", "li", "/nope").err
    assert "there is no command" in connected.run("-u", "li", "--lang", "en", "/nope").err
    assert "there is no command" in connected.run("-u", "ann", "--create-user", "/nope").err


def test_export_knows_a_misspelt_format_from_a_file(connected: Machine) -> None:
    """A misspelt format is told and writes nothing; a file's ending names its format; `-` is standard output."""
    connected.run("hello")
    for unknown in ("markdwon", "pdf", "txt"):
        assert "markdown" in connected.run("-c", "/export", unknown).told[1]
    assert connected.run("-c", "/export", "md").out == connected.run("-c", "/export", "markdown").out
    connected.ask("-c", "/export", "chat.json")
    assert json.loads((connected.folder / "chat.json").read_text())["type"] == "session"
    assert json.loads(connected.run("-c", "/export", "messages", "-").out)[0] == {
        "role": "user",
        "content": "hello",
    }
    assert connected.run("-c", "/export", "markdwon", "chat.md").status == 2
    connected.ask("-c", "/export", "my chat.json")
    written = sorted(path.name for path in connected.folder.iterdir() if not path.name.startswith("."))
    assert written == ["chat.json", "my chat.json"]


def test_keys_are_shown_masked_only(machine: Machine, server: Server) -> None:
    """No command prints a key, wherever it comes from."""
    machine.connect(server.url, api_key_env='"MY_KEY"', headers='{"X-Token" = "tok-0123456789abcdef"}')
    machine.set(MY_KEY="sk-very-secret-0123456789abcdef")
    for words in (["/key"], ["/key", "show"], ["/config"], ["/set"], ["/status"], ["/code", "curl"], ["/json"]):
        for flags in ([], ["--json"]):
            result = machine.run(*flags, *words)
            assert result.status == 0, result.err
            assert "very-secret" not in result.out + result.err
            assert "tok-0123456789" not in result.out + result.err


def test_an_edit_that_is_not_sent_changes_nothing(connected: Machine) -> None:
    """`/edit` shows the old text and moves nothing: whoever changes their mind is where they were."""
    connected.run("one")
    connected.run("-c", "two")
    assert connected.ask("-c", "/edit", "2")["edit"] == "one"
    assert len(connected.ask("-c", "/history")) == 4


def test_every_answer_can_be_opened_from_the_shell(connected: Machine, server: Server) -> None:
    """`/versions` and `/tree` list what was ever answered, and a number opens it."""
    server.script(say("first"), say("second"), say("third"))
    connected.run("one")
    connected.run("-c", "/retry")
    connected.run("-c", "/retry")
    assert [one["content"] for one in connected.ask("-c", "/versions")] == ["first", "second", "third"]
    connected.run("-c", "/versions", "1")
    assert connected.ask("-c", "/history")[-1]["content"] == "first"
    assert [one["content"] for one in connected.ask("-c", "/tree")] == ["one", "first", "second", "third"]
    connected.run("-c", "/tree", "3")
    assert connected.ask("-c", "/history")[-1]["content"] == "second"
    assert connected.run("-c", "/tree", "9").status == 2


def test_a_key_can_be_piped_in(machine: Machine, server: Server) -> None:
    """`pass openai | gptchat /key set openai` keeps the key, in a file that only its owner reads."""
    machine.set(OPENAI_BASE_URL=server.url)
    stored = machine.run("/key", "set", "openai", stdin=b"sk-piped-0123456789abcdef\n")
    assert stored.status == 0, stored.err
    assert "sk-piped" not in stored.out + stored.err
    assert machine.run("-p", "openai", "-m", "gpt-4", "hi").status == 0
    assert server.requests[0].headers["authorization"] == "Bearer sk-piped-0123456789abcdef"
    credentials = machine.data / "credentials.json"
    assert credentials.stat().st_mode & 0o777 == 0o600
    assert machine.run("/key", "set", "azure").status == 2


def test_a_file_is_never_replaced_without_a_word(connected: Machine, server: Server) -> None:
    """Where nobody can be asked, a file that is there already is left alone, and the exit status says so."""
    server.script(say(CODE))
    connected.run("hello")
    (connected.folder / "mine.py").write_text("mine")
    for words in (["/export", "json", "mine.py"], ["/save", "1", "mine.py"]):
        result = connected.run("-c", *words)
        assert result.status == 2
        assert "mine.py" in result.told[0]
    assert (connected.folder / "mine.py").read_text() == "mine"


def test_a_session_is_named_by_the_model(connected: Machine, server: Server) -> None:
    """`/rename` without a title gives the session the one that the model proposes."""
    connected.run("hello")
    server.script(say("A proposed title"))
    assert connected.ask("-c", "/rename") == {"title": "A proposed title"}
    assert connected.ask("/sessions", "--all")[0]["title"] == "A proposed title"


@pytest.mark.parametrize("text", ["no conversation", "", '[{"role": "user"}]', '{"a": 1}'])
def test_an_import_that_brings_nothing_is_a_failure(text: str, connected: Machine) -> None:
    """Where nothing of a file can be read, the import fails with the file's name, the reason and what to do."""
    (connected.folder / "wrong.file").write_text(text)
    result = connected.run("/import", "wrong.file")
    assert result.status == 2
    assert "wrong.file" in result.told[0]
    assert "markdown, json, jsonl" in result.told[1]
    assert connected.run("--json", "/import", "wrong.file").error["kind"] == "usage"


def test_what_is_counted_is_told_in_the_singular_too(connected: Machine) -> None:
    """One session that was here already, and one part that could not be read, are told as one."""
    (connected.folder / "m.jsonl").write_text('{"role": "user", "content": "hi"}\n{"role": "us\n')
    assert "1 part could not be read:" in connected.run("/import", "m.jsonl").out
    assert "1 was here already" in connected.run("/import", "m.jsonl").out


def test_an_export_shown_as_json_is_the_document_itself(connected: Machine) -> None:
    """`gptchat --json /export json | jq .messages` works; what is no JSON, such as Markdown, is a text."""
    connected.run("hello")
    said = [{"role": "user", "content": "hello"}, {"role": "assistant", "content": "You said: hello"}]
    assert [message["content"] for message in connected.ask("-c", "/export", "json")["messages"]] == [
        message["content"] for message in said
    ]
    assert connected.ask("-c", "/export", "messages", "-") == said
    assert connected.ask("-c", "/export", "users") == {"alice": said}
    assert "You said: hello" in connected.ask("-c", "/export", "markdown")
    assert json.loads(connected.ask("-c", "/export", "jsonl").splitlines()[0])["type"] == "session"


@pytest.mark.parametrize("words", [["--forever", "1"], ["1", "--forever"]])
def test_a_command_s_flag_may_stand_last(words: list[str], connected: Machine) -> None:
    """A flag of a slash command is one before its arguments and after them."""
    connected.run("hello")
    assert connected.ask("/delete", *words)["forever"] is True
    assert connected.ask("/sessions", "--all") == []


def test_settings_keep_their_types_in_json(connected: Machine) -> None:
    """A script reads numbers, truth values, lists and null from `/config` as from `/set`, not words for them."""
    given = ["-o", "temperature=0.2", "-o", 'stop=["a", "b"]', "-o", "ui.vi=true"]
    shown = connected.ask(*given, "/config")
    wanted = {"temperature": 0.2, "stop": ["a", "b"], "ui.vi": True, "context.max_turns": 0, "seed": None}
    wanted |= {"fallback": [], "model": "test-model", "providers.here.key_optional": True}
    assert {key: shown[key]["value"] for key in wanted} == wanted
    assert shown["temperature"]["from"] == "flag"
    assert connected.ask(*given, "/set", "temperature") == {"temperature": 0.2}
    assert connected.ask(*given, "/doctor")[1]["settings"]["temperature"]["value"] == 0.2

"""Commands of the user's own: a Markdown file becomes a command, and its text is sent and never acts."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document

from gptchat.commands.effects import Run
from gptchat.commands.program import Program
from gptchat.commands.registry import Call, Said, Unknown
from gptchat.commands.templates.own import parse
from gptchat.core.origin import Sourced, decide, whole
from gptchat.errors import UsageError
from gptchat.terminal.input.candidates import ChatCandidates
from gptchat.terminal.input.completion import ChatCompleter
from tests.support.program import command, compose_program, effects, running, settings_for
from tests.support.server import Server, say
from tests.surface.machine import Machine

REVIEW = """---
description: Review a text
model: other-model
arguments: [language, text]
---
Review this in {language}: {text}

```json
{"a": 1, "b": {{x}}}
```
!git status
@secret.txt
"""


def write(folder: Path, **files: str) -> None:
    """Put commands into the settings' folder."""
    (folder / "commands").mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / "commands" / f"{name}.md").write_text(text, encoding="utf-8")


def sent(server: Server) -> str:
    """The newest message that was sent."""
    return str(server.requests[-1].json["messages"][-1]["content"])


def test_a_file_becomes_a_command_of_the_shell(machine: Machine, server: Server) -> None:
    """`gptchat /NAME ARGS` sends the file's text with the arguments in it, to the model that it names."""
    machine.connect(server.url)
    write(machine.config.parent, review=REVIEW)
    (machine.folder / "secret.txt").write_text("SECRET")
    result = machine.run("/review", "German", "@secret.txt", "is", "here")
    assert result.status == 0, result.err
    assert sent(server).startswith(
        'Review this in German: @secret.txt is here\n\n```json\n{"a": 1, "b": {{x}}}\n```\n!git'
    )
    assert "SECRET" not in sent(server)
    assert server.requests[-1].json["model"] == "other-model"
    machine.ask("/review", "language=Old Norse", "x")
    assert sent(server).startswith("Review this in Old: Norse x")


def test_arguments_without_a_place_follow_the_text(machine: Machine, server: Server) -> None:
    """What the file does not name is sent behind it: arguments, and standard input."""
    machine.connect(server.url)
    write(machine.config.parent, sum="Sum up.", at="About {input} in {args}.")
    machine.ask("/sum", "in one line", stdin=b"a text\n")
    assert sent(server) == "Sum up.\n\nin one line\n\na text"
    machine.ask("/at", "one line", stdin=b"a text\n")
    assert sent(server) == "About a text in one line."
    machine.ask("/at", "a thing")
    assert sent(server) == "About a thing in a thing."


def test_text_behind_given_arguments_follows(machine: Machine, server: Server) -> None:
    """Where every declared argument was given by name, what stands behind them is not lost."""
    machine.connect(server.url)
    write(machine.config.parent, both="---\narguments: [a, b]\n---\nA={a} B={b}\n")
    assert machine.run("/both", "a=1", "b=2", "more").status == 0
    assert sent(server) == "A=1 B=2\n\nmore"
    assert machine.run("/both", "a=1", "two words").status == 0
    assert sent(server) == "A=1 B=two words"


def test_a_value_of_the_command_line_leaves_the_rest_to_the_others(machine: Machine, server: Server) -> None:
    """What --var gives an argument stands, and what is typed goes to the others, or follows."""
    machine.connect(server.url)
    write(machine.config.parent, lt="---\narguments: [lang, x]\n---\n{lang}: {x}\n")
    assert machine.run("--var", "lang=French", "/lt", "hello").status == 0
    assert sent(server) == "French: hello"
    assert machine.run("--var", "lang=French", "--var", "x=1", "/lt", "hello").status == 0
    assert sent(server) == "French: 1\n\nhello"


def test_args_may_be_empty_where_it_is_declared(machine: Machine, server: Server) -> None:
    """`{args}` that the front matter names too is empty without arguments, and not sent as it stands."""
    machine.connect(server.url)
    write(machine.config.parent, do="---\narguments: args\n---\nDo: {args}!\n")
    assert machine.run("/do").status == 0
    assert sent(server) == "Do: !"
    assert machine.run("/do", "this", "now").status == 0
    assert sent(server) == "Do: this now!"


def test_a_missing_value_is_told_in_the_shell(machine: Machine, server: Server) -> None:
    """Without a value for one of its names a command sends nothing and shows how it is called."""
    machine.connect(server.url)
    write(machine.config.parent, review=REVIEW, question="{text}", tone="Say hi, {tone}.")
    for arguments, name in (
        (["/review"], "language"),
        (["/review", "German"], "text"),
        (["/question"], "text"),
        (["/tone"], "tone"),
    ):
        result = machine.run(*arguments)
        assert result.status == 2
        assert f"{{{name}}}" in result.err
    assert not server.requests
    machine.ask("--var", "tone=kindly", "/tone")
    assert sent(server) == "Say hi, kindly."
    machine.ask("/tone", "tone='very kindly'")
    assert sent(server) == "Say hi, very kindly."


def asked(program: Program, line: str | Sourced, *answers: str | None) -> list[Run]:
    """What a typed line lets the chat run."""
    with running(program) as runner:
        if isinstance(line, str):
            return [one for one in runner.run(effects(program, line, *answers)) if isinstance(one, Run)]
        parsed = program.registry.read(line).parsed
        assert isinstance(parsed, Call)

        async def drive() -> list[Run]:
            return [one async for one in program.start(parsed) if isinstance(one, Run)]

        return runner.run(drive())


def test_the_chat_asks_for_what_is_missing(tmp_path: Path) -> None:
    """In the chat each missing value is asked for; Enter alone leaves the braces, Esc sends nothing."""
    write(tmp_path, review=REVIEW)
    program = compose_program(tmp_path, 'provider = "demo"')
    (run,) = asked(program, "/review", "German", "")
    assert run.text.text.startswith("Review this in German: {text}")
    assert asked(program, "/review", None) == []
    (run,) = asked(program, "/review", "German", "see @secret.txt")
    assert decide(run.text, "attach", run.text.text.index("@secret")) == "ask"


def test_only_what_was_typed_can_act(tmp_path: Path) -> None:
    """A command attaches what a person named behind it, and nothing that its own text or standard input names."""
    write(tmp_path, see="@own.txt {args} `!ls`")
    program = compose_program(tmp_path, 'provider = "demo"')
    (run,) = asked(program, Sourced("  /see   @typed.txt  "))
    entry = run.text
    assert entry.text == "@own.txt @typed.txt `!ls`"
    assert entry.at(0) == "command"
    assert entry.at(entry.text.index("@typed")) == "typed"
    assert entry.at(len(entry.text) - 1) == "command"
    pasted = program.registry.read(whole("/see @x", "pasted"))
    assert pasted.asked
    assert isinstance(program.registry.read(whole("/see @x", "piped")).parsed, Said)


def test_no_file_hides_a_command(tmp_path: Path) -> None:
    """A file named as a built-in command or its alias stays unused, and the help says so."""
    write(tmp_path, help="WRONG", quit="WRONG", mine="Hello")
    program = compose_program(tmp_path, 'provider = "demo"')
    with running(program) as runner:
        assert "WRONG" not in runner.run(command(program, "/help help"))
        told = runner.run(command(program, "/help all"))
        assert "commands/help.md" in told
        assert "not used: /quit is built in" in told
        assert "/mine [ARGS]" in told
        assert "/mine" in runner.run(command(program, "/help"))
        assert "mine.md" in runner.run(command(program, "/help mine"))


def test_own_commands_are_completed(tmp_path: Path) -> None:
    """Tab completes the names of own commands, with their descriptions beside them, in any script."""
    write(tmp_path, review=REVIEW, 翻译="翻译：{args}")
    program = compose_program(tmp_path, 'provider = "demo"')
    completer = ChatCompleter(program.registry, ChatCandidates(program))

    def offered(text: str) -> dict[str, str]:
        found = completer.get_completions(Document(text), CompleteEvent())
        return {one.display_text: one.display_meta_text for one in found}

    assert offered("/revi")["/review"] == "Review a text"
    assert "/翻译" in offered("/翻")
    assert offered("/review ") == {}
    assert "/review" not in offered("/se")


def test_files_are_taken_as_they_are_now(tmp_path: Path) -> None:
    """A command that is written, changed or removed while the chat is open is so at once."""
    program = compose_program(tmp_path, 'provider = "demo"')
    assert isinstance(program.registry.parse("/mine"), Unknown)
    write(tmp_path, mine="One")
    (run,) = asked(program, "/mine")
    assert run.text.text == "One"
    write(tmp_path, mine="Another")
    (run,) = asked(program, "/mine")
    assert run.text.text == "Another"
    (tmp_path / "commands" / "mine.md").unlink()
    assert isinstance(program.registry.parse("/mine"), Unknown)


def test_names_in_any_script(tmp_path: Path) -> None:
    """A file may be named in the person's own script; a slash word that names nothing is what it was."""
    write(tmp_path, 翻译="翻译：{args}")
    program = compose_program(tmp_path, 'provider = "demo"')
    (run,) = asked(program, Sourced("/翻译 hello"))
    assert run.text.text == "翻译：hello"
    (run,) = asked(program, Sourced("／翻译 hello"))
    assert run.text.text == "翻译：hello"
    assert isinstance(program.registry.parse("/usr/bin/env is missing"), Said)
    assert program.registry.nearest("翻") == ["翻译"]


@pytest.mark.parametrize(
    ("text", "description", "arguments", "body"),
    [
        ("Just text", "", (), "Just text"),
        ("---\ndescription: 'A: b'\narguments: a, b\n---\nX", "A: b", ("a", "b"), "X"),
        ('---\narguments:\n  - a\n  - "b"\nother: [1]\n---\n\nX\n', "", ("a", "b"), "X"),
        ("---\ndescription: never closed\nX", "", (), "---\ndescription: never closed\nX"),
        ("---\n---\n---\nX", "", (), "---\nX"),
        ("X\n---\ndescription: no\n---", "", (), "X\n---\ndescription: no\n---"),
        ("", "", (), ""),
    ],
)
def test_front_matter(text: str, description: str, arguments: tuple[str, ...], body: str) -> None:
    """Front matter is optional, unknown keys are left alone, and what is not front matter is the message."""
    found = parse(text)
    assert (found.description, found.arguments, found.body) == (description, arguments, body)


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    """A file that is no text, too large, or empty is told when it is called, and never ends the chat."""
    write(tmp_path, empty="", binary="")
    (tmp_path / "commands" / "binary.md").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "commands" / "large.md").write_bytes(b"x" * 1_000_001)
    (tmp_path / "commands" / "gone.md").symlink_to(tmp_path / "nowhere")
    if os.name == "posix":
        os.mkfifo(tmp_path / "commands" / "pipe.md")
    program = compose_program(tmp_path, 'provider = "demo"')
    assert {"empty", "binary", "large"} == set(program.registry.own.all() if program.registry.own else ())
    with running(program) as runner:
        for name, problem in (("empty", "is empty"), ("binary", "UTF-8"), ("large", "too large")):
            with pytest.raises(UsageError, match=problem):
                runner.run(effects(program, f"/{name}"))


def test_a_reply_to_an_own_command_is_a_turn(tmp_path: Path) -> None:
    """What a command sends is a message of the conversation, and what comes back its reply."""
    write(tmp_path, hi="Say hi to {user}.")
    with Server() as server:
        program = compose_program(tmp_path, settings_for(server.url), attended=False)
        server.script(say("hi ann"))
        (run,) = asked(program, "/hi")
        assert run.text.text == "Say hi to ann."

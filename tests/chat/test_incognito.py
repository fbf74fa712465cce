"""An incognito chat says everywhere that nothing of it is saved, and nowhere that something is."""

from __future__ import annotations

import re
from pathlib import Path

from gptchat import words
from gptchat.commands.program import registry
from gptchat.manager import Send
from tests.chat.home import Home
from tests.support.program import command, compose_program, running, settings_for, turn
from tests.support.server import Server, hang

CLAIMS = ("is kept", "is saved", "goes on with", "/resume", "in the trash")
"""What is only true where something is saved."""


def test_one_truth_in_commands(tmp_path: Path, server: Server) -> None:
    """Every command that speaks of saving tells that nothing is saved, and none claims that something is."""
    program = compose_program(tmp_path, settings_for(server.url), "--incognito")
    with running(program) as loop:
        loop.run(turn(program, Send("about apples")))
        told = {}
        for line in ("/status", "/history", "/sessions", "/sessions --all", "/rename Apples", "/fork", "/new"):
            told[line] = loop.run(command(program, line))
        loop.run(turn(program, Send("more")))
        told["/delete"] = loop.run(command(program, "/delete", "y"))
    assert "saved       no: incognito" in told["/status"]
    assert told["/history"].endswith("not saved: incognito")
    for line in ("/sessions", "/sessions --all"):
        assert told[line].endswith("incognito: this conversation is not saved, and not in the list")
    assert told["/new"] == "a new session begins; Apples (fork) is not kept: incognito"
    assert told["/delete"] == "more is removed for good"
    for line, text in told.items():
        assert not [claim for claim in CLAIMS if claim in text], line
    assert not list(tmp_path.rglob("*.jsonl"))


def test_a_saved_session_is_opened_as_a_copy(tmp_path: Path, server: Server) -> None:
    """A saved session that is gone on with incognito is told as not saved, and nothing is added to it."""
    program = compose_program(tmp_path, settings_for(server.url))
    with running(program) as loop:
        loop.run(turn(program, Send("hello")))
    (journal,) = tmp_path.rglob("*.jsonl")
    before = journal.read_bytes()
    program = compose_program(tmp_path, settings_for(server.url), "--incognito")
    with running(program) as loop:
        assert program.services.open_first("")
        loop.run(turn(program, Send("more")))
        assert "no: incognito" in loop.run(command(program, "/status"))
    assert journal.read_bytes() == before


def test_it_is_always_in_sight(home: Home, server: Server) -> None:
    """Banner and toolbar say so, a failure does not say that the message is saved, and the last line is true."""
    home.connect(server.url)
    server.script(hang())
    with home.chat("--incognito", ready="\nincognito · alice") as screen:
        assert "incognito: nothing is saved" in screen.text
        screen.send("hello\r")
        screen.wait_for("Esc stops")
        screen.send("\x1b")
        screen.wait_for("/retry sends your message again")
        screen.wait_for("\nincognito · alice")
        screen.send("/set ui.toolbar false\r")
        screen.wait_for("\n(incognito) alice ›")
        screen.send("\x04")
        assert screen.wait_for_exit() == 0
        told = "\n".join(screen.transcript).rstrip()
        assert told.endswith("\nincognito: nothing of this conversation is saved")
        assert not [claim for claim in CLAIMS if claim in re.sub("nothing.* is saved", "", told)]


def test_a_terminal_without_a_toolbar(home: Home, server: Server) -> None:
    """On a dumb terminal, which has no toolbar, the prompt itself says that the chat is incognito."""
    home.connect(server.url)
    with home.chat("--incognito", environment={"TERM": "dumb"}) as screen:
        screen.wait_for("(incognito) alice ›")


def test_no_help_promises_what_incognito_breaks() -> None:
    """No summary of a command says that everything is saved: the help is the same incognito."""
    words.choose("en")
    assert [command.name for command in registry().commands if "everything is saved" in command.summary] == []

"""One-shots are kept apart from conversations, and commands from the shell act on the latest session."""

from __future__ import annotations

import pytest

from tests.support.server import Server, say
from tests.surface.machine import Machine

ABOUT_THE_SESSION = [
    ["/history"], ["/versions"], ["/tree"], ["/export", "html", "x.html"], ["/export", "chat.md"], ["/retry"],
    ["/edit"], ["/undo"], ["/continue"], ["/rename", "A name"], ["/fork"], ["/context"], ["/tokens"], ["/pin"],
    ["/copy"], ["/raw"], ["/save", "1", "a.py"], ["/code"], ["/json"], ["/usage"], ["/status"], ["/system", "Hm."],
]  # fmt: skip
"""Commands that act on a session or show something of it."""

OF_NO_SESSION = [
    ["/sessions"], ["/users"], ["/help"], ["/config"], ["/set", "temperature", "1"], ["/model"], ["/models"],
    ["/tokens", "some words"], ["/search", "hello"], ["/new"], ["/preset"], ["/theme"],
]  # fmt: skip


def conversation(machine: Machine, *turns: str) -> str:
    """The id of a new conversation: a one-shot that was gone on with."""
    id = str(machine.ask(turns[0])["session"])
    for turn in turns[1:]:
        machine.ask("-s", id, turn)
    return id


def test_one_shots_are_listed_apart(connected: Machine) -> None:
    """`/sessions` lists conversations and says how many one-shots there are; `--all` lists these below them."""
    talk = conversation(connected, "about rice", "and beans")
    asked = [connected.ask(f"question {number}")["session"] for number in (1, 2)]
    assert [one["id"] for one in connected.ask("/sessions")] == [talk]
    everything = connected.ask("/sessions", "--all")
    assert [(one["number"], one["id"], one["oneshot"]) for one in everything] == [
        (1, talk, False),
        (2, asked[1], True),
        (3, asked[0], True),
    ]
    listed = connected.run("/sessions").out
    assert "2 one-shot questions are listed apart: /sessions --all" in listed
    assert "question 1" not in listed
    assert "question 1" in connected.run("/sessions", "--all").out
    assert "2 one-shot questions are listed apart: /sessions --all qu" in connected.run("/sessions", "qu").out
    assert connected.ask("-s", "3", "/history")[0]["content"] == "question 1"


def test_a_list_of_one_shots_alone(connected: Machine) -> None:
    """Where there are one-shots alone, `/sessions` says that there is no conversation, and where they are."""
    connected.run("a question")
    listed = connected.run("/sessions").out
    assert listed.splitlines()[0] == "no saved conversations yet"
    assert "1 one-shot question is listed apart" in listed


def test_a_one_shot_is_titled_by_its_question(connected: Machine) -> None:
    """The title of a one-shot is what was asked, without the data that was piped in after it."""
    connected.run("what is wrong here", stdin=b"Traceback\nmore of it\n")
    connected.run("plainly asked")
    connected.run(stdin=b"piped alone\n")
    titles = {one["title"] for one in connected.ask("/sessions", "--all")}
    assert titles == {"what is wrong here", "plainly asked", "piped alone"}


def test_going_on_with_each_kind(connected: Machine, server: Server) -> None:
    """`-c` goes on with the last conversation though one-shots are later, `--last` with the last one-shot."""
    talk = conversation(connected, "about rice", "and beans")
    asked = connected.ask("a question")["session"]
    assert connected.ask("-c", "more")["session"] == talk
    assert connected.ask("--last", "why?")["session"] == asked
    assert [one["id"] for one in connected.ask("/sessions")] == [asked, talk]
    assert connected.ask("-c", "and then?")["session"] == asked
    failed = connected.run("--last", "again")
    assert failed.status == 2
    assert failed.told[0].endswith("alice has no one-shot questions yet")


def test_the_only_session_is_gone_on_with(connected: Machine) -> None:
    """Where nothing but one-shots is saved, `-c` goes on with the last of them."""
    asked = connected.ask("a question")["session"]
    assert connected.ask("-c", "why?")["session"] == asked


def test_journals_without_a_mark_are_conversations(connected: Machine) -> None:
    """A session that an earlier version saved is listed and gone on with as a conversation."""
    id = connected.ask("long ago")["session"]
    journal = connected.data / "users" / "alice" / "sessions" / f"{id}.jsonl"
    journal.write_text(journal.read_text().replace(', "kind": "oneshot"', "").replace(',"kind":"oneshot"', ""))
    assert "oneshot" not in journal.read_text()
    assert [one["oneshot"] for one in connected.ask("/sessions")] == [False]
    connected.ask("a question")
    assert connected.ask("-c", "more")["session"] == id


def test_commands_of_the_shell_keep_a_one_shot_one(connected: Machine) -> None:
    """A one-shot that is looked at, named or answered again stays one; a fork of it is a conversation."""
    connected.ask("a question")
    for words in (["/history"], ["/retry"], ["/rename", "Named"], ["/undo"], ["/redo"]):
        connected.ask(*words)
    assert connected.ask("/sessions") == []
    fork = connected.ask("/fork")["session"]
    assert [one["id"] for one in connected.ask("/sessions")] == [fork]


@pytest.mark.parametrize("words", ABOUT_THE_SESSION, ids=" ".join)
def test_a_command_acts_on_the_latest_session(words: list[str], connected: Machine, server: Server) -> None:
    """From the shell a command acts on the latest session of any kind, and says which on standard error."""
    server.script(say("one"), say("```python\nprint(1)\n```\n"))
    id = connected.ask("print one")["session"]
    connected.run("/retry")
    result = connected.run(*words)
    assert result.err.splitlines()[0] == f"one-shot question: print one ({id})"
    assert result.status == 0, result.err
    assert "print one (" not in result.out


def test_a_command_of_no_session_opens_none(connected: Machine) -> None:
    """A command that is about no session says nothing of one."""
    connected.run("a question")
    for words in OF_NO_SESSION:
        result = connected.run(*words)
        assert (result.status, result.err) == (0, ""), words


def test_an_export_of_the_latest_session(connected: Machine) -> None:
    """`gptchat /export html x.html` writes the latest session, and `-s` or `-c` another."""
    talk = conversation(connected, "about rice", "and beans")
    connected.run("a question")
    said = connected.run("/export", "html", "x.html")
    assert said.status == 0
    assert "a question" in (connected.folder / "x.html").read_text()
    assert connected.run("-c", "/export", "html", "y.html").err == ""
    assert "about rice" in (connected.folder / "y.html").read_text()
    assert connected.run("-s", talk[:-1], "/export", "html", "z.html").status == 0
    assert "about rice" in (connected.folder / "z.html").read_text()


def test_nothing_is_deleted_unnamed(connected: Machine) -> None:
    """`gptchat /delete` without a name deletes nothing, with or without `--forever`."""
    connected.run("a question")
    for words in (["/delete"], ["/delete", "--forever"]):
        result = connected.run(*words)
        assert result.status == 2
        assert "say which session" in result.told[0]
    assert len(connected.ask("/sessions", "--all")) == 1


def test_a_session_s_settings_need_a_session(connected: Machine, server: Server) -> None:
    """`/system TEXT` from the shell holds for the latest session; with none saved it fails and says so."""
    failed = connected.run("/system", "Be kind")
    assert failed.status == 2
    assert "no saved sessions yet" in failed.told[0]
    connected.run("a question")
    assert connected.run("/system", "Be kind").status == 0
    connected.run("--last", "why?")
    assert server.requests[-1].json["messages"][0]["content"] == "Be kind"

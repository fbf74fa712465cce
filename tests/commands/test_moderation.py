"""Moderation: nothing flagged is sent or shown before the person says so."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from gptchat.commands.effects import Ask
from gptchat.commands.workspace import Workspace
from gptchat.core.events import Notice, TextDelta, TurnEvent, TurnFinished
from gptchat.errors import ContentFilterError, GptchatError
from gptchat.manager import Send
from tests.support.server import Server, say
from tests.support.workspace import compose_workspace, running, settings_for


class Person:
    """Answers with `answers` in order, and remembers the questions and what was told."""

    def __init__(self, *answers: str | None) -> None:
        self.answers = list(answers)
        self.questions: list[str] = []
        self.told: list[str] = []

    async def ask(self, ask: Ask) -> str | None:
        """The next answer."""
        self.questions.append(ask.question)
        return self.answers.pop(0)


def moderated(tmp_path: Path, server: Server, what: str, *, attended: bool = True) -> Workspace:
    """A chat with a server that flags the word `poison`, and checks `what`."""
    server.flagged = ("poison",)
    flags = ("-o", f"moderation={what}")
    return compose_workspace(tmp_path, settings_for(server.url), *flags, attended=attended)


async def held(workspace: Workspace, text: str) -> list[TurnEvent]:
    """The events of sending `text` as a screen gets them."""
    turn = workspace.manager.run_turn(Send(text), workspace.answering.routes())
    return [event async for event in workspace.moderation.hold(turn)]


def words(events: Sequence[TurnEvent]) -> str:
    """The reply among `events`."""
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def test_a_flagged_message_waits_for_the_person(tmp_path: Path, server: Server) -> None:
    """A message that the server's moderation flags is sent only if the person says yes, and they learn why."""
    workspace = moderated(tmp_path, server, "input")
    person = Person("n", "y")
    with running(workspace) as loop:
        assert loop.run(workspace.moderation.may_send("hello", person.ask, person.told.append))
        assert not person.questions
        assert not loop.run(workspace.moderation.may_send("poison", person.ask, person.told.append))
        assert loop.run(workspace.moderation.may_send("poison", person.ask, person.told.append))
    assert "your message was flagged: poison" in person.questions[0]
    assert all(request.path.endswith("/moderations") for request in server.requests)


def test_a_script_is_told_that_its_message_was_flagged(tmp_path: Path, server: Server) -> None:
    """Where nobody can be asked, a flagged message is not sent, and the error says how to go on."""
    workspace = moderated(tmp_path, server, "both", attended=False)
    with running(workspace) as loop, pytest.raises(ContentFilterError, match="flagged: poison; it was not sent"):
        loop.run(workspace.moderation.may_send("poison", Person(None).ask, print))


def test_a_reply_is_shown_once_it_was_checked(tmp_path: Path, server: Server) -> None:
    """With moderation of the output a harmless reply comes whole, after its check."""
    workspace = moderated(tmp_path, server, "output")
    server.script(say("all ", "is ", "well"))
    with running(workspace) as loop:
        events = loop.run(held(workspace, "hello"))
    assert words(events) == "all is well"
    assert not workspace.moderation.withheld
    assert [request.path.rpartition("/")[2] for request in server.requests] == ["completions", "moderations"]
    assert server.requests[1].json["input"] == "all is well"


def test_a_flagged_reply_is_not_shown(tmp_path: Path, server: Server) -> None:
    """Nothing of a flagged reply reaches the screen; declined, its turn is taken back and /redo has it."""
    workspace = moderated(tmp_path, server, "both")
    server.script(say("drink ", "poison"))
    person = Person("n")
    with running(workspace) as loop:
        events = loop.run(held(workspace, "hello"))
        assert words(events) == ""
        assert isinstance(events[-1], TurnFinished)
        assert workspace.moderation.withheld == "the reply was flagged: poison"
        assert not loop.run(workspace.moderation.may_show(person.ask, person.told.append))
    assert workspace.session.path() == []
    assert len(workspace.session.messages) == 2
    assert "/redo" in person.told[0]


def test_a_flagged_reply_is_shown_on_demand(tmp_path: Path, server: Server) -> None:
    """The person may look at a flagged reply, and the conversation goes on after it."""
    workspace = moderated(tmp_path, server, "output")
    server.script(say("poison"))
    with running(workspace) as loop:
        loop.run(held(workspace, "hello"))
        assert loop.run(workspace.moderation.may_show(Person("y").ask, print))
    assert workspace.session.path()[-1].text == "poison"


def test_every_answer_of_several_is_checked(tmp_path: Path, server: Server) -> None:
    """Where several answers were asked for, one flagged among them holds all back."""
    workspace = moderated(tmp_path, server, "output")
    server.script(say("poison", choices=2))
    with running(workspace) as loop:
        assert words(loop.run(held(workspace, "hello"))) == ""
    assert workspace.moderation.withheld


def test_a_server_without_moderation_is_told_once(tmp_path: Path, server: Server) -> None:
    """A server that has no moderation is named once, and the chat goes on without checks."""
    workspace = compose_workspace(tmp_path, settings_for(f"{server.root}/else/v1"), "-o", "moderation=both")
    server.missing = ("/moderations",)
    person = Person()
    with running(workspace) as loop:
        for _turn in range(2):
            assert loop.run(workspace.moderation.may_send("hello", person.ask, person.told.append))
            events = loop.run(held(workspace, "hello"))
            assert words(events) == "You said: hello"
            assert not [event for event in events if isinstance(event, Notice)]
    assert person.told == ["test has no moderation; nothing is checked"]


def test_the_demo_has_no_moderation(tmp_path: Path) -> None:
    """The offline demo says that it checks nothing, and answers."""
    workspace = compose_workspace(tmp_path, 'provider = "demo"\nmodel = "demo-fast"\nmoderation = "output"')
    with running(workspace) as loop:
        events = loop.run(held(workspace, "hello"))
    assert words(events)
    assert [event.text for event in events if isinstance(event, Notice)] == [
        "demo has no moderation; nothing is checked"
    ]


def test_a_check_that_fails_lets_nothing_through(tmp_path: Path, server: Server) -> None:
    """A moderation that cannot be reached is an error for a message, and holds a reply back."""
    workspace = moderated(tmp_path, server, "both")
    with running(workspace) as loop:
        server.close()
        with pytest.raises(GptchatError):
            loop.run(workspace.moderation.may_send("hello", Person().ask, print))

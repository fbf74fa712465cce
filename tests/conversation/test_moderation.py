"""Moderation: nothing flagged is sent or shown before the person says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from gptchat.commands.program import Program
from gptchat.errors import ContentFilterError, GptchatError
from tests.support.front_end import FrontEnd
from tests.support.program import compose_program, running, settings_for
from tests.support.server import Server, say


def moderated(tmp_path: Path, server: Server, what: str, *, attended: bool = True) -> Program:
    """A chat with a server that flags the word `poison`, and checks `what`."""
    server.flagged = ("poison",)
    flags = ("-o", f"moderation={what}")
    return compose_program(tmp_path, settings_for(server.url), *flags, attended=attended)


def test_a_flagged_message_waits_for_the_person(tmp_path: Path, server: Server) -> None:
    """A message that the server's moderation flags is sent only if the person says yes, and they learn why."""
    program = moderated(tmp_path, server, "input")
    declined, agreed = FrontEnd({"send_flagged": ["n"]}), FrontEnd({"send_flagged": ["y"]})
    with running(program) as loop:
        loop.run(declined.drive(program.services.conversation.say("poison")))
        assert not declined.sent
        assert program.services.manager.session.path() == []
        assert all(request.path.endswith("/moderations") for request in server.requests)
        loop.run(agreed.drive(program.services.conversation.say("poison")))
    assert agreed.sent
    assert "your message was flagged: poison" in declined.asked[0].question


def test_a_harmless_message_goes_unasked(tmp_path: Path, server: Server) -> None:
    """A message that the server does not flag is sent without a question."""
    program = moderated(tmp_path, server, "input")
    front = FrontEnd()
    with running(program) as loop:
        loop.run(front.drive(program.services.conversation.say("hello")))
    assert front.shown == "You said: hello"
    assert not front.asked


def test_a_script_is_told_that_its_message_was_flagged(tmp_path: Path, server: Server) -> None:
    """Where nobody can be asked, a flagged message is not sent, and the error says how to go on."""
    program = moderated(tmp_path, server, "both", attended=False)
    with running(program) as loop, pytest.raises(ContentFilterError, match="flagged: poison; it was not sent"):
        loop.run(FrontEnd().drive(program.services.conversation.say("poison")))


def test_a_reply_is_shown_once_it_was_checked(tmp_path: Path, server: Server) -> None:
    """With moderation of the output a harmless reply comes whole, after its check."""
    program = moderated(tmp_path, server, "output")
    server.script(say("all ", "is ", "well"))
    front = FrontEnd()
    with running(program) as loop:
        loop.run(front.drive(program.services.conversation.say("hello")))
    assert front.shown == "all is well"
    assert not front.asked
    assert [request.path.rpartition("/")[2] for request in server.requests] == ["completions", "moderations"]
    assert server.requests[1].json["input"] == "all is well"


def test_a_flagged_reply_is_not_shown(tmp_path: Path, server: Server) -> None:
    """Nothing of a flagged reply reaches the screen; declined, its turn is taken back and /redo has it."""
    program = moderated(tmp_path, server, "both")
    server.script(say("drink ", "poison"))
    front = FrontEnd({"show_withheld": ["n"]})
    with running(program) as loop:
        loop.run(front.drive(program.services.conversation.say("hello")))
    assert front.shown == ""
    assert front.outcome.whole
    assert front.asked[0].question == "the reply was flagged: poison; show it all the same?"
    assert program.services.manager.session.path() == []
    assert len(program.services.manager.session.messages) == 2
    assert "/redo" in front.told[0]


def test_a_flagged_reply_is_shown_on_demand(tmp_path: Path, server: Server) -> None:
    """The person may look at a flagged reply, and the conversation goes on after it."""
    program = moderated(tmp_path, server, "output")
    server.script(say("poison"))
    front = FrontEnd({"show_withheld": ["y"]})
    with running(program) as loop:
        loop.run(front.drive(program.services.conversation.say("hello")))
    assert front.shown == "poison"
    assert program.services.manager.session.path()[-1].text == "poison"


def test_a_script_is_told_that_its_reply_was_flagged(tmp_path: Path, server: Server) -> None:
    """Where nobody can be asked, a flagged reply is an error, and its turn is taken back."""
    program = moderated(tmp_path, server, "output", attended=False)
    server.script(say("poison"))
    front = FrontEnd()
    with running(program) as loop, pytest.raises(ContentFilterError, match="it is not shown"):
        loop.run(front.drive(program.services.conversation.say("hello")))
    assert front.shown == ""
    assert program.services.manager.session.path() == []


def test_every_answer_of_several_is_checked(tmp_path: Path, server: Server) -> None:
    """Where several answers were asked for, one flagged among them holds all back."""
    program = moderated(tmp_path, server, "output")
    server.script(say("poison", choices=2))
    front = FrontEnd()
    with running(program) as loop:
        loop.run(front.drive(program.services.conversation.say("hello")))
    assert front.shown == ""
    assert [one.subject for one in front.asked] == ["show_withheld"]


def test_a_server_without_moderation_is_told_once(tmp_path: Path, server: Server) -> None:
    """A server that has no moderation is named once, and the chat goes on without checks."""
    program = compose_program(tmp_path, settings_for(f"{server.root}/else/v1"), "-o", "moderation=both")
    server.missing = ("/moderations",)
    front = FrontEnd()
    with running(program) as loop:
        for _turn in range(2):
            loop.run(front.drive(program.services.conversation.say("hello")))
    assert front.shown == "You said: hello" * 2
    assert front.told == ["test has no moderation; nothing is checked"]


def test_the_demo_has_no_moderation(tmp_path: Path) -> None:
    """The offline demo says that it checks nothing, and answers."""
    program = compose_program(tmp_path, 'provider = "demo"\nmodel = "demo-fast"\nmoderation = "output"')
    front = FrontEnd()
    with running(program) as loop:
        loop.run(front.drive(program.services.conversation.say("hello")))
    assert front.shown
    assert front.told == ["demo has no moderation; nothing is checked"]


def test_a_check_that_fails_lets_nothing_through(tmp_path: Path, server: Server) -> None:
    """A moderation that cannot be reached is an error, and the message is not sent."""
    program = moderated(tmp_path, server, "both")
    with running(program) as loop:
        server.close()
        with pytest.raises(GptchatError):
            loop.run(FrontEnd().drive(program.services.conversation.say("hello")))
    assert program.services.manager.session.path() == []

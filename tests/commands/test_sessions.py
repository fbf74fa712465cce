"""Sessions in the hands of a person: what is opened, deleted and listed, and how old it is said to be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gptchat.commands.effects import Replay
from gptchat.commands.wording import age
from gptchat.errors import UsageError
from gptchat.manager import Send
from tests.support.program import command, compose_program, effects, running, settings_for, turn
from tests.support.server import Server


def test_deleting_another_session_leaves_the_open_one_open(tmp_path: Path, server: Server) -> None:
    """/delete NAME moves that session to the trash, and the conversation goes on where it is."""
    program = compose_program(tmp_path, settings_for(server.url))
    manager = program.services.manager
    with running(program) as loop:
        loop.run(turn(program, Send("about eggs")))
        loop.run(command(program, "/new"))
        loop.run(turn(program, Send("about bread")))
        here = manager.session.id
        loop.run(command(program, "/delete eggs", "y"))
        assert manager.session.id == here
        assert [info.title for info in program.services.library.list("ann")] == ["about bread"]
        loop.run(command(program, "/delete", "y"))
        assert manager.session.id != here
        with pytest.raises(UsageError, match="nothing to delete"):
            loop.run(command(program, "/delete", "y"))


def test_a_session_is_shown_when_it_is_opened(tmp_path: Path, server: Server) -> None:
    """/resume shows the last turns of the session, so that a person sees where they stand."""
    program = compose_program(tmp_path, settings_for(server.url))
    with running(program) as loop:
        loop.run(turn(program, Send("about eggs")))
        loop.run(command(program, "/new"))
        found = loop.run(effects(program, "/resume eggs"))
    [shown] = [effect.messages for effect in found if isinstance(effect, Replay)]
    assert [message.text for message in shown] == ["about eggs", "You said: about eggs"]


def test_a_damaged_session_is_told_in_the_list(tmp_path: Path, server: Server) -> None:
    """/sessions says how many journals could not be read whole, and nothing of it where all were."""
    program = compose_program(tmp_path, settings_for(server.url))
    services = program.services
    with running(program) as loop:
        for words in ("about eggs", "about bread"):
            loop.run(command(program, "/new"))
            loop.run(turn(program, Send(words)))
        assert "could not be read" not in loop.run(command(program, "/sessions"))
        journal = services.journals.journal_path("ann", services.manager.session.id)
        journal.write_bytes(b"damaged\n" + journal.read_bytes())
        assert "1 of them could not be read whole" in loop.run(command(program, "/sessions"))


@pytest.mark.parametrize(
    ("passed", "words"),
    [
        (timedelta(seconds=-30), "just now"),  # by a clock that is a little ahead
        (timedelta(seconds=58), "just now"),
        (timedelta(minutes=1), "1 minute ago"),
        (timedelta(minutes=59, seconds=58), "59 minutes ago"),
        (timedelta(hours=1), "1 hour ago"),
        (timedelta(hours=23, minutes=59, seconds=58), "23 hours ago"),
        (timedelta(days=1), "1 day ago"),
        (timedelta(days=13, hours=23, minutes=59, seconds=58), "13 days ago"),
    ],
)
def test_ages_in_words(passed: timedelta, words: str) -> None:
    """An age is told in whole minutes, hours or days, and never more than has passed."""
    then = datetime.now(UTC) - passed
    assert age(then.isoformat()) == words
    assert age(then.replace(tzinfo=None).isoformat()) == words  # without a zone it is UTC, as in records


def test_an_old_session_has_a_date() -> None:
    """From two weeks on an age is a date; a time that cannot be read is none."""
    then = datetime.now(UTC) - timedelta(days=14)
    assert age(then.isoformat()) == then.astimezone().strftime("%Y-%m-%d")
    assert age("yesterday") == ""

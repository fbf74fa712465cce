"""Two programs on one session: a person sees exactly what the other has written, and says where to continue."""

from __future__ import annotations

from pathlib import Path

import pytest

from gptchat.commands.program import Program
from gptchat.conversation.events import Foreign
from tests.support.front_end import FrontEnd
from tests.support.program import command, compose_program, running, settings_for
from tests.support.server import Server


def drive(program: Program, *texts: str, answer: str = "y") -> FrontEnd:
    """Say `texts` one after the other; a question about another program is answered by `answer`."""
    front = FrontEnd({"foreign_edits": [answer] * len(texts)})
    with running(program) as loop:
        for text in texts:
            loop.run(front.drive(program.services.conversation.say(text)))
    return front


def foreign(front: FrontEnd) -> list[list[str]]:
    """The texts of another program's messages, as they were shown."""
    return [[one.text for one in event.messages] for event in front.events if isinstance(event, Foreign)]


def words(program: Program) -> list[str]:
    """The conversation as it stands in `program`."""
    return [message.text for message in program.services.manager.session.path()]


@pytest.fixture
def both(tmp_path: Path, server: Server) -> tuple[Program, Program]:
    """Two programs that stand at the same place of one session."""
    one = compose_program(tmp_path, settings_for(server.url))
    drive(one, "hello")
    other = compose_program(tmp_path)
    assert other.services.open_first("")
    return one, other


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_all_that_another_program_said_is_shown(both: tuple[Program, Program], turns: int) -> None:
    """Every message of the other program is shown before anything is added, and none that was seen before."""
    one, other = both
    said = [f"number {number}" for number in range(turns)]
    drive(other, *said)
    front = drive(one, "and I")
    theirs = [text for each in said for text in (each, f"You said: {each}")]
    assert foreign(front) == [theirs]
    assert f"has added {2 * turns} messages" in front.told[0]
    assert words(one) == ["hello", "You said: hello", *theirs, "and I", "You said: and I"]


def test_nothing_is_shown_where_nobody_else_wrote(both: tuple[Program, Program]) -> None:
    """A person alone with a session is asked nothing, however often they write."""
    front = drive(both[0], "one", "two")
    assert (foreign(front), front.asked, front.told) == ([], [], [])


def test_what_was_shown_once_is_not_shown_again(both: tuple[Program, Program]) -> None:
    """After the answer the other program's messages are known; only what it adds later is shown."""
    one, other = both
    drive(other, "first")
    front = drive(one, "mine", "mine again")
    assert foreign(front) == [["first", "You said: first"]]
    drive(other, "second")  # it has gone on after what `one` said
    assert foreign(drive(one, "once more")) == [["second", "You said: second"]]


def test_a_branch_begins_where_one_was(both: tuple[Program, Program]) -> None:
    """With a branch the model is not told what the other program said, which stays in the session."""
    one, other = both
    drive(other, "theirs")
    drive(one, "mine", answer="b")
    assert words(one) == ["hello", "You said: hello", "mine", "You said: mine"]
    assert "theirs" in {message.text for message in one.services.manager.session.messages.values()}


def test_a_fork_leaves_the_other_program_where_it_was(both: tuple[Program, Program]) -> None:
    """With a fork one goes on in a session of one's own, and the old one stands where the other left it."""
    one, other = both
    old = one.services.manager.session.id
    drive(other, "theirs")
    drive(one, "mine", answer="f")
    assert one.services.manager.session.id != old
    assert words(one) == ["hello", "You said: hello", "mine", "You said: mine"]
    kept = one.services.journals.read("ann", old)
    assert [message.text for message in kept.path()] == ["hello", "You said: hello", "theirs", "You said: theirs"]


def test_waiting_sends_nothing(both: tuple[Program, Program], server: Server) -> None:
    """Who wants to think first has sent nothing, and is asked no more about what they have seen."""
    one, other = both
    drive(other, "theirs")
    before = len(server.requests)
    assert not drive(one, "mine", answer="n").sent
    assert len(server.requests) == before
    assert drive(one, "mine").asked == []


def test_an_undo_of_another_program_is_told(both: tuple[Program, Program]) -> None:
    """Where the other program has only moved, that is told, and the person says where to go on."""
    one, other = both
    drive(other, "theirs")
    drive(one, "mine")
    drive(other, "theirs again")
    with running(one) as loop:
        loop.run(command(one, "/undo"))
    front = drive(other, "on")
    assert "another gptchat has moved this conversation" in front.told[0]
    assert not any(foreign(front))
    assert words(other) == ["hello", "You said: hello", "theirs", "You said: theirs", "on", "You said: on"]

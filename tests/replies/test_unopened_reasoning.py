"""Reasoning that a model closes and never opened is kept apart from the answer, on the screen as far as it can."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from gptchat.core.events import ReasoningDelta, TextDelta, TextWasReasoning
from gptchat.core.messages import Message
from gptchat.manager import Send
from gptchat.manager.reply import ReplyBuilder
from gptchat.storage.store import JournalStore
from gptchat.terminal.output.capabilities import Terminal
from gptchat.terminal.output.painter import Painter
from gptchat.terminal.output.theme import Theme
from tests.support.program import KEY, compose_program, running, settings_for, turn
from tests.support.server import Server, say

THINKING = ("Let me ", "think.\n", "</thi", "nk>\n\nThe ", "answer is 4.")


@pytest.fixture
def server() -> Iterator[Server]:
    """A scripted model server."""
    with Server(key=KEY) as running:
        yield running


def test_what_stands_before_is_reasoning_and_not_sent(server: Server, tmp_path: Path) -> None:
    """The message and the next request have the answer alone, and the next reply is known from its beginning."""
    server.script(say(*THINKING), say(*THINKING), say("No thoughts."))
    program = compose_program(tmp_path / "home", settings_for(server.url))
    with running(program) as runner:
        first = runner.run(turn(program, Send("2+2?")))
        message = program.services.manager.session.path()[-1]
        assert (message.reasoning, message.text) == ("Let me think.", "The answer is 4.")
        assert any(isinstance(event, TextWasReasoning) for event in first)
        second = runner.run(turn(program, Send("again")))
        sent = [one["content"] for one in server.requests[-1].json["messages"]]
        assert sent == ["2+2?", "The answer is 4.", "again"]
        shown = [event for event in second if isinstance(event, TextDelta | ReasoningDelta | TextWasReasoning)]
        assert isinstance(shown[0], ReasoningDelta)
        assert "".join(event.text for event in shown if isinstance(event, TextDelta)) == "The answer is 4."
        runner.run(turn(program, Send("again")))
        message = program.services.manager.session.path()[-1]
        assert (message.reasoning, message.text) == ("", "No thoughts.")


def _painted(*pieces: str) -> str:
    written: list[str] = []
    now = 0.0
    painter = Painter(
        written.append,
        size=lambda: (80, 24),
        theme=Theme("dark"),
        terminal=Terminal(dumb=True),
        clock=lambda: now,
    )
    for piece in pieces[:-1]:
        painter.feed(piece)
        now += 1
        painter.frame()
    painter.text_was_reasoning("".join(pieces[:-1]))
    now += 1
    painter.frame()
    painter.feed(pieces[-1])
    painter.finish()
    return "".join(written)


def test_thoughts_that_are_not_printed_yet_are_folded() -> None:
    """Thoughts of which no line is final are folded to one line, as others are."""
    shown = _painted("Let me think.", "The answer is 4.")
    assert "Let me think" not in shown
    assert "∴ " in shown
    assert shown.rstrip().endswith("The answer is 4.")


def test_thoughts_that_are_printed_are_marked() -> None:
    """Thoughts that were printed stay, a line says what they were, and code blocks of the answer count from 1."""
    shown = _painted("One.\n\n```py\na\n```\n\nThree.\n\nFour", "The answer:\n\n```py\nb\n```\n")
    assert shown.index("Three.") < shown.index("∴ the text above was thinking") < shown.index("The answer:")
    assert "py · 2" not in shown


def test_a_crash_after_the_correction_keeps_it(tmp_path: Path) -> None:
    """A reply that was cut off after its reasoning was recognised comes back with both parts."""
    store = JournalStore(tmp_path)
    session = store.create("ann", {})
    store.append(session, [{"type": "message", "id": "", "role": "user", "content": "q", "parent": None}])
    partial = store.partial(session, Message("assistant", "", parent="m1").to_record())
    reply = ReplyBuilder(partial)
    reply.take([TextDelta("hm\n</think>\nThe "), TextDelta("answer")])
    del reply, partial
    gc.collect()  # the lock goes with the program
    message = JournalStore(tmp_path).open("ann", session.id).messages["m2"]
    assert (message.reasoning, message.text, message.status) == ("hm", "The answer", "interrupted")

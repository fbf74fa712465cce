"""/continue goes on wherever a turn ended, and every hint about it tells what it will do."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gptchat.commands.program import Program
from gptchat.conversation.events import TurnEnded
from gptchat.core.events import ReasoningDelta, TextDelta, TurnStarted
from gptchat.errors import UsageError
from gptchat.terminal.turn import hint_after
from tests.support.front_end import FrontEnd
from tests.support.program import command, compose_program, running, settings_for
from tests.support.server import CUT, Gate, Reply, Server, hang, refuse, say


async def say_and_stop(program: Program, server: Server, front: FrontEnd, at: type) -> None:
    """Send a message, and stop the reply at the first event of the class `at`, once the server has the request."""

    async def stop() -> None:
        await asyncio.to_thread(server.wait_for_requests, 1)
        program.services.manager.stop()

    stopping: asyncio.Task[None] | None = None
    async for event in program.services.conversation.say("tell me"):
        if isinstance(event, at) and at is not TurnEnded:
            stopping = stopping or asyncio.create_task(stop())
        if isinstance(event, TurnEnded):
            front.events.append(event)
    if stopping is not None:
        await stopping


GATE = Gate()
"""Never opened."""

ENDINGS: dict[str, tuple[Reply, type]] = {
    "stopped before anything came": (hang(), TurnStarted),
    "refused": (refuse(400, "no"), TurnEnded),
    "empty": (say(""), TurnEnded),
    "stopped in reasoning": (say(GATE, "late", reasoning=["let me ", "think"]), ReasoningDelta),
    "cut off in reasoning": (say(CUT, reasoning=["let me think"]), TurnEnded),
    "stopped in text": (say("some ", GATE, "text"), TextDelta),
    "cut off in text": (say("some ", CUT), TurnEnded),
    "cut at the length": (say("some ", finish="length"), TurnEnded),
    "cut at the length in reasoning": (say("", reasoning=["let me think"], finish="length"), TurnEnded),
}


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("reopened", [False, True])
def test_continue_goes_on_after_every_ending(tmp_path: Path, ending: str, reopened: bool) -> None:
    """However a turn ended, here or in an earlier run, /continue brings more of the reply or asks for it again."""
    with Server() as server:
        program = compose_program(tmp_path, settings_for(server.url))
        reply, at = ENDINGS[ending]
        with running(program) as runner:
            server.script(reply)
            front = FrontEnd()
            runner.run(say_and_stop(program, server, front, at))
            begun = program.services.manager.session.tail(1)[0]
            hint = hint_after(front.outcome, saved=True)
            assert "saved" not in hint_after(front.outcome, saved=False)
        text = begun.text if begun.role == "assistant" else ""
        assert ("/continue" in hint) <= bool(text), hint
        if reopened:
            program = compose_program(tmp_path, "", "--continue")
            program.services.open_first("")
        with running(program) as runner:
            asked = len(server.requests)
            server.script(say("and the rest"))
            front = FrontEnd()
            runner.run(front.drive(program.services.conversation.continue_()))
            assert len(server.requests) == asked + 1
            last = program.services.manager.session.tail(1)[0]
            messages = server.requests[-1].json["messages"]
            if text:
                assert last.text == text + "and the rest"
            else:
                assert last.text == "and the rest"
                assert [message["content"] for message in messages] == ["tell me"]
                assert any("answered again" in line for line in front.told)
            assert last.status == "complete"
            assert program.services.manager.session.user_ids() == ["m1"]


def test_continue_before_anything_was_said(tmp_path: Path) -> None:
    """In an empty conversation there is nothing to go on with, and that is what is told."""
    program = compose_program(tmp_path, 'provider = "demo"')
    with running(program) as runner, pytest.raises(UsageError, match="nothing has been said yet"):
        runner.run(command(program, "/continue"))

"""The line below a reply: tokens, speed, cost and time of what was just said."""

from __future__ import annotations

import re
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from gptchat.conversation.outcome import Outcome
from gptchat.core.messages import Message, Usage
from gptchat.core.session import Session
from gptchat.manager import Continue, Send
from gptchat.terminal.turn import finished
from gptchat.words import money
from tests.support.program import compose_program, running, settings_for, turn
from tests.support.server import Reply, Server, say

PRICED = '[models."m"]\ninput = 1.0\noutput = 2.0\n'


def line_after(tmp_path: Path, *replies: Reply) -> tuple[str, Outcome]:
    """The line below the last of the scripted replies, of which all but the first continue the one before."""
    with Server() as server:
        program = compose_program(tmp_path, settings_for(server.url) + PRICED)
        with running(program) as runner:
            server.script(*replies)
            events = runner.run(turn(program, Send("count")))
            for _reply in replies[1:]:
                events = runner.run(turn(program, Continue()))
    outcome = Outcome()
    for event in events:
        outcome.take(event)
    return finished(outcome, program.services.manager.session), outcome


def test_a_continuation_is_told_of_alone(tmp_path: Path) -> None:
    """After `/continue` tokens, speed and cost are those of the new piece, not of the whole reply."""
    long, short = ({"prompt_tokens": 10, "completion_tokens": n, "total_tokens": n + 10} for n in (50_000, 70))
    line, outcome = line_after(
        tmp_path, say("one", usage=long, finish="length"), say("two ", 0.1, "three", usage=short)
    )
    assert line.startswith("70 tokens · ")
    speed = re.search(r"([\d,]+) tok/s", line)
    assert speed is not None
    assert int(speed[1].replace(",", "")) <= 70 / 0.1
    assert money((10 + 2 * 70) / 1e6) in line
    assert outcome.message is not None
    assert outcome.message.usage is not None
    assert outcome.message.usage.completion_tokens == 50_070


def test_reasoning_that_is_not_streamed_does_not_make_a_reply_faster() -> None:
    """Speed counts what was generated after the first piece: hidden reasoning was over by then."""
    usage = Usage(10, 1_100, 1_110, reasoning_tokens=1_000)
    for reasoning, speed in (("", "50 tok/s"), ("I think", "550 tok/s")):
        message = Message("assistant", "words", reasoning=reasoning, usage=usage)
        assert speed in finished(Outcome(message, seconds=3.0, first=1.0, usage=usage), Session("s", "ann"))


@given(st.floats(min_value=1e-12, max_value=1e6))
def test_an_amount_is_never_shown_as_nothing(dollars: float) -> None:
    """However little something costs, a digit that is not zero says so."""
    assert re.search("[1-9]", money(dollars))
    assert money(0) == "$0.00"

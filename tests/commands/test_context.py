"""What the model is sent, in the person's hands: told truly, limited by what servers say, paid for once."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from gptchat.commands.program import Program
from gptchat.conversation import spending
from gptchat.core.context import NEARLY
from gptchat.core.events import ContextTrimmed, Notice, TurnFailed, TurnFinished
from gptchat.errors import ProtocolError
from gptchat.manager import Continue, Send
from gptchat.terminal.output.gauge import Gauge
from tests.support.program import command, compose_program, data, effects, running, settings_for, shown, turn
from tests.support.server import Reply, Server, refuse, say

PRICED = '[models."m"]\ninput = 1.0\noutput = 2.0\n'
MILLION = {"prompt_tokens": 1_000_000, "completion_tokens": 500_000, "total_tokens": 1_500_000}
"""What costs two dollars by the prices above."""
INFO = {"data": [{"model_name": "m", "model_info": {"max_input_tokens": 65_000}}]}
"""What LiteLLM tells of its models."""


async def said(program: Program, text: str) -> list[object]:
    """What saying `text` in the conversation brings."""
    return [event async for event in program.services.conversation.say(text)]


def test_a_reply_continued_costs_all_its_pieces(tmp_path: Path) -> None:
    """A reply that was gone on with costs what all its requests cost, in the account and beside the prompt."""
    with Server() as server:
        program = compose_program(tmp_path, settings_for(server.url) + PRICED)
        with running(program) as runner:
            server.script(say("one", usage=MILLION, finish="length"), say("two", usage=MILLION))
            runner.run(turn(program, Send("count")))
            runner.run(turn(program, Continue()))
            assert spending.cost_of(program.services.manager.session.tail(1)[0]) == pytest.approx(4.0)
            assert [row.cost for row in program.services.account.report()] == [pytest.approx(4.0)] * 4


def test_a_reply_continued_at_an_unknown_price_keeps_what_it_cost(tmp_path: Path) -> None:
    """What the first piece cost stays in the account where a model without a price continues the reply."""
    with Server() as server:
        program = compose_program(tmp_path, settings_for(server.url) + PRICED)
        with running(program) as runner:
            server.script(say("one", usage=MILLION, finish="length"), say("two", usage=MILLION))
            runner.run(turn(program, Send("count")))
            runner.run(command(program, "/set model another"))
            runner.run(turn(program, Continue()))
            costs = {row.label: row.cost for row in program.services.account.report()}
        for label in ("last turn", "this session", "today", "ann, all in all"):
            assert costs[label] == pytest.approx(2.0)
        assert costs["m"] == pytest.approx(2.0)
        assert costs["another"] is None
        again = compose_program(tmp_path, "", "--continue")
        with running(again):
            assert again.services.account.today() == pytest.approx(2.0)


def test_a_fork_is_not_paid_for_again(tmp_path: Path) -> None:
    """What a fork begins with was paid for in the session it comes from; only what follows costs anew."""
    with Server() as server:
        program = compose_program(tmp_path, settings_for(server.url) + PRICED)
        with running(program) as runner:
            server.script(say("one", usage=MILLION), say("two", usage=MILLION), say("three", usage=MILLION))
            runner.run(turn(program, Send("count")))
            runner.run(command(program, "/fork"))
            assert program.services.account.today() == pytest.approx(2.0)
            runner.run(turn(program, Send("on")))
            assert program.services.account.today() == pytest.approx(4.0)
            runner.run(turn(program, Continue()))
            runner.run(command(program, "/new"))
            assert program.services.account.today() == pytest.approx(6.0)


def test_a_reply_continued_in_a_fork_is_paid_for(tmp_path: Path) -> None:
    """Going on in a fork with a reply that was copied costs that one request, and the copy nothing."""
    with Server() as server:
        program = compose_program(tmp_path, settings_for(server.url) + PRICED)
        with running(program) as runner:
            server.script(say("one", usage=MILLION, finish="length"), say("two", usage=MILLION))
            runner.run(turn(program, Send("count")))
            runner.run(command(program, "/fork"))
            runner.run(turn(program, Continue()))
            assert program.services.account.today() == pytest.approx(4.0)


def test_undo_in_a_fork_takes_back_the_last_turn(tmp_path: Path) -> None:
    """Where turns followed a summary, /undo takes back a turn in the fork as it does in the session."""
    with Server() as server:
        program = compose_program(tmp_path, settings_for(server.url))
        with running(program) as runner:
            for number in range(4):
                runner.run(turn(program, Send(f"question {number}")))
            server.script(say("They asked."))
            runner.run(effects(program, "/compact", "y"))
            runner.run(turn(program, Send("question 4")))
            runner.run(command(program, "/fork"))
            assert "1 turn taken back" in runner.run(command(program, "/undo"))
            assert "the summary is taken back" in runner.run(command(program, "/undo"))


def test_a_fork_keeps_every_summary_that_its_turns_have(tmp_path: Path) -> None:
    """A fork that ends before the newest summary still has the one before, as the session had it there."""
    with Server() as server:
        program = compose_program(tmp_path, settings_for(server.url))
        with running(program) as runner:
            for name in ("first", "second"):
                for number in range(4):
                    runner.run(turn(program, Send(f"question {number}")))
                server.script(say(f"the {name} summary"))
                runner.run(effects(program, "/compact", "y"))
            runner.run(command(program, "/fork 4"))
            runner.run(turn(program, Send("and now?")))
    assert "the first summary" in server.requests[-1].json["messages"][0]["content"]


def test_what_a_summary_stands_for_is_not_told_as_forgotten(tmp_path: Path) -> None:
    """After a summary nothing is told to be no longer sent; trimming is, and counted by itself, when it begins."""
    with Server() as server:
        program = compose_program(tmp_path, settings_for(server.url))
        with running(program) as runner:
            for number in range(5):
                runner.run(turn(program, Send(f"question {number}")))
            server.script(say("They asked."))
            runner.run(effects(program, "/compact", "y"))
            events = runner.run(turn(program, Send("more")))
            assert not [event for event in events if isinstance(event, ContextTrimmed)]
            runner.run(effects(program, "/set context.max_turns 2"))
            events = runner.run(turn(program, Send("and more")))
            assert [event for event in events if isinstance(event, ContextTrimmed)]
            page = shown(runner.run(effects(program, "/context")))
    assert "6 older messages" in page
    assert "a summary stands for them" in page
    assert "context.max_turns is 2" in page


@pytest.mark.parametrize("facts", ["", '[models."m"]\ncontext = 100000\n'])
def test_an_overflow_at_a_known_limit_is_planned_again(tmp_path: Path, facts: str) -> None:
    """A request over a limit that was known, or that the settings deny, is planned again, each time once."""
    words = "This model's maximum context length is 2000 tokens. However, your messages resulted in 2300 tokens."
    with Server() as server:
        program = compose_program(tmp_path, settings_for(server.url) + facts)
        with running(program) as runner:
            for _number in range(4):
                runner.run(turn(program, Send("word " * 400)))
            for _number in range(3):
                before = len(server.requests)
                server.script(refuse(400, words, code="context_length_exceeded"))
                end = runner.run(turn(program, Send("word " * 40)))[-1]
                assert isinstance(end, TurnFinished)
                first, second = (len(request.json["messages"]) for request in server.requests[before:])
                assert second < first


def test_the_toolbar_warns_before_trimming_begins(tmp_path: Path) -> None:
    """One turn before messages are left out the toolbar says so, though the window itself is far from full."""
    with Server() as server:
        config = settings_for(server.url) + "[context]\nmax_turns = 3\n"
        program = compose_program(tmp_path, config)
        with running(program) as runner:
            counted = threading.Event()
            parts = program.services
            gauge = Gauge(parts.manager, parts.routing, parts.outbox, parts.indexing, drawn=counted.set)
            seen = []
            for number in range(5):
                runner.run(turn(program, Send(f"question {number}")))
                counted.clear()
                gauge.refresh()
                assert counted.wait(15)
                status = gauge.status()
                assert status.tokens is not None
                assert status.window is not None
                assert status.tokens < NEARLY * status.window
                seen.append((status.near, status.left_out > 0))
    assert seen == [(False, False), (False, False), (True, False), (False, True), (False, True)]


def test_a_message_the_server_finds_too_large_comes_back(tmp_path: Path) -> None:
    """A message that a refusal shows to be too large is in the prompt again, out of the way of the next."""
    words = "This model's maximum context length is 500 tokens. However, your messages resulted in 2600 tokens."
    with Server() as server:
        program = compose_program(tmp_path, settings_for(server.url))
        with running(program) as runner:
            server.script(refuse(400, words, code="context_length_exceeded"))
            text = "word " * 1500
            end = runner.run(turn(program, Send(text)))[-1]
            assert isinstance(end, TurnFailed)
            assert (end.draft, program.services.manager.session.path()) == (text, [])
            runner.run(turn(program, Send("hi")))
            assert [one.text for one in program.services.manager.session.path()] == ["hi", "You said: hi"]


def test_a_guessed_window_refuses_nothing(tmp_path: Path) -> None:
    """A message larger than a window that nobody told is sent, the guess is told, and the answer corrects it."""
    with Server() as server:
        program = compose_program(tmp_path, settings_for(server.url))
        with running(program) as runner:
            usage = {"prompt_tokens": 9_050, "completion_tokens": 2, "total_tokens": 9_052}
            server.script(say("read", usage=usage))
            events = runner.run(turn(program, Send("word " * 9_000)))
            assert isinstance(events[-1], TurnFinished)
            notices = [event.text for event in events if isinstance(event, Notice)]
            assert len(notices) == 1
            assert "8,192 tokens is a guess" in notices[0]
            assert program.services.routing.window("m") == (18_100, "default")
            events = runner.run(turn(program, Send("what did it say?")))
            assert not [event for event in events if isinstance(event, Notice | ContextTrimmed)]
            assert len(server.requests[-1].json["messages"]) == 3


@pytest.mark.parametrize("facts", ["", '[models."m"]\ncontext = 100000\n'])
def test_a_refusal_without_a_number_teaches_nothing(tmp_path: Path, facts: str) -> None:
    """A server that says "too long" and no number is quoted, and the window stays what it was, time after time."""
    words = "litellm.ContextWindowExceededError: this request is beyond the context window"
    with Server() as server:
        program = compose_program(tmp_path, settings_for(server.url) + facts)
        with running(program) as runner:
            before = program.services.routing.window("m")
            for _time in range(3):
                server.script(refuse(400, words, code="context_length_exceeded"))
                end = runner.run(turn(program, Send("hi")))[-1]
                assert isinstance(end, TurnFailed)
                assert words in end.error.message
                assert program.services.routing.window("m") == before
                runner.run(effects(program, "/undo"))
            assert len(server.requests) == 3


def test_a_long_conversation_is_tried_once_with_less(tmp_path: Path) -> None:
    """Where no number is told and older turns can be left out, fewer are sent, once; nothing is kept."""
    with Server() as server:
        program = compose_program(tmp_path, settings_for(server.url))
        with running(program) as runner:
            for _number in range(4):
                runner.run(turn(program, Send("word " * 400)))
            before, requests = program.services.routing.window("m"), len(server.requests)
            server.script(refuse(400, "the context is too long", code="context_length_exceeded"))
            assert isinstance(runner.run(turn(program, Send("and now?")))[-1], TurnFinished)
            first, second = (len(request.json["messages"]) for request in server.requests[requests:])
            assert second < first
            assert program.services.routing.window("m") == before


def test_a_refusal_is_quoted_when_less_is_sent(tmp_path: Path) -> None:
    """Before a smaller request is sent, the server's words are told, with the window if they name it."""
    with Server() as server:
        program = compose_program(tmp_path, settings_for(server.url))
        with running(program) as runner:
            for _number in range(4):
                runner.run(turn(program, Send("word " * 400)))
            for words, told in (
                ("the context is too long", "it names no limit"),
                ("maximum context length is 1000 tokens, however you requested 2001 tokens", "1,000 tokens"),
            ):
                server.script(refuse(400, words, code="context_length_exceeded"))
                events = runner.run(turn(program, Send("and now?")))
                assert isinstance(events[-1], TurnFinished)
                [notice] = [event.text for event in events if isinstance(event, Notice)]
                assert words in notice
                assert told in notice


def test_a_server_is_asked_before_a_guess_leaves_anything_out(tmp_path: Path) -> None:
    """Where a guessed window would leave turns out, the server is asked for its window first, once."""
    with Server() as server:
        server.models = [{"id": "m", "owned_by": "openai"}]
        server.answers = {"/model/info": Reply.document(INFO)}
        program = compose_program(tmp_path, settings_for(server.url))
        with running(program) as runner:
            runner.run(said(program, "short"))
            assert [one.path for one in server.requests] == ["/v1/chat/completions"]
            events = runner.run(said(program, "word " * 9_000))
            assert not [event for event in events if isinstance(event, Notice | ContextTrimmed)]
            assert program.services.routing.window("m") == (65_000, "server")
            asked = len(server.requests)
            runner.run(said(program, "word " * 9_000))
            assert len(server.requests) == asked + 1
            assert len(server.requests[-1].json["messages"]) == 5


def test_a_server_that_tells_no_window_is_asked_once(tmp_path: Path) -> None:
    """A server that tells no window is not asked again with every message, and the guess is told as one."""
    with Server() as server:
        server.models = [{"id": "m", "owned_by": "koboldcpp"}]
        program = compose_program(tmp_path, settings_for(server.url))
        with running(program) as runner:
            for _time in range(2):
                server.script(
                    say("read", usage={"prompt_tokens": 100, "completion_tokens": 2, "total_tokens": 102})
                )
                events = runner.run(said(program, "word " * 9_000))
                assert "is a guess" in str([event for event in events if isinstance(event, Notice)])
    assert [one.path for one in server.requests].count("/api/extra/true_max_context_length") == 1


def test_what_is_estimated_is_marked(tmp_path: Path) -> None:
    """Tokens and windows are marked with ≈ where they are estimated or guessed, and not where they are known."""
    with Server() as server:
        program = compose_program(tmp_path, settings_for(server.url) + "[context]\nmax_turns = 1\n")
        with running(program) as runner:
            for model, marked in (("m", True), ("gpt-4o", False)):
                runner.run(command(program, f"/set model {model}"))
                for _number in range(2):
                    runner.run(turn(program, Send("hello")))
                for line in ("/context", "/status", "/tokens", "/tokens hello"):
                    page = runner.run(command(program, line))
                    assert ("≈ " in page) == marked, page
                    assert ("≈ 8,192" in page) == (marked and "/tokens" not in line)
                assert ("(≈ " in runner.run(command(program, "/context"))) == marked
                assert data(runner.run(effects(program, "/context")))["exact"] is not marked
            runner.run(command(program, "/set context.max_tokens 100"))
            end = runner.run(turn(program, Send("word " * 300)))[-1]
            assert isinstance(end, TurnFailed)
            assert "≈" not in end.error.message
            runner.run(command(program, "/set model m"))
            end = runner.run(turn(program, Send("word " * 300)))[-1]
            assert isinstance(end, TurnFailed)
            assert "take ≈ " in end.error.message


def test_a_limit_of_ones_own_is_named_as_the_way_out(tmp_path: Path) -> None:
    """Where the person's own limit is in the way, raising it is advised and not a larger model."""
    with Server() as server:
        program = compose_program(tmp_path, settings_for(server.url) + "[context]\nmax_tokens = 100\n")
        with running(program) as runner:
            end = runner.run(turn(program, Send("word " * 300)))[-1]
    assert isinstance(end, TurnFailed)
    assert "/set context.max_tokens" in (end.error.hint or "")
    assert "/models" not in (end.error.hint or "")


def test_a_summary_too_large_to_ask_for_is_asked_for_again(tmp_path: Path) -> None:
    """Where the request for a summary overflows, what that teaches is kept and fewer turns are summed up."""
    words = "This model's maximum context length is 2000 tokens. However, your messages resulted in 2600 tokens."
    with Server() as server:
        program = compose_program(tmp_path, settings_for(server.url))
        with running(program) as runner:
            for _number in range(5):
                runner.run(turn(program, Send("word " * 400)))
            server.script(refuse(400, words, code="context_length_exceeded"), say("They counted."))
            assert "They counted." in runner.run(command(program, "/compact", "y"))
            assert program.services.routing.window("m") == (2000, "learnt")


def test_an_empty_summary_stands_for_nothing(tmp_path: Path) -> None:
    """Where the model gives no summary, that is an error, and every turn is sent as before."""
    with Server() as server:
        program = compose_program(tmp_path, settings_for(server.url))
        with running(program) as runner:
            for number in range(4):
                runner.run(turn(program, Send(f"question {number}")))
            server.script(say("  \n"))
            with pytest.raises(ProtocolError, match="no summary"):
                runner.run(effects(program, "/compact", "y"))
            runner.run(turn(program, Send("more")))
    assert [one["content"] for one in server.requests[-1].json["messages"] if one["role"] == "user"] == [
        *(f"question {number}" for number in range(4)),
        "more",
    ]


@pytest.mark.parametrize(("answer", "taken"), [("y", True), ("e", True), ("n", False), (None, False)])
def test_a_summary_stands_only_where_it_was_taken(tmp_path: Path, answer: str | None, taken: bool) -> None:
    """The person sees a summary before it counts: yes or an edit takes it, anything else changes nothing."""
    with Server() as server:
        program = compose_program(tmp_path, settings_for(server.url))
        with running(program) as runner:
            for number in range(4):
                runner.run(turn(program, Send(f"question {number}")))
            server.script(say("They asked."))
            assert "They asked." in runner.run(command(program, "/compact", answer))
            summary = program.services.manager.session.summary()
            runner.run(turn(program, Send("more")))
    assert (summary.content if summary else "") == ("They asked." if taken else "")
    assert ("They asked." in str(server.requests[-1].json["messages"])) == taken


@pytest.mark.parametrize("answer", ["y", "n"])
def test_a_summary_is_in_the_account(tmp_path: Path, answer: str) -> None:
    """What asking for a summary cost is in the session's and the day's account, whether or not it was taken."""
    with Server() as server:
        program = compose_program(tmp_path, settings_for(server.url) + PRICED)
        with running(program) as runner:
            for number in range(4):
                runner.run(turn(program, Send(f"question {number}")))
            server.script(say("They asked.", usage=MILLION))
            runner.run(effects(program, "/compact", answer))
            assert [row.cost for row in program.services.account.report()][1:] == [
                pytest.approx(2.0, abs=0.01)
            ] * 3
            runner.run(command(program, "/new"))
            assert program.services.account.today() == pytest.approx(2.0, abs=0.01)

"""What holds of a comparison, whatever the front end."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptchat.commands.program import Program
from gptchat.conversation.events import AnswerChosen, AnswerEvent, ComparisonBegins, NotSent
from gptchat.core import branches
from gptchat.core.events import TextDelta, TurnFinished
from gptchat.core.typed.models import take_models
from gptchat.errors import ContentFilterError, QuotaError, UsageError
from tests.comparing.stage import ended, path_of, records
from tests.support.front_end import FrontEnd
from tests.support.program import command, compose_program, running, settings_for
from tests.support.server import CUT, Gate, Server, say


def test_the_chosen_answer_goes_on_and_the_others_stay_beside_it(program: Program, server: Server) -> None:
    """All models get one message; the next message knows the chosen answer, and the others are its versions."""
    room = program.services.conversation
    with running(program) as runner:
        front = FrontEnd({"choose_answer": ["2"]})
        runner.run(front.drive(room.compare("why?", ["m", "test:n", "o"])))
        begins = next(event for event in front.events if isinstance(event, ComparisonBegins))
        assert begins.contenders == [("test", "m"), ("test", "n"), ("test", "o")]
        assert [key for key, _meaning in front.asked[0].choices] == ["1", "2", "3"]
        assert AnswerChosen(1) in front.events
        assert path_of(program) == [("user", "why?"), ("assistant", "I am n on why?")]
        session = program.services.manager.session
        assert len(branches.versions(session, session.head or "")) == 3
        runner.run(FrontEnd().drive(room.say("and?")))
        sent = [message["content"] for message in server.requests[-1].json["messages"]]
        assert sent == ["why?", "I am n on why?", "and?"]
        assert "2 other versions" in runner.run(command(program, "/history"))


def test_models_of_several_providers_answer_at_once(server: Server, tmp_path: Path) -> None:
    """A name with a provider before it is asked there; all requests run at the same time, each has its price."""
    with Server() as other:
        gate = Gate()
        server.script(say("first", gate))
        other.script(say("second", gate))
        config = settings_for(server.url) + (
            f'[providers.near]\nkind = "compatible"\nbase_url = "{other.url}"\nkey_optional = true\n'
            'model = "own"\n'
            "[models.m]\ninput = 1.0\noutput = 1.0\n"
        )
        program = compose_program(tmp_path, config)
        front = FrontEnd()

        async def both() -> None:
            task = asyncio.create_task(front.drive(program.services.conversation.compare("q", ["m", "near:"])))
            while not all(s.requests for s in (server, other)):
                await asyncio.sleep(0.01)
            gate.open()
            await task

        with running(program) as runner:
            runner.run(both())
        first, second = ended(front).outcomes
        assert (first.model, second.model, second.provider) == ("m", "own", "near")
        assert first.cost is not None
        assert second.cost is None
        assert first.usage is not None


def test_a_model_that_fails_does_not_keep_the_others(program: Program) -> None:
    """The failure of one is told as its answer; with one answer left nothing is asked, and that goes on."""
    with running(program) as runner:
        front = FrontEnd()
        runner.run(front.drive(program.services.conversation.compare("q", ["bad", "n"])))
        assert front.asked == []
        first, second = ended(front).outcomes
        assert first.error is not None
        assert second.whole
        assert path_of(program)[-1] == ("assistant", "I am n on q")


def test_nothing_of_a_cut_answer_is_lost(program: Program, server: Server) -> None:
    """What came of an answer that broke off is kept beside the whole one, which goes on by itself."""
    server.default = lambda request: say("a part", CUT) if request.json["model"] == "m" else say("whole")
    with running(program) as runner:
        front = FrontEnd({"choose_answer": [None]})
        runner.run(front.drive(program.services.conversation.compare("q", ["m", "n"])))
        assert path_of(program)[-1] == ("assistant", "whole")
        assert ("a part", "failed") in [(one.get("content"), one.get("status")) for one in records(program)]


def test_the_last_question_is_asked_again(program: Program, server: Server) -> None:
    """Without a text the models answer the last message; where none does, the conversation stays as it was."""
    room = program.services.conversation
    with running(program) as runner:
        with pytest.raises(UsageError, match="no question"):
            runner.run(FrontEnd().drive(room.compare("", ["m", "n"])))
        runner.run(FrontEnd().drive(room.say("q")))
        runner.run(FrontEnd().drive(room.compare(" ", ["n", "o"])))
        assert path_of(program) == [("user", "q"), ("assistant", "I am n on q")]
        front = FrontEnd()
        runner.run(front.drive(room.compare("", ["bad", "test:bad"])))
        assert AnswerChosen(None) in front.events
        assert path_of(program) == [("user", "q"), ("assistant", "I am n on q")]
        assert [one["content"] for one in records(program) if one.get("role") == "user"] == ["q"]


def test_stopping_stops_all_and_keeps_all(program: Program, server: Server) -> None:
    """One stop ends every answer that still streams; what came of each is in the journal, marked as stopped."""
    gate = Gate()
    server.default = lambda request: say("part of ", request.json["model"], gate)
    front, manager = FrontEnd({"choose_answer": ["2"]}), program.services.manager

    async def stopped() -> None:
        exchange = program.services.conversation.compare("q", ["m", "n"])
        task = asyncio.create_task(front.drive(exchange))
        while sum(isinstance(e, AnswerEvent) and isinstance(e.event, TextDelta) for e in front.events) < 2:
            await asyncio.sleep(0.01)
        manager.stop()
        await task

    with running(program) as runner:
        runner.run(stopped())
    kept = [(one["content"], one["status"]) for one in records(program) if "status" in one]
    assert sorted(kept) == [("part of m", "interrupted"), ("part of n", "interrupted")]
    assert path_of(program)[-1] == ("assistant", "part of n")


def test_a_stop_before_any_word(program: Program, server: Server) -> None:
    """A stop that comes before a request has begun ends it all the same."""
    front, manager = FrontEnd(), program.services.manager

    async def stopped() -> None:
        async for event in program.services.conversation.compare("q", ["m", "n"]):
            front.events.append(event)
            if isinstance(event, ComparisonBegins):
                manager.stop()

    with running(program) as runner:
        runner.run(stopped())
    assert all(outcome.interrupted for outcome in ended(front).outcomes)
    assert path_of(program) == [("user", "q")]


def test_an_answer_that_cannot_be_kept_is_a_failure_of_its_own(program: Program, server: Server) -> None:
    """Where a newer program has taken the journal over in the meantime, each answer says so, and nothing hangs."""
    gate = Gate()
    server.default = lambda _request: say("part", gate)
    front = FrontEnd()

    async def overtaken() -> None:
        task = asyncio.create_task(front.drive(program.services.conversation.compare("q", ["m", "n"])))
        while not all(any(e == AnswerEvent(n, TextDelta("part")) for e in front.events) for n in (0, 1)):
            await asyncio.sleep(0.01)
        manager = program.services.manager
        with program.services.journals.path(manager.session).open("a") as journal:
            journal.write(json.dumps({"v": 99, "type": "session", "id": manager.session.id}) + "\n")
        gate.open()
        await task

    with running(program) as runner:
        runner.run(overtaken())
    assert [o.error.kind if o.error else "" for o in ended(front).outcomes] == ["storage", "storage"]


def test_leaving_early_ends_the_requests(program: Program, server: Server) -> None:
    """A front end that closes the exchange leaves no request behind."""
    server.default = lambda _request: say("part", Gate())

    async def closed() -> None:
        exchange = program.services.conversation.compare("q", ["m", "n"])
        async for event in exchange:
            if isinstance(event, AnswerEvent) and isinstance(event.event, TextDelta):
                break
        await exchange.aclose()

    with running(program) as runner:
        runner.run(closed())
        server.wait_for(lambda: all(one.finished for one in server.requests))


def test_budget_and_moderation_hold_for_all_before_anything_is_sent(server: Server, tmp_path: Path) -> None:
    """A spent budget, one model without a price or a flagged message keeps every model from being asked."""
    priced = "[models.m]\ninput = 1.0\noutput = 1.0\n"
    limits = '[budget]\ndaily = 1.0\nstop = "stop"\nunknown = "stop"\n'
    program = compose_program(tmp_path / "1", settings_for(server.url) + priced + limits)
    with running(program) as runner, pytest.raises(QuotaError, match="no price is known for n"):
        runner.run(FrontEnd().drive(program.services.conversation.compare("q", ["m", "n"])))
    server.flagged = ("bomb",)
    for number, attended in enumerate((True, False)):
        config = 'moderation = "both"\n' + settings_for(server.url)
        program = compose_program(tmp_path / f"m{number}", config, attended=attended)
        front, exchange = FrontEnd(), program.services.conversation.compare("a bomb", ["m", "n"])
        with running(program) as runner:
            if attended:
                runner.run(front.drive(exchange))
                assert isinstance(front.events[-1], NotSent)
            else:
                with pytest.raises(ContentFilterError):
                    runner.run(front.drive(exchange))
    assert not [one for one in server.requests if one.path.endswith("/completions")]


def test_a_flagged_answer_is_not_shown_and_cannot_be_chosen(server: Server, tmp_path: Path) -> None:
    """Only the flagged one of several answers is held back; another goes on, and none where all are flagged."""
    server.flagged = ("I am n",)
    program = compose_program(tmp_path, 'moderation = "output"\n' + settings_for(server.url))
    with running(program) as runner:
        front = FrontEnd()
        runner.run(front.drive(program.services.conversation.compare("q", ["n", "o"])))
        shown = [
            e.event.text for e in front.events if isinstance(e, AnswerEvent) and isinstance(e.event, TextDelta)
        ]
        assert "".join(shown) == "I am o on q"
        assert [bool(outcome.withheld) for outcome in ended(front).outcomes] == [True, False]
        assert path_of(program)[-1] == ("assistant", "I am o on q")
        front = FrontEnd()
        runner.run(front.drive(program.services.conversation.compare("r", ["n", "n"])))
        assert path_of(program)[-1] == ("user", "r")
        server.flagged = ("I am m",)
        with pytest.raises(ContentFilterError, match="not shown"):
            runner.run(FrontEnd().drive(program.services.conversation.aside("s")))


def test_the_first_whole_answer_stands_before_anybody_chooses(program: Program, server: Server) -> None:
    """While others still stream, the journal already stands at the first whole answer, whatever happens then."""
    gate = Gate()
    server.default = lambda request: say("quick") if request.json["model"] == "n" else say("slow", gate, " end")
    heads: list[str] = []

    async def watched() -> None:
        async for event in program.services.conversation.compare("q", ["m", "n"]):
            if isinstance(event, AnswerEvent) and isinstance(event.event, TurnFinished) and not heads:
                heads.append(path_of(program)[-1][1])
                gate.open()

    with running(program) as runner:
        runner.run(watched())
    assert heads == ["quick"]
    assert path_of(program)[-1] == ("assistant", "slow end")  # the first model's, where nobody chooses


def test_a_one_shot_question_that_is_compared_becomes_a_conversation(server: Server, tmp_path: Path) -> None:
    """A person who goes on from a one-shot question has a conversation from then on."""
    program = compose_program(tmp_path, settings_for(server.url), attended=False)
    program.services.profile.begin_session(kind="oneshot")
    with running(program) as runner:
        runner.run(FrontEnd().drive(program.services.conversation.say("q")))
        runner.run(FrontEnd().drive(program.services.conversation.compare("r", ["m", "n"])))
    assert program.services.manager.session.kind == "conversation"


NAMES = st.sampled_from(["m", "n", "gpt-7", "near:x", "qwen3:8b"])


@given(
    st.lists(NAMES, max_size=2),
    st.sampled_from(
        ["why is it", "Was ist das?", "-- m is one", "天空", '"m" is'],
    ),
)
def test_the_names_end_where_the_message_begins(names: list[str], text: str) -> None:
    """Names that are known, or look like one, are models; what follows is the message as it was typed."""
    known = {"m", "n", "near:x"}.__contains__
    assert take_models(" ".join([*names, text]), known) == (names, text.removeprefix("-- "))


def test_four_models_at_most() -> None:
    """A fifth name is the beginning of the message; a quote that is not closed belongs to it."""
    assert take_models("a b c d", lambda _word: True) == (["a", "b"], "c d")
    assert take_models("a 'tis", lambda _word: True) == (["a"], "'tis")
    assert take_models("", lambda _word: True) == ([], "")
    assert take_models("--", lambda _word: True) == ([], "")

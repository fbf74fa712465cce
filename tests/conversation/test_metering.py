"""Every request that may cost is booked once, and the day's budget holds for all of them together."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from gptchat import notices
from gptchat.commands.program import Program
from gptchat.conversation.metering.meter import texts_of
from gptchat.core.events import TurnFinished
from gptchat.core.messages import Usage
from gptchat.errors import QuotaError
from gptchat.manager import Continue, Order, Retry, Send
from gptchat.values import replace
from tests.support.front_end import FrontEnd
from tests.support.program import command, compose_program, data, effects, running, settings_for, turn
from tests.support.replies import refuse
from tests.support.server import CUT, Server, raw, say

PRICED = "[models.m]\ninput = 1000.0\noutput = 2000.0\n"
USAGE = {"prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150}
"""0.2 US$."""
STOP = ("-o", "budget.stop=stop")


def booked(folder: Path, user: str = "ann") -> list[dict[str, Any]]:
    """The lines of a person's account book."""
    files = sorted((folder / "data" / "users" / user / "spending").glob("*.ndjson"))
    return [json.loads(line) for file in files for line in file.read_text().splitlines() if line]


def posted(server: Server) -> int:
    """How many requests were sent that may cost."""
    return sum(one.method == "POST" for one in server.requests)


def answering(server: Server) -> None:
    """Have the server answer everything, at 0.2 US$ each."""
    server.default = lambda _request: say("fine", usage=USAGE)


def test_everything_that_may_cost_is_booked(tmp_path: Path, server: Server) -> None:
    """Turns, retries, titles, summaries, batches, checks and /doctor: one line in the book for each request."""
    config = settings_for(server.url) + PRICED + "[models.omni-moderation-latest]\ninput = 10.0\n"
    program, front = compose_program(tmp_path, config), FrontEnd()
    answering(server)
    asked = tmp_path / "asked.txt"
    asked.write_text("one\ntwo\n")
    with running(program) as loop:
        conversation = program.services.conversation
        for text in ("one", "two", "three", "four", "five"):
            loop.run(front.drive(conversation.say(text)))
        loop.run(front.drive(conversation.retry()))
        loop.run(effects(program, "/rename", "a title"))
        loop.run(effects(program, "/compact", "y"))
        loop.run(effects(program, f"/batch {asked}"))
        loop.run(effects(program, "/doctor"))
        loop.run(effects(program, "/set moderation both"))
        loop.run(front.drive(conversation.say("checked")))
        rows = {row["label"]: row for row in data(loop.run(effects(program, "/usage")))}
    lines = booked(tmp_path)
    assert len(lines) == posted(server) >= 14
    assert len({line["ref"] for line in lines}) == len(lines)
    assert {line["model"] for line in lines} == {"m", "omni-moderation-latest"}
    assert {line["provider"] for line in lines} == {"test"}
    assert rows["today"]["cost_usd"] == pytest.approx(sum(line["cost"] for line in lines))
    assert rows["today"]["cost_usd"] == rows["ann, all in all"]["cost_usd"]


def test_what_another_program_spends_counts_at_once(tmp_path: Path, server: Server) -> None:
    """Two programs of one person share the day's budget: each sees what the other has spent, before it sends."""
    answering(server)
    limit = ("-o", "budget.daily=0.5", *STOP)
    first = compose_program(tmp_path, settings_for(server.url) + PRICED, *limit)
    second = compose_program(tmp_path, "", *limit, "--incognito")
    other = compose_program(tmp_path, "", *limit, "--user", "bob")
    with running(first) as loop:
        loop.run(second.services.budget.check())
        for _turn in range(3):
            loop.run(turn(first, Send("hello")))
        for spent in (first, second):
            with pytest.raises(QuotaError, match=r"\$0.60 of \$0.50"):
                loop.run(spent.services.budget.check())
        loop.run(other.services.budget.check())
        loop.run(second.services.close())
        loop.run(other.services.close())
    assert not booked(tmp_path, "bob")


def test_chats_and_batches_together_stay_within_the_budget(tmp_path: Path, server: Server) -> None:
    """Two chats and a batch at the same time exceed the budget by no more than the requests that are under way."""
    answering(server)
    limit = ("-o", "budget.daily=2.0", *STOP)
    asked = tmp_path / "asked.txt"
    asked.write_text("".join(f"question {n}\n" for n in range(30)))
    programs = [compose_program(tmp_path, settings_for(server.url) + PRICED, *limit) for _number in range(3)]

    async def chat(program: Program) -> None:
        for _turn in range(20):
            await FrontEnd().drive(program.services.conversation.say("hello"))

    async def everybody() -> list[object]:
        batch = effects(programs[2], f"/batch {asked} --jobs 4")
        return [*await asyncio.gather(chat(programs[0]), chat(programs[1]), batch, return_exceptions=True)]

    with running(programs[0]) as loop:
        ended = loop.run(everybody())
        for program in programs[1:]:
            loop.run(program.services.close())
    assert all(isinstance(one, QuotaError) for one in ended), ended
    spent = round(sum(line["cost"] for line in booked(tmp_path)), 9)
    assert 2.0 <= spent <= 2.0 + 6 * 0.2
    assert len(booked(tmp_path)) == posted(server)


@pytest.mark.parametrize("line", ["/rename", "/compact"])
def test_a_spent_budget_ends_titles_and_summaries(tmp_path: Path, server: Server, line: str) -> None:
    """Once the budget is spent no request is sent for a title or a summary either."""
    answering(server)
    program, front = compose_program(tmp_path, settings_for(server.url) + PRICED), FrontEnd()
    with running(program) as loop:
        for text in ("one", "two", "three", "four"):
            loop.run(front.drive(program.services.conversation.say(text)))
        loop.run(effects(program, "/set budget.stop stop"))
        loop.run(effects(program, "/set budget.daily 0.7"))
        sent = posted(server)
        with pytest.raises(QuotaError, match="budget is spent"):
            loop.run(effects(program, line, "y"))
    assert posted(server) == sent


def test_a_spent_budget_does_not_stop_what_is_free(tmp_path: Path, server: Server) -> None:
    """A model that costs nothing answers on, though the day's budget is spent."""
    answering(server)
    config = settings_for(server.url) + PRICED + "[models.mine]\ninput = 0.0\noutput = 0.0\n"
    program, front = compose_program(tmp_path, config, "-o", "budget.daily=0.1", *STOP), FrontEnd()
    with running(program) as loop:
        loop.run(front.drive(program.services.conversation.say("hello")))
        with pytest.raises(QuotaError):
            loop.run(front.drive(program.services.conversation.say("hello")))
        loop.run(front.drive(program.services.conversation.say("hello", model="mine")))
    assert front.outcome.message is not None
    assert (front.outcome.message.model, booked(tmp_path)[-1]["cost"]) == ("mine", 0)


def test_an_unknown_price_is_refused_for_titles_too(tmp_path: Path, server: Server) -> None:
    """With `budget.unknown = stop` nothing is sent to a model of unknown price; otherwise that is told."""
    answering(server)
    program, front = compose_program(tmp_path, settings_for(server.url)), FrontEnd()
    notices.forget()
    with running(program) as loop:
        loop.run(front.drive(program.services.conversation.say("hello")))
        loop.run(effects(program, "/set budget.daily 1"))
        loop.run(effects(program, "/rename", "a title"))
        assert "no price is known for m" in notices.take()[0]
        loop.run(effects(program, "/set budget.unknown stop"))
        with pytest.raises(QuotaError, match="no price is known for m") as refused:
            loop.run(effects(program, "/rename", "a title"))
    assert "/set budget.unknown allow" in refused.value.hint
    assert posted(server) == 2


def test_a_check_of_unknown_price_is_refused(tmp_path: Path, server: Server) -> None:
    """A moderation whose price is unknown is a request of unknown price."""
    answering(server)
    limit = ("-o", "budget.daily=1", "-o", "budget.unknown=stop", "-o", "moderation=input")
    program = compose_program(tmp_path, settings_for(server.url) + PRICED, *limit)
    with running(program) as loop, pytest.raises(QuotaError, match="omni-moderation-latest"):
        loop.run(FrontEnd().drive(program.services.conversation.say("hello")))
    assert posted(server) == 0


def test_requests_of_unknown_price_are_shown(tmp_path: Path, server: Server) -> None:
    """/usage says that a sum lacks requests whose price is unknown, and how many they are."""
    answering(server)
    program = compose_program(tmp_path, settings_for(server.url) + PRICED)
    with running(program) as loop:
        loop.run(FrontEnd().drive(program.services.conversation.say("hello")))
        loop.run(FrontEnd().drive(program.services.conversation.say("hello", model="m2")))
        text = loop.run(command(program, "/usage"))
        rows = {row["label"]: row for row in data(loop.run(effects(program, "/usage")))}
    assert "$0.20 + ?" in text
    assert "no price is known for some requests" in text
    assert [rows[label].get("unpriced") for label in ("last turn", "this session", "today", "m", "m2")] == [
        1, 1, 1, None, 1,
    ]  # fmt: skip


def test_deleting_a_session_spends_nothing_less(tmp_path: Path, server: Server) -> None:
    """What a deleted session cost was spent all the same; a copy of a session costs nothing."""
    answering(server)
    program = compose_program(tmp_path, settings_for(server.url) + PRICED)
    with running(program) as loop:
        loop.run(FrontEnd().drive(program.services.conversation.say("hello")))
        session = program.services.manager.session.id
        loop.run(effects(program, "/fork"))
        assert program.services.account.today() == pytest.approx(0.2)
        loop.run(effects(program, "/new"))
        loop.run(effects(program, f"/delete {session} --forever", "y", "y"))
        assert program.services.account.today() == pytest.approx(0.2)


def test_a_reply_costs_the_same_wherever_it_is_shown(tmp_path: Path, server: Server) -> None:
    """The reply line and /usage agree on a reply that was continued: each request at its own price."""
    used = {"prompt_tokens": 150, "completion_tokens": 50, "total_tokens": 200}
    server.script(say("so far", finish="length", usage=used), say(" and on", usage=used))
    program = compose_program(tmp_path, settings_for(server.url) + PRICED)

    def tiered(usage: Usage) -> float:
        return usage.prompt_tokens * (1.0 if usage.prompt_tokens < 200 else 3.0)

    async def on(order: Order) -> TurnFinished:
        routes = [replace(program.services.routing.route(), price=tiered)]
        events = [event async for event in program.services.manager.run_turn(order, routes)]
        assert isinstance(events[-1], TurnFinished)
        return events[-1]

    with running(program) as loop:
        once, both = loop.run(on(Send("hello"))), loop.run(on(Continue()))
        rows = {row["label"]: row for row in data(loop.run(effects(program, "/usage")))}
    assert rows["last turn"]["cost_usd"] == both.cost == 300
    assert once.cost == both.spent == 150


def test_retries_and_replies_cut_off_are_booked(tmp_path: Path, server: Server) -> None:
    """A reply that broke off is booked by our own count, a repeated request once more; a refusal is not."""
    program = compose_program(tmp_path, settings_for(server.url) + PRICED, "-o", "network.max_retries=1")
    refused = refuse(401, "bad key", code="invalid_api_key")
    server.script(CUT_EARLY, say("fine", usage=USAGE), say("so far", CUT), refused)
    with running(program) as loop:
        loop.run(turn(program, Send("one")))
        assert len(booked(tmp_path)) == 2
        loop.run(turn(program, Send("two")))
        assert len(booked(tmp_path)) == 3
        loop.run(turn(program, Retry()))
    lines = booked(tmp_path)
    assert [line["usage"]["estimated"] for line in lines] == [True, False, True]
    assert lines[0]["usage"]["completion_tokens"] == 0
    assert all(line["cost"] for line in lines)


CUT_EARLY = raw('data: {"choices":[{"index":0,"delta":{"role":"assistant"}}]}\n\n', CUT)
"""A stream that breaks off before any text."""


def test_a_server_that_tells_no_usage(tmp_path: Path, server: Server) -> None:
    """Where the server tells no usage, prompt and reply are booked by our own count, for /doctor too."""
    chunk = '{"choices":[{"index":0,"delta":{"content":"fine and well"},"finish_reason":"stop"}]}'
    server.default = lambda _request: raw(f"data: {chunk}\n\n", "data: [DONE]\n\n")
    program = compose_program(tmp_path, settings_for(server.url) + PRICED)
    with running(program) as loop:
        loop.run(effects(program, "/doctor"))
    [line] = booked(tmp_path)
    assert line["usage"]["estimated"]
    assert line["usage"]["prompt_tokens"] > 0
    assert line["usage"]["completion_tokens"] > 0
    parts: list[dict[str, Any]] = [
        {"content": [{"type": "text", "text": "a"}, {"type": "image_url"}]},
        {"content": "b"},
        {},
    ]
    assert texts_of(parts) == ["a", "b"]


def test_what_is_free_and_what_is_unknown(tmp_path: Path) -> None:
    """A `:free` model and the demo cost nothing; a provider that is not in the settings has no known price."""
    prices = compose_program(tmp_path).services.routing.prices
    usage = Usage(10, 10, 20)
    assert [prices.free(*one) for one in (("openrouter", "m:free"), ("demo", "demo"), ("gone", "m"))] == [
        True, True, False,
    ]  # fmt: skip
    assert (prices.cost("demo", "demo", usage), prices.cost("gone", "m", usage)) == (0, None)

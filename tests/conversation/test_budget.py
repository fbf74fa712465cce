"""The day's budget, and the account of what was spent."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gptchat.commands.effects import Bars, Show
from gptchat.core.events import TurnFinished
from gptchat.errors import QuotaError
from gptchat.manager import Send
from tests.support.front_end import FrontEnd
from tests.support.program import command, compose_program, data, effects, running, settings_for, turn
from tests.support.server import CUT, Server, raw, say

PRICED = "[models.m]\ninput = 1000.0\noutput = 2000.0\ncached_input = 100.0\n"
"""With 100 prompt tokens and 50 of reply: 0.1 + 0.1 US$ a turn."""
USAGE = {"prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150}


def test_a_spent_budget_warns_once(tmp_path: Path, server: Server) -> None:
    """When the day's budget is spent, the person is told once and may go on."""
    program = compose_program(tmp_path, settings_for(server.url) + PRICED, "-o", "budget.daily=0.3")
    told: list[str] = []
    with running(program) as loop:
        for number in range(4):
            if spent := loop.run(program.services.budget.check()):
                told.append(spent)
            assert bool(told) == (number >= 2)
            server.script(say("fine", usage=USAGE))
            end = loop.run(turn(program, Send("hello")))[-1]
            assert isinstance(end, TurnFinished)
            assert end.cost == pytest.approx(0.2)
    assert told == ["today's budget is spent: $0.40 of $0.30"]


def test_a_reply_that_was_cut_off_is_paid_for(tmp_path: Path, server: Server) -> None:
    """What a reply cost that broke off in the middle counts in the day's budget, by our own estimate."""
    program = compose_program(tmp_path, settings_for(server.url) + PRICED, "-o", "budget.daily=0.001")
    front = FrontEnd()
    server.script(say("so far", CUT))
    with running(program) as loop:
        loop.run(front.drive(program.services.conversation.say("hello")))
        assert not front.outcome.whole
        assert front.told == []
        loop.run(front.drive(program.services.conversation.say("hello")))
    assert "today's budget is spent" in front.told[0]


def test_a_spent_budget_stops_the_next_run(tmp_path: Path, server: Server) -> None:
    """With budget.stop a later run counts what was spent before, refuses to send, and says how to go on."""
    server.script(say("fine", usage=USAGE))
    first = compose_program(tmp_path, settings_for(server.url) + PRICED)
    with running(first) as loop:
        loop.run(turn(first, Send("hello")))
    second = compose_program(tmp_path, "", "-o", "budget.daily=0.15", "-o", "budget.stop=stop")
    with running(second) as loop, pytest.raises(QuotaError, match=r"\$0.20 of \$0.15") as refused:
        loop.run(second.services.budget.check())
    assert "/set budget.daily" in refused.value.hint


def test_another_person_has_a_budget_of_their_own(tmp_path: Path, server: Server) -> None:
    """What one person spent does not stop another."""
    flags = ("-o", "budget.daily=0.15", "-o", "budget.stop=stop")
    program = compose_program(tmp_path, settings_for(server.url) + PRICED, *flags)
    server.script(say("fine", usage=USAGE))
    with running(program) as loop:
        loop.run(program.services.budget.check())
        end = loop.run(turn(program, Send("hello")))[-1]
        assert isinstance(end, TurnFinished)
        program.services.people.switch("bob")
        loop.run(program.services.budget.check())
        program.services.people.switch("ann")
        with pytest.raises(QuotaError):
            loop.run(program.services.budget.check())


def test_what_an_incognito_run_spends_counts_in_it(tmp_path: Path, server: Server) -> None:
    """In an incognito run /usage counts the open session, which is on no disk; a later run knows nothing of it."""
    program = compose_program(tmp_path, settings_for(server.url) + PRICED, "--incognito")
    server.script(say("fine", usage=USAGE))
    with running(program) as loop:
        loop.run(turn(program, Send("hello")))
        rows = {row["label"]: row["cost_usd"] for row in data(loop.run(effects(program, "/usage")))}
    assert rows["this session"] == rows["today"] == rows["ann, all in all"] == pytest.approx(0.2)
    assert compose_program(tmp_path).services.account.today() == 0


def test_usage_counts_turn_session_day_and_cache(tmp_path: Path, server: Server) -> None:
    """/usage adds up tokens and money by turn, session, day and person, with cached input at its own price."""
    program = compose_program(tmp_path, settings_for(server.url) + PRICED)
    reply = '{"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":"stop"}],"usage":'
    usage = '{"prompt_tokens":100,"completion_tokens":50,"prompt_tokens_details":{"cached_tokens":40}}}'
    with running(program) as loop:
        server.script(raw(f"data: {reply}{usage}\n\n", "data: [DONE]\n\n"))
        loop.run(turn(program, Send("one")))
        program.services.profile.begin_session()
        server.script(say("two", usage=USAGE))
        loop.run(turn(program, Send("two")))
        found = loop.run(effects(program, "/usage"))
        rows = {row["label"]: row for row in data(found)}
        text = loop.run(command(program, "/usage"))
    assert rows["last turn"]["cost_usd"] == rows["this session"]["cost_usd"] == pytest.approx(0.2)
    assert rows["today"]["usage"]["prompt_tokens"] == 200
    assert rows["ann, all in all"]["usage"]["cached_tokens"] == 40
    assert rows["today"]["cost_usd"] == pytest.approx(0.2 + 0.06 + 0.004 + 0.1)
    assert "$0.3640" in text


def test_a_server_of_ones_own_is_free(tmp_path: Path, server: Server) -> None:
    """A model with a famous name on one's own server costs nothing: not in /usage, the toolbar or the budget."""
    program = compose_program(tmp_path, settings_for(server.url), "-m", "gpt-4o", "-o", "budget.daily=0.01")
    with running(program) as loop:
        server.script(
            say("fine", usage={"prompt_tokens": 9_000_000, "completion_tokens": 1, "total_tokens": 9_000_001})
        )
        loop.run(turn(program, Send("hello")))
        rows = data(loop.run(effects(program, "/usage")))
        program.services.profile.begin_session()
        later = data(loop.run(effects(program, "/usage")))
        told = loop.run(program.services.budget.check())
    assert {row["cost_usd"] for row in [*rows, *later]} == {None}
    assert max(row["usage"]["prompt_tokens"] for row in later) == 9_000_000
    assert not told


def test_usage_draws_its_days(tmp_path: Path, server: Server) -> None:
    """`/usage` shows a bar for each day since the first with usage, idle days too; `--json` has none."""
    records: list[dict[str, object]] = [{"v": 1, "type": "session", "id": "", "user": "ann", "settings": {}}]
    for number, ago in enumerate((400, 3, 1)):
        ts = (datetime.now(UTC) - timedelta(days=ago)).strftime("%Y-%m-%dT%H:%M:%SZ")
        records.append(
            {
                "type": "message", "id": f"m{number}", "parent": f"m{number - 1}" if number else None, "ts": ts,
                "role": "assistant", "content": "x", "status": "complete", "model": "m", "usage": USAGE,
                "cost": 0.25 * number,
            }
        )  # fmt: skip
    records.append({"type": "head", "message": "m2"})
    file = tmp_path / "old.jsonl"
    file.write_text("".join(json.dumps(record) + "\n" for record in records))
    program = compose_program(tmp_path, settings_for(server.url))
    with running(program) as loop:
        loop.run(command(program, f"/import {file}"))
        found = loop.run(effects(program, "/usage"))
    assert isinstance(found[0], Show)
    (bars,) = (block for block in found[0].blocks if isinstance(block, Bars))
    days = [(datetime.now().astimezone().date() - timedelta(days=ago)).isoformat() for ago in (3, 2, 1, 0)]
    assert [label for label, _size, _figures in bars.rows] == days
    assert [size for _label, size, _figures in bars.rows] == [0.25, 0, 0.5, 0]
    assert [list(figures) for _label, _size, figures in bars.rows] == [
        ["150 tokens", "$0.25"], ["0 tokens", ""], ["150 tokens", "$0.50"], ["0 tokens", ""],
    ]  # fmt: skip
    assert [row["label"] for row in data(found)] == ["last turn", "this session", "today", "ann, all in all"]

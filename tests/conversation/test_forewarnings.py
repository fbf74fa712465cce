"""What is told before a request is sent: the end of a model, and a price that the budget cannot count."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gptchat.errors import QuotaError
from tests.support.front_end import FrontEnd
from tests.support.program import command, compose_program, effects, running, settings_for
from tests.support.server import Server

BUDGET = ("-o", "budget.daily=1.0")


def posted(server: Server) -> int:
    """How many requests for a reply were sent."""
    return sum(one.method == "POST" for one in server.requests)


def day(days: int) -> str:
    """The date in so many days."""
    return (datetime.now(UTC) + timedelta(days=days)).date().isoformat()


@pytest.mark.parametrize(
    ("ends", "words"),
    [
        (day(-3), "m was shut down on"),
        (day(20), "m will be shut down on"),
        (day(60), ""),
    ],
)
def test_the_end_of_a_model_is_told_once(tmp_path: Path, server: Server, ends: str, words: str) -> None:
    """A model that is gone, or will be within a month, is told before the first request, with its successor."""
    server.models = [{"id": "m", "shutdown_date": ends, "deprecation_replacement_model": "m2"}]
    program, front = compose_program(tmp_path, settings_for(server.url)), FrontEnd()
    with running(program) as loop:
        listed = loop.run(command(program, "/models"))
        for _turn in range(2):
            loop.run(front.drive(program.services.conversation.say("hello")))
    assert ends in listed
    assert posted(server) == 2
    assert front.told == ([f"{words} {ends}; m2 takes its place"] if words else [])


def test_an_unknown_price_is_asked_about_once(tmp_path: Path, server: Server) -> None:
    """With a budget, a model without a known price is asked about before anything is sent; a yes holds."""
    program = compose_program(tmp_path, settings_for(server.url), *BUDGET)
    front = FrontEnd({"unknown_price": ["n", "y"]})
    with running(program) as loop:
        loop.run(front.drive(program.services.conversation.say("hello")))
        assert (front.sent, posted(server)) == (False, 0)
        for _turn in range(2):
            loop.run(front.drive(program.services.conversation.say("hello")))
    assert posted(server) == 2
    assert [one.subject for one in front.asked] == ["unknown_price"] * 2
    assert "no price is known for m" in front.asked[0].question


@pytest.mark.parametrize(
    ("config", "flags"),
    [
        ("", ()),
        ("", (*BUDGET, "-o", "budget.unknown=allow")),
        ("[models.m]\ninput = 1.0\noutput = 2.0\n", BUDGET),
        ("[models.m]\ninput = 0.0\noutput = 0.0\n", BUDGET),
    ],
)
def test_nothing_is_asked_where_all_is_known(
    tmp_path: Path, server: Server, config: str, flags: tuple[str, ...]
) -> None:
    """Without a budget, with the price in the settings, or where it is allowed, nothing is asked."""
    program, front = compose_program(tmp_path, settings_for(server.url) + config, *flags), FrontEnd()
    with running(program) as loop:
        loop.run(front.drive(program.services.conversation.say("hello")))
    assert (front.asked, front.told, posted(server)) == ([], [], 1)


def test_a_server_without_a_key_costs_nothing(tmp_path: Path, server: Server) -> None:
    """A local server that is sent no key is not asked about."""
    config = settings_for(server.url, key_optional="true", api_key_env='""')
    program, front = compose_program(tmp_path, config, *BUDGET), FrontEnd()
    with running(program) as loop:
        loop.run(front.drive(program.services.conversation.say("hello")))
    assert (front.asked, posted(server)) == ([], 1)


@pytest.mark.parametrize(
    ("flags", "sent"),
    [
        (("-o", "budget.unknown=stop"), False),
        (("-o", "budget.stop=stop"), False),
        ((), True),
    ],
)
def test_where_nobody_can_be_asked(tmp_path: Path, server: Server, flags: tuple[str, ...], sent: bool) -> None:
    """A run that nobody attends ends before anything is sent where the budget stops, and else tells."""
    program = compose_program(tmp_path, settings_for(server.url), *BUDGET, *flags, attended=False)
    front = FrontEnd()
    with running(program) as loop:
        if sent:
            loop.run(front.drive(program.services.conversation.say("hello")))
            assert "no price is known for m" in front.told[0]
        else:
            with pytest.raises(QuotaError, match="no price is known for m") as refused:
                loop.run(front.drive(program.services.conversation.say("hello")))
            assert "budget.unknown=allow" in refused.value.hint
    assert posted(server) == int(sent)


def test_retrying_is_asked_about_too(tmp_path: Path, server: Server) -> None:
    """/retry and /continue spend as much as a message does."""
    program = compose_program(tmp_path, settings_for(server.url))
    front = FrontEnd({"unknown_price": ["n"]})
    with running(program) as loop:
        loop.run(front.drive(program.services.conversation.say("hello")))
        loop.run(effects(program, "/set budget.daily 1"))
        loop.run(front.drive(program.services.conversation.retry()))
    assert posted(server) == 1

"""The route of a turn: which encoding counts, what is kept free, and a stop on the way to another provider."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from gptchat.commands.program import Program
from gptchat.core.events import Notice, Retrying, TurnEvent, TurnFailed, TurnInterrupted, TurnStarted
from gptchat.core.messages import Message
from gptchat.manager import Send
from tests.support.front_end import FrontEnd
from tests.support.program import command, compose_program, data, effects, running, settings_for
from tests.support.server import Server, hang, refuse, say


def context(folder: Path, config: str) -> Any:
    """What `/context` tells under the settings `config`, as data."""
    program = compose_program(folder, config)
    with running(program) as loop:
        loop.run(effects(program, "/tokens words"))  # the vocabulary is loaded, as it is behind a prompt
        return data(loop.run(effects(program, "/context")))


def tokens(folder: Path, config: str, text: str) -> Any:
    """What `/tokens` tells of `text` under the settings `config`, as data."""
    program = compose_program(folder, config)
    with running(program) as loop:
        return data(loop.run(effects(program, f"/tokens {text}")))


def test_the_word_on_a_model_goes_before_that_on_its_provider(tmp_path: Path) -> None:
    """[models] names the encoding of one model, and goes before what [providers] says of all its models."""
    nowhere = "http://127.0.0.1:1/v1"
    text = "数据是什么，你好吗"  # two encodings that count it differently
    counts = {
        name: tokens(tmp_path / name, settings_for(nowhere) + f'[models.m]\nencoding = "{name}"\n', text)["tokens"]
        for name in ("o200k_base", "cl100k_base")
    }
    assert counts["o200k_base"] != counts["cl100k_base"]
    both = settings_for(nowhere, encoding='"o200k_base"')
    assert tokens(tmp_path / "provider", both, text)["tokens"] == counts["o200k_base"]
    both += '[models.m]\nencoding = "cl100k_base"\n'
    assert tokens(tmp_path / "both", both, text)["tokens"] == counts["cl100k_base"]


def test_one_name_at_two_providers_is_two_models(tmp_path: Path) -> None:
    """The encoding of a provider's settings, and what its reports teach, stay with its own models."""
    text = "数据是什么，你好吗"
    config = settings_for("http://127.0.0.1:1/v1", encoding='"o200k_base"')
    config += '[providers.other]\nkind = "compatible"\nbase_url = "http://127.0.0.1:2/v1"\nmodel = "m"\n'
    program = compose_program(tmp_path, config + 'key_optional = true\nencoding = "cl100k_base"\n')
    with running(program) as loop:
        counts = []
        for name in ("test", "other", "test"):
            loop.run(command(program, f"/provider {name} --anyway"))
            counts.append(data(loop.run(effects(program, f"/tokens {text}")))["tokens"])
        first, second, again = counts
        assert first == again != second
        counter, routing = program.services.routing.counter, program.services.routing
        here, there = (routing.route(provider=name).counted_as for name in ("test", "other"))
        before = counter.overhead(there)
        counter.learn(here, 100, 160, [Message("user", "hello")])
        assert counter.overhead(here) != before == counter.overhead(there)


def test_estimates_leave_room_for_being_wrong(tmp_path: Path) -> None:
    """Where tokens are estimated, a part of the window stays free beside what the reply needs."""
    room = "[models.m]\ncontext = 10000\n"
    exact = context(tmp_path / "exact", settings_for("http://127.0.0.1:1/v1") + room + 'encoding = "o200k_base"\n')
    estimated = context(tmp_path / "estimated", settings_for("http://127.0.0.1:1/v1") + room)
    assert (exact["exact"], estimated["exact"]) == (True, False)
    assert exact["budget"] == 10_000 - exact["reserve"]
    assert estimated["reserve"] - exact["reserve"] == 300  # three in a hundred of the window
    assert estimated["budget"] == exact["budget"] - 300


@pytest.mark.parametrize(("answer", "number"), [("1", 0), ("2", 1), (None, 0)])
def test_the_conversation_goes_on_with_the_answer_chosen(
    tmp_path: Path, server: Server, answer: str | None, number: int
) -> None:
    """Of several answers the chosen one is sent with the next message; who chooses none goes on with the first."""
    program = compose_program(tmp_path, settings_for(server.url), "-o", "n=2")
    front = FrontEnd({"choose_answer": [answer, "1"]})
    server.default = lambda request: say("You said: ", request.last_text, choices=2)
    with running(program) as loop:
        loop.run(front.drive(program.services.conversation.say("hello")))
        answers = [front.outcome.message, *front.outcome.others]
        loop.run(front.drive(program.services.conversation.say("and then")))
    assert len(answers) == 2
    assert program.services.manager.session.path()[1] == answers[number]
    assert len(program.services.manager.session.path()) == 4


def test_the_longest_reply_is_kept_free(tmp_path: Path) -> None:
    """The reply's room is what context.reserve says, else max_tokens, else a part of the window."""
    config = settings_for("http://127.0.0.1:1/v1") + '[models.m]\ncontext = 10000\nencoding = "o200k_base"\n'
    reserves = {
        "": 2500,  # a quarter of a small window
        "max_tokens = 700\n": 700,
        "max_tokens = 700\ncontext.reserve = 900\n": 900,
    }
    for number, (first, reserve) in enumerate(reserves.items()):
        assert context(tmp_path / str(number), first + config)["reserve"] == reserve


At = Callable[[TurnEvent], Awaitable[object]]


def fall_back(program: Program, at: At) -> list[TurnEvent]:
    """The events of a turn; `at` takes each before the turn goes on, as a front end does."""

    async def run() -> list[TurnEvent]:
        services, events = program.services, []
        async with aclosing(services.manager.run_turn(Send("hello"), services.routing.routes())) as turn:
            async for event in turn:
                events.append(event)
                await at(event)
        return events

    with running(program) as loop:
        return loop.run(run())


@pytest.fixture
def spare() -> Iterator[Server]:
    """The server that stands in where `server` fails."""
    with Server() as running:
        yield running


@pytest.fixture
def falling_back(tmp_path: Path, server: Server, spare: Server) -> Program:
    """A chat with `server`, which tries once more, and with `spare` where that fails too."""
    config = f'fallback = ["spare"]\n{settings_for(server.url)}[network]\nmax_retries = 1\n'
    config += f'[providers.spare]\nbase_url = "{spare.url}"\nmodel = "m"\nkey_optional = true\n'
    server.script(refuse(503, headers={"Retry-After": "0"}), refuse(503))
    return compose_program(tmp_path, config)


def test_esc_while_the_next_provider_is_asked(falling_back: Program, spare: Server) -> None:
    """Esc ends the turn also while the provider that stands in is silent; what was asked stays in the session."""
    manager = falling_back.services.manager
    spare.script(hang())
    pressing = []

    async def press_esc() -> None:
        await asyncio.to_thread(spare.wait_for_requests, 1)
        manager.stop()

    async def at(event: TurnEvent) -> None:
        if isinstance(event, TurnStarted) and event.provider == "spare":
            pressing.append(asyncio.create_task(press_esc()))

    end = fall_back(falling_back, at)[-1]
    assert isinstance(end, TurnInterrupted)
    assert end.message is None
    assert [message.text for message in manager.session.path()] == ["hello"]


def test_esc_before_the_next_provider_is_asked(falling_back: Program, spare: Server) -> None:
    """Esc at the words that another provider follows keeps the message from being sent there."""

    async def at(event: TurnEvent) -> None:
        if isinstance(event, Notice):
            falling_back.services.manager.stop()

    assert isinstance(fall_back(falling_back, at)[-1], TurnInterrupted)
    assert not spare.requests


def test_esc_just_before_a_failure_is_told(falling_back: Program, server: Server, spare: Server) -> None:
    """After Esc nothing goes to another provider, even where the first had failed by then and it was not told."""

    async def at(event: TurnEvent) -> None:
        if isinstance(event, Retrying):
            while len(server.requests) < 2 or len(asyncio.all_tasks()) > 1:  # until the new try has failed, too
                await asyncio.sleep(0.001)
            falling_back.services.manager.stop()

    assert isinstance(fall_back(falling_back, at)[-1], TurnFailed)
    assert not spare.requests

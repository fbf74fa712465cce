"""A conversation that outgrows its window, on a real server: never an error, told once, pins kept to the end."""

from __future__ import annotations

import random
from pathlib import Path
from urllib.parse import urlsplit

from gptchat.core.events import ContextTrimmed, TurnEvent, TurnFinished
from gptchat.manager import Send
from tests.support.llamacpp import LlamaServer
from tests.support.program import command, compose_program, running, settings_for, turn
from tests.support.relay import Relay

TURNS = 60
_TOPICS = (
    "the event loop",
    "a list of fruit",
    "事件循环和协程",
    "tables in Markdown",
    "错误处理",
    "print(42)",
    "the server",
)


def _question(number: int, chance: random.Random) -> str:
    topics = ", ".join(chance.choices(_TOPICS, k=chance.randint(1, 6)))
    return f"Question {number}: tell me about {topics}."


def test_sixty_turns_in_a_small_window(llamacpp: LlamaServer, tmp_path: Path) -> None:
    """Sixty turns in 1,024 tokens: no overflow, trimming told once, and the pinned message still goes."""
    chance = random.Random(60)
    with Relay(urlsplit(llamacpp.url).port or 0) as relay:
        config = settings_for(relay.url, model=f'"{llamacpp.model}"')
        program = compose_program(
            tmp_path, config, "-o", "max_tokens=64", "-o", "seed=7", environ={"TEST_KEY": llamacpp.key}
        )
        with running(program) as runner:
            runner.run(program.services.routing.listed())
            events: list[TurnEvent] = []
            for number in range(TURNS):
                events += runner.run(turn(program, Send(_question(number, chance))))
                if number == 0:
                    runner.run(command(program, "/pin"))
            pinned = program.services.manager.session.messages[
                next(iter(program.services.manager.session.pinned))
            ].text
        bodies = [body for body in relay.bodies() if "messages" in body]

    assert sum(isinstance(event, TurnFinished) for event in events) == TURNS
    assert sum(isinstance(event, ContextTrimmed) for event in events) == 1
    assert len(bodies) == TURNS
    last = bodies[-1]["messages"]
    assert pinned in "\n\n".join(message["content"] for message in last if message["role"] == "user")
    assert len(last) < 2 * TURNS - 1
    assert last[-1]["content"].startswith(f"Question {TURNS - 1}:")


def test_the_window_is_the_servers(llamacpp: LlamaServer, tmp_path: Path) -> None:
    """The window is what the server says it has, and the person is told who said so."""
    program = compose_program(
        tmp_path,
        settings_for(llamacpp.url, model=f'"{llamacpp.model}"'),
        environ={"TEST_KEY": llamacpp.key},
    )
    with running(program) as runner:
        runner.run(program.services.routing.listed())
        said = runner.run(command(program, "/status"))
    assert f"{llamacpp.window:,} (from the server)" in said

"""The whole program for tests: a real Program in a folder of its own, commands run as the program runs them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gptchat.cli import compose
from gptchat.commands.effects import Ask, Effect, Pick, Show
from gptchat.commands.program import Program
from gptchat.commands.registry import Call
from gptchat.config.flags import parse
from gptchat.conversation.events import Told
from gptchat.core.events import TurnEvent
from gptchat.core.messages import Content
from gptchat.core.origin import Sourced
from gptchat.manager import Order
from gptchat.terminal.output.blocks import lines_of

KEY = "sk-test-0123456789abcdef"
"""The key of the provider that `settings_for` writes, in the variable TEST_KEY."""


def settings_for(url: str, **more: str) -> str:
    """A settings file whose provider in force, `test`, is at `url`; `more` are fields of it, as TOML has them."""
    fields = {"kind": '"compatible"', "base_url": f'"{url}"', "api_key_env": '"TEST_KEY"', "model": '"m"', **more}
    return 'provider = "test"\n[providers.test]\n' + "".join(f"{key} = {text}\n" for key, text in fields.items())


def compose_program(
    folder: Path,
    config: str = "",
    *flags: str,
    environ: Mapping[str, str] | None = None,
    attended: bool = True,
) -> Program:
    """The program as `gptchat FLAGS` composes it, with its data and its settings file `config` in `folder`.

    The person is `ann`; only the variables of `environ` are seen, and TEST_KEY.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "config.toml"
    if config or not file.exists():
        file.write_text(config, encoding="utf-8")
    arguments = [
        "--config",
        str(file),
        "--data-dir",
        str(folder / "data"),
        "--lang",
        "en",
        "--user",
        "ann",
        "--create-user",
        *flags,
    ]
    return compose(parse(arguments), {"TEST_KEY": KEY, **(environ or {})}, attended=attended)


@contextmanager
def running(program: Program) -> Iterator[asyncio.Runner]:
    """An event loop to run the program's coroutines in one after the other; it is closed with the loop."""
    with asyncio.Runner() as runner:
        try:
            yield runner
        finally:
            runner.run(program.services.close())


async def effects(program: Program, line: str, *answers: str | None) -> list[Effect]:
    """Run the slash command `line` to its end; `answers` are given, in order, to what it asks.

    Raises what the command raises, and AssertionError where it asks more than there are answers.
    """
    parsed = program.registry.parse(line)
    assert isinstance(parsed, Call), f"{line} is no command"
    generator = program.start(parsed)
    left, found, answer = list(answers), [], None
    try:
        while True:
            effect = await generator.asend(answer)
            found.append(effect)
            answer = None
            if isinstance(effect, (Ask, Pick)):
                assert left, f"{line} asks: {effect}"
                answer = left.pop(0)
    except StopAsyncIteration:
        return found


def shown(effects: Sequence[Effect]) -> str:
    """What a person reads of `effects`, unfolded."""
    lines = [line for effect in effects if isinstance(effect, Show) for line in lines_of(effect.blocks, None)]
    return "\n".join("".join(text for text, _look in line) for line in lines)


def data(effects: Sequence[Effect]) -> Any:
    """What `--json` prints of `effects`: the data of the last that carries any."""
    return next((effect.data for effect in reversed(effects) if isinstance(effect, Show)), None)


async def command(program: Program, line: str, *answers: str | None) -> str:
    """What a person reads of the slash command `line`."""
    return shown(await effects(program, line, *answers))


async def attach(program: Program, reference: str) -> str:
    """What a person reads of `/attach REFERENCE`; every question is declined."""
    told = [event async for event in program.services.conversation.attach(reference)]
    return "; ".join(event.text for event in told if isinstance(event, Told))


async def message(program: Program, text: str, references: Sequence[str] = ()) -> tuple[Content, list[str]]:
    """The content of a typed message that needs no question, and the notes on what goes with it."""
    outbox = program.services.outbox
    return await outbox.content(text, await outbox.wanted(Sourced(text), references))


async def turn(program: Program, order: Order) -> list[TurnEvent]:
    """The events of a turn on the routes in force."""
    return [event async for event in program.services.manager.run_turn(order, program.services.routing.routes())]

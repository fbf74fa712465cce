"""Tokens on a real server: after three turns the count of every request is the server's own."""

from __future__ import annotations

import random
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from gptchat.core.events import ContextTrimmed, TurnEvent, TurnFinished, TurnStarted
from gptchat.manager import Send
from tests.support.llamacpp import LlamaServer
from tests.support.program import command, compose_program, data, effects, running, settings_for, turn
from tests.support.relay import Relay

ENGLISH = (
    "Please explain how asyncio schedules coroutines and what happens when a task blocks the loop for long.",
    "What should I measure first, and how do I know that it got better?",
    "Thanks. Summarise it in three points, please.",
    "One last question about memory: how large is a list of a million integers?",
)
CHINESE = (
    "你好，请介绍一下事件循环是怎么调度任务的，尽量简短一些。",
    "写一个脚本，读取日志文件并统计每个错误出现的次数。",
    "再给我一个例子，用中文注释。",
    "谢谢！最后一个问题：内存占用有多大？",
)
CODE = (
    "def fib(n: int) -> int:\n    return n if n < 2 else fib(n-1) + fib(n-2)\n\nWhat is wrong here?",
    "import json\nprint(json.dumps({'a': [1, 2, 3]}, indent=2))\nwhy does this print more lines?",
    "for i in range(10):\n    print(i ** 2)",
    "SELECT name, COUNT(*) FROM users GROUP BY name HAVING COUNT(*) > 1;  -- 🎉 ok?",
)
WITHIN = 0.01
LEARNING = 3
"""Turns after which the count is the server's."""


def _errors(events: list[TurnEvent]) -> list[float]:
    """How far each turn's count is from the server's, as a share of it."""
    counted = [event.plan.tokens for event in events if isinstance(event, TurnStarted)]
    usages = [event.message.usage for event in events if isinstance(event, TurnFinished)]
    reported = [usage.prompt_tokens for usage in usages if usage is not None and not usage.estimated]
    assert len(counted) == len(reported)
    return [abs(ours - theirs) / theirs for ours, theirs in zip(counted, reported, strict=True)]


@pytest.mark.parametrize(
    ("texts", "system"),
    [
        (ENGLISH * 2, ""),
        (CHINESE * 2, ""),
        (CODE * 2, ""),
        (ENGLISH + CHINESE + CODE, "You are terse. 请用中文回答。"),
    ],
    ids=["english", "chinese", "code", "mixed"],
)
@pytest.mark.parametrize("seed", [1, 2])
def test_counts_are_the_servers(
    llamacpp: LlamaServer, tmp_path: Path, texts: tuple[str, ...], system: str, seed: int
) -> None:
    """In a new conversation, from the fourth turn on, the tokens counted are within 1 % of those reported."""
    order = [f"{number}. {text}" for number, text in enumerate(random.Random(seed).sample(texts, len(texts)))]
    program = compose_program(
        tmp_path,
        settings_for(llamacpp.url, model=f'"{llamacpp.model}"'),
        *("-o", "max_tokens=48", "-o", f"seed={seed}"),
        *(("--system", system) if system else ()),
        environ={"TEST_KEY": llamacpp.key},
    )
    with running(program) as runner:
        runner.run(program.services.routing.listed())
        errors = _errors([event for text in order for event in runner.run(turn(program, Send(text)))])
    assert max(errors[LEARNING:]) <= WITHIN, errors


@pytest.mark.parametrize("pinned", [False, True])
def test_counts_hold_when_the_window_is_full(llamacpp: LlamaServer, tmp_path: Path, pinned: bool) -> None:
    """They stay within 1 % while older turns are left out, with a pin or without, and in the next run at once."""
    chance = random.Random(5)
    arguments = ("-o", "max_tokens=48", "-o", "seed=5", "--system", "Be brief.")
    config = settings_for(llamacpp.url, model=f'"{llamacpp.model}"')
    environ = {"TEST_KEY": llamacpp.key}
    program = compose_program(tmp_path, config, *arguments, environ=environ)
    events: list[TurnEvent] = []
    with running(program) as runner:
        runner.run(program.services.routing.listed())
        for number in range(24):
            text = f"{number}: {chance.choice(ENGLISH + CHINESE + CODE)}"
            events += runner.run(turn(program, Send(text)))
            if number == 0 and pinned:
                runner.run(command(program, "/pin"))
    assert any(isinstance(event, ContextTrimmed) for event in events)
    errors = _errors(events)
    assert max(errors[LEARNING:]) <= WITHIN, errors

    program = compose_program(tmp_path, config, *arguments, environ=environ)
    with running(program) as runner:
        runner.run(program.services.routing.listed())
        again = _errors(runner.run(turn(program, Send("How are you? 你好吗？"))))
    assert again[0] <= WITHIN


def test_a_text_is_counted_by_the_server(llamacpp: LlamaServer, tmp_path: Path) -> None:
    """`/tokens TEXT` shows the server's own count, without a mark of doubt."""
    config = settings_for(llamacpp.url, model=f'"{llamacpp.model}"')
    program = compose_program(tmp_path, config, environ={"TEST_KEY": llamacpp.key})
    with running(program) as runner:
        before = data(runner.run(effects(program, "/tokens def 你好 🎉")))
        runner.run(program.services.routing.listed())
        shown = runner.run(command(program, "/tokens def 你好 🎉"))
        after = data(runner.run(effects(program, "/tokens def 你好 🎉")))
    assert before["exact"] is False
    assert after["exact"] is True
    assert shown == f"{after['tokens']} tokens (counted by the server's own tokenizer)"


def test_each_text_is_counted_once(llamacpp: LlamaServer, tmp_path: Path) -> None:
    """A turn asks the server for the tokens of what is new in it, and of nothing else."""
    with Relay(urlsplit(llamacpp.url).port or 0) as relay:
        config = settings_for(relay.url, model=f'"{llamacpp.model}"')
        program = compose_program(tmp_path, config, "-o", "max_tokens=48", environ={"TEST_KEY": llamacpp.key})
        with running(program) as runner:
            runner.run(program.services.routing.listed())
            for text in ENGLISH:
                runner.run(turn(program, Send(text)))
            path = [message.text for message in program.services.manager.session.path()]
        asked = [body["content"] for body in relay.bodies() if "content" in body]
    assert sorted(asked) == sorted({text for text in path[:-1] if text})

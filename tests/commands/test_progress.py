"""Long work of commands: its steps, its result, and that it can be stopped."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import pytest

from gptchat.commands.effects import Progress
from gptchat.commands.wording import in_thread
from gptchat.errors import TurnInterruptedError


def test_steps_come_before_the_result() -> None:
    """Work in a thread tells each of its steps, and its result comes last."""

    def work(text: str, progress: Callable[[int, int], None]) -> str:
        for done in range(3):
            progress(done, 3)
        return text.upper()

    async def collect() -> list[object]:
        return [step async for step in in_thread(work, "done", label="reading")]

    assert asyncio.run(collect()) == [*(Progress("reading", done, 3) for done in range(3)), "DONE"]


def test_work_that_is_given_up_ends() -> None:
    """Esc on long work ends the work itself, not only the waiting for it."""
    begun, ended = threading.Event(), threading.Event()

    def work(progress: Callable[[int, int], None]) -> None:
        try:
            while True:
                progress(1, 2)
                begun.set()
        except TurnInterruptedError:
            ended.set()
            raise

    async def wait_for_it() -> None:
        async for _step in in_thread(work):
            pass

    async def give_it_up() -> None:
        waiting = asyncio.ensure_future(wait_for_it())
        await asyncio.to_thread(begun.wait, 10)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert await asyncio.to_thread(ended.wait, 10)

    asyncio.run(give_it_up())

"""Coroutines that run with an event loop or without one, so that a run that waits for nothing loads no asyncio."""

from __future__ import annotations

import sys
from collections.abc import Callable, Coroutine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, ParamSpec, TypeVar

    P = ParamSpec("P")
    T = TypeVar("T")


async def to_thread(function: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """`asyncio.to_thread` where an event loop runs; where none does, a plain call: nothing else could go on."""
    if not _loop_runs():
        return function(*arguments, **named)
    import asyncio

    return await asyncio.to_thread(function, *arguments, **named)


def run_without_loop(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that awaits only other coroutines and this module's `to_thread`; returns its result.

    Raises RuntimeError if it waits for something else.
    """
    try:
        coroutine.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    coroutine.close()
    raise RuntimeError(f"{coroutine} waits, and no event loop runs")


def _loop_runs() -> bool:
    events = sys.modules.get("asyncio.events")
    return events is not None and events._get_running_loop() is not None

"""Runs coroutines inside an event loop, without one, or beside one; asyncio is imported only where one runs."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Coroutine

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


class LoopThread:
    """An event loop in a thread of its own, for callers that have none. Any thread may call the methods."""

    def __init__(self, name: str) -> None:
        import asyncio
        import threading

        self._entering = threading.Lock()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=name, daemon=True)
        self._thread.start()
        self.closed = False

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Wait for the result of `work`; Ctrl-C cancels it.

        Raises `concurrent.futures.CancelledError` if the thread is closed before or meanwhile.
        """
        import asyncio
        from concurrent.futures import CancelledError

        with self._entering:
            if self.closed:
                work.close()
                raise CancelledError
            future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except KeyboardInterrupt:
            future.cancel()
            raise

    def call(self, function: Callable[[], object]) -> None:
        """Have the loop call `function` soon; does nothing once closed."""
        with self._entering:
            if not self.closed:
                self._loop.call_soon_threadsafe(function)

    def close(self, before: Callable[[], Awaitable[object]]) -> None:
        """Wait for `before()`, cancel what still runs, and end the thread. A second call does nothing."""
        import asyncio

        with self._entering:
            if self.closed:
                return
            self.closed = True
            future = asyncio.run_coroutine_threadsafe(self._finish(before), self._loop)
        try:
            future.result()
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    async def _finish(self, before: Callable[[], Awaitable[object]]) -> None:
        import asyncio

        try:
            await before()
        finally:
            rest = asyncio.all_tasks() - {asyncio.current_task()}
            for task in rest:
                task.cancel()
            await asyncio.gather(*rest, return_exceptions=True)
            await self._loop.shutdown_asyncgens()


def _loop_runs() -> bool:
    events = sys.modules.get("asyncio.events")
    return events is not None and events._get_running_loop() is not None

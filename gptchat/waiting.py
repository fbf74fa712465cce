"""Runs coroutines inside an event loop, without one, or beside one; asyncio is imported only where one runs."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import ContextVar, copy_context

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, ParamSpec, TypeVar

    P = ParamSpec("P")
    T = TypeVar("T")


_LEFT: ContextVar[list[bool] | None] = ContextVar("left", default=None)
"""What the thread of `leavable` looks at: not empty once nobody waits for it."""


def given_up() -> bool:
    """Whether the caller of `leavable` that this work is done for waits no longer; blocking work asks often."""
    return bool(_LEFT.get())


async def leavable(function: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """As `to_thread`, for work that may take long: cancelling returns at once, and the program may end meanwhile.

    The work goes on until it sees `given_up`; what it returns or raises is dropped.
    """
    if not _loop_runs():
        return function(*arguments, **named)
    import asyncio
    import threading

    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()
    left: list[bool] = []

    def settle(result: T | None, error: BaseException | None) -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)  # type: ignore[arg-type] # there is one where there is no error

    def work() -> None:
        result, error = None, None
        try:
            result = function(*arguments, **named)
        except BaseException as raised:
            error = raised
        try:
            loop.call_soon_threadsafe(settle, result, error)
        except RuntimeError:
            pass  # the loop has ended meanwhile

    context = copy_context()
    context.run(_LEFT.set, left)
    threading.Thread(target=context.run, args=(work,), name="leavable", daemon=True).start()
    try:
        return await future
    finally:
        left.append(True)


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

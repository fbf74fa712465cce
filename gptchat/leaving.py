"""Leaving the program: a fact that is set once, by a signal or a person, and that every wait sees.

A signal ends whatever the main thread waits for: in an event loop the main task is cancelled, elsewhere
KeyboardInterrupt is raised. So a new dialogue or a new wait cannot forget it. Work that can stop by itself, such
as a streaming reply, says so with `gently` and has a moment to be saved before it is cancelled. `LIMIT` seconds
after the word to leave the process ends, whatever server, disk or thread still keeps it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager

TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio
    from typing import Any, NoReturn

LIMIT = 0.9
"""Seconds from the word to leave to the end of the process."""
_GENTLE = 0.4  # seconds in which work stops by itself, before it is cancelled
_RESTORE = 0.08  # seconds for putting the terminal right and ending children, where the process is cut off
GONE = 129
"""The exit status where the terminal is gone: that of SIGHUP, which may come late or not at all."""


_SIGINT = 2
_SIGNALS = ("SIGTERM", "SIGHUP", "SIGINT")


class LeaveRequested(Exception):
    """Raised when the user wants to leave the program, or the terminal is gone."""


class _State:
    """What is known of leaving; the main thread alone changes it."""

    def __init__(self) -> None:
        self.begun = False
        """Whether this process is the program, which ends by its deadline, and not one that uses its parts."""
        self.status: int | None = None
        self.deadline: float | None = None
        """When the process ends at the latest (monotonic); None while nobody is leaving."""
        self.loop: asyncio.AbstractEventLoop | None = None
        self.task: asyncio.Task[Any] | None = None
        self.timer: asyncio.TimerHandle | None = None
        self.blocked = 0
        """How many calls block the main thread on purpose, though its event loop runs."""
        self.stops: list[Callable[[], object]] = []
        self.interrupts: list[Callable[[], object]] = []
        self.ends: list[Callable[[], object]] = []
        self.terminals: list[int] = []
        """The standard descriptors that were a terminal when the program began."""


_now = _State()


def begin() -> None:
    """Have signals make this process leave; call it once, in the main thread of the program itself.

    Those that are ignored, as nohup has it, stay ignored.
    """
    import signal

    _now.begun = True
    _now.terminals = [number for number in (1, 2) if os.isatty(number)]
    for name in _SIGNALS:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _heard)


def status() -> int | None:
    """The exit status that a signal, or the loss of the terminal, gives this run; None before one has come."""
    return _now.status


def ask(number: int) -> None:
    """Leave with the exit status `number`: end the main task's wait, and the process after `LIMIT` seconds.

    Call it in the event loop. The first call counts; without `begin` nothing happens.
    """
    _set(number)
    interrupt()


def limit() -> None:
    """From now on the process ends after `LIMIT` seconds: nobody is asked anything any more."""
    import _thread
    import time

    if _now.deadline is None:
        _now.deadline = time.monotonic() + LIMIT
        if _now.begun:
            # Not by `threading`, which takes locks that the code below a signal may hold.
            _thread.start_new_thread(_cut_off, (_now.deadline,))


def _set(number: int) -> None:
    if _now.status is not None or not _now.begun:
        return
    _now.status = number
    for descriptor in _now.terminals:
        if not os.isatty(descriptor):  # it is gone: what is still written goes nowhere, instead of failing
            os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)
    limit()


def interrupt() -> None:
    """End what the main task waits for: by its own `gently`, else, and at the latest soon after, by cancelling.

    Call it in the event loop, for a person who leaves in the midst of work; `settle` withdraws it.
    """
    task, loop = _now.task, _now.loop
    if task is None or loop is None or _now.timer is not None:
        return
    if _now.stops:
        _now.stops[-1]()
        _now.timer = loop.call_later(_GENTLE, task.cancel)
    else:
        _now.timer = loop.call_later(0, task.cancel)


def settle() -> None:
    """The wait that was to end has ended: nothing is cancelled any more, unless a signal has come."""
    if _now.status is None and _now.timer is not None:
        _now.timer.cancel()
        _now.timer = None


@contextmanager
def gently(stop: Callable[[], object]) -> Generator[None, None, None]:
    """Within, leaving calls `stop` from the event loop, and cancels the main task only if that is not enough.

    May be entered from a thread whose result the main task waits for.
    """
    _now.stops.append(stop)
    try:
        yield
    finally:
        _now.stops.remove(stop)


@contextmanager
def interrupts(callback: Callable[[], object]) -> Generator[None, None, None]:
    """Within, SIGINT is a key: it calls `callback` in the event loop and does not leave.

    For a terminal in its normal mode, where Ctrl-C sends SIGINT. The innermost callback is called.
    """
    _now.interrupts.append(callback)
    try:
        yield
    finally:
        _now.interrupts.remove(callback)


@contextmanager
def blocking() -> Generator[None, None, None]:
    """Within, the main thread waits outside of its event loop, so a signal raises KeyboardInterrupt."""
    _now.blocked += 1
    try:
        yield
    finally:
        _now.blocked -= 1


@contextmanager
def at_the_end(action: Callable[[], object]) -> Generator[None, None, None]:
    """Within, `action` is also called when the process is cut off. It may run in another thread."""
    _now.ends.append(action)
    try:
        yield
    finally:
        _now.ends.remove(action)


def _heard(number: int, _frame: object) -> None:
    loop = _now.loop
    outside = loop is None or not loop.is_running() or _now.blocked
    if number == _SIGINT and _now.interrupts and not outside and loop is not None:
        loop.call_soon_threadsafe(_now.interrupts[-1])
        return
    again = _now.status is not None
    _set(128 + number)
    if loop is not None and not outside:
        loop.call_soon_threadsafe(interrupt)
    elif not again:
        raise KeyboardInterrupt


def run(work: Coroutine[Any, Any, int]) -> int:
    """Run `work` in a new event loop; returns its result. Raises KeyboardInterrupt if a signal has ended it.

    Other tasks are cancelled at its end. Threads are not waited for: that is `finish`.
    """
    import asyncio

    runner = asyncio.Runner()
    loop = runner.get_loop()

    async def main() -> int:
        _now.loop, _now.task = loop, asyncio.current_task()
        return await work

    try:
        return runner.run(main())
    except asyncio.CancelledError:
        if _now.status is None:
            raise
        raise KeyboardInterrupt from None
    finally:
        _now.task = _now.timer = None
        try:
            loop.run_until_complete(_wind_up(loop))
        finally:
            _now.loop = None
            asyncio.set_event_loop(None)
            loop.close()  # unlike the runner's, it does not wait for threads


async def _wind_up(loop: asyncio.AbstractEventLoop) -> None:
    """Cancel all other tasks, and wait for them a moment."""
    import asyncio

    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for task in rest:
        task.cancel()
    if rest:
        await asyncio.wait(rest, timeout=_left(LIMIT / 2))
    try:
        await asyncio.wait_for(loop.shutdown_asyncgens(), max(_left(LIMIT / 2), 0.05))
    except TimeoutError:
        pass


def _left(most: float) -> float:
    import time

    return most if _now.deadline is None else min(max(_now.deadline - time.monotonic() - _RESTORE, 0.0), most)


def finish(status: int) -> None:
    """Wait for other threads, as at the end of every program, but end the process where one goes on and on.

    All output must have been flushed. What a signal does from now on is for the system to say.
    """
    import signal
    import time

    if (threading := sys.modules.get("threading")) is not None:
        until = _now.deadline or time.monotonic() + LIMIT
        for thread in threading.enumerate():
            if thread is not threading.current_thread() and not thread.daemon:
                thread.join(max(until - _RESTORE - time.monotonic(), 0.0))
                if thread.is_alive():
                    _end(status)
    _now.deadline = None
    for name in _SIGNALS:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is _heard:
            signal.signal(number, signal.SIG_DFL)


def _cut_off(deadline: float) -> None:
    import time

    time.sleep(max(deadline - time.monotonic() - _RESTORE, 0.0))
    if _now.deadline is not None:
        _end(_now.status or 0)


def _end(number: int) -> NoReturn:
    """End the process at once, with what must be put right before."""
    import _thread

    done = _thread.allocate_lock()
    done.acquire()

    def put_right() -> None:
        for action in reversed(_now.ends):
            try:
                action()
            except Exception:  # noqa: S112 - nobody is left to tell, and the next action counts
                continue
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (OSError, ValueError, AttributeError):
                continue
        done.release()

    _thread.start_new_thread(put_right, ())
    done.acquire(timeout=_RESTORE)
    os._exit(number)

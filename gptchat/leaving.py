"""Leaving the program: a fact that is set once, by a signal or a person, and that every wait sees.

A signal ends whatever the main thread waits for: in an event loop the main task is cancelled, elsewhere
KeyboardInterrupt is raised. So a new dialogue or a new wait cannot forget it. Work that can stop by itself, such
as a streaming reply, says so with `gently` and has a moment to be saved before it is cancelled. `LIMIT` seconds
after the word to leave the process ends, whatever server, disk or thread still keeps it.
"""

from __future__ import annotations

import _thread
import atexit
import os
import signal
import sys
import time
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager

TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio
    from typing import Any, NoReturn

LIMIT = 0.75
"""Seconds from the word to leave to the end of the process."""
_GENTLE = 0.35  # seconds in which work stops by itself, before it is cancelled
_AGAIN = 0.05  # seconds between two requests to stop
_UNSEEN = 0.3  # seconds that a key may have waited before work in progress is watched
_RESTORE = 0.08  # seconds for putting the terminal right and ending children, where the process is cut off
GONE = 129
"""The exit status where the terminal is gone: that of SIGHUP, which may come late or not at all."""
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
        self.since = 0.0
        """When the user left in the midst of work (monotonic)."""
        self.blocked = False
        """Whether the main thread waits in `wait_for_input`."""
        self.stops: list[Callable[[], object]] = []
        self.interrupts: list[Callable[[], object]] = []
        self.ends: list[Callable[[], object]] = []
        self.taken: list[int] = []
        """The signals that make this process leave."""
        self.terminals: list[int] = []
        """The standard descriptors that were a terminal when the program began."""


_now = _State()


def begin() -> None:
    """Have signals make this process leave; call it once, in the main thread of the program itself.

    Those that are ignored, as nohup has it, stay ignored.
    """
    _now.begun = True
    _now.terminals = [number for number in (1, 2) if os.isatty(number)]
    _now.taken = [
        number
        for name in _SIGNALS
        if (number := getattr(signal, name, None)) and signal.getsignal(number) is not signal.SIG_IGN
    ]
    _take_signals()


def _take_signals() -> None:
    for number in _now.taken:
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
    """From now on nobody is asked anything any more: the process ends after `LIMIT` seconds."""
    if _now.deadline is None:
        now = time.monotonic()
        # Of a user who left in the midst of work the time since counts, but not that of a question in between.
        asked = now if _now.status is not None else max(_now.since - _UNSEEN, now - _GENTLE)
        _now.deadline = asked + LIMIT
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
    _now.since = loop.time()
    if not _now.stops:
        _now.timer = loop.call_later(0, task.cancel)
        return
    _now.timer = loop.call_later(_GENTLE, task.cancel)
    stop = _now.stops[-1]

    def press() -> None:
        if stop in _now.stops and _now.timer is not None:
            stop()
            loop.call_later(_AGAIN, press)  # it may have come before there was anything to stop

    press()


def settle() -> None:
    """The wait that was to end has ended: nothing is cancelled any more, unless a signal has come."""
    if _now.status is None and _now.timer is not None:
        _now.timer.cancel()
        _now.timer = None


@contextmanager
def gently(stop: Callable[[], object], *, late: bool = True) -> Generator[None, None, None]:
    """Within, leaving calls `stop`, more than once, and cancels the main task only if that is not enough.

    May be entered from a thread whose result the main task waits for. `late`: if a signal came before, `stop` is
    called at once.
    """
    _now.stops.append(stop)
    try:
        if late and _now.status is not None:
            stop()
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


def wait_for_input(descriptor: int) -> None:
    """Block the main thread until `descriptor` can be read, whether or not its event loop runs.

    A signal raises KeyboardInterrupt, also one that comes just before: in a read it would be seen after the read.
    """
    import select

    if not _now.begun or sys.platform == "win32":
        return
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    before = signal.set_wakeup_fd(wake)
    _now.blocked = True
    try:
        if _now.status is not None:  # it came before the loop's thread was known to be blocked
            raise KeyboardInterrupt
        select.select([descriptor, woken], [], [])
    finally:
        _now.blocked = False
        signal.set_wakeup_fd(before)
        os.close(wake)
        os.close(woken)


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
    if number == signal.SIGINT and _now.interrupts and not outside and loop is not None:
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
        _wake(loop)
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
            if _now.begun:
                _take_signals()


def _wake(loop: asyncio.AbstractEventLoop) -> None:
    """Have signals wake `loop`: one that comes just before it waits would else be seen after the wait."""
    if _now.begun and sys.platform != "win32":
        loop.add_signal_handler(signal.SIGTERM, lambda: None)
        _take_signals()


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
    return most if _now.deadline is None else min(max(_now.deadline - time.monotonic() - _RESTORE, 0.0), most)


def finish(status: int) -> NoReturn:
    """End the process, with what others registered for its end, but without Python's own slow clearing up.

    Threads have until the deadline: what they save is saved.
    """
    _flush()
    if (threading := sys.modules.get("threading")) is not None:
        until = (_now.deadline or time.monotonic() + LIMIT) - _RESTORE
        for thread in threading.enumerate():
            if thread is not threading.current_thread() and not thread.daemon:
                thread.join(max(until - time.monotonic(), 0.0))
                if thread.is_alive():
                    _end(status)
    _now.deadline = None
    atexit._run_exitfuncs()
    if _now.ends:  # a thread that nobody waits for has begun something, such as a child
        _end(status)
    os._exit(status)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            continue  # closed, full or gone, which was told before


def _cut_off(deadline: float) -> None:
    time.sleep(max(deadline - time.monotonic() - _RESTORE, 0.0))
    if _now.deadline is not None:
        _end(_now.status or 0)


def _end(number: int) -> NoReturn:
    """End the process at once, with what must be put right before."""
    done = _thread.allocate_lock()
    done.acquire()

    def put_right() -> None:
        for action in reversed(_now.ends):
            try:
                action()
            except Exception:  # noqa: S112 - nobody is left to tell, and the next action counts
                continue
        _flush()
        done.release()

    _thread.start_new_thread(put_right, ())
    done.acquire(timeout=_RESTORE)
    os._exit(number)

"""Loads in the background what the first message needs, without delaying the keys.

Python runs one thread at a time, so keys wait while another thread imports. Therefore the thread switch interval
is shorter during loading, the garbage collector is off (it causes most of the long pauses of an import), and work
that cannot be interrupted, such as building a vocabulary, waits for a pause in typing.
"""

from __future__ import annotations

import gc
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Generator, Iterator
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gptchat.commands.program import Program
    from gptchat.commands.registry import Registry
    from gptchat.conversation.routing import Routing
    from gptchat.terminal.output.gauge import Gauge
    from gptchat.terminal.output.theme import Theme

_PAUSE = 0.4  # seconds without a key that count as a pause in typing
_TURN = 0.0005  # thread switch interval in seconds (Python's default: 0.005)
_YIELD = 0.001  # seconds to sleep before each module import, so that keys can be handled


class Quiet:
    """Tracks pauses in typing. `clock` returns monotonic seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last = float("-inf")
        self._hurried = threading.Event()

    def typed(self) -> None:
        """Report that a key was pressed."""
        self._last = self._clock()

    def hurry(self) -> None:
        """End all waiting for pauses, now and later: the loaded modules are needed at once."""
        self._hurried.set()

    def left(self) -> float:
        """Seconds until typing counts as paused if no other key is pressed; 0 or less if it is paused."""
        return 0.0 if self._hurried.is_set() else self._last + _PAUSE - self._clock()

    def wait(self) -> None:
        """Block until typing pauses; call it from a thread."""
        while (left := self.left()) > 0:
            self._hurried.wait(left)


class WarmUp:
    """Loads in a thread what the first message needs: the provider's modules, the painter, the vocabulary."""

    def __init__(self, routing: Routing, registry: Registry, theme: Theme, quiet: Quiet) -> None:
        self._routing = routing
        self._theme = theme
        self._registry = registry
        self._quiet = quiet
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="warm up", daemon=True)

    @property
    def done(self) -> bool:
        """Whether loading has ended (or failed)."""
        return self._done.is_set()

    def start(self) -> None:
        """Start loading, unless it has been started before."""
        if self._thread.ident is None:
            self._thread.start()

    def wait(self) -> None:
        """Block until loading has ended (or failed, or nobody waits for it any more)."""
        self._done.wait()

    def give_up(self) -> None:
        """Let nobody wait for the loading any more: the program ends."""
        self._quiet.hurry()
        self._done.set()

    def _run(self) -> None:
        try:
            with gently(self._quiet):
                for step in self._steps():
                    self._quiet.wait()
                    step()
        except Exception:  # the first message will report the same error
            return
        finally:
            self._done.set()

    def _steps(self) -> Iterator[Callable[[], object]]:
        """The loading steps; before each one the thread waits for a pause in typing."""
        from gptchat.providers.registry import modules

        yield partial(import_module, "gptchat.terminal.effect_runner")
        routing = self._routing
        for module in (*modules(routing.provider_settings()), "gptchat.terminal.output.painter"):
            yield partial(import_module, module)
        yield self._draw
        yield lambda: routing.counter.load(routing.counted_as())
        yield lambda: self._registry.commands

    def _draw(self) -> None:
        """Have the grammar, a lexer and the widths ready, for which the first reply would wait else."""
        from gptchat.terminal.markdown import warm_up

        warm_up(self._theme)


def work_behind(program: Program, gauge: Gauge) -> tuple[Coroutine[None, None, None], ...]:
    """What goes on behind the prompt while the chat runs."""
    from gptchat.terminal.keeping.synchronising import keep_in_sync

    return ready_tools(program, gauge), keep_in_sync(program.services)


async def ready_tools(program: Program, gauge: Gauge) -> None:
    """Open the sources of tools behind the prompt; once they are there, count the tools and offer the prompts.

    Sources that fail are told with the first message.
    """
    services, settings = program.services, program.services.settings
    if settings.tools.use == "auto" and not (
        settings.tool_sources() or settings.mcp_servers() or settings.mcp_files()
    ):
        return
    services.toolbox.start()
    rounds = services.conversation.rounds
    await rounds.equipped(services.routing.route())
    gauge.equip = rounds.known
    gauge.refresh()
    program.registry.further = {}
    if prompts := await services.toolbox.prompts():
        from gptchat.commands.templates.served import commands_of

        program.registry.further = commands_of(prompts, program.registry.names())


class _GiveWay:
    """A module finder that finds nothing; it only sleeps briefly before each import, so that keys are handled."""

    def __init__(self, quiet: Quiet) -> None:
        self._quiet = quiet
        self._thread = threading.get_ident()

    def find_spec(self, name: str, path: object, target: object = None) -> None:
        """Sleep briefly if the user is typing."""
        if threading.get_ident() == self._thread and self._quiet.left() > 0:
            time.sleep(_YIELD)


@contextmanager
def gently(quiet: Quiet) -> Generator[None, None, None]:
    """Import modules in this thread with little delay for the others."""
    interval, collecting = sys.getswitchinterval(), gc.isenabled()
    finder = _GiveWay(quiet)
    sys.setswitchinterval(_TURN)
    gc.disable()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        sys.setswitchinterval(interval)
        if collecting:
            gc.freeze()  # loaded modules stay in memory, so the collector need not scan them again
            gc.enable()

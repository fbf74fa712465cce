"""Loading behind the prompt what the first message needs, without holding up the keys.

Python runs one thread at a time: whoever types waits while another thread imports. So threads take turns more
often while this works, the collector of garbage rests (most of an import's longest stretches are its), and what
cannot be interrupted, such as building a vocabulary, waits for a pause in the typing.
"""

from __future__ import annotations

import gc
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gptchat.conversation.routing import Routing

_PAUSE = 0.4  # seconds without a key that count as a pause in the typing
_TURN = 0.0005  # seconds after which a thread must let another one run (Python's own: 0.005)
_YIELD = 0.001  # seconds left free for keys before each module that is loaded


class Quiet:
    """Knows whether somebody is typing just now."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last = float("-inf")
        self._hurried = threading.Event()

    def typed(self) -> None:
        """A key was pressed."""
        self._last = self._clock()

    def hurry(self) -> None:
        """What is being loaded is needed now; nobody waits for a pause any more."""
        self._hurried.set()

    def left(self) -> float:
        """Seconds until the typing will have paused, if no other key comes."""
        return 0.0 if self._hurried.is_set() else self._last + _PAUSE - self._clock()

    def wait(self) -> None:
        """Return when the typing pauses; to be called from a thread."""
        while (left := self.left()) > 0:
            self._hurried.wait(left)


class WarmUp:
    """Loads in a thread what the first message needs; `wait` returns when all of it is there."""

    def __init__(self, routing: Routing, quiet: Quiet) -> None:
        self._routing = routing
        self._quiet = quiet
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="warm up", daemon=True)

    @property
    def done(self) -> bool:
        """Whether everything is loaded."""
        return self._done.is_set()

    def start(self) -> None:
        """Begin, if that has not been done."""
        if self._thread.ident is None:
            self._thread.start()

    def wait(self) -> None:
        """Return when everything is loaded; blocks."""
        self._done.wait()

    def _run(self) -> None:
        try:
            with gently(self._quiet):
                for step in self._steps():
                    self._quiet.wait()
                    step()
        except Exception:  # what is wrong, with the settings or otherwise, is told when it matters
            return
        finally:
            self._done.set()

    def _steps(self) -> Iterator[Callable[[], object]]:
        """What is to be loaded, in pieces between which a person's typing is waited for."""
        from gptchat.providers.registry import modules

        routing = self._routing
        for module in (*modules(routing.provider_settings()), "gptchat.terminal.output.painter"):
            yield partial(import_module, module)
        yield lambda: routing.counter.load(routing.model())


class _GiveWay:
    """A finder of modules that finds none: it leaves a moment to the keys before each module is loaded."""

    def __init__(self, quiet: Quiet) -> None:
        self._quiet = quiet
        self._thread = threading.get_ident()

    def find_spec(self, name: str, path: object, target: object = None) -> None:
        """Wait a moment where somebody is typing."""
        if threading.get_ident() == self._thread and self._quiet.left() > 0:
            time.sleep(_YIELD)


@contextmanager
def gently(quiet: Quiet) -> Generator[None, None, None]:
    """Load modules in this thread so that others hardly notice."""
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
            gc.freeze()  # what was loaded stays: it need not be looked through again and again
            gc.enable()

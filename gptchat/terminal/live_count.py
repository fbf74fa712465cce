"""Counting the tokens of a draft while it is typed, without ever delaying a key."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class LiveCount:
    """Counts the newest draft in a thread, once typing pauses for a moment.

    `count(text)` gives the tokens of a text; it runs in the thread, and may load what it needs there.
    `on_counted()` is called from the thread after each count (such as `Prompt.refresh`). `tokens` is the last
    count.
    """

    def __init__(
        self, count: Callable[[str], int], on_counted: Callable[[], None] = lambda: None, delay: float = 0.1
    ) -> None:
        self._count = count
        self.on_counted = on_counted
        self._delay = delay
        self._wake = threading.Condition()
        self._text: str | None = None
        self._newest = 0.0
        self._thread: threading.Thread | None = None
        self.tokens = 0

    def changed(self, text: str) -> None:
        """The draft is now `text`, whole. Returns at once; an empty draft is counted on the spot."""
        with self._wake:
            idle, self._text = self._text is None, text or None
            self._newest = time.monotonic()
            if not text:
                self.tokens = 0
                return
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="count", daemon=True)
                self._thread.start()
            elif idle:  # no other key wakes the thread, which would cost the key time
                self._wake.notify()

    def _run(self) -> None:
        pause = self._delay
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._text is not None)
                while (rest := self._newest + pause - time.monotonic()) > 0:  # each key begins the pause anew
                    self._wake.wait(rest)
                text = self._text
            if text is None:
                continue
            begun = time.perf_counter()
            try:
                tokens = self._count(text)
            except Exception:  # a count is a courtesy: without it the last one stays, and typing goes on
                tokens = self.tokens
            # A draft that is slow to count is counted less often, so that most of the time stays free.
            pause = max(self._delay, 3 * (time.perf_counter() - begun))
            with self._wake:
                if self._text is text:
                    self._text = None
                elif self._text is None:
                    continue  # emptied meanwhile
                self.tokens = tokens
            self.on_counted()

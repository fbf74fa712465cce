"""Candidates that are slow to get (a provider's models): fetched behind, kept, and fetched anew when old."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from gptchat.terminal.completion import Candidate


class Fetched:
    """What `fetch()` last gave; `fetch` runs in a thread, and its failures only mean that nothing new is known.

    `on_ready()` is called from that thread when there is something new. A result is fresh for `lifetime`
    seconds; after a failure, the next attempt waits as long.
    """

    def __init__(
        self,
        fetch: Callable[[], Sequence[Candidate]],
        on_ready: Callable[[], object] = lambda: None,
        lifetime: float = 300.0,
    ) -> None:
        self._fetch = fetch
        self._on_ready = on_ready
        self._lifetime = lifetime
        self._until = 0.0
        self._lock = threading.Lock()
        self._candidates: Sequence[Candidate] = ()
        self._generation = 0

    def get(self) -> Sequence[Candidate]:
        """What is known, at once; a fetch begins behind when that is old."""
        with self._lock:
            if time.monotonic() < self._until:
                return self._candidates
            self._until = float("inf")  # until the fetch is done, none other begins
            known, generation = self._candidates, self._generation
        threading.Thread(target=self._run, args=(generation,), name="candidates", daemon=True).start()
        return known

    def forget(self) -> None:
        """What is known is about another provider or user: fetch anew when next asked."""
        with self._lock:
            self._candidates, self._until = (), 0.0
            self._generation += 1

    def _run(self, generation: int) -> None:
        found: Sequence[Candidate] | None
        try:
            found = self._fetch()
        except Exception:  # no network, no key: completion has no say in that, a request will tell
            found = None
        with self._lock:
            if generation != self._generation:
                return  # forgotten while it was on its way
            self._until = time.monotonic() + self._lifetime
            if found is None or found == self._candidates:
                return
            self._candidates = found
        self._on_ready()

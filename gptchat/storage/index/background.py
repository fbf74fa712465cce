"""Brings the search index up to date behind whatever else goes on, and says how far it is."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gptchat.storage.index.search import SearchIndex


class Indexing:
    """At most one thread indexes the sessions of one person at a time; searches meanwhile read the rest directly.

    `changed` is called from the thread when `share` has moved.
    """

    def __init__(self, data: Path, cache: Path | None, changed: Callable[[], None] = lambda: None) -> None:
        self._data = data
        self._cache = cache
        self.changed = changed
        self.share: float | None = None
        """How much is indexed, from 0 to 1; None where nothing is being done."""
        self._thread: threading.Thread | None = None

    @property
    def index(self) -> SearchIndex:
        """The search over the sessions."""
        from gptchat.storage.index.search import SearchIndex  # SQLite: only where it is needed

        return SearchIndex(self._data, self._cache)

    def start(self, user: str) -> None:
        """Index what is new of `user` in a thread; returns at once. A second call while it runs does nothing."""
        if self._thread is None or not self._thread.is_alive():
            self.share = 0.0
            self._thread = threading.Thread(target=self._run, args=(user,), name="indexing", daemon=True)
            self._thread.start()

    def _run(self, user: str) -> None:
        try:
            self.index.update(user, self._progress)
        finally:
            self.share = None
            self.changed()

    def _progress(self, done: int, total: int) -> None:
        self.share = done / total if total else 1.0
        self.changed()

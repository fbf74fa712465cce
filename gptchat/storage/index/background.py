"""Updates the search index in a background thread and reports progress."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gptchat.storage.index.search import SearchIndex


class Indexing:
    """Indexes the sessions of one user at a time in a thread; searches meanwhile read unindexed files directly.

    `changed` is called from the thread when `share` has changed.
    """

    def __init__(self, data: Path, cache: Path | None, changed: Callable[[], None] = lambda: None) -> None:
        self._data = data
        self._cache = cache
        self.changed = changed
        self.share: float | None = None
        """Fraction indexed, from 0 to 1; None if no thread is running."""
        self._thread: threading.Thread | None = None

    @property
    def index(self) -> SearchIndex:
        """The search over the sessions."""
        from gptchat.storage.index.search import SearchIndex  # imports SQLite, so only if needed

        return SearchIndex(self._data, self._cache)

    def start(self, user: str) -> None:
        """Index the new records of `user` in a thread; returns at once. Does nothing while a thread is running."""
        if self._thread is None or not self._thread.is_alive():
            self.share = 0.0
            self._thread = threading.Thread(target=self._run, args=(user,), name="indexing", daemon=True)
            self._thread.start()

    def show(self, share: float | None) -> None:
        """Show progress of other work on what is searched, such as fetching vectors."""
        self.share = share
        self.changed()

    def _run(self, user: str) -> None:
        try:
            self.index.update(user, self._progress)
        finally:
            self.share = None
            self.changed()

    def _progress(self, done: int, total: int) -> None:
        self.share = done / total if total else 1.0
        self.changed()

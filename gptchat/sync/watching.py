"""Synchronises behind the chat: after each turn, and when the place changes. Failures are told once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from gptchat import notices
from gptchat.errors import GptchatError
from gptchat.words import _

if TYPE_CHECKING:
    from gptchat.sync.service import Synchroniser

SECONDS = 3.0
"""How often the place is looked at."""
_FETCH = 60.0
"""Seconds between two fetches of a repository that nobody here writes to."""
_BUDGET = 20.0
"""Seconds that one run may take; the rest waits for the next one."""


class Watching:
    """A thread that synchronises `user`'s sessions with the place that their memory names.

    `open_id` tells the session open in the chat; `changed` is called from the thread when something came in.
    """

    def __init__(
        self,
        data: Path,
        cache: Path | None,
        environ: Mapping[str, str],
        open_id: Callable[[], str] = str,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._data = data
        self._cache = cache
        self._environ = environ
        self._open_id = open_id
        self.changed = changed
        self._thread: threading.Thread | None = None
        self._wake = threading.Event()
        self._ended = threading.Event()
        self._user = ""
        self.runs = 0
        """How many runs have ended."""

    def start(self, user: str) -> None:
        """Watch for `user` from now on, if their memory says so; returns at once."""
        self.stop()
        if not _wanted(self._data, user):
            return
        self._user, self._ended = user, threading.Event()
        self._thread = threading.Thread(
            target=self._watch, args=(user, self._ended), name="synchronising", daemon=True
        )
        self._thread.start()

    def use(self, user: str) -> None:
        """Another person chats: watch for them instead, if anybody is watched for."""
        if self.running:
            self.start(user)

    def poke(self) -> None:
        """A turn has ended: synchronise soon."""
        self._wake.set()

    def stop(self) -> None:
        """Do not begin another run."""
        self._ended.set()
        self._wake.set()
        self._thread = None

    @property
    def running(self) -> bool:
        """Whether somebody is watched for."""
        return self._thread is not None and self._thread.is_alive()

    def _watch(self, user: str, ended: threading.Event) -> None:
        seen, last = None, 0.0
        while not ended.is_set():
            poked = self._wake.is_set()
            self._wake.clear()
            try:
                work = _work(self._data, self._cache, user, self._environ)
                if work is None:
                    return
                now = time.monotonic()
                changed = _state_of(work, user)
                due = work.target.repository is not None and now - last > _FETCH
                if poked or due or changed != seen:
                    self._run(work, user)
                    seen, last = _state_of(work, user), now
            except GptchatError as error:
                notices.tell(_("synchronising failed: {why}").format(why=error.message))
            self._wake.wait(SECONDS)

    def _run(self, work: Synchroniser, user: str) -> None:
        reports = work.run(
            [user], work.ready(user), open_id=self._open_id(), seconds=_BUDGET,
        )  # fmt: skip
        report = reports[user]
        for id, title in report.kept:
            words = _("{title} was deleted on another machine, and is kept, since it went on")
            notices.tell(words.format(title=title or id))
        for name, reason in report.problems[:1]:
            notices.tell(_("{file} is left out: {reason}").format(file=name, reason=reason))
        self.runs += 1
        if report.received or report.trashed or report.removed or report.restored:
            self.changed()


def _wanted(data: Path, user: str) -> bool:
    from gptchat.sync import memory as memories

    if not memories.memory_file(data, user).is_file():
        return False
    memory = memories.load(data, user)
    return bool(memory.place and memory.watch)


def _work(data: Path, cache: Path | None, user: str, environ: Mapping[str, str]) -> Synchroniser | None:
    """What synchronises with the place of `user`; None if they want that no more. Raises GptchatError."""
    from gptchat.sync import memory as memories
    from gptchat.sync.service import Synchroniser, find_target

    memory = memories.load(data, user)
    if not (memory.place and memory.watch):
        return None
    target = find_target(memory.place, memory.git, data, user, environ)
    return Synchroniser(data, cache, target)


def _state_of(work: Synchroniser, user: str) -> tuple[int, ...]:
    """What changes when a file in the place does: writing a file whole changes its folder."""
    from gptchat.sync.place import Place

    place = Place(work.target.root, user)
    found = []
    for folder in (place.sessions_folder, place.sessions_folder.with_name("files")):
        try:
            found.append(folder.stat().st_mtime_ns)
        except OSError:
            found.append(0)
    return tuple(found)

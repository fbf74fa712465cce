"""Synchronises behind the chat (`/sync --watch`): after each turn, and when the place changes."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gptchat import notices
from gptchat.commands.wording import in_thread
from gptchat.errors import GptchatError
from gptchat.storage.users import sessions_folder, user_folder
from gptchat.words import _

if TYPE_CHECKING:
    from gptchat.conversation.services import Services
    from gptchat.sync.report import SyncReport
    from gptchat.sync.service import Synchroniser

SECONDS = 2.0
"""How often both sides are looked at."""
_FETCH = 60.0
"""Seconds between two looks at a repository; while nobody here says anything."""
_BUDGET = 20.0
"""Seconds that one run may take; the rest waits for the next one."""


async def keep_in_sync(services: Services) -> None:
    """Synchronise until cancelled, as the memory of whoever is chatting says; failures are told once."""
    watch = Watch(services)
    while not services.run.incognito:
        try:
            await watch.look()
        except GptchatError as error:
            notices.tell(_("synchronising failed: {why}").format(why=error.message))
        await asyncio.sleep(SECONDS)


class Watch:
    """Looks at both sides, and synchronises when one of them has changed."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._seen: tuple[Any, ...] = ()
        self._wanted: tuple[Any, ...] = ()
        self._work: Synchroniser | None = None
        self._fetched = 0.0
        self.runs = 0
        """How many runs have ended."""

    async def look(self) -> None:
        """Synchronise if there is a place to watch, and either side has changed. Raises GptchatError."""
        user, data = self._services.people.current, self._services.paths.data_dir
        memory = _changed(user_folder(data, user) / "sync.json")
        if memory == 0:  # the usual case: nobody synchronises
            return
        if (user, memory) != self._wanted:
            self._work = await asyncio.to_thread(self._find, user)
            self._wanted = user, memory
        if self._work is None:
            return
        due = self._work.target.repository is not None and time.monotonic() - self._fetched > _FETCH
        if not due and self._sides(user) == self._seen:
            return
        self._fetched = time.monotonic()
        self._seen = self._sides(user)  # before the run: what comes while it runs begins another one
        try:
            async for step in in_thread(self._run, user, self._services.open_id):
                if isinstance(step, dict):
                    _tell(step[user])
        finally:
            self._wanted = user, _changed(user_folder(data, user) / "sync.json")
        self.runs += 1

    def _find(self, user: str) -> Synchroniser | None:
        """What synchronises with the place that `user` watches; None if there is none. Blocks."""
        from gptchat.sync import memory as memories
        from gptchat.sync.service import Synchroniser, find_target

        paths = self._services.paths
        memory = memories.load(paths.data_dir, user)
        if not (memory.place and memory.watch):
            return None
        target = find_target(memory.place, memory.git, paths.data_dir, user, self._services.environ)
        return Synchroniser(paths.data_dir, paths.cache_dir, target)

    def _run(self, user: str, open_id: str, progress: Any) -> dict[str, SyncReport]:
        assert self._work is not None
        sealing = self._work.ready(user)
        return self._work.run([user], sealing, open_id=open_id, seconds=_BUDGET, progress=progress)

    def _sides(self, user: str) -> tuple[Any, ...]:
        """What differs when a session here or in the place was changed."""
        assert self._work is not None
        ours = sessions_folder(self._services.paths.data_dir, user)
        there = self._work.target.root / "gptchat" / "users" / ours.parent.name
        mine = (ours, ours.with_name("trash"), ours / f"{self._services.open_id}.jsonl")
        # A file is written whole under another name, which changes its folder.
        theirs = (there / "sessions", there / "files") if self._work.target.repository is None else ()
        return user, self._services.open_id, *map(_changed, (*mine, *theirs))


def _changed(path: Path) -> int:
    """When the file or folder `path` was changed last; 0 if it is not there."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _tell(report: SyncReport) -> None:
    """Tell what a person has to know of a run that they did not ask for."""
    for id, title in report.kept:
        words = _("{title} was deleted on another machine, and is kept, since it went on")
        notices.tell(words.format(title=title or id))
    for name, reason in report.problems[:1]:
        notices.tell(_("{file} is left out: {reason}").format(file=name, reason=reason))

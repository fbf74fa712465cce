"""Gets vectors for what was said since the last time, behind the prompt; it can be stopped and goes on later."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from itertools import islice
from typing import TYPE_CHECKING

from gptchat.errors import GptchatError
from gptchat.values import dataclass, replace
from gptchat.waiting import to_thread

if TYPE_CHECKING:
    from gptchat.conversation.meaning.embedder import ServerEmbedder
    from gptchat.knowledge.vectors import Vectors
    from gptchat.storage.vectors.passages import PassagePlace, Passages

_KEPT_AT_ONCE = 256
"""Vectors that are written together: each time the disk is waited for."""


@dataclass(frozen=True, slots=True)
class Missing:
    """The passages without vectors, newest sessions first, and their estimated tokens."""

    places: dict[bytes, PassagePlace]
    tokens: int
    sessions: int
    total: int
    """All passages, those with vectors included."""

    def first(self, count: int) -> Missing:
        """The first `count` of the passages."""
        return replace(self, places=dict(islice(self.places.items(), count)))


def missing(passages: Passages, vectors: Vectors, user: str, model: str) -> Missing:
    """What `fill` would send to the server. Reads the cache; blocks."""
    known, _ids = passages.owners(user)
    wanted = set(vectors.missing(model, known))
    if not wanted:
        return Missing({}, 0, 0, len(known))
    found = {digest: place for digest, place in passages.places(user) if digest in wanted}
    newest = sorted(found.items(), key=lambda one: one[1].session, reverse=True)
    tokens = sum(place.tokens for place in found.values())
    return Missing(dict(newest), tokens, len({place.session for place in found.values()}), len(known))


async def fill(
    passages: Passages, vectors: Vectors, embedder: ServerEmbedder, user: str, todo: Missing
) -> AsyncGenerator[int, None]:
    """Send the passages of `todo` and keep their vectors; yields how many are done. Stops where it is closed.

    What is removed meanwhile gets no vectors. Raises what the embedder raises; what is done stays.
    """
    left = list(todo.places.items())
    done, ready = 0, dict[bytes, "list[float]"]()

    def keep() -> bool:
        kept = dict(ready)
        ready.clear()
        wanted = lambda digest: passages.exists(user, todo.places[digest].session)  # noqa: E731
        return vectors.add_all(embedder.model, kept, wanted)

    try:
        while left:
            some = left[: embedder.most]
            texts = await to_thread(passages.texts, user, [place for _digest, place in some])
            there = [(digest, texts[place][1]) for digest, place in some if place in texts]
            found = await embedder.first([text for _digest, text in there]) if there else []
            ready.update({digest: list(vector) for (digest, _text), vector in zip(there, found, strict=False)})
            taken = len(some) if len(found) == len(there) else _behind(some, there[len(found) - 1][0])
            del left[:taken]
            done += taken
            if len(ready) >= _KEPT_AT_ONCE or not left:
                await to_thread(keep)
            yield done
    finally:
        if ready:
            keep()  # paid for: also when the program is left


def _behind(some: list[tuple[bytes, PassagePlace]], digest: bytes) -> int:
    """How many of `some` there are up to the one with `digest`."""
    return next(at for at, one in enumerate(some, 1) if one[0] == digest)


class Filling:
    """Runs `fill` as a task, one at a time. `changed` is called when `share` has changed."""

    def __init__(self, changed: Callable[[float | None], None]) -> None:
        self._changed = changed
        self._task: asyncio.Task[None] | None = None
        self.trouble: GptchatError | None = None
        """Why the last one ended before its end; None if it did not."""

    @property
    def running(self) -> bool:
        """Whether vectors are being fetched."""
        return self._task is not None and not self._task.done()

    def start(
        self, passages: Passages, vectors: Vectors, embedder: ServerEmbedder, user: str, todo: Missing
    ) -> None:
        """Begin, unless it is running; returns at once."""
        if not self.running:
            self.trouble = None
            self._task = asyncio.create_task(self._run(passages, vectors, embedder, user, todo))

    def cancel(self) -> None:
        """Stop; returns at once."""
        if self._task is not None:
            self._task.cancel()

    async def stop(self) -> bool:
        """Stop, and wait until what came is kept; False if nothing was running."""
        task, self._task = self._task, None
        if task is None or task.done():
            return False
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return True

    async def wait(self) -> None:
        """Wait for the end."""
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(
        self, passages: Passages, vectors: Vectors, embedder: ServerEmbedder, user: str, todo: Missing
    ) -> None:
        from contextlib import aclosing

        try:
            async with aclosing(fill(passages, vectors, embedder, user, todo)) as steps:
                async for done in steps:
                    self._changed(done / len(todo.places))
        except GptchatError as error:
            self.trouble = error
        finally:
            self._changed(None)

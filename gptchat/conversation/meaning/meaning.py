"""Search by meaning over all sessions of whoever is chatting: what is known, what is missing, what is found."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

from gptchat.conversation.meaning.embedder import ServerEmbedder, chosen
from gptchat.conversation.meaning.filling import Filling, Missing, missing
from gptchat.conversation.meaning.fusing import FoundSession, Near, fuse
from gptchat.errors import GptchatError
from gptchat.storage.vectors.passages import PassagePlace
from gptchat.storage.vectors.vector_file import digest_of
from gptchat.values import dataclass, replace

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from gptchat.config.paths import Paths
    from gptchat.config.settings import Settings
    from gptchat.conversation.budget import Budget
    from gptchat.conversation.people import People
    from gptchat.conversation.routing import Routing
    from gptchat.knowledge.vectors import Vectors
    from gptchat.storage.index.background import Indexing
    from gptchat.storage.vectors.passages import Passages

MOST = 20
"""Sessions that are shown."""
_HITS = 200
"""Passages that are looked at for them."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What a search found. `trouble` is why there is nothing by meaning, if so; then all is by words."""

    sessions: Sequence[FoundSession]
    trouble: GptchatError | None = None


class MeaningSearch:
    """Finds sessions by meaning and by words. `routing` and `budget` are made when they are needed."""

    def __init__(
        self,
        settings: Settings,
        paths: Paths,
        people: People,
        indexing: Indexing,
        routing: Callable[[], Routing],
        budget: Callable[[], Budget],
    ) -> None:
        self._settings = settings
        self._data = paths.data_dir
        self._cache = paths.cache_dir
        self._indexing = indexing
        self._routing = routing
        self._budget = budget
        self.agreed: set[str] = set()
        """The models for which somebody agreed in this run that texts go to the server."""
        self.filling = Filling(indexing.show)
        people.follow(lambda _name: self.filling.cancel(), renamed=lambda _name: None)

    @cached_property
    def passages(self) -> Passages:
        """The passages of all sessions."""
        from gptchat.storage.vectors.passages import Passages

        return Passages(self._data, self._cache)

    @cached_property
    def vectors(self) -> Vectors:
        """The vectors of all passages."""
        from gptchat.knowledge.vectors import Vectors

        return Vectors(self._cache)

    def embedder(self, named: str = "", *, attempts: int = 8) -> ServerEmbedder:
        """The embedder of the settings, or `named` as PROVIDER:MODEL. Raises ConfigurationError."""
        provider, model = chosen(self._settings, named)
        return ServerEmbedder(self._settings, self._routing(), self._budget(), provider, model, attempts=attempts)

    async def missing(self, user: str, embedder: ServerEmbedder) -> Missing:
        """The passages of `user` without vectors, as of the last update of `passages`."""
        return await asyncio.to_thread(missing, self.passages, self.vectors, user, embedder.model)

    def may_fill(self, embedder: ServerEmbedder) -> bool:
        """Whether vectors may be fetched without another question: it is free and was agreed to, or is set so."""
        if self._settings.search.fill == "always" or embedder.model in self.agreed:
            return True
        return embedder.free and self.vectors.size(embedder.model) > 0

    def start(self, user: str, embedder: ServerEmbedder, todo: Missing) -> None:
        """Begin to fetch the vectors of `todo` behind the prompt."""
        self.filling.start(self.passages, self.vectors, embedder, user, todo)

    def fill(self, user: str, embedder: ServerEmbedder, todo: Missing) -> AsyncGenerator[int, None]:
        """Fetch the vectors of `todo`; yields how many are done."""
        from gptchat.conversation.meaning.filling import fill

        return fill(self.passages, self.vectors, embedder, user, todo)

    async def find(self, user: str, text: str, embedder: ServerEmbedder, limit: int = MOST) -> Findings:
        """The sessions of `user` nearest to `text` in meaning and in words, best first.

        If the server cannot be asked, those with the words alone, and why.
        """
        asking = asyncio.create_task(_vector(embedder, text))
        words = await asyncio.to_thread(self._indexing.index.search, user, text, 2 * limit, each=1)
        owners, ids = await asyncio.to_thread(self.passages.owners, user)
        query = await asking
        near: list[Near] = []
        if not isinstance(query, GptchatError):
            near = await asyncio.to_thread(self._nearest, user, query, embedder.model, owners, ids, limit)
        found = fuse(words, near, text, limit)
        titled = [replace(one, title=one.title or self._indexing.index.title(user, one.session)) for one in found]
        return Findings(titled, query if isinstance(query, GptchatError) else None)

    def _nearest(
        self,
        user: str,
        query: Sequence[float],
        model: str,
        owners: dict[bytes, int],
        ids: Sequence[str],
        limit: int,
    ) -> list[Near]:
        """The nearest passage of each of the nearest sessions; what several say is found in the newest."""
        ranked = self.vectors.rank(model, query, owners, _HITS)
        sessions: dict[str, tuple[bytes, float]] = {}
        for digest, similarity in ranked:
            if similarity <= 0:
                break
            sessions.setdefault(ids[owners[digest]], (digest, similarity))
        wanted = dict(list(sessions.items())[:limit])
        places: dict[str, PassagePlace] = {}
        for digest, place in self.passages.places(user, wanted):
            if wanted[place.session][0] == digest:
                places.setdefault(place.session, place)
        texts = self.passages.texts(user, [*places.values()])
        return [
            Near(id, places[id].message, *texts[places[id]], similarity)
            for id, (digest, similarity) in wanted.items()
            # A journal may have changed since its passages were noted: then the text there is another one.
            if id in places and places[id] in texts and digest_of(texts[places[id]][1]) == digest
        ]


async def _vector(embedder: ServerEmbedder, text: str) -> Sequence[float] | GptchatError:
    try:
        return (await embedder.embed([text]))[0]
    except GptchatError as error:
        return error

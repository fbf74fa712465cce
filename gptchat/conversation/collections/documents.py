"""Asks the collections of a person for a message: refreshes them, finds passages, fits them into the window."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gptchat import notices
from gptchat.conversation.events import Decision, Told
from gptchat.core.messages import Message
from gptchat.core.origin import Sourced
from gptchat.core.replies.passages import Passage, asked_of, passages_text, records_of_passages
from gptchat.errors import StorageError, UsageError
from gptchat.values import dataclass, field
from gptchat.waiting import leavable
from gptchat.words import _, ngettext

if TYPE_CHECKING:
    from gptchat.attachments import Policy
    from gptchat.config.paths import Paths
    from gptchat.config.settings import Settings
    from gptchat.conversation.collections.asking import Wish
    from gptchat.conversation.collections.refreshing import Difference
    from gptchat.conversation.collections.store import Collection, CollectionStore
    from gptchat.knowledge.documents import Located
    from gptchat.manager import Route, SessionManager

_MOST = 10
"""Passages of a message, so that a large window is not filled with what hardly fits."""
_CANDIDATES = 40
_MANY = 20
"""Changed files from which on it is told that they are read."""


@dataclass(slots=True)
class FoundPassages:
    """The passages for a message, the names of the collections that were asked, and notes for the person."""

    asked: list[str] = field(default_factory=list)
    passages: list[Passage] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def fields(self) -> dict[str, Any]:
        """The fields of the message's record."""
        return records_of_passages(self.passages, self.asked)


class Documents:
    """The collections of whoever is chatting: the user of `manager`'s session. `paths` are the program's."""

    def __init__(self, settings: Settings, manager: SessionManager, paths: Paths) -> None:
        self._settings = settings
        self._manager = manager
        self._paths = paths

    def store(self) -> CollectionStore:
        """The person's collections."""
        from gptchat.conversation.collections.store import CollectionStore

        return CollectionStore(self._paths.data_dir, self._paths.cache_dir, self._manager.user)

    def policy(self) -> Policy:
        """What may be read into a collection."""
        from gptchat.attachments import Policy

        return Policy(self._settings.attach.allow, self._settings.attach.deny, own=self._paths.own())

    async def ask(
        self, entry: Sourced, replaces: str, route: Route
    ) -> AsyncGenerator[Decision | Told | FoundPassages, None]:
        """Find passages for the message `entry` on `route`: the last event, after questions and notes.

        The message takes the place of the message `replaces`, if that is not empty. Raises UsageError where the
        collection in use is gone, and StorageError.
        """
        wanted = await self._wishes(entry, replaces)
        async for decision in self._settle(wanted):
            yield decision
        async for event in self._find(wanted, entry.text, route):
            yield event

    async def _wishes(self, entry: Sourced, replaces: str) -> list[Wish]:
        use = self._settings.docs.use
        if not use and not {"#", "＃"} & set(entry.text):
            return []
        return await leavable(self._wanted, entry, use, replaces)

    def _wanted(self, entry: Sourced, use: str, replaces: str) -> list[Wish]:
        from gptchat.conversation.collections.asking import wishes

        try:
            collections = self.store().all()
        except StorageError as error:
            if use:
                raise
            notices.tell(error.message)  # a hash sign in a message is hardly a wish
            return []
        if use and not any(one.name.casefold() == use.casefold() for one in collections):
            raise UsageError(
                _("there is no collection #{name}").format(name=use),
                hint=_("/docs lists them, and /docs off stops asking it"),
            )
        edited = self._manager.session.messages.get(replaces)
        return wishes(entry, collections, use, asked_of(edited) if edited is not None else ())

    async def _settle(self, wanted: Sequence[Wish]) -> AsyncGenerator[Decision, None]:
        """Ask about each of `wanted` whose name was not typed."""
        for wish in wanted:
            if wish.asked:
                words = _("#{name} was not typed: ask that collection and send what is found?")
                decision = Decision(
                    "collection",
                    words.format(name=wish.collection.name),
                    [("y", _("yes, this once")), ("n", _("no"))],
                    "n",
                    answer="n",
                )
                yield decision
                wish.chosen = decision.answer == "y"

    async def _find(
        self, wanted: Sequence[Wish], text: str, route: Route
    ) -> AsyncGenerator[Told | FoundPassages, None]:
        """The passages of `wanted` for the message `text`, as the last event. Raises UsageError, StorageError."""
        chosen = [wish for wish in wanted if wish.chosen]
        if not chosen:
            yield FoundPassages()
            return
        from gptchat.conversation.collections.asking import question

        result, ranked = FoundPassages(), []
        for wish in chosen:
            one = wish.collection
            result.asked.append(one.name)
            difference = await leavable(self._look, one)
            if (n := len(difference.changed)) >= _MANY:
                words = ngettext("reading {n} changed file of #{name}", "reading {n} changed files of #{name}", n)
                yield Told(words.format(n=f"{n:,}", name=one.name))
            ranked.append(await leavable(self._search, one, difference, question(text, chosen)))
        names = [wish.collection.name for wish in chosen]
        result.passages = await leavable(self._fitting, names, ranked, route)
        if result.passages:
            result.notes.append(self._note(result, route))
        yield result

    def refresh(
        self, collection: Collection, progress: Callable[[int, int], None], *, again: bool = False
    ) -> tuple[Difference, list[str]]:
        """Read what has changed in `collection`, or all of it; what was done, and faults of documents. Blocks."""
        from gptchat.conversation.collections.refreshing import look, take_in
        from gptchat.knowledge.documents import DocumentIndex

        with DocumentIndex(self.store().index_path(collection.name)) as index:
            found = look(collection, index, progress, again=again)
            return found, take_in(found, index, self.policy(), progress)

    def totals(self, collection: Collection) -> tuple[int, int, dict[str, int]]:
        """Files with text, pieces, and what was left out by reason, as they were last read. Blocks."""
        from gptchat.knowledge.documents import DocumentIndex

        with DocumentIndex(self.store().index_path(collection.name)) as index:
            return index.totals()

    def _look(self, collection: Collection) -> Difference:
        from gptchat.conversation.collections.refreshing import look, unwatched
        from gptchat.knowledge.documents import DocumentIndex

        with DocumentIndex(self.store().index_path(collection.name)) as index:
            return look(collection, index, unwatched)

    def _search(self, collection: Collection, difference: Difference, wanted: str) -> list[tuple[str, Located]]:
        """The best pieces of `collection`, with the name of each file; what may not be sent is left out."""
        from gptchat.conversation.collections.refreshing import take_in
        from gptchat.knowledge.documents import DocumentIndex

        policy = self.policy()
        with DocumentIndex(self.store().index_path(collection.name)) as index:
            take_in(difference, index, policy)
            found = index.search(wanted, _CANDIDATES)
        free: dict[str, bool] = {}
        for one in found:
            if one.path not in free:
                free[one.path] = policy.file(Path(one.path)).freedom not in ("denied", "guarded")
        return [(told_name(collection, one.path), one) for one in found if free[one.path]]

    def _fitting(
        self, names: Sequence[str], ranked: Sequence[Sequence[tuple[str, Located]]], route: Route
    ) -> list[Passage]:
        """The best of each collection in turn, as many as fit into the share of the window."""
        count, model = self._manager.counter.count, route.counted_as
        room = int(route.limits.budget * self._settings.docs.share)
        chosen: dict[str, tuple[str, Passage]] = {}
        for place in range(max(map(len, ranked), default=0)):
            for name, found in zip(names, ranked, strict=True):
                if place >= len(found) or len(chosen) >= _MOST:
                    continue
                file, one = found[place]
                piece = one.segment
                passage = Passage(name, file, piece.line, piece.last, piece.text, piece.page, piece.heading)
                cost = count(passages_text([passage]), model) - (count(passages_text([]), model) if chosen else 0)
                if cost > room:
                    continue
                room -= cost
                _put(chosen, one.path, passage)
        return [passage for _path, passage in chosen.values()]

    def _note(self, found: FoundPassages, route: Route) -> str:
        counter, model = self._manager.counter, route.counted_as
        tokens = counter.count(passages_text(found.passages), model)
        n = len(found.passages)
        words = ngettext(
            "{n} passage of {names} goes along ({tokens} tokens)",
            "{n} passages of {names} go along ({tokens} tokens)",
            n,
        )
        mark = "" if counter.exact(model) else "≈ "
        return words.format(n=n, names=listed(found.asked), tokens=f"{mark}{tokens:,}")


def _put(chosen: dict[str, tuple[str, Passage]], path: str, passage: Passage) -> None:
    """Add `passage`; with one of the same place, such as a page, it becomes one."""
    from gptchat.values import replace

    known = chosen.get(passage.place)
    if known is not None and known[0] == path:
        text = f"{known[1].text}\n[...]\n{passage.text}"
        chosen[passage.place] = path, replace(known[1], last=max(known[1].last, passage.last), text=text)
    elif known is not None:
        chosen[f"{path}:{passage.place}"] = path, replace(passage, file=path)
    else:
        chosen[passage.place] = path, passage


def listed(names: Sequence[str]) -> str:
    """Collections by their names, as text: `#notes, #python`."""
    return _(", ").join(f"#{name}" for name in names)


def told_name(collection: Collection, path: str) -> str:
    """How people are told the file `path` of `collection`: from the collection's own folder on."""
    for root in collection.paths:
        if path == root:
            return Path(path).name
        if Path(root) in Path(path).parents:
            return f"{Path(root).name}/{Path(path).relative_to(root).as_posix()}".lstrip("/")
    return Path(path).name


def no_sources(message: Message | None) -> str:
    """What is told below a reply to `message` that asked collections in which nothing was found; else empty."""
    if message is None or not (names := asked_of(message)) or message.extra.get("passages"):
        return ""
    return _("this answer has no sources: nothing in {names} fits the question").format(names=listed(names))

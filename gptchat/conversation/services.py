"""All parts of a conversation, each made when it is first asked for; concrete parts are chosen here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import cached_property, partial
from typing import TYPE_CHECKING

from gptchat import words
from gptchat.config.paths import find_paths
from gptchat.conversation.people import People, settings_of
from gptchat.conversation.people import RunOptions as RunOptions
from gptchat.waiting import to_thread

if TYPE_CHECKING:
    from gptchat.config.endpoints import ProviderSettings
    from gptchat.config.flags import Options
    from gptchat.config.paths import Paths
    from gptchat.config.settings import Settings
    from gptchat.conversation.budget import Budget
    from gptchat.conversation.compaction import Compaction
    from gptchat.conversation.conversation import Conversation
    from gptchat.conversation.known_models import KnownModels
    from gptchat.conversation.meaning.meaning import MeaningSearch
    from gptchat.conversation.outgoing import Outbox
    from gptchat.conversation.profile import Profile
    from gptchat.conversation.provider_keys import ProviderKeys
    from gptchat.conversation.routing import Routing
    from gptchat.conversation.spending import Account
    from gptchat.core.ports import Provider, SessionStore
    from gptchat.core.tooling import ToolBox
    from gptchat.manager import SessionManager
    from gptchat.providers.faults.quirks import Learnt
    from gptchat.storage.accounts.book import Book
    from gptchat.storage.index.background import Indexing
    from gptchat.storage.index.library import Latest, Library
    from gptchat.storage.learned_store import LearnedStore
    from gptchat.storage.store import JournalStore
    from gptchat.tokens.counter import Counter
    from gptchat.tokens.windows import Windows

_LARGE = 1000
"""From so many messages on, how a session stands is noted when it is left, so that the next start is quick."""


class Services:
    """The parts of one running program, each loaded and made when it is first asked for.

    `stream` says whether replies are asked for piece by piece, `environ` is the environment.
    """

    def __init__(
        self, run: RunOptions, paths: Paths, environ: Mapping[str, str], settings: Settings, people: People, *,
        stream: bool,
    ) -> None:  # fmt: skip
        self.run = run
        self.paths = paths
        self.environ = environ
        self.settings = settings
        self.people = people
        self._stream = stream
        self._closing: list[Callable[[], Awaitable[object]]] = []

    @cached_property
    def keys(self) -> ProviderKeys:
        """The keys of whoever is chatting."""
        from gptchat.conversation.provider_keys import ProviderKeys

        keys = ProviderKeys(self.paths.data_dir, self.environ)
        self.people.follow(keys.use)
        return keys

    @cached_property
    def journals(self) -> JournalStore:
        """The store on disk, whether or not this run saves anything."""
        from gptchat.storage.store import JournalStore

        return JournalStore(self.paths.data_dir)

    @cached_property
    def library(self) -> Library:
        """Everybody's saved sessions."""
        from gptchat.storage.index.library import Library

        return Library(self.paths.data_dir, self.paths.cache_dir)

    @cached_property
    def indexing(self) -> Indexing:
        """The search index, brought up to date in the background."""
        from gptchat.storage.index.background import Indexing

        return Indexing(self.paths.data_dir, self.paths.cache_dir)

    @cached_property
    def meaning(self) -> MeaningSearch:
        """Search by meaning."""
        from gptchat.conversation.meaning.meaning import MeaningSearch

        routing, budget = lambda: self.routing, lambda: self.budget
        meaning = MeaningSearch(self.settings, self.paths, self.people, self.indexing, routing, budget)
        self._closing.append(meaning.filling.stop)
        return meaning

    @property
    def manager(self) -> SessionManager:
        """Holds the open session: a new one of whoever is chatting, before another is opened."""
        return self._session[0]

    @property
    def profile(self) -> Profile:
        """Begins and opens sessions."""
        return self._session[1]

    @property
    def open_id(self) -> str:
        """The id of the open session; empty where this run has no need of one."""
        return self.manager.session.id if "_session" in vars(self) else ""

    @cached_property
    def account(self) -> Account:
        """What was spent."""
        from gptchat.conversation.spending import Account

        return Account(self.manager, self.library, self.paths.data_dir, self.book)

    @cached_property
    def book(self) -> Book:
        """Every request that may have cost."""
        from gptchat.storage.accounts.book import Book

        return Book(self.paths.data_dir, readonly=self.run.incognito)

    @cached_property
    def budget(self) -> Budget:
        """The day's limits."""
        from gptchat.conversation.budget import Budget

        return Budget(self.settings, self.account, self.routing.prices, unattended=self.run.unattended)

    @cached_property
    def models(self) -> KnownModels:
        """What is known of models."""
        from gptchat.conversation.known_models import KnownModels

        return KnownModels(self.settings)

    @cached_property
    def windows(self) -> Windows:
        """How much each model takes."""
        from gptchat.tokens.windows import Windows

        return Windows(
            settings=self.models.settings_window,
            server=self.models.server_window,
            catalogue=self.models.catalogue_window,
            learnt=self._kept.part("windows"),
            save=self._kept.saver("windows"),
        )

    @cached_property
    def routing(self) -> Routing:
        """Which provider and model answer."""
        from gptchat.conversation.routing import Routing

        routing = Routing(
            self.settings,
            models=self.models,
            windows=self.windows,
            counter=self._counter,
            keys=self.keys,
            opener=partial(self._open_provider, self.learnt()),  # made here: threads open providers, too
            book=self.book,
            budget=lambda: self.budget,
            paid=lambda record: self.manager.record(record),
            stream=self._stream,
            alone=self.run.unattended,
        )
        self._closing.append(routing.close)
        return routing

    @cached_property
    def outbox(self) -> Outbox:
        """What goes with the next message."""
        from gptchat.conversation.outgoing import Outbox

        own, change = self.paths.own(), lambda key, value: self.profile.change(key, value)
        outbox = Outbox(self.settings, self.routing, own, change, lambda: self.toolbox)
        # What one person chose to send does not go out under another's name.
        self.people.follow(lambda _name: outbox.attached.clear(), renamed=lambda _name: None)
        return outbox

    @cached_property
    def compaction(self) -> Compaction:
        """Summaries of long conversations."""
        from gptchat.conversation.compaction import Compaction

        return Compaction(self.manager, self.settings, self.routing)

    @cached_property
    def toolbox(self) -> ToolBox:
        """The tools of the settings."""
        from gptchat.tools.shelf import ToolShelf

        shelf = ToolShelf(self.settings, self.paths.own(), self.paths.data_dir / "logs")
        self._closing.append(shelf.close)
        return shelf

    @cached_property
    def conversation(self) -> Conversation:
        """Say, retry and continue."""
        from gptchat.conversation.collections.documents import Documents
        from gptchat.conversation.concurrent_edits import ConcurrentEdits
        from gptchat.conversation.conversation import Conversation
        from gptchat.conversation.metering.forewarnings import Forewarnings
        from gptchat.conversation.moderation import Moderation
        from gptchat.conversation.tooling.permissions import Permissions
        from gptchat.conversation.tooling.rounds import Rounds

        permissions = Permissions(self.settings)
        return Conversation(
            manager=self.manager,
            routing=self.routing,
            outbox=self.outbox,
            documents=Documents(self.settings, self.manager, self.paths),
            before=Forewarnings(self.settings, self.routing, self.budget, unattended=self.run.unattended),
            moderation=Moderation(self.settings, self.routing),
            compaction=self.compaction,
            edits=ConcurrentEdits(self.manager, self.profile.begin_session),
            rounds=Rounds(self.manager, self.settings, permissions, self.budget, lambda: self.toolbox),
            keep=self.keep,
            unattended=self.run.unattended,
        )

    @cached_property
    def _learnt(self) -> Learnt:
        from gptchat.providers.faults.quirks import Learnt

        return Learnt(load=lambda: self._kept.part("servers"), save=self._kept.saver("servers"))

    def learnt(self) -> Learnt:
        """What servers refuse; one for all providers, or each would write over the other's lessons."""
        return self._learnt

    def keep(self) -> None:
        """Write down what was learnt in this run; blocks."""
        self._kept.flush()

    def open_first(self, reference: str, kind: Latest = "any") -> bool:
        """Open the session that `reference` names, or where it is empty the latest of `kind`; False without one.

        The system prompt of the command line goes before the session's own. Raises UsageError and StorageError.
        """
        user = self.people.current
        session_id = self.library.find(user, reference).id if reference else self.library.latest_id(user, kind)
        if session_id is None:
            return False
        self.profile.open_session(session_id)
        if self.run.system is not None:
            self.profile.change_session("system", self.run.system)
        return True

    async def close(self) -> None:
        """Close connections, and keep what was learnt."""
        for close in reversed(self._closing):
            await close()
        self.people.leave()

    @cached_property
    def _kept(self) -> LearnedStore:
        from gptchat.storage.learned_store import LearnedStore

        self._closing.append(partial(to_thread, self.keep))
        return LearnedStore(self.paths.data_dir / "learnt.json", readonly=self.run.incognito)

    @cached_property
    def _counter(self) -> Counter:
        from gptchat.tokens.counter import Counter

        return Counter(
            chosen=self.models.encoding, calibration=self._kept.part("tokens"), save=self._kept.saver("tokens")
        )

    @cached_property
    def _session(self) -> tuple[SessionManager, Profile]:
        from gptchat.conversation.profile import Profile
        from gptchat.manager import SessionManager

        run = self.run
        store: SessionStore = self.journals
        if run.incognito:
            from gptchat.storage.memory import MemoryStore

            store = MemoryStore(self.journals.read, saved_file=self.journals.file_path)
        manager = SessionManager(store, self._counter)
        profile = Profile(
            self.settings, manager, self.paths, self.environ, incognito=run.incognito, system=run.system
        )
        self.people.follow(profile.use, renamed=profile.renamed)
        self._closing.append(partial(self._note_session, manager))
        return manager, profile

    async def _note_session(self, manager: SessionManager) -> None:
        """Note how a large session stands, so that the next start is quick."""
        if len(manager.session.messages) >= _LARGE and not self.run.incognito:
            await to_thread(self.library.remember, self.journals, manager.session)

    def _open_provider(self, learnt: Learnt, entry: ProviderSettings) -> Provider:
        """A provider with the person's keys and the memory of what servers refuse."""
        from gptchat import __version__
        from gptchat.providers.registry import open_provider

        return open_provider(
            entry,
            self.settings.network,
            partial(self.keys.find, entry),
            learnt=learnt,
            api_for=self.models.api_for(entry),
            user_agent=f"gptchat/{__version__}",
        )


def compose(
    options: Options, environ: Mapping[str, str], *, attended: bool, remember_user: bool = True
) -> Services:
    """The services for `options`, for the person named there, else the last one.

    `attended` says that somebody can be asked; `remember_user` makes the user the default of the next run,
    unless they are named for this one. Raises ConfigurationError, UsageError or StorageError.
    """
    create = attended or options.create_user or options.incognito  # incognito makes nobody
    run = RunOptions(options.incognito, not attended, options.system, create)
    paths = find_paths(environ, config=options.config, data_dir=options.data_dir)
    settings = settings_of(options, environ, paths)
    if settings.ui.lang in words.LANGUAGES:
        words.choose(settings.ui.lang)
    words.show_money_in(settings.currency)
    people = People(paths.data_dir, settings, environ, cache_dir=paths.cache_dir, incognito=run.incognito)
    people.begin(options.user, create=create, remember=remember_user)
    settings.use_options(options)
    return Services(run, paths, environ, settings, people, stream=options.stream)

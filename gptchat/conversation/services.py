"""All parts of a conversation, put together from options; no front end. Concrete parts are chosen here."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from gptchat import words
from gptchat.config.paths import Paths, find_paths
from gptchat.config.settings import Settings, read_settings
from gptchat.conversation.budget import Budget
from gptchat.conversation.compaction import Compaction
from gptchat.conversation.concurrent_edits import ConcurrentEdits
from gptchat.conversation.conversation import Conversation
from gptchat.conversation.known_models import KnownModels
from gptchat.conversation.moderation import Moderation
from gptchat.conversation.outgoing import Outbox
from gptchat.conversation.people import People
from gptchat.conversation.profile import Profile
from gptchat.conversation.provider_keys import ProviderKeys
from gptchat.conversation.routing import Routing
from gptchat.conversation.spending import Account
from gptchat.core.messages import Message, Record
from gptchat.manager import SessionManager
from gptchat.storage import users
from gptchat.storage.index.background import Indexing
from gptchat.storage.index.library import Library
from gptchat.storage.learned_store import Kept
from gptchat.storage.store import JournalStore
from gptchat.tokens.counter import Counter
from gptchat.tokens.windows import Windows
from gptchat.values import dataclass

if TYPE_CHECKING:
    from gptchat.config.endpoints import ProviderSettings
    from gptchat.config.flags import Options
    from gptchat.core.ports import Provider, SessionStore
    from gptchat.providers.faults.quirks import Learnt

_LARGE = 1000
"""From so many messages on, how a session stands is noted when it is left, so that the next start is quick."""


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How this run was asked to behave, apart from the settings."""

    incognito: bool = False
    """Nothing is saved."""
    unattended: bool = False
    """Nobody can answer a question."""
    system: str | None = None
    """The system prompt of the command line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The parts of one running program, each finished when it is here. Who needs one takes that one."""

    run: RunOptions
    paths: Paths
    environ: Mapping[str, str]
    settings: Settings
    keys: ProviderKeys
    manager: SessionManager
    journals: JournalStore
    """The store on disk, whether or not this run saves anything."""
    library: Library
    indexing: Indexing
    account: Account
    budget: Budget
    windows: Windows
    models: KnownModels
    routing: Routing
    outbox: Outbox
    compaction: Compaction
    profile: Profile
    people: People
    conversation: Conversation
    learnt: Callable[[], Learnt]
    """What servers refuse, shared by all providers."""
    keep: Callable[[], None]
    """Write down what was learnt in this run; blocks."""

    def open_first(self, reference: str) -> bool:
        """Open the session that `reference` names, or where it is empty the latest; False where there is none.

        The system prompt of the command line goes before the session's own. Raises UsageError and StorageError.
        """
        user = self.manager.user
        session_id = self.library.find(user, reference).id if reference else self.library.latest_id(user)
        if session_id is None:
            return False
        self.profile.open_session(session_id)
        if self.run.system is not None:
            self.profile.change_session("system", self.run.system)
        return True

    async def close(self) -> None:
        """Close connections, and keep what was learnt."""
        await self.routing.close()
        await asyncio.to_thread(self.keep)
        session = self.manager.session
        if len(session.messages) >= _LARGE and not self.run.incognito:
            await asyncio.to_thread(self.library.remember, self.journals, session)


def compose(
    options: Options,
    environ: Mapping[str, str],
    *,
    attended: bool,
    remember_user: bool = True,
) -> Services:
    """The services for `options`, with a new session of the person named there, else of the last one.

    `attended` says that somebody can be asked. `remember_user` makes the person the last one, who chats where
    nobody is named.

    Raises ConfigurationError, UsageError or StorageError.
    """
    run = RunOptions(options.incognito, not attended, options.system)
    paths = find_paths(environ, config=options.config, data_dir=options.data_dir)
    settings = _settings(options, environ, paths)
    if settings.ui.lang in words.LANGUAGES:
        words.choose(settings.ui.lang)
    kept = Kept(paths.data_dir / "learnt.json", readonly=run.incognito)
    learnt = _memory(kept)
    keys = ProviderKeys(paths.data_dir, environ)
    journals = JournalStore(paths.data_dir)
    counter = Counter(encodings=_encodings(settings), calibration=kept.part("tokens"), save=kept.saver("tokens"))
    manager = SessionManager(_memory_store(journals) if run.incognito else journals, counter)
    library = Library(paths.data_dir, paths.cache_dir)
    account = Account(manager, library, paths.data_dir)
    budget = Budget(settings, account)
    models = KnownModels(settings)
    windows = Windows(
        settings=models.settings_window,
        server=models.server_window,
        catalogue=models.catalogue_window,
        learnt=kept.part("windows"),
        save=kept.saver("windows"),
    )

    def paid(record: Record) -> None:
        """A request beside the conversation was paid for: the account and the day's budget have it too."""
        manager.record(record)
        budget.add(Message.from_record(record))

    routing = Routing(
        settings,
        models=models,
        windows=windows,
        counter=counter,
        keys=keys,
        opener=_opener(settings, models, keys, learnt),
        paid=paid,
        stream=options.stream,
    )
    outbox = Outbox(settings, routing)
    compaction = Compaction(manager, settings, routing)
    profile = Profile(settings, manager, paths, environ, incognito=run.incognito, system=run.system)
    people = People(paths.data_dir, profile, keys, outbox, incognito=run.incognito)
    conversation = Conversation(
        manager=manager,
        routing=routing,
        outbox=outbox,
        budget=budget,
        moderation=Moderation(settings, routing),
        compaction=compaction,
        edits=ConcurrentEdits(manager, profile.begin_session),
        keep=kept.flush,
        unattended=run.unattended,
    )
    name = _first_user(options, environ, paths)
    people.switch(people.find(name) or name, remember=remember_user)
    return Services(
        run=run,
        paths=paths,
        environ=environ,
        settings=settings,
        keys=keys,
        manager=manager,
        journals=journals,
        library=library,
        indexing=Indexing(paths.data_dir, library.cache),
        account=account,
        budget=budget,
        windows=windows,
        models=models,
        routing=routing,
        outbox=outbox,
        compaction=compaction,
        profile=profile,
        people=people,
        conversation=conversation,
        learnt=learnt,
        keep=kept.flush,
    )


def _settings(options: Options, environ: Mapping[str, str], paths: Paths) -> Settings:
    from gptchat.config.parse import parse_assignment
    from gptchat.providers import registry as providers

    settings = read_settings(
        paths, environ, builtin=providers.builtin, builtin_names=[spec.name for spec in providers.specs()]
    )
    given = dict(parse_assignment(text) for text in options.settings)
    settings.replace_layer("flag", {**options.values, **given})
    if name := options.values.get("provider"):
        settings.provider(name)  # an unknown name is refused here, with the nearest
    return settings


def _memory_store(journals: JournalStore) -> SessionStore:
    """Where an incognito run keeps its sessions: nowhere but in memory."""
    from gptchat.storage.memory import MemoryStore

    return MemoryStore(journals.read)


def _memory(kept: Kept) -> Callable[[], Learnt]:
    """The one memory of what servers refuse: were there two, each would write over the other's lessons."""

    @functools.cache
    def memory() -> Learnt:
        from gptchat.providers.faults.quirks import Learnt

        return Learnt(load=lambda: kept.part("servers"), save=kept.saver("servers"))

    return memory


def _opener(
    settings: Settings, models: KnownModels, keys: ProviderKeys, learnt: Callable[[], Learnt]
) -> Callable[[ProviderSettings], Provider]:
    """Opens providers with the person's keys and the memory of what servers refuse."""
    from gptchat import __version__

    def open_(entry: ProviderSettings) -> Provider:
        from gptchat.providers.registry import open_provider

        return open_provider(
            entry,
            settings.network,
            functools.partial(keys.value, entry),
            learnt=learnt(),
            api_for=models.api_for(entry),
            user_agent=f"gptchat/{__version__}",
        )

    return open_


def _encodings(settings: Settings) -> dict[str, str]:
    """Which encoding counts for which model or provider, where the settings say so."""
    models = {name: settings.model_facts(name).encoding for name in settings.names("models")}
    coded = {**{provider.name: provider.encoding for provider in settings.own_providers()}, **models}
    return {name: code for name, code in coded.items() if code}


def _first_user(options: Options, environ: Mapping[str, str], paths: Paths) -> str:
    """Who chats first: whoever is named, else the last one, else the login name."""
    if options.user is not None:
        return options.user  # an empty one is refused later: it must not become whoever was here last
    last = environ.get("GPTCHAT_USER") or users.read_state(paths.data_dir).get("user")
    return last if isinstance(last, str) and last else _login_name()


def _login_name() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # no such user in the system's list, as in some containers
        return "me"

"""What commands work on: the person, the open session, the settings in force, and who answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gptchat import words
from gptchat.commands.registry import Registry
from gptchat.config import keys, schema
from gptchat.config.endpoints import ProviderSettings
from gptchat.config.paths import Paths
from gptchat.config.settings import Settings
from gptchat.conversation.budget import Budget
from gptchat.conversation.compaction import Compaction
from gptchat.conversation.concurrent_edits import ConcurrentEdits
from gptchat.conversation.conversation import Conversation
from gptchat.conversation.moderation import Moderation
from gptchat.conversation.outgoing import Outbox
from gptchat.conversation.routing import Routing
from gptchat.conversation.spending import Account
from gptchat.core.messages import Message, Record
from gptchat.core.session import Session
from gptchat.errors import StorageError
from gptchat.manager import SessionManager
from gptchat.storage import users as people
from gptchat.storage.store import JournalStore
from gptchat.words import _

if TYPE_CHECKING:
    from gptchat.providers.faults.quirks import Learnt
    from gptchat.storage.index.background import Indexing
    from gptchat.storage.index.library import Library


_LARGE = 1000
"""From so many messages on, how a session stands is noted when it is left, so that the next start is quick."""


@dataclass(slots=True)
class Run:
    """How this run was asked to behave, apart from the settings."""

    incognito: bool = False
    """Nothing is saved."""
    unattended: bool = False
    """Nobody can answer a question."""
    system: str | None = None
    """The system prompt of the command line."""


class Workspace:
    """Everything a command may need; built once by `cli`, and changed by commands through its methods."""

    def __init__(
        self,
        *,
        manager: SessionManager,
        settings: Settings,
        library: Library,
        routing: Routing,
        registry: Registry,
        paths: Paths,
        environ: Mapping[str, str],
        run: Run,
        code_blocks: Callable[[str], list[str]],
        keep: Callable[[], None],
        learnt: Callable[[], Learnt],
        abilities: Callable[[], Sequence[tuple[str, str, str]]],
    ) -> None:
        self.manager = manager
        self.settings = settings
        self.library = library
        self.routing = routing
        self.registry = registry
        self.paths = paths
        self.environ = environ
        self.run = run
        self.code_blocks = code_blocks
        """The code blocks of a reply's Markdown, numbered as they are drawn."""
        self.keep = keep
        """Write down what was learnt in this run; blocks."""
        self.learnt = learnt
        """What servers refuse, shared by all providers."""
        self.abilities = abilities
        """What the terminal can do: what it is about, how it stands, and what to do about it or nothing."""
        self.outbox = Outbox(settings, routing)
        """What goes with the next message."""
        self.account = Account(manager, library, paths.data_dir)
        self.budget = Budget(settings, self.account)
        routing.paid = self._paid
        self.compaction = Compaction(manager, settings, routing)
        self.conversation = Conversation(
            manager=manager,
            routing=routing,
            outbox=self.outbox,
            budget=self.budget,
            moderation=Moderation(settings, routing),
            compaction=self.compaction,
            edits=ConcurrentEdits(manager, self.begin_session),
            keep=keep,
            unattended=run.unattended,
        )
        self.indexed: Callable[[], None] = lambda: None
        """Called from a thread when the index of the sessions has grown."""
        self._indexing: Indexing | None = None
        self._user = ""

    @property
    def session(self) -> Session:
        """The open session."""
        return self.manager.session

    @property
    def user(self) -> str:
        """Who is chatting."""
        return self._user

    @property
    def journals(self) -> JournalStore:
        """The store on disk, whether or not this run saves anything."""
        store = self.manager.store
        return store if isinstance(store, JournalStore) else JournalStore(self.paths.data_dir)

    def indexing(self) -> Indexing:
        """The search over the sessions, and the work that keeps it quick."""
        if self._indexing is None:
            from gptchat.storage.index.background import Indexing  # SQLite: only where it is needed

            self._indexing = Indexing(self.paths.data_dir, self.library.cache, self.indexed)
        return self._indexing

    @property
    def indexed_share(self) -> float | None:
        """How much of the sessions is indexed, from 0 to 1; None where no indexing goes on."""
        return self._indexing.share if self._indexing is not None else None

    # People and sessions

    def user_names(self) -> list[str]:
        """Everyone who has a folder here, by name, and whoever is chatting."""
        names = [user.name for user in people.list_users(self.paths.data_dir)]
        return names if self._user in names or not self._user else sorted([*names, self._user], key=str.casefold)

    def find_user(self, name: str) -> str | None:
        """The known person of that name; a name in other letters' case counts where only one person has it."""
        names = self.user_names()
        if name in names:
            return name
        alike = [known for known in names if known.casefold() == name.casefold()]
        return alike[0] if len(alike) == 1 else None

    def switch_user(self, name: str) -> None:
        """Let `name` chat from now on, in a new session under their own settings. UsageError, StorageError."""
        if self.run.incognito:
            user = people.read_user(self.paths.data_dir, people.validate_name(name))
        else:
            user = people.ensure_user(self.paths.data_dir, name)
            people.write_state(self.paths.data_dir, user=user.name)
        self._user = user.name
        self.outbox.attached.clear()  # what one person chose to send does not go out under another's name
        self.settings.replace_layer("user", user.settings)
        self.settings.replace_layer("set", {})
        self.routing.forget_provider()  # keys may be each person's own
        self.speak()
        self.begin_session()

    def speak(self) -> None:
        """Use the language of the settings in force; where they leave it open, that of the environment."""
        name = self.settings.text("ui.lang")
        words.choose(name if name in words.LANGUAGES else words.detect(self.environ))

    def begin_session(self, *, title: str | None = None, settings: Mapping[str, Any] | None = None) -> Session:
        """Open a new session under the settings in force, or with `settings` of its own."""
        self._drop_chat_settings()
        self.settings.replace_layer("session", settings or {})
        if settings is None and self.run.system is not None:
            self._put("system", self.run.system)
        return self.manager.begin(self._user, self._session_settings(), title=title)

    def open_session(self, session_id: str) -> Session:
        """Open a saved session under its own settings. Raises StorageError."""
        session = self.manager.open(self._user, session_id)
        self._drop_chat_settings()
        self.settings.replace_layer("session", session.settings)
        return session

    def _drop_chat_settings(self) -> None:
        """What `/set` changed for the session before does not reach into another one; it is saved there."""
        for key in self.settings.layer("set"):
            if (setting := schema.find(key)) and setting.scope == "chat":
                self.settings.unset("set", key)

    def _session_settings(self) -> dict[str, Any]:
        """What a session remembers of the settings it began under, to be resumed with."""
        kept = self.settings.layer("session")
        for key in ("provider", "model", "system", "preset", *schema.PARAMETERS):
            if self.settings.source(key).layer not in ("default", "file", "environment") and key not in kept:
                kept[key] = self.settings.get(key)
        if "preset" in kept and kept.get("system") == self.settings.get("system"):
            kept["system"] = kept.pop("system")  # the newest stands last: the preset's own does not come back
        return {key: list(value) if isinstance(value, tuple) else value for key, value in kept.items()}

    # Settings

    def change(self, key: str, value: Any) -> str:
        """Set `key` for this run, for the person and, where it belongs there, for the session.

        Returns a sentence for the person where it could not be saved, else nothing.
        """
        self.settings.set("set", key, value)
        if key == "ui.lang":
            self.speak()
        setting = schema.find(key)
        if setting is not None and setting.scope == "chat":
            self.change_session(key, value)
        return self._save_user({key: value})

    def unset(self, key: str) -> str:
        """Take `key` out of this run's, the session's and the person's settings."""
        self.settings.unset("set", key)
        if self.settings.unset("session", key):
            self._record_settings({key: None})
        warning = self._save_user({key: None})
        if key == "ui.lang":
            self.speak()
        return warning

    def change_session(self, key: str, value: Any) -> None:
        """Set `key` for the open session alone."""
        self._put(key, value)
        changes = {key: value}
        if key == "provider":
            changes["model"] = self.settings.layer("session").get("model")
        self._record_settings(changes)

    def _put(self, key: str, value: Any) -> None:
        """Let `value` hold in the open session, whatever a flag, a preset or an earlier `/set` says."""
        self.settings.set("session", key, value)
        if self.settings.get(key) != value:
            self.settings.set("set", key, value)

    def _record_settings(self, changes: Mapping[str, Any]) -> None:
        if self.session.messages:
            plain = {key: list(value) if isinstance(value, tuple) else value for key, value in changes.items()}
            self.manager.record({"type": "settings", "settings": plain})
        else:  # nothing is on disk yet, and nothing need be
            self.manager.begin(self._user, self._session_settings(), title=self.session.title)

    def _save_user(self, changes: Mapping[str, Any]) -> str:
        for key, value in changes.items():
            if value is None:
                self.settings.unset("user", key)
            else:
                self.settings.set("user", key, value)
        if self.run.incognito:
            return ""
        values = {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in self.settings.layer("user").items()
        }
        try:
            people.write_settings(self.paths.data_dir, self._user, values)
        except StorageError as error:
            return _("it holds for this run, but could not be saved: {why}").format(why=error.message)
        return ""

    def change_provider(self, chosen: ProviderSettings) -> str:
        """Let `chosen` answer from now on; its own model goes with it."""
        warning = self.change("provider", chosen.name)
        for layer in ("set", "session", "user"):
            self.settings.unset(layer, "model")
        self._record_settings({"provider": chosen.name, "model": None})
        return warning or self._save_user({"model": None})

    # Keys

    def key_missing(self, provider: ProviderSettings) -> bool:
        """Whether `provider` needs a key and none can be found."""
        return not provider.keyless and self.find_key(provider) is None

    def find_key(self, provider: ProviderSettings) -> keys.Key | None:
        """The person's key for `provider`, or the one all share. Raises ConfigurationError."""
        slug = people.slug(self._user) if self._user else ""
        return keys.find_key(provider, self.paths.data_dir, self.environ, user=slug)

    def absent_settings(self) -> str:
        """What to tell where the settings file that was named is not there (yet, or for a slip); else empty."""
        if not self.paths.chosen or self.paths.config_file.exists():
            return ""
        return _("there is no settings file {file} yet; the defaults hold").format(file=self.paths.config_file)

    def exposed_keys(self) -> list[str]:
        """What to tell of each file for the key in force that other people of this machine can read."""
        return keys.exposed_files(self.routing.provider_settings(), self.paths.data_dir, self.environ)

    def store_key(self, provider: ProviderSettings, key: str, *, shared: bool = False) -> str:
        """Keep a key for this person (or for all); returns where it is. Raises ConfigurationError."""
        slug = "" if shared else people.slug(self._user)
        where = keys.store_key(provider.name, key, self.paths.data_dir, slug)
        self.routing.forget_provider(provider.name)
        return where

    def forget_key(self, provider: ProviderSettings) -> list[str]:
        """Remove this person's key, and the one all share, from where gptchat keeps keys; the places it was in."""
        places = keys.forget_key(provider.name, self.paths.data_dir, people.slug(self._user))
        places += keys.forget_key(provider.name, self.paths.data_dir)
        self.routing.forget_provider(provider.name)
        return places

    def _paid(self, record: Record) -> None:
        """A request beside the conversation was paid for: the account and the day's budget have it too."""
        self.manager.record(record)
        self.budget.add(Message.from_record(record))

    async def close(self) -> None:
        """Close connections, and keep what was learnt."""
        await self.routing.close()
        await asyncio.to_thread(self.keep)
        if len(self.session.messages) >= _LARGE and not self.run.incognito:
            await asyncio.to_thread(self.library.remember, self.journals, self.session)

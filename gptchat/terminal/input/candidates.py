"""Completion candidates for each kind of argument; those that need the disk are read in background threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from gptchat import catalogue, vendors
from gptchat.commands.program import Program
from gptchat.commands.registry import Call
from gptchat.commands.wording import age
from gptchat.config import parse, schema
from gptchat.core.ports import SessionInfo
from gptchat.core.tooling.choice import BUILTIN
from gptchat.core.typed import template
from gptchat.errors import GptchatError
from gptchat.manager.variables import AUTOMATIC
from gptchat.providers.registry import abilities, summary
from gptchat.terminal.completing.place import Candidate
from gptchat.terminal.output.theme import NAMES
from gptchat.words import LANGUAGES, _

_VALUES = {"provider": "provider", "fallback": "provider", "model": "model", "preset": "preset"}


class ChatCandidates:
    """Implements `completion.Candidates` for the program.

    `ready` is called, in the background thread, when sessions or users have been read.
    """

    def __init__(self, program: Program, ready: Callable[[], None] = lambda: None) -> None:
        self._program = program
        self._services = program.services
        self.ready = ready
        self._sessions: dict[str, Sequence[Candidate]] = {}
        self._trashed: Sequence[Candidate] = ()
        self._users: list[str] = []
        self._collections: Sequence[Candidate] = ()
        self._model_names: tuple[list[str], bool] | None = None
        self._models_of_names: list[Candidate] = []
        self._fetching: set[str] = set()

    def of(self, kind: str, text: str, call: Call) -> Sequence[Candidate]:
        """All candidates of `kind`, most likely first; an unknown kind has none."""
        match kind:
            case "session":
                self._behind("sessions", self._read_sessions)
                return self._sessions.get(self._services.manager.user, ())
            case "trashed":
                self._behind("trash", self._read_trash)
                return self._trashed
            case "user":
                self._behind("users", self._read_users)
                return [Candidate(name) for name in self._users if name != self._services.manager.user]
            case "model":
                return self._models()
            case "provider":
                return [
                    Candidate(name, meta=self._summary(name)) for name in self._services.settings.provider_names()
                ]
            case "setting":
                return self._settings(text)
            case "value":
                key = call.get("key")
                named = _VALUES.get(key)  # a setting that names a provider, model or preset completes as one
                return (
                    self.of(named, text, call)
                    if named
                    else [Candidate(value) for value in parse.complete_value(key)]
                )
            case "preset":
                return self._presets(call)
            case "format":
                from gptchat.exchange.exporting import FORMATS  # nobody exports before the first prompt

                return [Candidate(name) for name in FORMATS]
            case "command":
                return [
                    Candidate(command.name, meta=_(command.summary)) for command in self._program.registry.commands
                ]
            case "tool":
                return self._tools(call)
            case "collection":
                self._behind("collections", self._read_collections)
                return self._collections
            case "theme":
                return [Candidate(name) for name in NAMES]
            case "language":
                return [Candidate(name) for name in LANGUAGES]
            case "code":
                return self._code_blocks()
        return ()

    @property
    def reading(self) -> bool:
        """Whether names are being read, or were: `ready` tells when."""
        return bool(self._fetching)

    def refresh(self) -> None:
        """Read sessions and users again the next time they are requested, because they have changed."""
        self._fetching.clear()

    def _settings(self, text: str) -> list[Candidate]:
        """Every setting; the user's own tables are included once `text` begins with the name of a table."""
        names = {table: self._services.settings.names(table) for table in schema.TABLES}
        keys = dict.fromkeys([*schema.SETTINGS, *parse.complete_key(text, names)])
        return [Candidate(key, meta=parse.require(key).summary) for key in keys]

    def _models(self) -> list[Candidate]:
        catalogued = self._catalogued()
        try:
            listed = self._services.routing.names_listed()
        except GptchatError:  # no provider is chosen yet
            listed = []
        # The same list object until the names change: they are then ranked once, not for every key.
        if self._model_names == (listed, catalogued):
            return self._models_of_names
        names = dict.fromkeys(listed)
        if catalogued:
            names |= dict.fromkeys(facts.name for facts in catalogue.search("") if facts.provider == "openai")
        self._model_names, self._models_of_names = (listed, catalogued), [Candidate(name) for name in names]
        return self._models_of_names

    def _presets(self, call: Call) -> list[Candidate]:
        """Presets and what can be done with them, or behind the name of one its variables."""
        settings, chosen = self._services.settings, call.get("name")
        names = settings.preset_names()
        if chosen in names:
            wanted = template.names(str(settings.preset(chosen).get("system", "")))
            return [Candidate(f"{name}=") for name in wanted if name not in AUTOMATIC]
        return [Candidate(name) for name in (names if chosen else [*names, "none", "save", "show", "remove"])]

    def _tools(self, call: Call) -> list[Candidate]:
        """Sources of tools, and the tools that were ready when they were last asked for."""
        from gptchat.commands.tools.sources import source_names

        names = [Candidate(name) for name in source_names(self._services.settings)]
        if call.get("action") in ("remove", "add"):
            return names if call.get("action") == "remove" else []
        ready = self._services.conversation.rounds.ready
        specs = [tool.spec for tool in ready]
        return [*names, Candidate(BUILTIN), *(Candidate(spec.name, meta=spec.source) for spec in specs)]

    def _catalogued(self) -> bool:
        """Whether the catalogue lists all models of the current provider; also True if none is selected."""
        try:
            return abilities(self._services.settings.provider()).complete_catalogue
        except GptchatError:
            return True

    def _summary(self, name: str) -> str:
        try:
            vendor = vendors.get(name)
            return summary(vendor) if vendor else self._services.settings.provider(name).kind
        except GptchatError:
            return ""

    def _code_blocks(self) -> list[Candidate]:
        for message in reversed(self._services.manager.session.tail(4)):
            if message.role == "assistant":
                blocks = self._program.code_blocks(message.text)
                return [Candidate(str(n), meta=block.split("\n")[0][:40]) for n, block in enumerate(blocks, 1)]
        return []

    def _read_sessions(self) -> None:
        user = self._services.manager.user
        # The same list object until the next read: thousands of titles are then ranked once, not for every key.
        self._sessions[user] = _of_sessions(self._services.library.numbered(user))

    def _read_trash(self) -> None:
        found = _of_sessions(self._services.library.trash(self._services.manager.user))
        self._trashed = [*found, *(Candidate(one.name) for one in self._services.people.removed())]

    def _read_users(self) -> None:
        self._users = self._services.people.names()

    def _read_collections(self) -> None:
        from gptchat.conversation.collections.store import CollectionStore

        paths = self._services.paths
        try:
            found = CollectionStore(paths.data_dir, paths.cache_dir, self._services.manager.user).all()
        except GptchatError:  # /docs tells of it
            found = []
        self._collections = [Candidate(one.name, meta=_(", ").join(one.paths)) for one in found]

    def _behind(self, name: str, read: Callable[[], None]) -> None:
        """Call `read` in a thread, once until `refresh`, so that typing never waits for the disk."""
        key = f"{name}/{self._services.manager.user}"
        if key in self._fetching:
            return
        self._fetching.add(key)

        def work() -> None:
            read()
            self.ready()

        threading.Thread(target=work, name=name, daemon=True).start()


def _of_sessions(infos: Sequence[SessionInfo]) -> list[Candidate]:
    return [Candidate(info.id, info.title or info.id, f"{age(info.updated)} · {info.turns}") for info in infos]

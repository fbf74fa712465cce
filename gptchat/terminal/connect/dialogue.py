"""The dialogue that connects to a provider: asks, tries the answer, and saves it; keys are stored apart."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from gptchat import vendors
from gptchat.commands.effects import Facts, Text
from gptchat.commands.models import ANYWAY
from gptchat.config.endpoints import ProviderSettings
from gptchat.core.safe import clean_line
from gptchat.errors import (
    AuthenticationError,
    ConfigurationError,
    GptchatError,
    PermissionDeniedError,
    TurnInterruptedError,
)
from gptchat.providers import registry
from gptchat.providers.address import base_address, require_private, resource_address
from gptchat.providers.listing import chat_models
from gptchat.terminal.connect import offers, places
from gptchat.terminal.connect.asking import Questions
from gptchat.terminal.connect.choosing import HELP
from gptchat.terminal.connect.saving import save
from gptchat.values import replace
from gptchat.words import _, language, ngettext

if TYPE_CHECKING:
    from gptchat.conversation.services import Services
    from gptchat.net.local_servers import LocalServer
    from gptchat.terminal.input.prompt import Prompt
    from gptchat.terminal.live import LiveTurn
    from gptchat.terminal.output.screen import Screen

_Way = Callable[[], Awaitable[str | None]]
"""Connects in one of the ways offered: returns the provider's name, None if the user turns back."""
_SHOWN = 20
"""Maximum number of models offered by number; others must be typed."""


async def connect(
    services: Services,
    screen: Screen,
    prompt: Prompt,
    live: LiveTurn,
    *,
    place: str = "",
    insist: bool = False,
    first: bool = False,
) -> str | None:
    """Ask how to connect until a provider is in use; returns its name, None if the user leaves.

    `place`, a provider's name or an address, is connected without the list. `insist` takes what does not answer,
    too. On the `first` screen the choice is everybody's on this machine, else the user's own.
    """
    dialogue = _Connect(services, screen, prompt, live, insist=insist, first=first)
    chosen = await (dialogue.one(place) if place else dialogue.run())
    if chosen is None and first:
        screen.say(_("nothing is chosen yet: gptchat ends here, and asks again at its next start"), "hint")
    elif chosen is None:
        name = services.settings.chat.provider
        screen.say(_("nothing was changed; {name} answers as before").format(name=name), "hint")
    return chosen


class _Connect:
    def __init__(
        self,
        services: Services,
        screen: Screen,
        prompt: Prompt,
        live: LiveTurn,
        *,
        insist: bool,
        first: bool,
    ) -> None:
        self._services = services
        self._settings = services.settings
        self._keys = services.keys
        self._screen = screen
        self._asking = Questions(prompt, screen)
        self._live = live
        self._insist = insist
        self._first = first
        self._held: list[ProviderSettings] = []
        """Providers whose keys were typed in this attempt."""

    async def one(self, place: str) -> str | None:
        """Connect to `place` alone. Raises GptchatError."""
        try:
            return await self._place(place)
        finally:
            self._forget()

    async def run(self) -> str | None:
        """Offer the list until something is connected."""
        heading = _("How do you want to connect?")
        if self._first:
            heading = _("Welcome to gptchat. How do you want to connect?")
        self._screen.say(heading, "strong")
        choice: str | None = None
        while True:
            found: list[tuple[str, _Way]] = [
                *((told, partial(self._known, entry)) for told, entry in offers.own(self._settings)),
                *((told, partial(self._known, entry)) for told, entry in offers.at_hand(self._settings)),
                *((told, partial(self._local, server)) for told, server in await offers.local()),
            ]
            rows = [(str(number), told) for number, (told, _way) in enumerate(found, 1)] + offers.letters()
            hint = [
                self._hint(_("a number, letter, name or address")),
                _("? explains"),
                _("q leaves") if self._first else _("q goes back"),
            ]
            choice = await self._asking.choose(rows, " · ".join(hint), places.is_place, explained=choice == HELP)
            if choice is None:
                return None
            if choice == HELP:
                self._explain(len(found))
                continue
            self._screen.say(f"› {dict(rows).get(choice, choice)}", "hint")
            way = found[int(choice) - 1][1] if choice.isdecimal() else partial(self._take, choice)
            try:
                if name := await way():
                    return name
            except GptchatError as error:
                self._screen.error(error)
            finally:
                self._forget()
            self._screen.gap()

    def _hint(self, typed: str) -> str:
        """How to choose from a list; `typed` is what can be typed."""
        return typed if self._screen.terminal.dumb else _("↑↓ Enter, or {typed}").format(typed=typed)

    def _explain(self, found: int) -> None:
        keyed, notes = offers.explained(found)
        self._screen.gap()
        self._screen.show([Facts(keyed), *(Text(note, "quiet") for note in notes)])
        self._screen.gap()

    def _forget(self) -> None:
        """Let go of typed keys that were not stored, and of `--anyway`: the next attempt does not use them."""
        self._insist = False
        while self._held:
            self._keys.drop(self._held.pop())

    # The ways

    async def _take(self, choice: str) -> str | None:
        ways: dict[str, str] = {"d": "demo", "o": "openai", "a": "azure", "g": "gptplus"}
        if choice == "c":
            return await self._compatible()
        return await self._place(ways.get(choice, choice))

    async def _known(self, entry: ProviderSettings) -> str | None:
        """Connect to a provider of the settings, or a ready-made one; some need more than a key."""
        asking = (("demo", self._settle), ("azure", self._azure), ("gptplus", self._gptplus))
        way = next((way for kind, way in asking if kind == entry.kind), self._with_key)
        return await way(entry)

    async def _local(self, server: LocalServer) -> str | None:
        if server.needs_key:
            found = await asyncio.to_thread(self._keys.find, server.settings)
            if found is None and not await self._key(server.settings):
                return None
            return await self._with_key(server.settings)
        model = await self._model(chat_models(server.models))
        return await self._settle(replace(server.settings, model=model)) if model else None

    async def _with_key(self, entry: ProviderSettings) -> str | None:
        models = await self._tried(entry)
        if models is None:
            return None
        if not entry.default_model:
            model = await self._model(models)
            if not model:
                return None
            entry = replace(entry, model=model)
        return await self._settle(entry)

    async def _azure(self, entry: ProviderSettings) -> str | None:
        endpoint, deployment = entry.endpoint or entry.base_url, entry.deployment
        if not (self._first and endpoint):
            question = _("endpoint (https://NAME.openai.azure.com, or NAME alone)")
            endpoint = await self._asking.line(question, default=endpoint) or ""
            if not endpoint:
                return None
            endpoint = self._private(resource_address(endpoint))
        version: str | None = entry.api_version
        if not (self._first and entry.endpoint and deployment):
            deployment = (deployment if self._first else "") or (
                await self._asking.line(_("deployment"), default=deployment) or ""
            )
            if not deployment:
                return None
            question = _("API version, such as 2024-10-21 (empty: the v1 endpoint, which needs none)")
            version = await self._asking.line(question, default=entry.api_version)
            if version is None:
                return None
        asked = replace(
            entry, endpoint=endpoint, base_url="", deployment=deployment, api_version=version or "", model=""
        )
        return await self._settle(asked) if await self._tried(asked) is not None else None

    async def _compatible(self) -> str | None:
        served = [one for name in registry.servers() if not (one := vendors.table()[name]).local]
        names = [one.zh.partition("：")[0] if language() == "zh" else one.name for one in served]
        self._screen.say(_("known by name: {names}").format(names=_(", ").join(names)), "hint")
        typed = await self._asking.line(_("a name from above, or an address (http://HOST:PORT/v1)"))
        return await self._place(typed) if typed else None

    async def _gptplus(self, entry: ProviderSettings) -> str | None:
        app_id = entry.app_id or await self._asking.line(_("app_id"))
        if not app_id:
            return None
        entry = replace(entry, app_id=app_id)
        return await self._settle(entry) if await self._tried(entry) is not None else None

    async def _place(self, typed: str) -> str | None:
        """Connect to what `typed` means: the name of a provider, in any spelling, or an address."""
        if typed.endswith(f" {ANYWAY}"):
            typed, self._insist = typed.removesuffix(ANYWAY).strip(), True
        entry = places.known(typed, self._settings)
        if entry is not None:
            return await self._known(entry)
        address = self._private(base_address(typed))
        name = await self._name(address)
        if not name:
            return None
        entry = ProviderSettings(name, "compatible", base_url=address, key_optional=True)
        key = await self._asking.secret(_("key (empty: it needs none)"))
        if key is None:
            return None
        if key:
            self._hold(entry, key)
        return await self._with_key(entry)

    def _private(self, address: str) -> str:
        return address if self._insist else require_private(address)

    async def _name(self, address: str) -> str | None:
        """A name for a server, which is not yet that of another one."""
        default, taken = places.free_name(address, self._settings)
        while True:
            name = await self._asking.line(_("a short name for it"), default=default)
            if not name or name not in taken:
                return name
            self._screen.say(_("{name} is the name of another provider").format(name=name), "notice")

    # Trying

    async def _tried(self, entry: ProviderSettings) -> list[str] | None:
        """The models of a provider that answers and takes its key, which is asked for where needed.

        None if the user turns back.
        """
        if await asyncio.to_thread(self._keys.missing, entry) and not await self._key(entry):
            return None
        what = _("trying {name}").format(name=clean_line(entry.name))
        while True:
            try:
                return await self._live.wait(self._services.routing.tried(entry), what=what)
            except TurnInterruptedError as error:
                self._screen.say(error.message, "hint")
                return None
            except (AuthenticationError, PermissionDeniedError) as error:
                if entry in self._held:
                    error.hint = _("type or paste it again; Esc goes back")
                self._screen.error(error)
                if not await self._key(entry):
                    return None
            except ConfigurationError:
                raise
            except GptchatError as error:
                self._screen.error(error)
                question = _("use {name} all the same?").format(name=entry.name)
                if self._insist or await self._asking.yes(question):
                    return []
                return None

    async def _key(self, entry: ProviderSettings) -> bool:
        """Ask for a key; False if none is given."""
        while key := await self._asking.secret(
            _("paste the key for {name} (it stays hidden)").format(name=entry.name)
        ):
            try:
                self._hold(entry, key)
            except ConfigurationError as error:
                self._screen.error(error)
                continue
            return True
        return False

    def _hold(self, entry: ProviderSettings, key: str) -> None:
        self._keys.hold(entry, key)
        if entry not in self._held:
            self._held.append(entry)

    async def _model(self, models: Sequence[str]) -> str | None:
        if len(models) == 1:
            return models[0]
        if not models:
            return await self._asking.line(_("the server lists no models; which one should answer?")) or None
        shown = models[:_SHOWN]
        rows = [(str(number), name) for number, name in enumerate(shown, 1)]
        if len(models) > _SHOWN:
            more = ngettext("another one, by its name ({n} more)", "another one, by its name ({n} more)",
                            len(models) - _SHOWN)  # fmt: skip
            rows.append(("n", more.format(n=len(models) - _SHOWN)))
        self._screen.say(_("which model should answer?"), "strong")
        hint = f"{self._hint(_('a number or name'))} · {_('Esc goes back')}"
        chosen: str | None = HELP
        while chosen == HELP:  # there is nothing to explain
            chosen = await self._asking.choose(rows, hint, free=models.__contains__)
        if chosen == "n":
            return await self._asking.line(_("the model's name")) or None
        if chosen is None:
            return None
        model = dict(rows).get(chosen, chosen)
        self._screen.say(f"› {model}", "hint")
        return model

    async def _settle(self, entry: ProviderSettings) -> str:
        self._held.clear()
        await save(entry, self._services, self._screen, first=self._first)
        return entry.name

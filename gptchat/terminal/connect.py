"""The first-run dialog for choosing a provider. Saves the choice in the settings file; keys are stored apart."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from gptchat import vendors
from gptchat.config.endpoints import ProviderSettings
from gptchat.config.parse import unknown_name
from gptchat.config.write import provider_values, write_provider, write_value
from gptchat.core.safe import clean_line
from gptchat.errors import GptchatError
from gptchat.net.local_servers import LocalServer, find_local
from gptchat.providers import registry
from gptchat.providers.address import base_address
from gptchat.redaction import redact_address
from gptchat.terminal.input import questions
from gptchat.values import replace
from gptchat.words import _, language, ngettext

if TYPE_CHECKING:
    from prompt_toolkit.input import Input
    from prompt_toolkit.output import Output

    from gptchat.conversation.services import Services
    from gptchat.terminal.output.screen import Screen

_Way = Callable[[], Awaitable[bool]]
"""Connects in one of the ways offered; False if the user turns back."""
_SHOWN = 20
"""Maximum number of models offered by number; others must be typed."""


async def connect(services: Services, screen: Screen, keyboard: Input, output: Output) -> bool:
    """Ask how to connect until a provider is chosen; False if the user leaves instead."""
    return await _Connect(services, screen, keyboard, output).run()


class _Connect:
    def __init__(self, services: Services, screen: Screen, keyboard: Input, output: Output) -> None:
        self._settings = services.settings
        self._config_file = services.paths.config_file
        self._keys = services.keys
        self._routing = services.routing
        self._screen = screen
        self._keyboard = keyboard
        self._output = output
        self._kept: list[ProviderSettings] = []
        """Providers whose keys were entered in this attempt."""

    async def run(self) -> bool:
        local = [vendor.name for vendor in vendors.table().values() if vendor.local]
        found = await find_local([entry for name in local if (entry := registry.builtin(name))])
        numbered = [*self._at_hand(), *self._local_ones(found)]
        self._screen.say(_("Welcome to gptchat. How do you want to connect?"), "heading2")
        while True:
            offered = [(str(number), told) for number, (told, _way) in enumerate(numbered, 1)]
            choice = await self._ask(
                _("type a letter or number, then Enter"), [*offered, *self._letters()], free=_is_place
            )
            if choice is None:
                return False
            try:
                way = numbered[int(choice) - 1][1] if choice.isdecimal() else partial(self._take, choice)
                if await way():
                    return True
            except GptchatError as error:
                self._screen.error(error)
            # Forget the keys of a failed attempt, so that the next attempt does not use them.
            while self._kept:
                await asyncio.to_thread(self._keys.forget, self._kept.pop())

    def _at_hand(self) -> list[tuple[str, _Way]]:
        """What the environment offers: providers whose keys it has, and servers that it names for one of them."""
        offered: list[tuple[str, _Way]] = []
        conflicts = self._settings.environment.conflicts
        for name, where in self._settings.suggested:
            vendor = vendors.table()[name]
            addresses = [found for key, found in conflicts.items() if key.startswith(f"providers.{name}.")]
            if not addresses:
                words = _("{name}: the key in {place}")
                told = words.format(name=registry.summary(vendor), place=where)
                offered.append((told, partial(self._own(name), self._settings.provider(name))))
            for variable, address in addresses[0].values.items() if addresses else ():
                words = _("{name} at {address} ({place})")
                told = words.format(name=vendor.name, address=redact_address(address), place=variable)
                entry = replace(_builtin(name), base_url=address)
                offered.append((told, partial(self._own(name), entry)))
        return offered

    def _own(self, name: str) -> Callable[[ProviderSettings], Awaitable[bool]]:
        """How the ready-made provider `name` is connected: some need more than a key."""
        asking = (("azure", self._azure), ("gptplus", self._gptplus))
        return next((way for own, way in asking if own == name), self._with_key)

    def _local_ones(self, found: Sequence[LocalServer]) -> list[tuple[str, _Way]]:
        local: list[tuple[str, _Way]] = []
        for server in found:
            models = ngettext("{n} model", "{n} models", len(server.models)).format(n=len(server.models))
            words = _("{name} on this machine, {address} ({models})")
            told = _("asks for a key") if server.needs_key else models
            label = words.format(name=server.settings.name, address=server.settings.base_url, models=told)
            local.append((label, partial(self._local, server)))
        return local

    def _letters(self) -> list[tuple[str, str]]:
        return [
            ("d", _("the offline demo: no key, no network, try it out")),
            ("o", _("OpenAI: paste a key")),
            ("a", _("Azure OpenAI: endpoint, deployment, key")),
            ("c", _("another service (DeepSeek, Qwen, ...), or any compatible address")),
            ("g", _("the GPT+ open platform: app_id and app_key")),
        ]

    async def _take(self, choice: str) -> bool:
        ways: dict[str, _Way] = {
            "d": self._demo,
            "o": partial(self._with_key, _builtin("openai")),
            "a": partial(self._azure, _builtin("azure")),
            "c": self._compatible,
            "g": partial(self._gptplus, _builtin("gptplus")),
        }
        return await (ways[choice]() if choice in ways else self._place(choice))

    async def _demo(self) -> bool:
        return self._settle(_builtin("demo"))

    async def _local(self, server: LocalServer) -> bool:
        entry, models = server.settings, list(server.models)
        if server.needs_key:
            if not await self._key(entry):
                return False
            models = await self._listed(entry)
        model = await self._model(models)
        return model is not None and self._settle(replace(entry, model=model))

    async def _with_key(self, entry: ProviderSettings) -> bool:
        return (entry.keyless or await self._key(entry)) and await self._with_model(entry)

    async def _azure(self, entry: ProviderSettings) -> bool:
        endpoint = (
            entry.endpoint or entry.base_url or await self._ask(_("endpoint (https://NAME.openai.azure.com)"))
        )
        if not endpoint:
            return False
        if entry.endpoint and entry.deployment:
            return await self._key(entry) and self._settle(entry)
        deployment = entry.deployment or await self._ask(_("deployment"))
        if not deployment:
            return False
        version = await self._ask(_("API version, such as 2024-10-21 (empty: the v1 endpoint, which needs none)"))
        if version is None:
            return False
        entry = replace(
            entry, endpoint=endpoint, base_url="", deployment=deployment, api_version=version, model=""
        )
        return await self._key(entry) and self._settle(entry)

    async def _compatible(self) -> bool:
        served = [one for name in registry.servers() if not (one := vendors.table()[name]).local]
        names = [one.zh.partition("：")[0] if language() == "zh" else one.name for one in served]
        self._screen.say(_("known by name: {names}").format(names=_(", ").join(names)), "hint")
        typed = await self._ask(_("a name from above, or an address (http://HOST:PORT/v1)"))
        return bool(typed) and await self._place(str(typed))

    async def _place(self, typed: str) -> bool:
        """Connect to what `typed` means: a ready-made provider by any of its names, or an address."""
        known = vendors.named(typed)
        if known is not None:
            return await self._own(known.name)(_builtin(known.name))
        near = vendors.nearest(typed)
        if vendors.ended(typed) is not None or (
            not re.search(r"[.:/\s]", typed) and (near or not typed.isascii())  # `litellm:4000` is an address
        ):
            raise unknown_name("providers", typed, list(vendors.table()))
        address = base_address(typed)
        name = await self._ask(_("a short name for it"), default=_short_name(address))
        if not name:
            return False
        entry = ProviderSettings(name, "compatible", base_url=address, key_optional=True)
        key = await self._ask(_("key (empty: it needs none)"), secret=True)
        if key is None:
            return False
        if key:
            await self._keep(entry, key)
        return await self._with_model(entry)

    async def _gptplus(self, entry: ProviderSettings) -> bool:
        app_id = entry.app_id or await self._ask(_("app_id"))
        if not app_id:
            return False
        entry = replace(entry, app_id=app_id)
        return await self._key(entry) and self._settle(entry)

    async def _with_model(self, entry: ProviderSettings) -> bool:
        if not entry.default_model:
            model = await self._model(await self._listed(entry))
            if model is None:
                return False
            entry = replace(entry, model=model)
        return self._settle(entry)

    async def _listed(self, entry: ProviderSettings) -> list[str]:
        """The model names of a provider that is not chosen yet. Raises the provider's GptchatError."""
        provider = self._routing.open_unsettled(entry)
        try:
            return [facts.name for facts in await provider.models()]
        finally:
            await provider.close()

    async def _model(self, models: Sequence[str]) -> str | None:
        if len(models) == 1:
            return models[0]
        if not models:
            return await self._ask(_("the server lists no models; which one should answer?")) or None
        shown = models[:_SHOWN]
        keys = [(str(number), name) for number, name in enumerate(shown, 1)]
        if len(models) > _SHOWN:
            more = ngettext("another one, by its name ({n} more)", "another one, by its name ({n} more)",
                            len(models) - _SHOWN)  # fmt: skip
            keys.append(("n", more.format(n=len(models) - _SHOWN)))
        chosen = await self._ask(_("which model should answer?"), keys, default="1")
        if chosen == "n":
            return await self._ask(_("the model's name")) or None
        return None if chosen is None else shown[int(chosen) - 1]

    async def _key(self, entry: ProviderSettings) -> bool:
        if await asyncio.to_thread(self._keys.find, entry):
            return True
        key = await self._ask(_("paste the key (it stays hidden)"), secret=True)
        if not key:
            return False
        where = await self._keep(entry, key)
        self._screen.say(_("the key is kept in {where}, readable by you alone").format(where=where), "hint")
        return True

    async def _keep(self, entry: ProviderSettings, key: str) -> str:
        self._kept.append(entry)
        return await asyncio.to_thread(self._keys.store, entry, key, shared=True)

    def _settle(self, entry: ProviderSettings) -> bool:
        """Save the choice in the settings file and use it in this run. Returns True, even if saving failed."""
        try:
            if entry in (registry.builtin(entry.name), self._in_force(entry.name)):
                write_value(self._config_file, "provider", entry.name)
            else:
                write_provider(self._config_file, entry)
            self._screen.say(_("saved in {file}").format(file=self._config_file), "hint")
        except GptchatError as error:
            self._screen.error(error)
            self._screen.say(_("it holds for this run"), "hint")
        file = {**self._settings.layer("file"), **provider_values(entry), "provider": entry.name}
        file.pop("model", None)
        self._settings.replace_layer("file", file, str(self._config_file))
        return True

    def _in_force(self, name: str) -> ProviderSettings | None:
        """The provider as the settings have it already."""
        try:
            return self._settings.provider(name)
        except GptchatError:
            return None

    async def _ask(
        self,
        question: str,
        choices: Sequence[tuple[str, str]] = (),
        *,
        default: str = "",
        secret: bool = False,
        free: Callable[[str], bool] | None = None,
    ) -> str | None:
        return await questions.ask(
            clean_line(question),
            keyboard=self._keyboard,
            output=self._output,
            choices=[(key, clean_line(meaning)) for key, meaning in choices],
            default=default,
            secret=secret,
            style=self._screen.rules,
            free=free,
        )


def _builtin(name: str) -> ProviderSettings:
    entry = registry.builtin(name)
    assert entry is not None
    return entry


def _is_place(typed: str) -> bool:
    """Whether `typed` is a provider's name or an address, rather than a slip at a letter."""
    return vendors.named(typed) is not None or vendors.ended(typed) is not None or "://" in typed


def _short_name(address: str) -> str:
    """A short name for a server, derived from its host."""
    host = urlsplit(address).hostname or "server"
    return "local" if host in ("localhost", "127.0.0.1", "::1") else host.replace("api.", "").split(".")[0]

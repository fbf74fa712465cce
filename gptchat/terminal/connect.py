"""The first-run dialog for choosing a provider. Saves the choice in the settings file; keys are stored apart."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from gptchat.config.endpoints import ProviderSettings
from gptchat.config.write import provider_values, write_provider, write_value
from gptchat.core.safe import clean_line
from gptchat.errors import GptchatError, UsageError
from gptchat.providers import registry
from gptchat.providers.address import base_address
from gptchat.terminal.input import questions
from gptchat.values import dataclass, replace
from gptchat.words import _, ngettext

if TYPE_CHECKING:
    from prompt_toolkit.input import Input
    from prompt_toolkit.output import Output

    from gptchat.conversation.services import Services
    from gptchat.terminal.output.screen import Screen

LOCAL = ("ollama", "lmstudio", "llamacpp", "vllm")
"""Names of the built-in providers that usually run on the user's machine."""
PROBE_SECONDS = 0.3
_LARGEST = 4_000_000
"""Maximum bytes read of a list of models."""
_SHOWN = 20
"""Maximum number of models offered by number; others must be typed."""


@dataclass(frozen=True, slots=True)
class LocalServer:
    """A server that answered on this machine, and the names of its models."""

    settings: ProviderSettings
    models: tuple[str, ...]
    needs_key: bool = False


async def connect(services: Services, screen: Screen, keyboard: Input, output: Output) -> bool:
    """Ask how to connect until a provider is chosen; False if the user leaves instead."""
    return await _Connect(services, screen, keyboard, output).run()


async def find_local(entries: Sequence[ProviderSettings], seconds: float = PROBE_SECONDS) -> list[LocalServer]:
    """The servers among `entries` that answer on this machine within `seconds`; all are probed concurrently."""
    results = await asyncio.gather(*(_probe(entry, seconds) for entry in entries))
    return [found for found in results if found is not None]


async def _probe(entry: ProviderSettings, seconds: float) -> LocalServer | None:
    address = urlsplit(entry.base_url)
    answer = b""
    try:
        async with asyncio.timeout(seconds):
            reader, writer = await asyncio.open_connection("127.0.0.1", address.port)
            try:
                path = f"{address.path.rstrip('/')}/models"
                writer.write(
                    f"GET {path} HTTP/1.1\r\nHost: {address.netloc}\r\nAccept: application/json\r\n"
                    "Connection: close\r\n\r\n".encode("ascii")
                )
                while (more := await reader.read(1_000_000)) and len(answer) < _LARGEST:
                    answer += more
                    if (
                        answer.rstrip().endswith((b"}", b"0"))
                        and _json(answer.partition(b"\r\n\r\n")[2]) is not None
                    ):
                        break  # the answer is complete; not every server closes the connection
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return None
    status, _space, rest = answer.partition(b" ")[2].partition(b" ")
    document = _json(rest.partition(b"\r\n\r\n")[2])
    if not answer.startswith(b"HTTP/1.") or document is None:
        return None
    if status in (b"401", b"403") and "error" in document:
        return LocalServer(entry, (), needs_key=True)
    if status == b"200" and isinstance(document.get("data"), list):
        return LocalServer(entry, _names(document["data"]))
    return None  # another program listens on this port


def _json(body: bytes) -> dict[str, Any] | None:
    """The JSON object in a body, without the chunk sizes around it; None if there is none."""
    try:
        document = json.loads(body[body.index(b"{") : body.rindex(b"}") + 1])
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _names(models: Sequence[Any]) -> tuple[str, ...]:
    return tuple(str(model["id"]) for model in models if isinstance(model, dict) and model.get("id"))


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
        found = await find_local([entry for name in LOCAL if (entry := registry.builtin(name))])
        self._screen.say(_("Welcome to gptchat. How do you want to connect?"), "heading2")
        while True:
            choice = await self._ask(_("type a letter or number, then Enter"), self._choices(found))
            if choice is None:
                return False
            try:
                if await self._take(choice, found):
                    return True
            except GptchatError as error:
                self._screen.error(error)
            # Forget the keys of a failed attempt, so that the next attempt does not use them.
            while self._kept:
                await asyncio.to_thread(self._keys.forget, self._kept.pop())

    def _choices(self, found: Sequence[LocalServer]) -> list[tuple[str, str]]:
        local = []
        for number, server in enumerate(found, 1):
            models = ngettext("{n} model", "{n} models", len(server.models)).format(n=len(server.models))
            words = _("{name} on this machine, {address} ({models})")
            told = _("asks for a key") if server.needs_key else models
            local.append(
                (
                    str(number),
                    words.format(name=server.settings.name, address=server.settings.base_url, models=told),
                )
            )
        return [
            *local,
            ("d", _("the offline demo: no key, no network, try it out")),
            ("o", _("OpenAI: paste a key")),
            ("a", _("Azure OpenAI: endpoint, deployment, key")),
            ("c", _("another service (DeepSeek, Qwen, ...), or any compatible address")),
            ("g", _("the GPT+ open platform: app_id and app_key")),
        ]

    async def _take(self, choice: str, found: Sequence[LocalServer]) -> bool:
        if choice.isdigit():
            return await self._local(found[int(choice) - 1])
        return await {
            "d": self._demo,
            "o": self._openai,
            "a": self._azure,
            "c": self._compatible,
            "g": self._gptplus,
        }[choice]()

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

    async def _openai(self) -> bool:
        entry = _builtin("openai")
        return await self._key(entry) and self._settle(entry)

    async def _azure(self) -> bool:
        endpoint = await self._ask(_("endpoint (https://NAME.openai.azure.com)"))
        if not endpoint:
            return False
        deployment = await self._ask(_("deployment"))
        if not deployment:
            return False
        version = await self._ask(_("API version, such as 2024-10-21 (empty: the v1 endpoint, which needs none)"))
        if version is None:
            return False
        entry = replace(_builtin("azure"), endpoint=endpoint, deployment=deployment, api_version=version, model="")
        return await self._key(entry) and self._settle(entry)

    async def _compatible(self) -> bool:
        names = [name for name in registry.servers() if name not in LOCAL]
        self._screen.say(_("known by name: {names}").format(names=_(", ").join(names)), "hint")
        typed = await self._ask(_("a name from above, or an address (http://HOST:PORT/v1)"))
        if not typed:
            return False
        known = registry.builtin(typed.lower())
        if known is not None:
            if known.keyless or await self._key(known):
                return await self._with_model(known)
            return False
        near = get_close_matches(typed.lower(), names, n=1)
        if near and not re.search(r"[.:/\s]", typed):  # `litellm:4000` is an address
            raise UsageError(
                _("{name} is no name from above").format(name=typed),
                hint=_("did you mean {name}?").format(name=near[0]),
            )
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

    async def _gptplus(self) -> bool:
        app_id = await self._ask(_("app_id"))
        if not app_id:
            return False
        entry = replace(_builtin("gptplus"), app_id=app_id)
        return await self._key(entry) and self._settle(entry)

    async def _with_model(self, entry: ProviderSettings) -> bool:
        if not entry.model:
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
            if registry.builtin(entry.name) == entry:
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

    async def _ask(
        self,
        question: str,
        choices: Sequence[tuple[str, str]] = (),
        *,
        default: str = "",
        secret: bool = False,
    ) -> str | None:
        return await questions.ask(
            clean_line(question),
            keyboard=self._keyboard,
            output=self._output,
            choices=[(key, clean_line(meaning)) for key, meaning in choices],
            default=default,
            secret=secret,
            style=self._screen.rules,
        )


def _builtin(name: str) -> ProviderSettings:
    entry = registry.builtin(name)
    assert entry is not None
    return entry


def _short_name(address: str) -> str:
    """A short name for a server, derived from its host."""
    host = urlsplit(address).hostname or "server"
    return "local" if host in ("localhost", "127.0.0.1", "::1") else host.replace("api.", "").split(".")[0]

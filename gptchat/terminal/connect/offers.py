"""What the list of the dialogue offers: what is set up, what the environment has, local servers, and the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gptchat import vendors
from gptchat.config.endpoints import ProviderSettings
from gptchat.net.local_servers import LocalServer, find_local
from gptchat.providers import registry
from gptchat.redaction import redact_address
from gptchat.values import replace
from gptchat.words import _, ngettext

if TYPE_CHECKING:
    from gptchat.config.settings import Settings


def own(settings: Settings) -> list[tuple[str, ProviderSettings]]:
    """The providers that the settings describe, apart from ready-made ones."""
    return [
        (
            _("{name} of your settings: {address}").format(
                name=entry.name, address=redact_address(entry.base_url or entry.endpoint) or entry.kind
            ),
            entry,
        )
        for entry in settings.own_providers()
        if registry.builtin(entry.name) is None
    ]


def at_hand(settings: Settings) -> list[tuple[str, ProviderSettings]]:
    """What the environment offers: providers whose keys it has, and servers that it names for one of them."""
    offered: list[tuple[str, ProviderSettings]] = []
    conflicts = settings.environment.conflicts
    for name, where in settings.suggested:
        vendor = vendors.get(name)
        if vendor is None:  # one of the settings
            continue
        addresses = [found for key, found in conflicts.items() if key.startswith(f"providers.{name}.")]
        if not addresses:
            told = _("{name}: the key in {place}").format(name=registry.summary(vendor), place=where)
            offered.append((told, settings.provider(name)))
        for variable, address in addresses[0].values.items() if addresses else ():
            words = _("{name} at {address} ({place})")
            told = words.format(name=vendor.name, address=redact_address(address), place=variable)
            offered.append((told, replace(builtin(name), base_url=address)))
    return offered


async def local() -> list[tuple[str, LocalServer]]:
    """The servers that answer on this machine now."""
    names = [vendor.name for vendor in vendors.table().values() if vendor.local]
    found: list[tuple[str, LocalServer]] = []
    for server in await find_local([entry for name in names if (entry := registry.builtin(name))]):
        models = ngettext("{n} model", "{n} models", len(server.models)).format(n=len(server.models))
        words = _("{name} on this machine, {address} ({models})")
        told = _("asks for a key") if server.needs_key else models
        found.append(
            (words.format(name=server.settings.name, address=server.settings.base_url, models=told), server)
        )
    return found


def letters() -> list[tuple[str, str]]:
    """The ways that are always there, by letter."""
    return [
        ("d", _("the offline demo: no key, no network, try it out")),
        ("o", _("OpenAI: paste a key")),
        ("a", _("Azure OpenAI: endpoint, deployment, key")),
        ("c", _("another service (DeepSeek, Qwen, ...), or any compatible address")),
        ("g", _("the GPT+ open platform: app_id and app_key")),
    ]


def explained(numbered: int) -> tuple[list[tuple[str, str]], list[str]]:
    """What each choice means, for somebody who sees the list for the first time: (key, text) pairs, and sentences.

    `numbered` is how many rows have a number.
    """
    numbers = "1" if numbered == 1 else f"1-{numbered}"
    found = [(numbers, _("found here just now: your settings, keys in the environment, servers on this machine"))]
    keyed = [
        *(found if numbered else ()),
        ("d", _("a small program that answers by rules: nothing is sent, nothing costs anything")),
        ("o", _("OpenAI's models, paid by use; a key is made at platform.openai.com")),
        ("a", _("OpenAI's models in your company's Azure; the portal shows endpoint, deployment and key")),
        ("c", _("a service by its name, such as deepseek; or a server's address, as Ollama and vLLM have one")),
        ("g", _("the platform open.ss.chat, with an app_id and its app_key")),
    ]
    return keyed, [
        _("A key is tried before it is kept, stays hidden, and is not written into the settings file."),
        _("/connect opens this list at any time, and looks for servers on this machine again."),
    ]


def builtin(name: str) -> ProviderSettings:
    """The ready-made provider `name`, which must exist."""
    entry = registry.builtin(name)
    assert entry is not None
    return entry

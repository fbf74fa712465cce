"""The built-in providers, made of the table of vendors, and `open_provider`, which creates one from settings."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from gptchat import vendors
from gptchat.config.endpoints import NetworkSettings, ProviderSettings
from gptchat.core.ports import Abilities
from gptchat.errors import ConfigurationError
from gptchat.providers.kinds import ABILITIES
from gptchat.values import dataclass
from gptchat.words import _, language

if TYPE_CHECKING:
    from gptchat.core.ports import Provider
    from gptchat.providers.faults.quirks import Learnt
    from gptchat.providers.keys import KeySource


_KINDS = {
    "openai": ("openai", "OpenAIProvider"),
    "azure": ("azure", "AzureProvider"),
    "compatible": ("compatible", "CompatibleProvider"),
    "gptplus": ("gptplus.provider", "GptPlusProvider"),
    "demo": ("demo.provider", "DemoProvider"),
}
"""Module and class of each kind, imported when a provider of the kind is opened."""


@dataclass(frozen=True, slots=True)
class ProviderSpec:
    """A built-in provider: a one-line summary for users, and its settings."""

    summary: str
    settings: ProviderSettings

    @property
    def name(self) -> str:
        """The name that `--provider` and `/provider` take."""
        return self.settings.name

    @property
    def kind(self) -> str:
        """The kind of the provider, a key of `_KINDS`."""
        return self.settings.kind


def _settings(vendor: vendors.Vendor) -> ProviderSettings:
    kind: Any = vendor.kind
    return ProviderSettings(
        vendor.name,
        kind,
        base_url=vendor.base_url,
        model=vendor.model,
        api_key_env=next(iter(vendor.keys), ""),
        key_optional=vendor.local or vendor.kind == "demo",
    )


def summary(vendor: vendors.Vendor) -> str:
    """What a ready-made provider is, in the current language."""
    return vendor.zh if language() == "zh" else vendor.en


def names() -> tuple[str, ...]:
    """The names of the built-in providers in display order."""
    return vendors.names()


def specs() -> tuple[ProviderSpec, ...]:
    """All built-in providers in display order, with summaries in the current language."""
    return tuple(ProviderSpec(summary(one), _settings(one)) for one in vendors.table().values())


def servers() -> list[str]:
    """The names of the built-in providers for OpenAI-compatible servers."""
    return [one.name for one in vendors.table().values() if one.kind == "compatible"]


@cache
def builtin(name: str) -> ProviderSettings | None:
    """The settings of the built-in provider `name`, or None if there is none."""
    vendor = vendors.get(name)
    return _settings(vendor) if vendor is not None else None


def open_provider(
    settings: ProviderSettings,
    network: NetworkSettings,
    key: KeySource = None,
    *,
    learnt: Learnt | None = None,
    api_for: Callable[[str], str] | None = None,
    user_agent: str = "",
) -> Provider:
    """Create the provider that `settings` describe, without connecting or looking for a key.

    `key` may block: it is called in a thread for the first request, and again after a key was refused.
    `learnt` remembers what servers refuse. `api_for` returns the wire API of a model if the settings do not
    name one. Raises ConfigurationError for an unknown kind.
    """
    found = _KINDS.get(settings.kind)
    if found is None:
        raise ConfigurationError(
            _("the provider {who} is of an unknown kind, {kind}").format(who=settings.name, kind=settings.kind),
            hint=_("kind is one of: {kinds}").format(kinds=_(", ").join(_KINDS)),
        )
    module, class_name = found
    kind: Callable[..., Provider] = getattr(import_module(f"gptchat.providers.{module}"), class_name)
    if settings.kind == "demo":
        return kind(settings)
    if settings.kind == "gptplus":
        return kind(settings, network, key)
    return kind(settings, network, key, learnt=learnt, api_for=api_for, user_agent=user_agent)


def abilities(settings: ProviderSettings) -> Abilities:
    """The abilities of the kind of provider that `settings` describe, known without opening it."""
    return ABILITIES.get(settings.kind, Abilities())


def modules(settings: ProviderSettings) -> tuple[str, ...]:
    """The modules that the first request to a provider needs, to be imported while the user types."""
    own = (f"gptchat.providers.{_KINDS[settings.kind][0]}",) if settings.kind in _KINDS else ()
    if not abilities(settings).network:
        return own
    slow = ("httpx2", "httpcore2", "anyio._backends._asyncio", "pydantic", "gptchat.providers.sdk.light")
    return (*slow, *own, "gptchat.providers.wire.chat")

"""What is known of a model: the settings first, then what its server listed, then the catalogue."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from gptchat import catalogue
from gptchat.config.endpoints import ProviderSettings
from gptchat.config.settings import Settings
from gptchat.core.ports import ModelFacts
from gptchat.errors import ConfigurationError
from gptchat.providers.registry import abilities
from gptchat.values import replace
from gptchat.words import _

_A_MONTH = timedelta(days=31)
"""So long before its end a model is warned of wherever it is used."""


def near_end(facts: ModelFacts) -> bool:
    """Whether a model was shut down, or will be within a month."""
    return facts.retired is not None and facts.retired <= (datetime.now(UTC) + _A_MONTH).date().isoformat()


def gone(facts: ModelFacts) -> bool:
    """Whether a model was shut down."""
    return facts.retired is not None and facts.retired <= datetime.now(UTC).date().isoformat()


def end_words(facts: ModelFacts) -> str:
    """What to tell of a model that was shut down, or will be, and which one to take instead."""
    words = _("{model} was shut down on {date}") if gone(facts) else _("{model} will be shut down on {date}")
    told = words.format(model=facts.name, date=facts.retired)
    return told + (_("; {name} takes its place").format(name=facts.successor) if facts.successor else "")


_TOLD = ("context", "max_input", "max_output", "input", "cached_input", "output", "vision", "retired", "successor")
"""What a server's list may tell."""


class KnownModels:
    """Facts of models under the settings in force, which may change at any time."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._listed: dict[tuple[str, str], ModelFacts] = {}

    def facts(self, model: str, provider: str = "") -> ModelFacts:
        """What is known of `model` at `provider` (empty: the one in force)."""
        settings = self._provider(provider)
        facts = _catalogued(model, settings) or ModelFacts(model, source="default")
        served = self._listed.get((settings.name if settings else "", model))
        if served is not None:
            told = {field: value for field in _TOLD if (value := getattr(served, field)) not in (None, "")}
            facts = replace(_own_prices(facts, told), **told, source="server")
        own = {key: value for key, value in self._settings.model_facts(model).given().items() if key != "encoding"}
        return replace(_own_prices(facts, own), **own, source="settings") if own else facts

    def take(self, provider: str, listed: Iterable[ModelFacts]) -> None:
        """Remember what the server of `provider` listed."""
        for facts in listed:
            self._listed[provider, facts.name] = facts

    def listed(self, provider: str) -> list[str]:
        """The names that the server of `provider` has listed so far."""
        return [model for known, model in self._listed if known == provider]

    def settings_window(self, provider: str, model: str) -> int | None:
        """The window in tokens that `[models."NAME"]` gives."""
        return self._settings.model_facts(model).context

    def server_window(self, provider: str, model: str) -> int | None:
        """The window in tokens from the provider's model list, if the list was requested."""
        served = self._listed.get((provider, model))
        return served.context if served else None

    def catalogue_window(self, provider: str, model: str) -> int | None:
        """The window in tokens that the catalogue gives."""
        facts = _catalogued(model, self._provider(provider))
        return facts.context if facts else None

    def encoding(self, provider: str, model: str) -> str:
        """tiktoken's encoding that the settings name for `model`, else for all models of `provider`; or empty."""
        settings = self._provider(provider)
        return self._settings.model_facts(model).encoding or (settings.encoding if settings else "")

    def api_for(self, provider: ProviderSettings) -> Callable[[str], str]:
        """A function that returns a model's wire API: from the settings, else the catalogue (OpenAI only)."""

        def api(model: str) -> str:
            if own := self._settings.model_facts(model).api:
                return own
            known = _catalogued(model, provider) if abilities(provider).catalogued else None
            return known.api if known else "chat"

        return api

    def provider_name(self, name: str = "") -> str:
        """The name of the provider in force, or `name`; empty if the settings do not define it."""
        settings = self._provider(name)
        return settings.name if settings else ""

    def _provider(self, name: str) -> ProviderSettings | None:
        try:
            return self._settings.provider(name)
        except ConfigurationError:
            return None


def _own_prices(facts: ModelFacts, told: Mapping[str, Any]) -> ModelFacts:
    """`facts` without prices by hour and size, if `told` has prices, which are then the whole truth."""
    return replace(facts, rates=()) if told.keys() & {"input", "output"} else facts


def _catalogued(model: str, settings: ProviderSettings | None) -> ModelFacts | None:
    """Look up the catalogue, which identifies a provider by its address or, without one, by its kind."""
    return catalogue.facts(model, (settings.base_url or settings.kind) if settings else "")

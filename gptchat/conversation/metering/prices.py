"""What a request costs: at which provider, of which model, and whether that is known at all."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gptchat import catalogue
from gptchat.errors import ConfigurationError
from gptchat.providers.registry import abilities
from gptchat.values import replace

if TYPE_CHECKING:
    from gptchat.config.settings import Settings
    from gptchat.conversation.known_models import KnownModels
    from gptchat.conversation.provider_keys import ProviderKeys
    from gptchat.core.messages import Usage
    from gptchat.core.ports import ModelFacts

_EMBEDDINGS = {"text-embedding-3-small": 0.02, "text-embedding-3-large": 0.13, "text-embedding-ada-002": 0.10}
"""US$ per million tokens of OpenAI's models for embeddings, which the catalogue of chat models does not have.

Written from memory of https://platform.openai.com/docs/models, and not checked; `[models."NAME"] input` goes
before them."""


class Prices:
    """Prices of models under the settings and keys in force."""

    def __init__(self, settings: Settings, models: KnownModels, keys: ProviderKeys) -> None:
        self._settings = settings
        self._models = models
        self._keys = keys

    def cost(self, provider: str, model: str, usage: Usage, moment: datetime | None = None) -> float | None:
        """US$ of `usage` at `moment` (default: now); 0 for what is free, None where no price is known."""
        facts = self._facts(provider, model)
        found = catalogue.price(facts, usage, moment or datetime.now(UTC))
        return 0.0 if found is None and self.known(provider, model) else found

    def known(self, provider: str, model: str) -> bool:
        """Whether the price of a model is known, nothing being the price where no key is sent."""
        facts = self._facts(provider, model)
        return facts.input is not None or facts.output is not None or self._costs_nothing(provider, model)

    def free(self, provider: str, model: str) -> bool:
        """Whether a request to a model is known to cost nothing."""
        facts = self._facts(provider, model)
        if facts.input is None and facts.output is None:
            return self._costs_nothing(provider, model)
        return not facts.input and not facts.output

    def _facts(self, provider: str, model: str) -> ModelFacts:
        facts = self._models.facts(model, provider)
        if (
            facts.input is None
            and model in _EMBEDDINGS
            and abilities(self._settings.provider(provider)).catalogued
        ):
            return replace(facts, input=_EMBEDDINGS[model])
        return facts

    def _costs_nothing(self, provider: str, model: str) -> bool:
        if model.endswith(":free"):
            return True
        try:
            entry = self._settings.provider(provider)
        except ConfigurationError:
            return False
        return not abilities(entry).network or self._keys.unused(entry)

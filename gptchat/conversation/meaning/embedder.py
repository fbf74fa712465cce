"""Vectors from a provider: in batches, heeding its limits, with the cost noted and the budget kept."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

from gptchat import catalogue
from gptchat.core.messages import Embedded, Usage
from gptchat.core.ports import counted_as
from gptchat.core.records import aside_record
from gptchat.errors import (
    BadRequestError,
    ConfigurationError,
    ContextLengthError,
    NotFoundError,
    ProviderError,
    QuotaError,
)
from gptchat.providers.registry import abilities
from gptchat.storage.vectors.cutting import columns
from gptchat.values import replace
from gptchat.words import _, money

if TYPE_CHECKING:
    from gptchat.config.settings import Settings
    from gptchat.conversation.budget import Budget
    from gptchat.conversation.routing import Routing
    from gptchat.core.ports import ModelFacts

_T = TypeVar("_T")

MOST = 64
"""Texts of one request; where a server takes fewer, that is found out. OpenAI takes 2,048, DashScope 10."""
_LONGEST = 60_000
"""Columns of all texts of one request; OpenAI takes 300,000 tokens."""
_AGAIN = frozenset({"rate_limit", "timeout", "connection", "server"})
"""Kinds of failures after which a request is sent again."""
_PAUSE, _LONGEST_PAUSE = 1.0, 60.0  # seconds before it is sent again, where the server names none
_HALVINGS = 6  # how often a text is cut in half that is too long for the model

PRICES = {"text-embedding-3-small": 0.02, "text-embedding-3-large": 0.13, "text-embedding-ada-002": 0.10}
"""US$ per million tokens of OpenAI's models for embeddings, which the catalogue does not have.

Source: their pages at https://platform.openai.com/docs/models; `[models."NAME"] input` goes before them."""


class ServerEmbedder:
    """An `Embedder` at the provider `provider`. `attempts` is how often a request is sent that fails for now.

    `told` is called with the seconds before a request is sent again. What may have cost something is noted as
    other requests outside a turn are. Raises ConfigurationError if the provider has no embeddings.
    """

    def __init__(
        self,
        settings: Settings,
        routing: Routing,
        budget: Budget,
        provider: str,
        model: str,
        *,
        attempts: int = 8,
        told: Callable[[float], None] = lambda _seconds: None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._settings = settings
        self._routing = routing
        self._budget = budget
        self._entry = routing.provider_settings(provider)
        self.provider = self._entry.name
        self.name = model
        self._attempts = attempts
        self._told = told
        self._sleep = sleep
        self.most = MOST
        self.usage = Usage()
        """What all requests took together."""
        if routing.provider(self.provider).abilities.embed is None:
            raise ConfigurationError(
                _("{name} has no embeddings: no model of it turns texts into vectors").format(name=self.provider),
                hint=_("name a server and a model that do: /set search.embeddings PROVIDER:MODEL"),
            )

    @property
    def model(self) -> str:
        """The name by which its vectors are kept."""
        return counted_as(self.provider, self.name)

    @property
    def free(self) -> bool:
        """Whether its vectors cost nothing, as those of a server without a key do."""
        return self._routing.keyless(self.provider) or self._facts().input == 0

    def cost(self, tokens: int) -> float | None:
        """US$ for so many tokens; None if no price is known."""
        return self._price(Usage(tokens, 0, tokens))

    @property
    def spent(self) -> float | None:
        """US$ for all requests together; None if no price is known."""
        return self._price(self.usage)

    async def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """A vector for each of `texts`, of any number and length: of one too long for the model, its beginning's.

        Raises QuotaError once the day's budget is spent, else what the provider raises.
        """
        vectors: list[Sequence[float]] = []
        while len(vectors) < len(texts):
            vectors += await self.first(texts[len(vectors) :])
        return vectors

    def _batch(self, texts: Sequence[str]) -> Sequence[str]:
        """The first of `texts` that go in one request."""
        total = count = 0
        for text in texts[: self.most]:
            total += columns(text)
            if count and total > _LONGEST:
                break
            count += 1
        return texts[:count]

    async def first(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """Vectors for the first of `texts`, as many as the server takes in one request. Raises as `embed` does."""
        halvings = 0
        sent = [text if text.strip() else "." for text in self._batch(texts)]  # servers refuse what is empty
        while True:
            try:
                return await self._once(sent)
            except (ContextLengthError, BadRequestError) as error:
                if len(sent) > 1:
                    self.most = max(len(sent) // 2, 1)
                    sent = sent[: self.most]
                elif halvings < _HALVINGS and len(sent[0]) > 1 and isinstance(error, ContextLengthError):
                    halvings += 1
                    sent = [sent[0][: len(sent[0]) // 2]]
                else:
                    raise

    async def _once(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """Send one request, again where that may help."""
        for attempt in range(1, self._attempts + 1):
            await self._check_budget()
            embed = self._routing.provider(self.provider).abilities.embed
            assert embed is not None
            try:
                found = await embed(texts, self.name)
            except NotFoundError as error:
                error.hint = _(
                    "check the model's name in search.embeddings; a server such as llama.cpp must be started with "
                    "--embeddings"
                )
                raise
            except ProviderError as error:
                if attempt == self._attempts or error.kind not in _AGAIN:
                    raise
                asked = error.retry_after
                pause = min(_PAUSE * 2.0 ** (attempt - 1), _LONGEST_PAUSE) if asked is None else asked
                if pause > self._settings.network.max_retry_wait:
                    raise
                self._told(pause)
                await self._sleep(pause)
                continue
            self._note(found, texts)
            return found.vectors
        raise AssertionError("the last attempt returns")

    async def _check_budget(self) -> None:
        if self.free:
            return
        left = await self._budget.left()
        if left is None:
            return
        if left <= 0:
            raise QuotaError(
                _("today's budget is spent: {daily}").format(daily=money(self._settings.budget.daily)),
                hint=_("/set budget.daily raises it"),
            )
        if self.cost(1) is None and self._settings.budget.unknown == "stop":
            raise QuotaError(
                _("no price is known for {model}: the day's budget cannot count it").format(model=self.name),
                hint=_('write its prices into [models."{model}"], or allow it: -o budget.unknown=allow').format(
                    model=self.name
                ),
            )

    def _note(self, found: Embedded, texts: Sequence[str]) -> None:
        usage = found.usage
        if usage is None:
            tokens = sum(columns(text) // 4 + 1 for text in texts)
            usage = Usage(tokens, 0, tokens, estimated=True)
        self.usage = self.usage.plus(usage)
        if self.free:
            return
        self._routing.pay(aside_record(self.provider, self.name, usage, self._price(usage)))

    def _price(self, usage: Usage) -> float | None:
        return 0.0 if self.free else catalogue.price(self._facts(), usage, datetime.now(UTC))

    def _facts(self) -> ModelFacts:
        facts = self._routing.facts(self.name, self.provider)
        known = PRICES.get(self.name)
        if facts.input is None and known is not None and abilities(self._entry).catalogued:
            return replace(facts, input=known)
        return facts


def chosen(settings: Settings, named: str = "") -> tuple[str, str]:
    """Provider and model that `named` (empty: the setting `search.embeddings`) means. Raises ConfigurationError.

    Without a colon it is a model of the provider that answers. The name of a model may have a colon of its own.
    """
    text = (named or settings.search.embeddings).strip()
    if not text:
        raise ConfigurationError(
            _("no model for embeddings is set: it turns texts into vectors, by which meaning is compared"),
            hint=_(
                "/set search.embeddings PROVIDER:MODEL, such as openai:text-embedding-3-small, or one of your own "
                "server, such as ollama:nomic-embed-text"
            ),
        )
    provider, colon, model = text.partition(":")
    if not colon:
        return settings.provider().name, text
    if not provider or not model.strip():
        raise ConfigurationError(
            _("{value} does not name a provider and a model").format(value=text),
            hint=_("PROVIDER:MODEL, such as openai:text-embedding-3-small"),
        )
    return settings.provider(provider.strip()).name, model.strip()

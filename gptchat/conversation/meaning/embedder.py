"""Vectors from a provider: in batches, heeding its limits, with the cost noted and the budget kept."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from gptchat.core.messages import Usage
from gptchat.core.ports import counted_as
from gptchat.errors import (
    BadRequestError,
    ConfigurationError,
    ContextLengthError,
    NotFoundError,
    ProviderError,
    QuotaError,
)
from gptchat.storage.vectors.cutting import columns
from gptchat.words import _, money

if TYPE_CHECKING:
    from gptchat.config.settings import Settings
    from gptchat.conversation.budget import Budget
    from gptchat.conversation.routing import Routing

_T = TypeVar("_T")

MOST = 64
"""Texts of one request; where a server takes fewer, that is found out. OpenAI takes 2,048, DashScope 10."""
_LONGEST = 60_000
"""Columns of all texts of one request; OpenAI takes 300,000 tokens."""
_AGAIN = frozenset({"rate_limit", "timeout", "connection", "server"})
"""Kinds of failures after which a request is sent again."""
_PAUSE, _LONGEST_PAUSE = 1.0, 60.0  # seconds before it is sent again, where the server names none
_HALVINGS = 6  # how often a text is cut in half that is too long for the model


class ServerEmbedder:
    """An `Embedder` at the provider `provider`. `attempts` is how often a request is sent that fails for now.

    `told` is called with the seconds before a request is sent again. The provider's meter
    keeps the budget and books what is spent. Raises ConfigurationError if the provider has no embeddings.
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
        return self._routing.prices.free(self.provider, self.name)

    def cost(self, tokens: int) -> float | None:
        """US$ for so many tokens; None if no price is known."""
        return self._routing.prices.cost(self.provider, self.name, Usage(tokens, 0, tokens))

    @property
    def spent(self) -> float | None:
        """US$ for all requests together; None if no price is known."""
        return self._routing.prices.cost(self.provider, self.name, self.usage)

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
            if not self.free and await self._budget.left() == 0:
                raise QuotaError(
                    _("today's budget is spent: {daily}").format(daily=money(self._settings.budget.daily)),
                    hint=_("/set budget.daily raises it"),
                )
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
            self.usage = self.usage.plus(found.usage or Usage())
            return found.vectors
        raise AssertionError("the last attempt returns")


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

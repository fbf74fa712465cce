"""The meter on every provider: each request is let through by the budget, and booked when it has ended."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from gptchat.core.events import (
    MediaReceived,
    ReasoningDelta,
    Retrying,
    TextDelta,
    ToolCall,
    UsageReported,
)
from gptchat.core.messages import Usage, estimated
from gptchat.core.ports import counted_as
from gptchat.errors import GptchatError, ProtocolError, ProviderError, RequestTimeoutError
from gptchat.storage.accounts.book import Entry, moment
from gptchat.values import replace

if TYPE_CHECKING:
    from gptchat.conversation.budget import Budget
    from gptchat.conversation.metering.prices import Prices
    from gptchat.conversation.provider_keys import ProviderKeys
    from gptchat.core.events import ProviderEvent
    from gptchat.core.messages import Embedded, Request
    from gptchat.core.ports import Abilities, ModelFacts, Provider, Verdict
    from gptchat.storage.accounts.book import Book
    from gptchat.tokens.counter import Counter

MODERATION = "omni-moderation-latest"
"""The model of checks, which the server chooses; its price may stand in `[models."omni-moderation-latest"]`."""
_CUT = (ProtocolError, RequestTimeoutError)
"""Failures of a request that the server may have worked on: the prompt may be charged."""


class CostMeter:
    """Books the requests of whoever is chatting. `budget` is asked for when the first request is sent."""

    def __init__(
        self,
        keys: ProviderKeys,
        book: Book,
        prices: Prices,
        counter: Counter,
        budget: Callable[[], Budget],
    ) -> None:
        self._keys = keys
        self._book = book
        self._prices = prices
        self._counter = counter
        self._budget = budget

    async def let_through(self, provider: str, model: str) -> None:
        """Raise QuotaError if the budget does not allow a request."""
        await self._budget().require(provider, model)

    def book(self, provider: str, model: str, usage: Usage, ref: str = "") -> None:
        """Book a request that has ended."""
        cost = self._prices.cost(provider, model, usage)
        self._book.add(self._keys.user, Entry(moment(), ref or os.urandom(8).hex(), provider, model, usage, cost))

    def book_text(self, provider: str, model: str, text: str) -> None:
        """Book a request whose prompt is `text` and whose reply costs nothing, by our own count. Blocks."""
        self.book(provider, model, self.counted(provider, model, [text]))

    def counted(self, provider: str, model: str, texts: Sequence[str]) -> Usage:
        """Our own count of `texts` as a prompt. Blocks."""
        name = counted_as(provider, model)
        return estimated(sum(self._counter.count(text, name) for text in texts), 0)

    def estimate(self, provider: str, request: Request, text: str = "") -> Usage:
        """Our own count of `request` and of the text of its reply."""
        name = counted_as(provider, request.model)
        prompt = request.tokens or self._counter.count("\n\n".join(texts_of(request.messages)), name)
        reply = self._counter.count(text, name) if text else 0
        return estimated(prompt, reply)


class Metered:
    """A provider whose requests are let through and booked by a `CostMeter`; otherwise as the provider itself."""

    def __init__(self, provider: Provider, meter: CostMeter) -> None:
        self._provider = provider
        self._meter = meter

    @property
    def name(self) -> str:
        """The name of the provider in the settings."""
        return self._provider.name

    @property
    def abilities(self) -> Abilities:
        """Those of the provider; checks and embeddings are booked, too."""
        found = self._provider.abilities
        if found.moderate is not None:
            found = replace(found, moderate=self._moderate)
        return found if found.embed is None else replace(found, embed=self._embed)

    async def models(self) -> Sequence[ModelFacts]:
        """The models that the server lists, which costs nothing. Raises GptchatError."""
        return await self._provider.models()

    async def close(self) -> None:
        """Close all connections."""
        await self._provider.close()

    async def stream(self, request: Request) -> AsyncGenerator[ProviderEvent, None]:
        """The events of the provider. Raises QuotaError where the budget ends it, and what the provider raises.

        A request is booked when it ends, however it ends: with the usage that the server told, else with our own
        count. One that the server refused, or that never reached it, costs nothing and is not booked.
        """
        meter, name = self._meter, self.name
        await meter.let_through(name, request.model)
        usage: Usage | None = None
        text: list[str] = []
        answered = False
        failure: GptchatError | None = None
        try:
            async with aclosing(self._provider.stream(request)) as events:  # type: ignore[type-var]  # a generator
                async for event in events:
                    match event:
                        case TextDelta(piece, choice):
                            answered = True
                            if choice == 0:
                                text.append(piece)
                        case ReasoningDelta() | ToolCall() | MediaReceived():
                            answered = True
                        case UsageReported(told):
                            usage = told
                        case Retrying(error=error) if may_have_cost(error):
                            meter.book(name, request.model, await self._estimated(request))
                        case _:
                            pass
                    yield event
        except GptchatError as error:
            failure = error
            raise
        finally:
            if usage is None and (answered or failure is None or may_have_cost(failure)):
                usage = meter.estimate(name, request, "".join(text))
            if usage is not None:
                meter.book(name, request.model, usage, request.ref)

    async def _estimated(self, request: Request) -> Usage:
        return await asyncio.to_thread(self._meter.estimate, self.name, request)

    async def _moderate(self, text: str) -> Verdict:
        """The provider's verdict on `text`. Raises what the provider raises, and QuotaError."""
        moderate = self._provider.abilities.moderate
        assert moderate is not None  # `abilities` says so
        free = self._provider.abilities.moderates_freely
        if not free:
            await self._meter.let_through(self.name, MODERATION)
        verdict = await moderate(text)
        if not free:
            await asyncio.to_thread(self._meter.book_text, self.name, MODERATION, text)
        return verdict

    async def _embed(self, texts: Sequence[str], model: str) -> Embedded:
        """The provider's vectors for `texts`. Raises what the provider raises, and QuotaError."""
        embed = self._provider.abilities.embed
        assert embed is not None  # `abilities` says so
        await self._meter.let_through(self.name, model)
        found = await embed(texts, model)
        usage = found.usage
        if usage is None:
            usage = await asyncio.to_thread(self._meter.counted, self.name, model, texts)
        await asyncio.to_thread(self._meter.book, self.name, model, usage)
        return replace(found, usage=usage)


def may_have_cost(error: GptchatError) -> bool:
    """Whether a request that ended with `error` may be charged: it was sent, and no refusal came back."""
    if not isinstance(error, ProviderError) or error.status is not None:
        return False
    return error.path.sent if error.path is not None else isinstance(error, _CUT)


def texts_of(messages: Sequence[Mapping[str, Any]]) -> list[str]:
    """The texts in messages of the chat API."""
    found: list[str] = []
    for message in messages:
        content = message.get("content")
        parts = content if isinstance(content, list | tuple) else [{"text": content}]
        found += (str(part["text"]) for part in parts if isinstance(part, Mapping) and part.get("text"))
    return found

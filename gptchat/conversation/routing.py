"""Routing: the effective provider and model, and the routes that a turn may take."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gptchat import catalogue
from gptchat.config.endpoints import ProviderSettings
from gptchat.config.settings import Settings
from gptchat.conversation.known_models import KnownModels
from gptchat.conversation.metering.meter import CostMeter, Metered
from gptchat.conversation.metering.prices import Prices
from gptchat.conversation.provider_keys import ProviderKeys
from gptchat.conversation.routes.limits import RouteLimits
from gptchat.core.messages import Record, Usage
from gptchat.core.ports import ModelFacts, Provider, counted_as
from gptchat.core.typed.template import Template, uses
from gptchat.errors import ConfigurationError, GptchatError, NotFoundError, ProtocolError
from gptchat.manager import Route
from gptchat.manager.variables import automatic, missing_values
from gptchat.providers.registry import abilities
from gptchat.waiting import leavable
from gptchat.words import _

if TYPE_CHECKING:
    from gptchat.conversation.budget import Budget
    from gptchat.storage.accounts.book import Book
    from gptchat.tokens.counter import Counter
    from gptchat.tokens.windows import Windows

Opener = Callable[[ProviderSettings], Provider]

_PATIENCE = 5.0
"""Seconds that a message waits for the server to tell its window."""

_FEW = 500
"""Models whose facts are looked up faster than a key is missed."""


class Routing:
    """Resolves the effective settings to a provider, a model and its limits on each call.

    `opener` opens a provider; its requests are booked in `book` and allowed by `budget`. `paid` takes the record
    of a request that is no turn of the session. `stream` says whether replies are asked for piece by piece,
    `alone` whether a session is likely to have one turn only.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        models: KnownModels,
        windows: Windows,
        counter: Counter,
        keys: ProviderKeys,
        opener: Opener,
        book: Book,
        budget: Callable[[], Budget],
        paid: Callable[[Record], object],
        stream: bool,
        alone: bool = False,
    ) -> None:
        self._settings = settings
        self._models = models
        self._windows = windows
        self.counter = counter
        self._keys = keys
        self._opener = opener
        self.prices = Prices(settings, models, keys)
        self._meter = CostMeter(keys, book, self.prices, counter, budget)
        self._paid = paid
        self._stream = stream
        self._alone = alone
        self._limits = RouteLimits(settings, windows, counter)
        self._looked: set[tuple[str, str]] = set()
        """Providers and models whose servers were asked for a window."""
        self._open: dict[str, tuple[object, Provider]] = {}
        self._opening = threading.RLock()
        """Turns run on the event loop and plans in threads; only one of them may open a provider."""
        self._gone: list[Provider] = []

    # The provider

    def provider_settings(self, name: str = "") -> ProviderSettings:
        """The settings of the current provider, or of `name`. Raises ConfigurationError if there is none."""
        return self._settings.provider(name)

    def provider(self, name: str = "") -> Provider:
        """The current provider, or `name`. It stays open until its settings, the keys or the user change."""
        settings = self.provider_settings(name)
        now = (settings, self._settings.network, self._keys.state)
        with self._opening:
            known = self._open.get(settings.name)
            if known is None or known[0] != now:
                if known is not None:
                    self._gone.append(known[1])
                self._open[settings.name] = known = (now, Metered(self._opener(settings), self._meter))
            return known[1]

    def open_unsettled(self, settings: ProviderSettings) -> Provider:
        """Open a provider that is not in the settings yet; the caller closes it."""
        return self._opener(settings)

    def require_address(self, settings: ProviderSettings) -> None:
        """Raise ConfigurationError if a provider lacks the address that it needs."""
        if abilities(settings).wants_address:
            address = self.open_unsettled(settings).abilities.address
            assert address is not None  # a provider that is given its address can tell it
            address()

    async def tried(self, settings: ProviderSettings) -> list[str]:
        """The models that a provider lists, once it is known to answer and to take its key.

        Empty if it has no list. Costs nothing. Raises GptchatError if a message to it would fail.
        """
        from gptchat.providers.trying import attempt

        if not abilities(settings).network:
            return []
        provider = self.open_unsettled(settings)
        try:
            return await attempt(provider, settings.default_model)
        finally:
            await provider.close()

    async def close(self) -> None:
        """Close every connection."""
        with self._opening:
            self._gone += [provider for _state, provider in self._open.values()]
            self._open.clear()
        while self._gone:
            await self._gone.pop().close()

    # The model

    def model(self, name: str = "") -> str:
        """The current model, or that of the provider `name`."""
        settings = self.provider_settings(name)
        if not name or name == self.provider_settings().name:
            chosen = self._settings.model()
        else:
            chosen = settings.default_model
        if not chosen and abilities(settings).may_serve_one and len(listed := self.names_listed(name)) == 1:
            return listed[0]  # a server with a single model leaves nothing to choose
        return chosen

    def counted_as(self) -> str:
        """The name by which the token counter knows the current model."""
        return counted_as(self.provider_settings().name, self.model())

    def facts(self, model: str, provider: str = "") -> ModelFacts:
        """Facts about `model`: from the settings, else the server, else the catalogue."""
        return self._models.facts(model, provider)

    def window(self, model: str, provider: str = "") -> tuple[int, str]:
        """The window of `model` in tokens, and who says so (`Windows`' sources)."""
        found = self._windows.window(self._models.provider_name(provider), model)
        return found.tokens, found.source

    async def listed(self, provider: str = "") -> Sequence[ModelFacts]:
        """The provider's models joined with the catalogue. Raises GptchatError."""
        name = self.provider_settings(provider).name
        served = await self.provider(provider).models()
        self._models.take(name, served)
        if len(served) <= _FEW:
            return [self.facts(facts.name, provider) for facts in served]
        return await leavable(lambda: [self.facts(facts.name, provider) for facts in served])

    async def look_for_model(self) -> None:
        """If no model is chosen, ask the server whether it has exactly one. Raises GptchatError."""
        if self.model() or not abilities(self.provider_settings()).may_serve_one:
            return
        try:
            await self.listed()
        except (NotFoundError, ProtocolError):
            return  # some servers do not list models; the user must name one

    async def look_for_window(self, route: Route) -> bool:
        """Ask the server for the window of `route`'s model if it is only a guess. Whether it is known now.

        To be asked where the guess would leave something out; once for a model. Raises no GptchatError.
        """
        name, model = route.provider.name, route.model
        if not route.limits.guessed or (name, model) in self._looked or not route.provider.abilities.lists_freely:
            return False
        self._looked.add((name, model))
        with suppress(GptchatError, TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                await self.listed(name)
        return self._windows.window(name, model).source != "default"

    def names_listed(self, provider: str = "") -> list[str]:
        """The models listed so far; sends no request."""
        return self._models.listed(self.provider_settings(provider).name)

    def named(self, name: str) -> tuple[str, str]:
        """The model and the provider (empty: the current one) that `name` means: `MODEL`, or `PROVIDER:MODEL`.

        `PROVIDER:` is its own model. Some names of models have a colon too, so the provider must be a known one.
        """
        provider, colon, model = name.partition(":")
        return (model, provider) if colon and provider in self._settings.provider_names() else (name, "")

    def known(self, name: str) -> bool:
        """Whether `name` is a listed model, one of the settings or the catalogue, or has a provider before it."""
        model, provider = self.named(name)
        return bool(provider) or model in self.names_listed() or self.facts(model).source != "default"

    # The route of a turn

    def route(self, model: str = "", provider: str = "") -> Route:
        """The current route. Raises ConfigurationError if no provider or model is chosen."""
        settings = self._settings
        entry = self.provider_settings(provider)
        model = model or self.model(provider)
        if not model:
            if abilities(entry).wants_address and (address := self.provider(entry.name).abilities.address):
                address()  # a missing address is the first thing to see to
            raise ConfigurationError(
                _("no model is chosen for {name}").format(name=entry.name),
                hint=_("/models lists them, /model NAME chooses one"),
            )
        facts = self.facts(model, entry.name)
        parameters = settings.parameters()
        prompt = self._template()
        return Route(
            provider=self.provider(entry.name),
            model=model,
            limits=self._limits.of(entry.name, model, facts),
            system=prompt.shown if prompt else settings.chat.system,
            template=prompt,
            parameters=parameters,
            stream=self._stream,
            price=lambda usage: catalogue.price(facts, usage, datetime.now(UTC)),
            learn_limit=lambda error: self._limits.learn(entry.name, model, facts, error),
            taken=lambda tokens: self._windows.taken(entry.name, model, tokens),
            alone=self._alone,
            pictures=facts.vision is not False,
        )

    def routes(self, model: str = "") -> list[Route]:
        """The current route, or that of `model` (see `named`), followed by those of the usable fallback providers.

        Raises UsageError where a variable of the preset in force has no value.
        """
        routes = [self.route(*self.named(model))]
        if missing := self.unfilled():
            raise missing_values(self._settings.template(), missing)
        for name in self._settings.chat.fallback:
            if any(name == route.provider.name for route in routes):
                continue
            try:
                routes.append(self.fallback(name, routes[0].model))
            except ConfigurationError:  # an unusable fallback must not prevent the first attempt
                continue
        return routes

    def fallback(self, name: str, model: str = "") -> Route:
        """The route to the fallback provider `name`, with its own model or else the current one.

        Raises ConfigurationError if it cannot be used.
        """
        return self.route(self.model(name) or model or self.model(), name)

    def unfilled(self) -> list[str]:
        """The variables without a value of the preset that gives the system prompt in force."""
        prompt = self._template()
        return prompt.missing if prompt is not None else []

    def reads_input(self) -> bool:
        """Whether standard input stands in the system prompt, as `{input}` of a preset."""
        return bool(self._settings.template()) and uses(self._settings.chat.system, "input")

    def _template(self) -> Template | None:
        """The preset's text that is the system prompt in force, if it has variables, with their values."""
        settings = self._settings
        if not settings.template():
            return None
        return Template(settings.chat.system, settings.variables(), automatic(self._keys.user))

    def counted(self, route: Route) -> str:
        """The name of a route's model at its provider, as the token counter knows it."""
        return counted_as(route.provider.name, route.model)

    def priced(self, route: Route) -> bool:
        """Whether the price of a route is known, nothing being the price where no key is sent."""
        return self.prices.known(route.provider.name, route.model)

    def free(self, route: Route) -> bool:
        """Whether a request on a route is known to cost nothing."""
        return self.prices.free(route.provider.name, route.model)

    def pay(self, record: Record) -> None:
        """Note a request that is no turn of the session, from `aside_record`: what it cost counts."""
        self._paid(record)

    def prompt_cost(self, model: str, tokens: int) -> float | None:
        """The cost of sending `tokens` in US$, or None if no price is known."""
        usage = Usage(prompt_tokens=tokens, total_tokens=tokens)
        return catalogue.price(self.facts(model), usage, datetime.now(UTC))

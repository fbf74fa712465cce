"""The day's budget, kept up to date, and what else a person should know before a request is sent."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from gptchat.conversation import spending
from gptchat.conversation.events import Decision, Exchange, NotSent, Told
from gptchat.conversation.known_models import end_words, near_end
from gptchat.conversation.routing import Routing
from gptchat.core.messages import Message
from gptchat.errors import QuotaError
from gptchat.manager import Route
from gptchat.words import _, money

if TYPE_CHECKING:
    from gptchat.config.settings import Settings


class Budget:
    """Watches `budget.daily`. Reads the journals in a thread, once per day and user, then adds each turn."""

    def __init__(self, settings: Settings, account: spending.Account) -> None:
        self._settings = settings
        self._account = account
        self._reading: asyncio.Task[float] | None = None
        self._of: tuple[str, str] = ("", "")
        self._since = 0.0
        self._told: tuple[str, str] = ("", "")

    def begin(self) -> None:
        """Start reading today's spending if a budget is set, so that the first turn does not wait for it."""
        now = (self._account.user, spending.midnight())
        if self._settings.budget.daily and (self._reading is None or self._of != now):
            self._of, self._since = now, 0.0
            self._reading = asyncio.create_task(asyncio.to_thread(self._account.today))

    async def check(self, more: float = 0.0) -> str:
        """Return a sentence, once a day, when the budget is spent; otherwise an empty string.

        `more` is what was spent, in US$, and is not added yet.

        Raises QuotaError where `budget.stop` wants it to end there.
        """
        settings = self._settings
        daily = settings.budget.daily
        if not daily:
            self._reading = None  # without a budget nothing is tracked; the next one starts with a fresh read
            return ""
        self.begin()
        assert self._reading is not None
        spent = await self._reading + self._since + more
        if spent < daily:
            return ""
        words = _("today's budget is spent: {spent} of {daily}").format(spent=money(spent), daily=money(daily))
        if settings.budget.stop == "stop":
            raise QuotaError(
                words, hint=_("/set budget.daily raises it, /set budget.stop warn goes on with a warning")
            )
        if self._told == self._of:
            return ""
        self._told = self._of
        return words

    async def left(self) -> float | None:
        """US$ that may still be spent today; None without a budget."""
        daily = self._settings.budget.daily
        if not daily:
            return None
        self.begin()
        assert self._reading is not None
        return max(daily - await self._reading - self._since, 0.0)

    def add(self, message: Message | None, cost: float | None = None) -> None:
        """Add the cost of a turn: `cost` in US$; if None, the cost recorded in `message`."""
        if self._reading is not None and message is not None:
            self._since += (spending.cost_of(message) if cost is None else cost) or 0.0


class Forewarnings:
    """Looks at the routes of a turn before it begins; each model is warned of once in a run."""

    def __init__(self, settings: Settings, routing: Routing, budget: Budget, *, unattended: bool) -> None:
        self._settings = settings
        self._routing = routing
        self._budget = budget
        self._unattended = unattended
        self._ending: set[str] = set()
        self._accepted: set[str] = set()

    async def check(self, routes: Sequence[Route]) -> Exchange:
        """Yield what is to be told and decided; NotSent last if nothing may be sent.

        Raises QuotaError where the budget, or an unknown price within it, ends the matter.
        """
        facts = self._routing.facts(routes[0].model, routes[0].provider.name)
        if near_end(facts) and routes[0].model not in self._ending:
            self._ending.add(routes[0].model)
            yield Told(end_words(facts), "notice")
        if spent := await self._budget.check():
            yield Told(spent, "notice")
        unpriced = self._unpriced(routes)
        if not unpriced:
            return
        names = _(", ").join(dict.fromkeys(route.model for route in unpriced))
        words = _("no price is known for {model}: the day's budget cannot count it").format(model=names)
        budget = self._settings.budget
        if budget.unknown == "stop" or (self._unattended and budget.stop == "stop"):
            raise QuotaError(
                words,
                hint=_('write its prices into [models."{model}"], or allow it: -o budget.unknown=allow').format(
                    model=unpriced[0].model
                ),
            )
        if self._unattended:
            yield Told(words, "notice")
            return
        question = _("{reason}; send it all the same?").format(reason=words)
        decision = Decision("unknown_price", question, (("y", _("yes")), ("n", _("no"))), "n", answer="n")
        yield decision
        if decision.answer != "y":
            yield NotSent()
            return
        self._accepted.update(self._routing.counted(route) for route in unpriced)

    def _unpriced(self, routes: Sequence[Route]) -> list[Route]:
        """The routes whose price is unknown and that nobody has allowed yet; none without a budget."""
        budget = self._settings.budget
        if not budget.daily or budget.unknown == "allow":
            return []
        return [
            route
            for route in routes
            if self._routing.counted(route) not in self._accepted and not self._routing.priced(route)
        ]

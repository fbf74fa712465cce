"""The day's budget: whether it is spent, and which requests it allows."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from gptchat import notices
from gptchat.conversation import spending
from gptchat.errors import QuotaError
from gptchat.manager import Route
from gptchat.words import _, money

if TYPE_CHECKING:
    from gptchat.config.settings import Settings
    from gptchat.conversation.metering.prices import Prices


class Budget:
    """Watches `budget.daily`, which holds for all that one person asks for, in however many programs.

    The journals are read in a thread, once per day and user, for what the account book lacks; what was added to
    the book, by whichever program, is read before each request.
    """

    def __init__(
        self, settings: Settings, account: spending.Account, prices: Prices, *, unattended: bool = False
    ) -> None:
        self._settings = settings
        self._account = account
        self._prices = prices
        self._unattended = unattended
        self._reading: asyncio.Task[float] | None = None
        self._of: tuple[str, str] = ("", "")
        self._told: tuple[str, str] = ("", "")
        self.accepted: set[tuple[str, str]] = set()
        """Providers and models of unknown price that the person has agreed to in this run."""

    def begin(self) -> None:
        """Start reading today's spending if a budget is set, so that the first turn does not wait for it."""
        now = (self._account.user, spending.midnight())
        if self._settings.budget.daily and (self._reading is None or self._of != now):
            self._of = now
            self._reading = asyncio.create_task(asyncio.to_thread(self._unbooked))

    def _unbooked(self) -> float:
        user, since = self._of
        found = spending.add_up("", self._account.unbooked(since)).cost or 0.0
        self._account.book.spent(user, since)  # what is added from now on is little
        return found

    async def spent(self) -> float:
        """US$ that the current user spent today, as far as prices are known. Only with a budget."""
        self.begin()
        assert self._reading is not None
        before = await asyncio.shield(self._reading)  # a turn that is stopped does not end the reading
        return before + self._account.book.spent(*self._of)

    async def check(self, more: float = 0.0) -> str:
        """Return a sentence, once a day, when the budget is spent; otherwise an empty string.

        `more` are US$ that are about to be spent at once, and must fit as well.

        Raises QuotaError where `budget.stop` wants it to end there.
        """
        settings = self._settings
        daily = settings.budget.daily
        if not daily:
            self._reading = None  # without a budget nothing is tracked; the next one starts with a fresh read
            return ""
        spent = await self.spent()
        if spent < daily and spent + more <= daily:
            return ""
        words = _("today's budget is spent: {spent} of {daily}").format(spent=money(spent), daily=money(daily))
        if spent < daily:
            words = _("today's budget is not enough: {spent} of {daily} are spent, and this costs {more}").format(
                spent=money(spent), daily=money(daily), more=money(more)
            )
        if settings.budget.stop == "stop":
            raise QuotaError(
                words, hint=_("/set budget.daily raises it, /set budget.stop warn goes on with a warning")
            )
        if self._told == self._of:
            return ""
        self._told = self._of
        return words

    async def left(self) -> float | None:
        """US$ that may still be spent today, for work that can wait; None without a budget."""
        daily = self._settings.budget.daily
        return max(daily - await self.spent(), 0.0) if daily else None

    async def require(self, provider: str, model: str) -> None:
        """Let one request through, whatever it is for. Raises QuotaError if the budget does not allow it.

        What is known to cost nothing is always allowed. Where the price is unknown, `budget.unknown` decides.
        """
        if not self._settings.budget.daily or self._prices.free(provider, model):
            return
        if spent := await self.check():
            notices.tell(spent)
        if self._is_doubtful(provider, model):
            budget = self._settings.budget
            if budget.unknown == "stop" or (self._unattended and budget.stop == "stop"):
                raise self.unpriced([model])
            notices.tell(self.unpriced([model]).message)  # a turn asks; what goes with it tells

    def doubtful(self, routes: Sequence[Route]) -> list[Route]:
        """The routes whose price is unknown and that nobody has allowed yet; none without a budget."""
        return [route for route in routes if self._is_doubtful(route.provider.name, route.model)]

    def _is_doubtful(self, provider: str, model: str) -> bool:
        budget = self._settings.budget
        if not budget.daily or budget.unknown == "allow" or (provider, model) in self.accepted:
            return False
        return not self._prices.known(provider, model)

    def unpriced(self, models: Sequence[str]) -> QuotaError:
        """The error for models of unknown price within a budget."""
        words = _("no price is known for {model}: the day's budget cannot count it")
        hint = _('write its prices into [models."{model}"], or allow it: /set budget.unknown allow')
        if self._unattended:
            hint = _('write its prices into [models."{model}"], or allow it: -o budget.unknown=allow')
        return QuotaError(
            words.format(model=_(", ").join(dict.fromkeys(models))), hint=hint.format(model=next(iter(models), ""))
        )

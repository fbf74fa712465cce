"""The day's budget: what a user has spent today, read once in the background and then kept up to date."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from gptchat.conversation import spending
from gptchat.core.messages import Message
from gptchat.errors import QuotaError
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

    async def check(self) -> str:
        """Return a sentence, once a day, when the budget is spent; otherwise an empty string.

        Raises QuotaError where `budget.stop` wants it to end there.
        """
        settings = self._settings
        daily = settings.budget.daily
        if not daily:
            self._reading = None  # without a budget nothing is tracked; the next one starts with a fresh read
            return ""
        self.begin()
        assert self._reading is not None
        spent = await self._reading + self._since
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

    def add(self, message: Message | None, cost: float | None = None) -> None:
        """Add the cost of a turn: `cost` in US$; if None, the cost recorded in `message`."""
        if self._reading is not None and message is not None:
            self._since += (spending.cost_of(message) if cost is None else cost) or 0.0

"""The day's budget: what a person has spent today, read once behind the prompt and kept up from then on."""

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
    """Watches `budget.daily`. The journals are read in a thread, once a day and person; then turns are added."""

    def __init__(self, settings: Settings, account: spending.Account) -> None:
        self._settings = settings
        self._account = account
        self._reading: asyncio.Task[float] | None = None
        self._of: tuple[str, str] = ("", "")
        self._since = 0.0
        self._told: tuple[str, str] = ("", "")

    def begin(self) -> None:
        """Start reading what was spent, if a budget is set; the first turn need not wait for it then."""
        now = (self._account.user, spending.midnight())
        if self._settings.budget.daily and (self._reading is None or self._of != now):
            self._of, self._since = now, 0.0
            self._reading = asyncio.create_task(asyncio.to_thread(self._account.today))

    async def check(self) -> str:
        """A sentence, once a day, when the budget is spent; else empty.

        Raises QuotaError where `budget.stop` wants it to end there.
        """
        settings = self._settings
        daily = settings.budget.daily
        if not daily:
            self._reading = None  # what is spent meanwhile is not counted along
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
        """A turn was paid for: `cost` in US$, or where that is not told what `message` cost."""
        if self._reading is not None and message is not None:
            self._since += (spending.cost_of(message) if cost is None else cost) or 0.0

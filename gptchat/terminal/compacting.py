"""When the window fills: the older turns are summed up, or that is offered, as the person has set it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from gptchat.commands.context import can_summarise, keep_summary, summarise
from gptchat.commands.effects import Ask
from gptchat.core.context import ContextPlan, nearly_full
from gptchat.errors import GptchatError
from gptchat.words import _, ngettext

if TYPE_CHECKING:
    from gptchat.commands.workspace import Workspace
    from gptchat.terminal.output.screen import Screen

T = TypeVar("T")
_MOST_REQUESTS = 4
"""The most summaries asked for after one turn: a long session in a small window is caught up with by and by."""


class Waiting(Protocol):
    """Waits for something that the person can stop."""

    async def __call__(self, work: Coroutine[Any, Any, T]) -> T:
        """What `work` returns."""


class Compacting:
    """Looks after each turn whether the window is nearly full. A "no" holds as long as the session is open."""

    def __init__(
        self,
        workspace: Workspace,
        screen: Screen,
        ask: Callable[[Ask], Awaitable[str | None]],
        wait: Waiting,
    ) -> None:
        self._workspace = workspace
        self._screen = screen
        self._ask = ask
        self._wait = wait
        self._declined = ""

    async def after_turn(self) -> str:
        """What to do now: `""` for nothing, or `compact` where the person wants the command run."""
        ws = self._workspace
        how = ws.settings.text("context.compact")
        if how == "off" or self._declined == ws.session.id:
            return ""
        plan = await self._filled()
        if plan is None:
            return ""
        if how == "auto":
            await self._automatically()
            return ""
        answer = await self._ask(
            Ask(
                _("the window is {percent} % full; let the model sum up the older turns?").format(
                    percent=100 if _overflowed(plan) else min(round(plan.share * 100), 100)
                ),
                (("y", _("yes")), ("n", _("no, the oldest turns will be left out"))),
                default="n",
            )
        )
        if answer == "y":
            return "compact"
        self._declined = ws.session.id
        return ""

    async def _filled(self) -> ContextPlan | None:
        """The next request where it nearly fills the window, or no longer fits it, and turns can be folded."""
        ws = self._workspace
        if len(ws.session.user_ids()) < 4:
            return None
        plan = await asyncio.to_thread(ws.manager.plan, ws.answering.route())
        # One long turn may lead from half full straight to trimming.
        full = nearly_full(plan) or _overflowed(plan)
        return plan if full and can_summarise(ws) else None

    async def _automatically(self) -> None:
        ws = self._workspace
        self._screen.say(_("the window fills; summing up the older turns …"), "hint")
        turns = 0
        try:
            for _request in range(_MOST_REQUESTS):  # one request takes what fits the window
                folded, text = await self._wait(summarise(ws))
                keep_summary(ws, folded, text)
                turns += folded.turns
                if folded.complete or await self._filled() is None:
                    break
        except GptchatError as error:
            self._declined = ws.session.id
            self._screen.say(_("no summary: {why}").format(why=error.message), "notice")
        if not turns:
            return
        words = ngettext(
            "a summary stands for {n} older turn; /context shows it, /undo takes it back",
            "a summary stands for {n} older turns; /context shows it, /undo takes it back",
            turns,
        )
        self._screen.say(words.format(n=turns), "hint")


def _overflowed(plan: ContextPlan) -> bool:
    """Whether turns are left out for their size: who wants ten rounds alone is not to be asked each time."""
    return plan.trimmed and plan.reason != "max_turns"

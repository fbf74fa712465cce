"""When the window fills: the older turns are summed up, or that is offered, as the person has set it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from gptchat.commands.context import keep_summary, summarise
from gptchat.commands.effects import Ask
from gptchat.core.context import nearly_full
from gptchat.errors import GptchatError
from gptchat.words import _, ngettext

if TYPE_CHECKING:
    from gptchat.commands.workspace import Workspace
    from gptchat.terminal.screen import Screen


class Compacting:
    """Looks after each turn whether the window is nearly full. A "no" holds as long as the session is open."""

    def __init__(self, workspace: Workspace, screen: Screen, ask: Callable[[Ask], Awaitable[str | None]]) -> None:
        self._workspace = workspace
        self._screen = screen
        self._ask = ask
        self._declined = ""

    async def after_turn(self) -> str:
        """What to do now: `""` for nothing, or `compact` where the person wants the command run."""
        ws = self._workspace
        how = ws.settings.text("context.compact")
        if how == "off" or self._declined == ws.session.id:
            return ""
        route = ws.answering.route()
        plan = await asyncio.to_thread(ws.manager.plan, route)
        if not nearly_full(plan) or len(ws.session.user_ids()) < 4:
            return ""
        if how == "auto":
            await self._automatically()
            return ""
        answer = await self._ask(
            Ask(
                _("the window is {percent} % full; let the model sum up the older turns?").format(
                    percent=min(round(plan.share * 100), 100)
                ),
                (("y", _("yes")), ("n", _("no, the oldest turns will be left out"))),
                default="n",
            )
        )
        if answer == "y":
            return "compact"
        self._declined = ws.session.id
        return ""

    async def _automatically(self) -> None:
        ws = self._workspace
        self._screen.say(_("the window fills; summing up the older turns …"), "hint")
        try:
            folded, text = await summarise(ws)
        except GptchatError as error:
            self._declined = ws.session.id
            self._screen.say(_("no summary: {why}").format(why=error.message), "notice")
            return
        keep_summary(ws, folded, text)
        words = ngettext(
            "a summary stands for {n} older turn; /context shows it, /undo takes it back",
            "a summary stands for {n} older turns; /context shows it, /undo takes it back",
            folded.turns,
        )
        self._screen.say(words.format(n=folded.turns), "hint")

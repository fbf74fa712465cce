"""Summaries that replace older turns in the request, made when the window fills or on request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from gptchat.config.settings import Settings
from gptchat.conversation.events import CompactWanted, ConversationEvent, Decision, Told
from gptchat.conversation.routes.completing import complete
from gptchat.conversation.routing import Routing
from gptchat.core.compaction import KEEP_TURNS, Fold, fold, summary_tokens
from gptchat.core.context import ContextPlan, nearly_full
from gptchat.core.session import summary_record
from gptchat.errors import ContextLengthError, GptchatError, ProtocolError, UsageError
from gptchat.manager import Route, SessionManager, split_system
from gptchat.values import replace
from gptchat.words import _, ngettext

_MOST_REQUESTS = 4
"""Maximum number of summary requests after one turn. A long session in a small window needs several turns."""


class Compaction:
    """Summarises the open session, and checks after each turn whether a summary is due.

    A person's "no" holds as long as the session is open.
    """

    def __init__(self, manager: SessionManager, settings: Settings, routing: Routing) -> None:
        self._manager = manager
        self._settings = settings
        self._routing = routing
        self._declined = ""

    async def summarise(self, hint: str = "") -> tuple[Fold, str]:
        """The older turns to fold, and the model's summary of them. Raises UsageError and provider errors."""
        try:
            return await self._summarise(self._routing.route(), hint)
        except ContextLengthError as error:
            # Plan once more with the limit learned from the refusal, as for a turn.
            route = self._routing.route()
            limits = route.learn_limit(error)
            if limits is None:  # no number says what is too much: clearly less, this once
                limits = replace(route.limits, window=route.limits.reserve + route.limits.budget * 3 // 4)
            return await self._summarise(replace(route, limits=limits), hint)

    async def _summarise(self, route: Route, hint: str) -> tuple[Fold, str]:
        session, counter = self._manager.session, self._routing.counter
        _system, path = split_system(session.path(), route.system)
        summary = session.summary()
        folded = await asyncio.to_thread(
            fold,
            path,
            counter.counting(route.counted_as),
            route.limits.budget - counter.overhead(route.counted_as),
            summary=summary.content if summary else "",
            until=summary.until if summary else None,
            hint=hint,
            pins=tuple(session.pinned),
        )
        if folded is None:
            raise UsageError(
                _("there is nothing to sum up yet"), hint=_("the newest turns always stay as they are")
            )
        text = await complete(self._routing, folded.messages)
        if not text:
            raise ProtocolError(_("the model gave no summary"), hint=_("try /compact again, or another /model"))
        return folded, text

    async def weigh(self, folded: Fold, text: str) -> tuple[int, int]:
        """Tokens of what `folded` replaces, and of the summary `text`.

        Raises ProtocolError for a summary that is no shorter: it would cost words and win nothing.
        """
        count = self._routing.counter.counting(self._routing.route().counted_as)
        after = await asyncio.to_thread(summary_tokens, text, count)
        if after >= folded.replaced:
            raise ProtocolError(
                _("the summary is no shorter ({figures}), so it is not used").format(
                    figures=self.figures(folded.replaced, after)
                ),
                hint=_("/compact HINT asks for a shorter one, such as /compact in one sentence"),
            )
        return folded.replaced, after

    def figures(self, before: int, after: int) -> str:
        """Such as `1,200 → 300 tokens`."""
        exact = self._routing.counter.exact(self._routing.counted_as())
        words = ngettext("{mark}{before} → {after} token", "{mark}{before} → {after} tokens", after)
        return words.format(mark="" if exact else "≈ ", before=f"{before:,}", after=f"{after:,}")

    def keep(self, folded: Fold, text: str) -> None:
        """Record `text` as the summary that replaces the turns in `folded`."""
        manager = self._manager
        number = len(manager.session.summaries) + 1
        manager.record(
            summary_record(
                f"s{number}-{folded.until}", folded.until, text, manager.session.head, manager.timestamp()
            )
        )

    async def after_turn(self) -> AsyncGenerator[ConversationEvent, None]:
        """Summarise, or offer to, if the next request nearly fills the window (`context.compact`)."""
        how = self._settings.context.compact
        session = self._manager.session
        if how == "off" or self._declined == session.id:
            return
        plan = await self._filled()
        if plan is None:
            return
        if how == "auto":
            async for event in self.sum_up():
                yield event
            return
        decision = Decision(
            "compact",
            _("the window is {percent} % full; let the model sum up the older turns?").format(
                percent=100 if _overflowed(plan) else min(round(plan.share * 100), 100)
            ),
            (("y", _("yes")), ("n", _("no, the oldest turns will be left out"))),
            "n",
            answer="n",
        )
        yield decision
        if decision.answer == "y":
            yield CompactWanted()
        else:
            self._declined = session.id

    async def _filled(self) -> ContextPlan | None:
        """Return the plan of the next request if it nearly fills or exceeds the window and turns can be folded."""
        if len(self._manager.session.user_ids()) < 4:
            return None
        plan = await asyncio.to_thread(self._manager.plan, self._routing.route())
        # One long turn can go from half full straight to trimming.
        full = nearly_full(plan) or _overflowed(plan)
        return plan if full and self._can_summarise() else None

    def _can_summarise(self) -> bool:
        """Whether more turns follow the last summary than are always kept."""
        session = self._manager.session
        summary, path = session.summary(), session.path()
        covered = next((i + 1 for i, one in enumerate(path) if summary and one.id == summary.until), 0)
        return sum(message.role == "user" for message in path[covered:]) > KEEP_TURNS

    async def sum_up(self) -> AsyncGenerator[ConversationEvent, None]:
        """Summarise until the next request fits, and tell how it went; a failure is told, not raised."""
        yield Told(_("the window fills; summing up the older turns …"))
        turns, why, before, after = 0, "", 0, 0
        try:
            for _request in range(_MOST_REQUESTS):  # one request takes what fits the window
                folded, text = await self.summarise()
                replaced, shorter = await self.weigh(folded, text)
                self.keep(folded, text)
                turns += folded.turns
                before, after = before + replaced - after, shorter
                if folded.complete or await self._filled() is None:
                    break
        except asyncio.CancelledError:
            # The user stopped the summary; the reply itself is complete.
            if (task := asyncio.current_task()) is not None:
                task.uncancel()
            why = _("stopped")
        except GptchatError as error:
            why = error.message
        if why:
            self._declined = self._manager.session.id
            yield Told(_("no summary: {why}").format(why=why), "notice")
        if not turns:
            return
        words = ngettext(
            "a summary stands for {n} older turn ({figures}); /context shows it, /undo takes it back",
            "a summary stands for {n} older turns ({figures}); /context shows it, /undo takes it back",
            turns,
        )
        yield Told(words.format(n=turns, figures=self.figures(before, after)))


def _overflowed(plan: ContextPlan) -> bool:
    """Whether turns are omitted because of size; a user who set `max_turns` is not asked each time."""
    return plan.trimmed and plan.reason != "max_turns"

"""The rounds of a turn: the model answers or calls tools, the calls are decided and run, and it answers again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING

from gptchat.conversation.events import Decision, WantedCall
from gptchat.conversation.tooling.calls import Calls, Planned, arguments_of
from gptchat.conversation.tooling.offering import Offer, offer
from gptchat.conversation.tooling.rest import Rest, cut
from gptchat.core.events import (
    Notice,
    RoundEnded,
    ToolCall,
    ToolFinished,
    TurnEvent,
    TurnFailed,
    TurnFinished,
    TurnInterrupted,
    TurnStarted,
)
from gptchat.core.messages import Message, Usage
from gptchat.core.tooling import Tool, ToolBox, ToolResult
from gptchat.core.tooling.choice import offered
from gptchat.errors import GptchatError
from gptchat.manager import Answer, Continue, Order, Route, Send, SessionManager
from gptchat.manager.request import INTERRUPTED, calls_of
from gptchat.values import replace
from gptchat.words import _, ngettext

if TYPE_CHECKING:
    from gptchat.config.settings import Settings
    from gptchat.conversation.budget import Budget
    from gptchat.conversation.tooling.permissions import Permissions

Events = AsyncGenerator[TurnEvent | Decision, None]


class Rounds:
    """Runs turns in which tools may be called. `box` is asked for tools at the beginning of each turn."""

    def __init__(
        self,
        manager: SessionManager,
        settings: Settings,
        permissions: Permissions,
        budget: Budget,
        box: Callable[[], ToolBox],
    ) -> None:
        self._manager = manager
        self._settings = settings
        self.permissions = permissions
        self._budget = budget
        self._box = box
        self._told = ""
        self.ready: Sequence[Tool] = ()
        """All tools, as they were when they were last asked for."""

    async def run(self, order: Order, routes: Sequence[Route]) -> Events:
        """The events of the turn, as `SessionManager.run_turn` yields them, and the decisions on calls.

        There is one TurnStarted and one last event, which counts all rounds.
        """
        self._manager.close_calls()
        tools = await self._offered(order)
        if not tools:
            async with aclosing(self._manager.run_turn(order, routes)) as plain:
                async for event in plain:
                    yield event
            return
        for line in self._box().troubles():
            yield Notice(line)
        text = self._about(order)
        number = 0
        total: TurnFinished | None = None
        while True:
            may_call = number < self._settings.tools.rounds
            offers = [self._offer(route, tools, text) for route in routes]
            if (note := offers[0].note) and note != self._told:
                self._told = note
                yield Notice(note)
            ready = [
                replace(route, tools=tuple(one.definitions), may_call=may_call, alone=False)
                for route, one in zip(routes, offers, strict=True)
            ]
            ended: TurnFinished | None = None
            async with aclosing(self._manager.run_turn(order, ready)) as events:
                async for event in events:
                    match event:
                        case TurnFinished():
                            ended = event
                        case TurnStarted() if number:
                            pass
                        case TurnFailed(draft=draft) if number and draft:
                            yield replace(event, draft="")
                        case _:
                            yield event
            if ended is None:
                return
            total = _together(total, ended)
            calls = calls_of(ended.message)
            if not calls or not may_call or ended.message.status != "complete":
                if calls:  # the server did not mind that none may be called
                    await asyncio.to_thread(self._manager.answer_calls, calls, NOT_RUN, "denied")
                yield total
                return
            number += 1
            yield RoundEnded(ended.message, number)
            after = Answer(ended.message.id)
            async with aclosing(self._calls(calls, tools, ready[0], ended.message)) as happening:
                async for one in happening:
                    if isinstance(one, ToolFinished):
                        after = Answer(one.message.id)
                    yield one
            try:
                spent = await self._budget.check()
            except GptchatError as error:
                yield TurnFailed(error, ended.message)
                return
            if self._manager.stopping:
                yield TurnInterrupted(ended.message, total.seconds)
                return
            if spent:
                yield Notice(spent)
            if number == self._settings.tools.rounds:
                words = ngettext(
                    "{n} round of calls: now the model has to answer (tools.rounds)",
                    "{n} rounds of calls: now the model has to answer (tools.rounds)",
                    number,
                )
                yield Notice(words.format(n=number))
            order = after

    async def _offered(self, order: Order) -> list[Tool]:
        settings = self._settings.tools
        if settings.use.strip().lower() in ("off", "none") or isinstance(order, Continue):
            return []  # a reply that goes on is one text
        self.ready = await self._box().tools()
        return offered(self.ready, settings.use, settings.deny)[0]

    async def equipped(self, route: Route, draft: str = "") -> Route:
        """`route` with the tools that are offered with the next message, of which `draft` is known."""
        await self._offered(Answer())
        return self.known(route, draft)

    def known(self, route: Route, draft: str = "") -> Route:
        """As `equipped`, with the tools that were there when they were last asked for. Any thread may call it."""
        settings = self._settings.tools
        if not (tools := offered(self.ready, settings.use, settings.deny)[0]):
            return route
        one = self._offer(route, tools, "\n".join(filter(None, (self._about(Answer()), draft))))
        return replace(route, tools=tuple(one.definitions), alone=False)

    def _offer(self, route: Route, tools: Sequence[Tool], text: str) -> Offer:
        takes = route.provider.abilities.takes_tools
        if takes is None or not takes(route.model):
            # A server that refused them was told of then.
            api = route.provider.abilities.api
            refused = takes is not None and (api is None or api(route.model) != "completions")
            return Offer(
                note="" if refused else _("{model} takes no tools: they are off").format(model=route.model)
            )
        counter, name = self._manager.counter, route.counted_as
        room = int(route.limits.budget * self._settings.tools.share)
        found = offer(tools, room, lambda definitions: counter.tools(definitions, name), text)
        rest = self._rest(route)
        more = [*found.definitions, *(tool.spec.definition() for tool in rest)]
        return replace(found, tools=[*found.tools, *rest], definitions=more)

    def _rest(self, route: Route) -> list[Tool]:
        """The tool that reads on in results that were cut off, if there are any."""
        most = int(route.limits.budget * self._settings.tools.share) // 2
        return [Rest(self._manager, route, most)] if cut(self._manager) else []

    def _about(self, order: Order) -> str:
        """What the turn is about: its message, and what was said last."""
        recent = self._manager.session.tail(3)
        texts = [message.text for message in recent if message.role == "user"]
        if isinstance(order, Send):
            texts.append(Message("user", order.content).text)
        return "\n".join(text[-4000:] for text in texts)

    async def _calls(
        self, calls: Sequence[ToolCall], tools: Sequence[Tool], route: Route, reply: Message
    ) -> Events:
        """Decide about the calls of `reply` one after the other, then run those that may run at once."""
        manager = self._manager
        # Another program that opens the session sees by the sidecar that these calls are not interrupted.
        sidecar = await asyncio.to_thread(
            manager.store.partial, manager.session, {"type": "calls", "message": reply.id}
        )
        by_name = {tool.spec.name: tool for tool in (*tools, *self._rest(route))}
        planned: list[Planned] = []
        try:
            for call in calls:
                one = self._planned(call, by_name)
                if one.result is None and one.tool is not None:
                    async with aclosing(self._decide(one)) as asking:
                        async for decision in asking:
                            yield decision
                planned.append(one)
            share = int(route.limits.budget * self._settings.tools.share)
            async with aclosing(Calls(manager, route, planned, share, reply).run()) as events:
                async for event in events:
                    yield event
        finally:
            sidecar.discard()

    def _planned(self, call: ToolCall, tools: dict[str, Tool]) -> Planned:
        tool = tools.get(call.name)
        if tool is None:
            known = ", ".join(tools)
            return Planned(
                call, result=_failed(f"there is no tool {call.name}; there are: {known}"), outcome="failed"
            )
        arguments, wrong = arguments_of(call, tool.spec.parameters)
        if wrong:
            return Planned(call, tool, result=_failed(wrong), outcome="failed")
        return Planned(call, tool, arguments)

    async def _decide(self, planned: Planned) -> AsyncGenerator[Decision, None]:
        """Ask about a call where that is needed; a call that may not run gets its result here."""
        spec, session = planned.spec, self._manager.session.id
        assert spec is not None
        if self._manager.stopping:
            planned.result, planned.outcome = _failed(INTERRUPTED), "interrupted"
            return
        permission = self.permissions.of(spec, session)
        if permission == "allow":
            return
        if permission == "deny":
            planned.result, planned.outcome = _failed("calls of this tool are not allowed here"), "denied"
            return
        wanted = WantedCall(planned.call, spec, planned.arguments or {})
        choices = [("y", _("yes, this once")), ("a", _("always in this session")), ("n", _("no"))]
        if spec.always_asks:
            del choices[1]
        question = _("run {name}?").format(name=spec.name)
        decision = Decision("tool_call", question, choices, "n", answer="n", call=wanted)
        yield decision
        if decision.answer in ("y", "a") and not self._manager.stopping:
            if wanted.arguments != planned.arguments:
                planned.change(wanted.arguments)
            if decision.answer == "a":
                self.permissions.always(spec, session)
            return
        if decision.answer is None or self._manager.stopping:
            self._manager.stop()
            planned.result, planned.outcome = _failed(INTERRUPTED), "interrupted"
            return
        planned.reason = wanted.reason
        why = f": {wanted.reason}" if wanted.reason else ""
        planned.result, planned.outcome = _failed(f"the user declined this call{why}"), "denied"


NOT_RUN = "[this call did not run: no more calls may run in this turn]"
"""The result of a call beyond `tools.rounds`. Not translated, because models read it."""


def _failed(text: str) -> ToolResult:
    return ToolResult(text, failed=True)


def _together(before: TurnFinished | None, ended: TurnFinished) -> TurnFinished:
    """The end of a turn whose earlier rounds ended with `before`: time, usage and money are of all of them."""
    if before is None:
        return ended
    usage: Usage | None = ended.usage or before.usage
    if before.usage is not None and ended.usage is not None:
        usage = before.usage.plus(ended.usage)
    return replace(
        ended,
        seconds=before.seconds + ended.seconds,
        first=before.first,
        cost=_sum(before.cost, ended.cost),
        usage=usage,
        spent=_sum(before.spent, ended.spent),
    )


def _sum(first: float | None, second: float | None) -> float | None:
    return None if first is None or second is None else first + second

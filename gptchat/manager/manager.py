"""SessionManager: holds the open session, runs turns as event streams, and records their results."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any

from gptchat.core import context
from gptchat.core.context import ContextPlan
from gptchat.core.events import (
    ContextTrimmed,
    FileReceived,
    Notice,
    ReasoningDelta,
    TextDelta,
    ToolCall,
    TurnEvent,
    TurnFailed,
    TurnFinished,
    TurnInterrupted,
    TurnStarted,
)
from gptchat.core.messages import Content, Message, Record, Usage
from gptchat.core.ports import PartialReply, SessionStore, TokenCounter
from gptchat.core.replies.media import files_of
from gptchat.core.session import Session, continuation_record, move
from gptchat.errors import ContextLengthError, UsageError
from gptchat.manager import orders, request, results, unfinished
from gptchat.manager.keeping import keep_files
from gptchat.manager.measuring import Measuring
from gptchat.manager.pump import Pump, Stoppable
from gptchat.manager.reply import ReplyBuilder, closer_known
from gptchat.manager.route import Continue, Order, Route, Send
from gptchat.values import replace
from gptchat.words import _

_ELSEWHERE = frozenset({"connection", "timeout", "server", "rate_limit", "quota", "protocol"})
"""Error kinds for which another provider may succeed."""


class SessionManager:
    """Holds one open session of one user. All methods except `run_turn` are fast; none does terminal I/O.

    `now` returns the current UTC time, `clock` monotonic seconds. Turns run one at a time.
    """

    def __init__(
        self,
        store: SessionStore,
        counter: TokenCounter,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.store = store
        self.counter = counter
        self.now = now
        self.clock = clock
        self._session: Session | None = None
        self.running: Stoppable | None = None
        """What `stop` stops: the reply that streams, or the calls of tools that run."""
        self._measuring = Measuring(counter)
        self._stopping = False
        self._trimming = False
        self._before: str | None = None  # the head before the turn

    @property
    def session(self) -> Session:
        """The open session. Raises UsageError if none is open."""
        if self._session is None:
            raise UsageError(_("no session is open"))
        return self._session

    @property
    def user(self) -> str:
        """The name of the user who owns the open session."""
        return self.session.user

    def begin(
        self, user: str, settings: Mapping[str, Any] | None = None, *, title: str | None = None, kind: str = ""
    ) -> Session:
        """Open a new session of `user`. It is created on disk with its first record."""
        self._session, self._trimming = self.store.create(user, settings or {}, title=title, kind=kind), False
        return self._session

    def open(self, user: str, session_id: str) -> Session:
        """Open a saved session. Raises StorageError if it cannot be read."""
        self._session, self._trimming = self.store.open(user, session_id), False
        if not self.store.replying(self._session):
            self.close_calls()  # the program was killed while they ran
        return self._session

    def close_calls(self) -> None:
        """Give each call of a tool at the end of the conversation that has no result one that says so."""
        unfinished.close(self.session, self.record, self.timestamp())

    def answer_calls(self, calls: Sequence[ToolCall], text: str, outcome: str) -> None:
        """Write `text` as the result of each of `calls`, which are those of the last message."""
        unfinished.answer(calls, self.session.head, text, outcome, self.record, self.timestamp())

    def record(self, *records: Record, durable: bool = True) -> Sequence[Record]:
        """Append records (moves, titles, pins, settings) to the open session, adding `ts`, and apply them."""
        stamped = [{**record, "ts": record.get("ts") or self.timestamp()} for record in records]
        return self.store.append(self.session, stamped, durable=durable)

    def timestamp(self) -> str:
        """The current time in the format of records: UTC, to the second, such as `2026-11-20T08:30:15Z`."""
        return self.now().strftime("%Y-%m-%dT%H:%M:%SZ")

    def plan(self, route: Route, *, draft: Content = "", path: Sequence[Message] | None = None) -> ContextPlan:
        """The context plan of the request if `draft` were sent now on `route`, behind `path` (default: all)."""
        path = [*path] if path is not None else self.session.path()
        if draft:
            path.append(Message("user", draft))
        return self._plan(route, path)

    def stop(self) -> None:
        """Stop the streaming reply. `run_turn` keeps the partial reply and ends with TurnInterrupted."""
        self._stopping = True
        if self.running is not None:
            self.running.stop()

    @property
    def stopping(self) -> bool:
        """Whether `stop` was called since the last `run_turn` began."""
        return self._stopping

    async def run_turn(self, order: Order, routes: Sequence[Route]) -> AsyncGenerator[TurnEvent, None]:
        """Execute `order` on the first of `routes`, or on the next one if a route fails before any text arrives.

        Yields the events of the turn, ending with TurnFinished, TurnInterrupted or TurnFailed. The user's message
        is on disk before the request is sent, and the reply is on disk before TurnFinished is emitted.
        """
        self._stopping = False
        started, session = self.clock(), self.session
        self._before = session.head
        path, pending, base = orders.begin(order, session, self.timestamp())
        plan = await asyncio.to_thread(self._plan, routes[0], path)
        if not plan.fits:
            message, hint = request.too_large(plan, exact=self.counter.exact(routes[0].counted_as))
            yield TurnFailed(ContextLengthError(message, hint=hint), draft=pending.text if pending else "")
            return
        if pending is not None:
            counts = self.counter.measure(pending, routes[0].counted_as)
            record = replace(pending, tokens=counts).to_record()
            written = await asyncio.to_thread(self.store.append, session, [record], durable=True)
            pending = session.messages[written[-1]["id"]]
            path[-1] = pending
            base = replace(base, parent=pending.id)

        for index, route in enumerate(routes):
            last = index == len(routes) - 1
            async with aclosing(self._on_route(order, route, path, base, started)) as events:
                async for event in events:
                    if isinstance(event, TurnFailed) and self._may_go_on(event, index, last):
                        yield Notice(
                            _("{name} failed ({why}); going on with {next}").format(
                                name=route.provider.name,
                                why=event.error.message,
                                next=routes[index + 1].provider.name,
                            )
                        )
                        break
                    yield event
                else:
                    return

    def _may_go_on(self, failed: TurnFailed, index: int, last: bool) -> bool:
        # A fallback provider without a key or the model must not prevent trying the next one.
        elsewhere = index > 0 or failed.error.kind in _ELSEWHERE
        return elsewhere and failed.message is None and not last and not self._stopping

    async def _on_route(
        self, order: Order, route: Route, path: list[Message], base: Message, started: float
    ) -> AsyncGenerator[TurnEvent, None]:
        """Run the turn on one route. On a context overflow, learn the true window and retry once."""
        for attempt in (1, 2):
            plan = await asyncio.to_thread(self._plan, route, path)
            if attempt == 1 and await self._measuring.begin(route, plan.everything()):
                plan = await asyncio.to_thread(self._plan, route, path)
            base = replace(base, provider=route.provider.name, model=route.model)
            exact = self.counter.exact(route.counted_as)
            if attempt == 1:
                yield TurnStarted(path[-1], plan, route.provider.name, route.model)
            if plan.trimmed and not self._trimming:
                yield ContextTrimmed(plan)
            self._trimming = plan.trimmed
            if plan.over and plan.limits.guessed:
                yield Notice(request.over_a_guess(plan, route.model, exact=exact))
            learnt = None
            async with aclosing(self._attempt(order, route, plan, base, started)) as events:
                async for event in events:
                    if (
                        attempt == 1
                        and isinstance(event, TurnFailed)
                        and event.message is None
                        and isinstance(event.error, ContextLengthError)
                    ):
                        learnt = self._relearnt(route, event.error, plan, path)
                        if learnt is not None:
                            if not learnt[1].fits:
                                continue
                            event = Notice(request.sent_again(event.error, learnt[1], exact=exact))
                    yield event
            if learnt is None:
                return
            route, smaller = learnt
            if not smaller.fits:
                message, hint = request.too_large(smaller, exact=exact)
                if isinstance(order, Send):
                    # Undo the message and return it to the prompt to be shortened; /redo restores the original.
                    await asyncio.to_thread(self.record, {**move(self._before), "move": "undo"})
                draft = path[-1].text if isinstance(order, Send) else ""
                yield TurnFailed(ContextLengthError(message, hint=hint), draft=draft)
                return

    async def _attempt(
        self, order: Order, route: Route, plan: ContextPlan, base: Message, started: float
    ) -> AsyncGenerator[TurnEvent, None]:
        """Stream one request, store the reply, and yield the final event."""
        session, continued = self.session, isinstance(order, Continue)
        header = continuation_record(base.id, base) if continued else base.to_record()
        partial = self.store.partial(session, header)
        reply = ReplyBuilder(
            partial,
            closer="" if continued else closer_known(session.messages, route.provider.name, route.model),
            first_file=len(files_of(session.messages[base.id])) + 1 if continued else 1,
            sources=request.cited(plan.messages),
        )
        first: float | None = None
        asked = await asyncio.to_thread(
            request.build, plan, route, session, continuing=continued, store=self.store
        )
        pump = self.running = Pump(route.provider.stream(replace(asked, ref=partial.token, tokens=plan.tokens)))
        if self._stopping:
            pump.stop()
        try:
            async with aclosing(pump.batches()) as batches:
                async for batch in batches:
                    for event in (*reply.take(batch), *await keep_files(self.store, session.user, reply)):
                        if first is None and isinstance(event, TextDelta | ReasoningDelta | FileReceived):
                            first = self.clock() - started
                        yield event
            for event in (*reply.flush(), *await keep_files(self.store, session.user, reply)):
                yield event
        finally:
            self.running = None
            self._measuring.stop()
            pump.stop()

        status = "interrupted" if pump.stopped else "failed" if pump.error else "complete"
        others: list[Message] = []
        message: Message | None = None
        if reply.begun or status == "complete":
            message, others = await self._keep(order, route, plan, base, reply, status, partial)
        await asyncio.to_thread(partial.discard)
        seconds = self.clock() - started
        if pump.stopped:
            yield TurnInterrupted(message, seconds)
        elif pump.error is not None:
            yield TurnFailed(pump.error, message)
        elif message is not None:
            cost = message.extra.get("cost")  # of all pieces, where the reply was continued
            begun = first if first is not None else seconds
            yield TurnFinished(message, seconds, begun, cost, tuple(others), reply.usage, reply.cost)

    async def _keep(
        self,
        order: Order,
        route: Route,
        plan: ContextPlan,
        base: Message,
        reply: ReplyBuilder,
        status: str,
        partial: PartialReply,
    ) -> tuple[Message, list[Message]]:
        """Write the reply and its other choices to the journal. Returns the first choice and the others."""
        session = self.session
        if status == "complete":
            route.taken(reply.usage.prompt_tokens if reply.usage else plan.tokens)
        if reply.usage is None and reply.begun:
            completion = await asyncio.to_thread(self.counter.count, reply.text(), route.counted_as)
            reply.usage = Usage(plan.tokens, completion, plan.tokens + completion, estimated=True)
        elif reply.usage is not None and not reply.usage.estimated and not (route.tools or route.structure):
            self.counter.learn(
                route.counted_as,
                plan.tokens,
                reply.usage.prompt_tokens,
                plan.everything(),
                reply.message(base, status) if len(reply.choices) == 1 else None,
            )
        if reply.model:
            self.counter.alias(route.counted_as, reply.model)
        base = replace(base, ts=self.timestamp())
        numbers = sorted(reply.choices) or [0]
        records: list[Record] = []
        for number in reversed(numbers):  # the head ends on the first choice
            message = reply.message(base, status, number)
            record = continuation_record(base.id, message) if isinstance(order, Continue) else message.to_record()
            if number == numbers[0]:
                record["turn"] = partial.token
                if reply.usage:
                    record["cost"] = reply.cost = route.price(reply.usage)  # null: price unknown
            records.append(record)
        written = await asyncio.to_thread(self.store.append, session, records, durable=True)
        if isinstance(order, Continue):
            return session.messages[base.id], []
        kept = [session.messages[record["id"]] for record in written]
        return kept[-1], kept[-2::-1]

    def _plan(self, route: Route, path: Sequence[Message]) -> ContextPlan:
        session = self.session
        system, rest = request.split_system(path, route.system_for(path))
        summary, counter, name = session.summary(), self.counter, route.counted_as
        planned = results.plan(
            rest,
            lambda messages: context.plan(
                messages,
                counter.counting(name),
                route.limits,
                system=system,
                summary=summary.content if summary else "",
                until=summary.until if summary else None,
                pins=tuple(session.pinned),
                overhead=request.overhead(route, counter),
                tool_tokens=counter.tools(route.tools, name) if route.tools else 0,
            ),
        )
        return request.count_joined(planned, counter.joining(name))

    def _relearnt(
        self, route: Route, error: ContextLengthError, plan: ContextPlan, path: Sequence[Message]
    ) -> tuple[Route, ContextPlan] | None:
        """The route under the limits that an overflow told, and its plan; None where there is nothing to try."""
        if error.requested:
            # Else the estimate that was too small would be made again.
            self.counter.learn(route.counted_as, plan.tokens, error.requested, plan.everything())
        learnt = replace(route, limits=route.learn_limit(error) or route.limits)
        smaller = self._plan(learnt, path)
        if smaller.fits and smaller.messages == plan.messages:
            # No number says what is too much: send clearly less, this once.
            less = replace(learnt.limits, window=learnt.limits.reserve + plan.tokens * 3 // 4, guessed=False)
            learnt = replace(route, limits=less)
            smaller = self._plan(learnt, path)
            return (learnt, smaller) if smaller.fits else None
        return learnt, smaller

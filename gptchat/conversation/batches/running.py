"""Asks the questions of a batch: several at once, fewer while the server says that it is too much."""

from __future__ import annotations

import asyncio
import os
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Any

from gptchat.conversation.batches.lines import Answered, BatchQuestion
from gptchat.conversation.budget import Budget
from gptchat.conversation.events import Decision
from gptchat.conversation.outgoing import Outbox
from gptchat.conversation.routing import Routing
from gptchat.core.events import Finished, Retrying, TextDelta, UsageReported
from gptchat.core.messages import Content, Message, Request, Usage, estimated
from gptchat.core.origin import Sourced
from gptchat.core.ports import ONESHOT, SessionStore
from gptchat.core.session import Session
from gptchat.core.structured import Fit
from gptchat.errors import ContextLengthError, GptchatError, ProviderError, QuotaError, UsageError
from gptchat.manager import Route
from gptchat.manager.request import overhead
from gptchat.values import dataclass, replace
from gptchat.words import _

_AGAIN = frozenset({"rate_limit", "timeout", "connection", "server", "protocol"})
"""Kinds of failures after which a question is asked again, besides what the provider retries itself."""
_ATTEMPTS = 8
_ASKED = 2
"""How often an answer that fits a schema is asked for."""
_PAUSE, _LONGEST = 1.0, 60.0  # seconds before a question is asked again, where the server names none


class Gate:
    """Lets at most `most` requests run at once; fewer after a rate limit, and none until it has passed.

    The number falls by half with a rate limit, once for all that ran when it came, and rises by one with each
    round of answers, as TCP's congestion window does. `clock` returns monotonic seconds.
    """

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._allowed = float(most)
        self._running = 0
        self._closed_until = self._lowered = 0.0
        self._changed = asyncio.Condition()

    @property
    def allowed(self) -> int:
        """How many requests may run at once now."""
        return max(int(self._allowed), 1)

    async def enter(self) -> float:
        """Wait until another request may begin; returns the time at which it does."""
        async with self._changed:
            while True:
                wait = self._closed_until - self._clock()
                if wait <= 0 and self._running < self.allowed:
                    self._running += 1
                    return self._clock()
                try:
                    await asyncio.wait_for(self._changed.wait(), wait if wait > 0 else None)
                except TimeoutError:
                    continue

    async def leave(self, *, answered: bool) -> None:
        """A request has ended."""
        async with self._changed:
            self._running -= 1
            if answered:
                self._allowed = min(self._allowed + 1 / max(self._allowed, 1), self._most)
            self._changed.notify_all()

    def limited(self, begun: float, seconds: float) -> None:
        """The server limits the rate: nothing begins for `seconds`. `begun` is when the refused request did."""
        now = self._clock()
        self._closed_until = max(self._closed_until, now + seconds)
        if begun >= self._lowered:
            self._allowed = max(self._allowed / 2, 1.0)
            self._lowered = now


@dataclass(frozen=True, slots=True)
class _Answer:
    message: Message
    usage: Usage
    cost: float | None
    seconds: float


class Batch:
    """Asks questions apart from the open conversation; they and their answers are kept in a session of their own.

    `stamp` returns the current time in the format of records.
    """

    def __init__(
        self,
        store: SessionStore,
        user: str,
        routing: Routing,
        outbox: Outbox,
        budget: Budget,
        stamp: Callable[[], str],
    ) -> None:
        self._store = store
        self._user = user
        self._routing = routing
        self._outbox = outbox
        self._budget = budget
        self._stamp = stamp
        self._session: Session | None = None
        self._attaching = asyncio.Lock()

    async def run(
        self, questions: Sequence[BatchQuestion], jobs: int, title: str
    ) -> AsyncGenerator[Answered, None]:
        """Yield the answers and failures as they come. Raises QuotaError when the day's budget is spent.

        Closing the generator stops the requests that run.
        """
        gate, waiting = Gate(jobs), deque(questions)
        done: asyncio.Queue[Answered | GptchatError | None] = asyncio.Queue()
        self._session = self._store.create(self._user, {}, title=title, kind=ONESHOT)

        async def work() -> None:
            try:
                while waiting:
                    done.put_nowait(await self._answer(waiting.popleft(), gate))
            except GptchatError as error:
                waiting.clear()
                done.put_nowait(error)
            finally:
                done.put_nowait(None)

        workers = [asyncio.create_task(work()) for _worker in range(min(jobs, len(questions)))]
        ended: GptchatError | None = None
        try:
            for _worker in workers:
                while (one := await done.get()) is not None:
                    if isinstance(one, Answered):
                        yield one
                    else:
                        ended = ended or one
            for worker in workers:
                worker.result()
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
        if ended is not None:
            raise ended

    async def _answer(self, asked: BatchQuestion, gate: Gate) -> Answered:
        """The answer to one question, or why there is none. Raises QuotaError for the day's budget."""
        if asked.trouble:
            return _failure(asked, UsageError(asked.trouble))
        for attempt in range(1, _ATTEMPTS + 1):
            begun, answered, pause = await gate.enter(), False, 0.0
            try:
                await self._budget.check()
                answer = await self._ask(asked, gate, begun)
                answered = True
                return answer
            except GptchatError as error:
                if isinstance(error, QuotaError) and error.status is None:
                    raise  # the day's budget; what a server refuses is about one question
                if attempt == _ATTEMPTS or error.kind not in _AGAIN or not isinstance(error, ProviderError):
                    return _failure(asked, error)
                asked_for = error.retry_after
                pause = min(_PAUSE * 2.0 ** (attempt - 1), _LONGEST) if asked_for is None else asked_for
                if error.kind == "rate_limit":
                    gate.limited(begun, pause)
            finally:
                await gate.leave(answered=answered)
            await asyncio.sleep(pause)
        raise AssertionError("the last attempt returns")

    async def _ask(self, asked: BatchQuestion, gate: Gate, begun: float) -> Answered:
        """Send one question, and once more where its answer does not fit its schema. Raises GptchatError."""
        route = self._routing.route(asked.model)
        question = Message("user", await self._content(asked), ts=self._stamp())
        system = route.system_for([question]) if asked.system is None else asked.system
        sent = [Message("system", system), question] if system else [question]
        parameters = {**route.parameters, **asked.parameters}
        if asked.structure is not None:
            parameters = {key: value for key, value in parameters.items() if key not in ("response_format", "n")}
        route = replace(route, parameters=parameters, structure=asked.structure)
        answers: list[_Answer] = []
        fit: Fit | None = None
        while True:
            answer = await self._send(route, sent, gate, begun)
            answers.append(answer)
            await asyncio.to_thread(self._keep, sent[-1], answer.message)
            if asked.structure is None:
                break
            from gptchat.conversation.structured.checking import check, failure, hopeless

            verdict = await asyncio.to_thread(check, asked.structure, answer.message.text)
            if isinstance(verdict, Fit):
                fit = verdict
                break
            if len(answers) == _ASKED or hopeless(answer.message):
                replies = [one.message.text for one in answers]
                return _failure(asked, failure(answer.message, verdict, replies), {"replies": replies})
            await self._budget.check()
            correction = Message("user", asked.structure.correction(verdict.told), ts=self._stamp())
            sent += [answer.message, correction]
        message = answers[-1].message
        usage, cost = _sum(answers)
        document = {
            "reply": fit.text if fit is not None else message.text,
            **({"data": fit.data} if fit is not None else {}),
            "provider": message.provider,
            "model": message.model,
            "finish_reason": message.finish_reason,
            "usage": usage.to_json(),
            "cost_usd": cost,
            "seconds": round(sum(one.seconds for one in answers), 3),
        }
        return Answered(asked, document, cost)

    async def _send(self, route: Route, sent: Sequence[Message], gate: Gate, begun: float) -> _Answer:
        """Send one request. Raises GptchatError."""
        prompt = await asyncio.to_thread(_check_size, sent, route, self._routing)
        request = Request(
            route.model,
            tuple(_wire(one) for one in sent),
            route.parameters,
            stream=route.stream,
            alone=True,
            structure=route.structure,
            ref=os.urandom(8).hex(),
            tokens=prompt,
        )
        text: list[str] = []
        usage: Usage | None = None
        ended: Finished | None = None
        started = time.monotonic()
        async with aclosing(route.provider.stream(request)) as events:  # type: ignore[type-var]  # a generator
            async for event in events:
                match event:
                    case TextDelta(piece, 0):
                        text.append(piece)
                    case UsageReported(usage):
                        pass
                    case Finished(choice=0):
                        ended = event
                    case Retrying(seconds, error=error) if error.kind == "rate_limit":
                        gate.limited(begun, seconds)
                    case _:
                        pass
        seconds = time.monotonic() - started
        reply = "".join(text)
        if usage is None:
            completion = self._routing.counter.count(reply, route.counted_as)
            usage = estimated(prompt, completion)
        cost = route.price(usage)
        refused = (ended.extra or {}).get("refusal") if ended else None
        message = Message(
            "assistant",
            reply,
            ts=self._stamp(),
            provider=route.provider.name,
            model=(ended.model if ended else "") or route.model,
            finish_reason=ended.reason if ended else None,
            usage=usage,
            extra={"cost": cost, "turn": request.ref, **({"refusal": True} if refused is True else {})},
        )
        return _Answer(message, usage, cost, seconds)

    async def _content(self, asked: BatchQuestion) -> Content:
        """The content of a question with what it attaches; an `@path` in its text attaches nothing."""
        if not asked.attachments:
            return asked.prompt
        async with self._attaching:  # files are read one after the other
            wanted = await self._outbox.wanted(Sourced(""), asked.attachments)
            async for event in self._outbox.settle(wanted):
                if isinstance(event, Decision):
                    event.answer = "n"  # nobody is asked within a batch
            content, _notes = await self._outbox.content(asked.prompt, wanted)
        return content

    def _keep(self, question: Message, answer: Message) -> None:
        session = self._session
        assert session is not None
        written = self._store.append(session, [question.to_record()])
        self._store.append(session, [replace(answer, parent=written[-1]["id"]).to_record()])


def _check_size(sent: Sequence[Message], route: Route, routing: Routing) -> int:
    """The tokens of the messages. Raises ContextLengthError if they do not fit the window."""
    counter, name = routing.counter, route.counted_as
    tokens = sum(counter.message(one, name) for one in sent) + overhead(route, counter)
    if tokens > route.limits.most:
        raise ContextLengthError(
            _("the request would take {tokens} tokens, and {budget} are free").format(
                tokens=f"{tokens:,}", budget=f"{route.limits.most:,}"
            )
        )
    return tokens


def _wire(message: Message) -> Mapping[str, Any]:
    content = message.content
    return {
        "role": message.role,
        "content": content if isinstance(content, str) else [dict(part) for part in content],
    }


def _failure(asked: BatchQuestion, error: GptchatError, also: Mapping[str, Any] | None = None) -> Answered:
    told = {"kind": error.kind, "message": error.message, "hint": error.hint or None, "status": error.status}
    return Answered(asked, {"error": told, **(also or {})}, failed=True)


def _sum(answers: Sequence[_Answer]) -> tuple[Usage, float | None]:
    """Usage and cost of all answers to one question."""
    usage, cost = answers[0].usage, answers[0].cost
    for one in answers[1:]:
        usage = usage.plus(one.usage)
        cost = None if cost is None or one.cost is None else cost + one.cost
    return usage, cost

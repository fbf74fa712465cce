"""Has several models answer one message at once; a person chooses the answer that goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Any

from gptchat.conversation.events import (
    AnswerChosen,
    AnswerEvent,
    ComparisonBegins,
    ComparisonEnded,
    Decision,
    Exchange,
    Kept,
)
from gptchat.conversation.moderation import Moderation
from gptchat.conversation.outcome import Outcome
from gptchat.core.branches import path_to
from gptchat.core.events import TurnFailed
from gptchat.core.messages import Content, Message
from gptchat.core.records import move
from gptchat.core.session import Session, shorten
from gptchat.errors import GptchatError, UsageError
from gptchat.manager import Answer, Route, SessionManager
from gptchat.manager.beside import TurnsBeside
from gptchat.words import _


class Comparing:
    """Runs the answers of a comparison. `keep` writes down what was learnt, and blocks.

    Each answer is in the journal before it counts as finished. Until a person has chosen, the conversation stands
    at the first one that was complete, so that a crash leaves it in good order.
    """

    def __init__(self, manager: SessionManager, moderation: Moderation, keep: Callable[[], None]) -> None:
        self._manager = manager
        self._moderation = moderation
        self._keep = keep

    def last_question(self) -> Message:
        """The message that is compared where none is given. Raises UsageError if there is none."""
        asked = [message for message in self._manager.session.path() if message.role == "user"]
        if not asked:
            raise UsageError(
                _("there is no question to compare answers to"),
                hint=_("usage: {usage}").format(usage="/compare MODEL MODEL [MODEL MODEL] TEXT"),
            )
        return asked[-1]

    async def run(
        self, content: Content | None, routes: Sequence[Route], extra: Mapping[str, Any] | None = None
    ) -> Exchange:
        """Have each of `routes` answer `content`, or where it is None the last question. Raises GptchatError.

        `extra` are further fields of the message, such as the passages that go along.
        """
        manager, session = self._manager, self._manager.session
        manager.close_calls()
        before, asked = session.head, ""
        beside = TurnsBeside(manager, len(routes), lambda session: _answered(session, asked))
        if content is None:
            question = self.last_question()
        else:
            question = Message("user", content, parent=before, ts=manager.timestamp(), extra=extra or {})
            question = await asyncio.to_thread(beside.ask, question)
            before = question.id
        asked = question.id
        outcomes = [Outcome(provider=route.provider.name, model=route.model) for route in routes]
        with beside:
            yield ComparisonBegins([(route.provider.name, route.model) for route in routes])
            async with aclosing(self._answers(beside, question, routes, outcomes)) as events:
                async for event in events:
                    yield event
        yield ComparisonEnded(outcomes)
        usable = [number for number, outcome in enumerate(outcomes) if _is_usable(outcome)]
        complete = [number for number in usable if outcomes[number].whole]
        chosen = next(iter(complete or usable), None)
        if chosen is not None and len(usable) > 1:
            decision = _which(outcomes, usable, chosen)
            yield decision
            if decision.answer:
                chosen = int(decision.answer) - 1
        message = outcomes[chosen].message if chosen is not None else None
        target = message.id if message is not None else before
        if session.head != target:
            manager.record(move(target))
        yield AnswerChosen(chosen)
        await asyncio.to_thread(self._keep)
        yield Kept()

    async def _answers(
        self, beside: TurnsBeside, question: Message, routes: Sequence[Route], outcomes: Sequence[Outcome]
    ) -> AsyncGenerator[AnswerEvent, None]:
        """The events of all answers as they come. Closing the generator ends the requests."""
        queue: asyncio.Queue[AnswerEvent | None] = asyncio.Queue()

        async def answer(number: int) -> None:
            manager, moderation = beside.managers[number], self._moderation.another()
            try:
                turn = manager.run_turn(Answer(question.id), [routes[number]])
                async with aclosing(moderation.hold(turn)) as events:
                    async for event in events:
                        if beside.stopped and not manager.stopping:
                            manager.stop()  # it was pressed before this one had begun
                        if not isinstance(event, Decision):
                            outcomes[number].take(event)
                            outcomes[number].withheld = moderation.withheld
                            queue.put_nowait(AnswerEvent(number, event, moderation.withheld))
            except GptchatError as error:
                failed = TurnFailed(error)
                outcomes[number].take(failed)
                queue.put_nowait(AnswerEvent(number, failed))
            finally:
                queue.put_nowait(None)

        tasks = [asyncio.create_task(answer(number)) for number in range(len(routes))]
        try:
            for _task in tasks:
                while (event := await queue.get()) is not None:
                    yield event
            for task in tasks:
                await task
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def _answered(session: Session, question: str) -> bool:
    """Whether `session` stands at a complete answer to the message `question`, or behind one."""
    path = path_to(session, session.head)
    at = next((place for place, message in enumerate(path) if message.id == question), len(path))
    return any(message.role == "assistant" and message.status == "complete" for message in path[at + 1 :])


def _is_usable(outcome: Outcome) -> bool:
    """Whether the conversation can go on with an answer."""
    return outcome.message is not None and not outcome.withheld and bool(outcome.message.text.strip())


def _which(outcomes: Sequence[Outcome], usable: Sequence[int], first: int) -> Decision:
    """The question which answer the conversation goes on with."""
    keys = []
    for number in usable:
        message = outcomes[number].message
        assert message is not None
        told = _("{who}: {text}").format(who=outcomes[number].model, text=shorten(message.text, 40))
        keys.append((str(number + 1), told))
    default = str(first + 1)
    return Decision("choose_answer", _("which answer do we go on with?"), keys, default, answer=default)

"""One conversation: say, retry and continue, from text to bill. Events go out, decisions come in; no terminal."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from gptchat.conversation.collections.documents import Documents, no_sources
from gptchat.conversation.compaction import Compaction
from gptchat.conversation.concurrent_edits import ConcurrentEdits
from gptchat.conversation.events import (
    ComparisonBegins,
    Decision,
    Exchange,
    Kept,
    NotSent,
    OtherAnswers,
    Revealed,
    Told,
    TurnBegins,
    TurnEnded,
    Unchanged,
    yes_or_no,
)
from gptchat.conversation.metering.forewarnings import Forewarnings
from gptchat.conversation.moderation import Moderation
from gptchat.conversation.outcome import Outcome
from gptchat.conversation.outgoing import Outbox
from gptchat.conversation.routes.preparing import Preparation, Ready, as_sent
from gptchat.conversation.routing import Routing
from gptchat.conversation.tooling.rounds import Rounds
from gptchat.core import session as tree
from gptchat.core.events import TurnEvent
from gptchat.core.messages import Message
from gptchat.core.origin import Sourced
from gptchat.core.ports import CONVERSATION, ONESHOT
from gptchat.core.records import kind_record
from gptchat.core.replies.passages import answered
from gptchat.core.session import Session
from gptchat.errors import ContentFilterError
from gptchat.manager import Answer, Continue, Order, Retry, Route, Send, SessionManager
from gptchat.values import replace
from gptchat.words import _

if TYPE_CHECKING:
    from gptchat.core.structured import Structure


class Conversation:
    """Carries out what a person asks of the model, for any front end.

    Each method is an async generator of events. A `Decision` among them is answered by setting its `answer`
    before the next event is taken; unanswered, it stands at its safe answer. All raise GptchatError where
    nothing could be sent. `keep` writes down what was learnt, and blocks. `unattended` says that nobody can
    look at a flagged text, which is then an error.
    """

    def __init__(
        self,
        *,
        manager: SessionManager,
        routing: Routing,
        outbox: Outbox,
        documents: Documents,
        before: Forewarnings,
        moderation: Moderation,
        compaction: Compaction,
        edits: ConcurrentEdits,
        rounds: Rounds,
        keep: Callable[[], None],
        unattended: bool,
    ) -> None:
        self._manager = manager
        self._routing = routing
        self._outbox = outbox
        self.documents = documents
        self._before = before
        self._moderation = moderation
        self._compaction = compaction
        self._preparation = Preparation(
            manager, routing, outbox, documents, before, moderation, edits, unattended=unattended
        )
        self.rounds = rounds
        self._keep = keep
        self._unattended = unattended

    async def say(
        self,
        text: str | Sourced,
        references: Sequence[str] = (),
        *,
        piped: str = "",
        model: str = "",
        structure: Structure | None = None,
        may_compact: Callable[[], bool] = lambda: True,
    ) -> Exchange:
        """Send `text` to `model`, if given, with what is attached, `references` among it; `piped` follows as data.

        A mention in `text` attaches by where it came from; files and addresses by the policy, or by a decision. In
        a plain string nothing attaches. The answer must fit `structure`, if given: `Checked` says whether it does.
        Ends with NotSent where the text should return to the person. After the reply the older turns may be
        summed up, unless `may_compact` says that the person is already typing on.
        """
        ready = Ready(lambda: self._preparation.routes(model))
        async for event in self._preparation.prepare(text, references, piped, ready):
            yield event
        if ready.content is None:
            return
        routes = await self._preparation.fitting(ready.routes, as_sent(ready.content, ready.found))
        outcome, order = Outcome(), Send(ready.content, self._outbox.replaces, ready.found.fields())
        async with aclosing(self._run(order, routes, outcome, structure)) as events:
            async for event in events:
                yield event
        if outcome.draft or (outcome.error and not outcome.provider):
            yield NotSent()
            return
        self._outbox.attached.clear()
        self._outbox.replaces = ""
        if outcome.whole and may_compact():
            async for event in self._compaction.after_turn():
                yield event

    async def compare(
        self, text: str | Sourced, models: Sequence[str], references: Sequence[str] = (), *, piped: str = ""
    ) -> Exchange:
        """Have each of `models` answer a message at once: the last one again where nothing is given to send.

        A model is `MODEL` of the current provider or `PROVIDER:MODEL`; no fallback takes its place, and no tools
        are offered. `text`, `references` and `piped` are those of `say`. The answers come between
        `ComparisonBegins` and `ComparisonEnded`; then `choose_answer` is decided if there are several.
        """
        from gptchat.conversation.comparing.running import Comparing

        comparing = Comparing(self._manager, self._moderation, self._keep)
        again = not ((text.text if isinstance(text, Sourced) else text).strip() or piped or references)
        ready = Ready(lambda: self._preparation.contenders(models))
        if again:
            ready.routes = await ready.choose()
            prepared = self._preparation.check(comparing.last_question().content, ready)
        else:
            prepared = self._preparation.prepare(text, references, piped, ready)
        async for event in prepared:
            yield event
        if ready.content is None:
            return
        self._go_on(asked=not again)
        async with aclosing(
            comparing.run(None if again else ready.content, ready.routes, ready.found.fields())
        ) as events:
            async for answered in events:
                if isinstance(answered, ComparisonBegins) and not again:
                    self._outbox.attached.clear()
                yield answered

    async def aside(self, text: str | Sourced, *, piped: str = "") -> Exchange:
        """Have `text` answered beside the conversation, which it sees and which goes on without it.

        No tools are offered, and what waits to be attached waits on.
        """
        from gptchat.conversation.comparing.asides import answer_aside

        ready, waiting = Ready(self._preparation.routes), self._outbox.attached
        self._outbox.attached = []
        try:
            async for prepared in self._preparation.prepare(text, (), piped, ready):
                yield prepared
        finally:
            self._outbox.attached = waiting
        if ready.content is None:
            return
        outcome = Outcome()
        self._go_on(asked=True)
        turn = answer_aside(self._manager, ready.content, ready.routes, ready.found.fields())
        async with aclosing(self._watched(turn, outcome)) as events:
            async for event in events:
                yield event
        await asyncio.to_thread(self._keep)
        if outcome.withheld:
            raise ContentFilterError(_("{reason}; it is not shown").format(reason=outcome.withheld))
        yield Kept()

    async def attach(self, reference: str) -> Exchange:
        """Attach `reference`, which a person named expressly, to the next message. Raises UsageError."""
        wanted = await self._outbox.wanted(Sourced(""), [reference])
        async for choice in self._outbox.settle(wanted):
            yield choice
        yield Told(await self._outbox.attach(wanted))

    async def retry(self, model: str = "", structure: Structure | None = None) -> Exchange:
        """Answer the last message again, with `model` if given; the answer must fit `structure`, if given."""
        async with aclosing(self._again(Retry(), model, Outcome(), structure)) as events:
            async for event in events:
                yield event

    async def continue_(self, model: str = "") -> Exchange:
        """Go on with the last reply; answer the message again where none of a reply's text had come."""
        if [message.role for message in self._manager.session.tail(1)] == ["tool"]:
            async with aclosing(self._again(Answer(), model, Outcome())) as events:
                async for event in events:
                    yield event
            return
        if not has_text(self._manager.session):
            yield Told(_("there is no text to go on from, so your message is answered again"))
            async with aclosing(self.retry(model)) as events:
                async for event in events:
                    yield event
            return
        before = [message.text for message in self._manager.session.tail(1)]
        outcome = Outcome()
        async with aclosing(self._again(Continue(), model, outcome)) as events:
            async for event in events:
                yield event
        after = [message.text for message in self._manager.session.tail(1)]
        if outcome.message is not None and outcome.whole and after == before:
            yield Unchanged()

    async def _again(
        self, order: Order, model: str, outcome: Outcome, structure: Structure | None = None
    ) -> Exchange:
        routes = await self._preparation.routes(model)
        async for event in self._before.check(routes):
            yield event
            if isinstance(event, NotSent):
                return
        routes = await self._preparation.fitting(routes)
        async with aclosing(self._run(order, routes, outcome, structure)) as events:
            async for event in events:
                yield event

    def _run(
        self, order: Order, routes: Sequence[Route], outcome: Outcome, structure: Structure | None
    ) -> Exchange:
        if structure is None:
            return self._turn(order, routes, outcome)
        from gptchat.conversation.structured.asking import fitting

        routes = [replace(route, structure=structure, parameters=_for_one(route.parameters)) for route in routes]

        async def again(order: Order, outcome: Outcome) -> Exchange:
            async for event in self._before.check(routes):
                yield event
                if isinstance(event, NotSent):
                    return
            async with aclosing(self._turn(order, routes, outcome)) as events:
                async for event in events:
                    yield event

        return fitting(structure, order, outcome, lambda one, to: self._turn(one, routes, to), again)

    async def _turn(self, order: Order, routes: Sequence[Route], outcome: Outcome) -> Exchange:
        """Run the turn, then yield the questions and messages that follow from it. Fills in `outcome`."""
        self._go_on(asked=isinstance(order, Send))
        async with aclosing(self._watched(self.rounds.run(order, routes), outcome)) as watched:
            async for event in watched:
                yield event
        if outcome.message is not None and (told := no_sources(answered(self._manager.session.path()))):
            yield Told(told)
        shown = True
        if withheld := outcome.withheld:
            outcome.withheld = ""
            decision = yes_or_no("show_withheld", _("{reason}; show it all the same?").format(reason=withheld))
            yield decision
            shown = decision.answer == "y"
            if not shown:
                outcome.withheld = withheld
                yield self._take_back(outcome)
            elif outcome.message is not None:
                yield Revealed(outcome.message)
        if shown and outcome.others and outcome.message is not None:
            yield OtherAnswers(outcome.others)
            async for choice in self._choose([outcome.message, *outcome.others]):
                yield choice
        await asyncio.to_thread(self._keep)
        yield Kept()

    async def _watched(self, turn: AsyncIterator[TurnEvent | Decision], outcome: Outcome) -> Exchange:
        """Run `turn` from TurnBegins to TurnEnded: moderated, and counted. Fills in `outcome`."""
        yield TurnBegins()
        async with aclosing(self._moderation.hold(turn)) as events:
            async for event in events:
                if not isinstance(event, Decision):
                    outcome.take(event)
                yield event
        yield TurnEnded(outcome)
        outcome.withheld = self._moderation.withheld

    def _go_on(self, *, asked: bool) -> None:
        """Note that a one-shot question has become a conversation, if it has; `asked`: by another message."""
        session = self._manager.session
        if session.messages and (asked or not self._unattended) and session.kind == ONESHOT:
            self._manager.record(kind_record(session.id, CONVERSATION))

    def _take_back(self, outcome: Outcome) -> Told:
        """Undo a turn whose reply is withheld. Raises ContentFilterError if nobody can be asked."""
        record = tree.undo(self._manager.session)
        if record is not None:
            self._manager.record(record)
        if self._unattended:
            raise outcome.refusal()
        return Told(_("the turn is taken back; /redo brings it back"), "notice")

    async def _choose(self, answers: Sequence[Message]) -> Exchange:
        """Let the person choose which of several answers the conversation continues with."""
        keys = [(str(number), tree.shorten(message.text, 40)) for number, message in enumerate(answers, 1)]
        decision = Decision("choose_answer", _("which answer do we go on with?"), keys, "1", answer="1")
        yield decision
        if decision.answer and decision.answer != "1":
            self._manager.record(tree.move(answers[int(decision.answer) - 1].id))


def _for_one(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """`parameters` without those that the schema of an answer takes the place of."""
    return {key: value for key, value in parameters.items() if key not in ("response_format", "n")}


def has_text(session: Session) -> bool:
    """Whether the conversation ends with text of a reply, even of one that was stopped."""
    last = session.tail(1)
    return bool(last) and last[0].role == "assistant" and bool(last[0].text.strip())

"""What is to be done before a message is sent: its content, its routes, budget, documents, moderation."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from gptchat.conversation.collections.documents import Documents, FoundPassages
from gptchat.conversation.concurrent_edits import ConcurrentEdits
from gptchat.conversation.events import Exchange, NotSent, Told, yes_or_no
from gptchat.conversation.metering.forewarnings import Forewarnings
from gptchat.conversation.moderation import Moderation
from gptchat.conversation.outgoing import Outbox
from gptchat.conversation.routing import Routing
from gptchat.core.messages import Content, Message
from gptchat.core.origin import Sourced, whole
from gptchat.core.replies.passages import with_passages
from gptchat.errors import ContentFilterError, UsageError
from gptchat.manager import Route, SessionManager
from gptchat.values import dataclass, field
from gptchat.words import _


@dataclass(slots=True)
class Ready:
    """What is to be sent: by which routes, and the content once it is checked."""

    choose: Callable[[], Awaitable[Sequence[Route]]]
    routes: Sequence[Route] = ()
    content: Content | None = None
    found: FoundPassages = field(default_factory=FoundPassages)


class Preparation:
    """Prepares messages. `unattended` says that nobody can look at a flagged text, which is then an error."""

    def __init__(
        self,
        manager: SessionManager,
        routing: Routing,
        outbox: Outbox,
        documents: Documents,
        before: Forewarnings,
        moderation: Moderation,
        edits: ConcurrentEdits,
        *,
        unattended: bool,
    ) -> None:
        self._manager = manager
        self._routing = routing
        self._outbox = outbox
        self._documents = documents
        self._before = before
        self._moderation = moderation
        self._edits = edits
        self._unattended = unattended

    async def routes(self, model: str = "") -> Sequence[Route]:
        """The routes to `model`, or to the one in force. Raises GptchatError."""
        await self._routing.look_for_model()
        return self._routing.routes(model)

    async def contenders(self, models: Sequence[str]) -> Sequence[Route]:
        """A route to each of `models`, without fallbacks. Raises GptchatError."""
        return [self._routing.routes(name)[0] for name in models]

    async def prepare(self, text: str | Sourced, references: Sequence[str], piped: str, ready: Ready) -> Exchange:
        """Make the content of a message and check it; sets `ready.content` unless it should not be sent.

        NotSent comes last where the text should return to the person.
        """
        entry = text if isinstance(text, Sourced) else whole(text, "message")
        async for event in self._edits.check():
            yield event
            if isinstance(event, NotSent):
                return
        ready.routes = await ready.choose()
        wanted = await self._outbox.wanted(entry, references)
        async for choice in self._outbox.settle(wanted):
            yield choice
        content, notes = await self._outbox.content(entry.text, wanted, piped=piped)
        if not content:
            raise UsageError(_("the message is empty"))
        async for event in self.check(content, ready, entry):
            yield event
        if ready.content is not None:
            for note in (*notes, *ready.found.notes):
                yield Told(note)

    async def check(self, content: Content, ready: Ready, entry: Sourced | None = None) -> Exchange:
        """Have budget and moderation look at `content`, for all of `ready.routes`; sets `ready.content`.

        Collections that `entry` asks are searched between: what is found goes along and is looked at, too.
        """
        async for event in self._before.check(ready.routes):
            yield event
            if isinstance(event, NotSent):
                return
        if entry is not None:
            async for step in self._documents.ask(entry, self._outbox.replaces, ready.routes[0]):
                if isinstance(step, FoundPassages):
                    ready.found = step
                else:
                    yield step
        reason, told = await self._moderation.objection(as_sent(content, ready.found))
        if told:
            yield Told(told, "notice")
        if reason:
            decision = yes_or_no("send_flagged", _("{reason}; send it all the same?").format(reason=reason))
            yield decision
            if decision.answer != "y":
                if self._unattended:
                    raise ContentFilterError(
                        _("{reason}; it was not sent").format(reason=reason),
                        hint=_("say it in other words, or switch the check off: -o moderation=off"),
                    )
                yield NotSent()
                return
        ready.content = content

    async def fitting(self, routes: Sequence[Route], content: Content = "") -> Sequence[Route]:
        """`routes`, the first with the window that its server tells, if it is a guess that something exceeds."""
        first = routes[0]
        if first.limits.guessed:
            plan = await asyncio.to_thread(self._manager.plan, first, draft=content)
            exceeded = plan.over or (plan.trimmed and plan.reason == "window")
            if exceeded and await self._routing.look_for_window(first):
                return [self._routing.route(first.model, first.provider.name), *routes[1:]]
        return routes


def as_sent(content: Content, found: FoundPassages) -> Content:
    """`content` with the passages that go along."""
    return with_passages(Message("user", content, extra=found.fields()), content)

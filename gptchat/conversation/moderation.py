"""Moderation: messages are checked before sending and replies before display; the user decides on flagged text."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from copy import copy
from typing import TYPE_CHECKING

from gptchat.conversation.events import Decision
from gptchat.core.events import (
    FileReceived,
    Notice,
    ReasoningDelta,
    RoundEnded,
    SourcesFound,
    TextDelta,
    TextWasReasoning,
    ToolCall,
    TurnEvent,
    TurnFailed,
    TurnFinished,
    TurnInterrupted,
)
from gptchat.core.messages import Content, Message
from gptchat.errors import GptchatError, NotFoundError, RequestTimeoutError
from gptchat.words import _

if TYPE_CHECKING:
    from gptchat.config.settings import Settings
    from gptchat.conversation.routing import Routing

SECONDS = 20.0
"""Time limit for one check; a slower one counts as failed."""

Tell = Callable[[str], None]


class Moderation:
    """Asks the current provider's moderation, as the setting `moderation` says."""

    def __init__(self, settings: Settings, routing: Routing) -> None:
        self._settings = settings
        self._routing = routing
        self._without: set[str] = set()
        self.withheld = ""
        """Why the reply of the last turn was not shown, if so."""

    def another(self) -> Moderation:
        """One for a turn that runs beside others: it withholds by itself."""
        other = copy(self)
        other.withheld = ""
        return other

    async def objection(self, content: Content) -> tuple[str, str]:
        """Return why `content` should not be sent, and a note for the user; either may be empty.

        Raises what the provider raises: then it is not sent.
        """
        if not self._wanted("input"):
            return "", ""
        notes: list[str] = []
        reason = await self._objection(Message("user", content).text, notes.append)
        return reason, _("; ").join(notes)

    async def hold(
        self, events: AsyncIterator[TurnEvent | Decision]
    ) -> AsyncGenerator[TurnEvent | Decision, None]:
        """Pass on the events of a turn; if output is moderated, hold the reply back until it is checked.

        A reply that is flagged, or cannot be checked, is left out, and `withheld` says why.
        """
        self.withheld = ""
        checked = self._wanted("output")
        held: list[TurnEvent] = []
        async with _closing(events):
            async for event in events:
                if not checked:
                    yield event
                elif isinstance(
                    event, (TextDelta, ReasoningDelta, TextWasReasoning, FileReceived, SourcesFound, ToolCall)
                ):
                    held.append(event)
                elif isinstance(event, (RoundEnded, TurnFinished, TurnInterrupted, TurnFailed)):
                    if not self.withheld:
                        for note in await self._check(event):
                            yield Notice(note)
                    if not self.withheld:
                        for piece in held:
                            yield piece
                    held.clear()
                    yield event
                else:
                    yield event

    async def _check(self, end: RoundEnded | TurnFinished | TurnInterrupted | TurnFailed) -> list[str]:
        """Check the final reply and set `withheld`; return notes for the user."""
        notes: list[str] = []
        if end.message is not None:
            others = end.others if isinstance(end, TurnFinished) else ()
            self.withheld = await self._doubt((end.message, *others), notes.append)
        return notes

    def _wanted(self, side: str) -> bool:
        return self._settings.chat.moderation in (side, "both")

    async def _doubt(self, messages: Sequence[Message], tell: Tell) -> str:
        """Return why a reply should not be shown; empty if it may be."""
        texts = [text for message in messages for text in (message.reasoning, message.text) if text]
        try:
            return await self._objection("\n\n".join(texts), tell, reply=True)
        except GptchatError as error:
            return _("the reply could not be checked ({why})").format(why=error.message)

    async def _objection(self, text: str, tell: Tell, *, reply: bool = False) -> str:
        """Return the provider's objection to `text`; empty if there is none or the provider has no moderation."""
        if not text.strip():
            return ""
        provider = self._routing.provider()
        try:
            moderate = provider.abilities.moderate
            if moderate is None:
                raise NotFoundError("")
            async with asyncio.timeout(SECONDS):
                verdict = await moderate(text)
        except NotFoundError:
            if provider.name not in self._without:
                self._without.add(provider.name)
                tell(_("{name} has no moderation; nothing is checked").format(name=provider.name))
            return ""
        except TimeoutError:
            raise RequestTimeoutError(
                _("the moderation of {name} did not answer within {seconds:g} s").format(
                    name=provider.name, seconds=SECONDS
                ),
                hint=_("try again, or /set moderation off"),
            ) from None
        if not verdict.flagged:
            return ""
        words = _("the reply was flagged: {categories}") if reply else _("your message was flagged: {categories}")
        return words.format(categories=_(", ").join(verdict.categories) or _("no reason given"))


@asynccontextmanager
async def _closing(events: AsyncIterator[TurnEvent | Decision]) -> AsyncGenerator[None, None]:
    """Close the turn's event stream when the consumer stops."""
    try:
        yield
    finally:
        close = getattr(events, "aclose", None)
        if close is not None:
            await close()

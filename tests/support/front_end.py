"""A front end without a screen: it keeps the events of a conversation, and decides by a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from gptchat.conversation.events import (
    ConversationEvent,
    Decision,
    Exchange,
    NotSent,
    Revealed,
    Subject,
    Told,
    TurnEnded,
)
from gptchat.conversation.outcome import Outcome
from gptchat.core.events import Notice, TextDelta


@dataclass
class FrontEnd:
    """Answers a question on a subject with what `table` says, in order; others keep their safe answer."""

    table: Mapping[Subject, Sequence[str | None]] = field(default_factory=dict)
    events: list[ConversationEvent] = field(default_factory=list)
    asked: list[Decision] = field(default_factory=list)

    async def drive(self, exchange: Exchange) -> list[ConversationEvent]:
        """The events of `exchange`, taken to its end."""
        begun = len(self.events)
        async with aclosing(exchange):
            async for event in exchange:
                self.events.append(event)
                if isinstance(event, Decision):
                    number = sum(one.subject == event.subject for one in self.asked)
                    self.asked.append(event)
                    if answers := self.table.get(event.subject):
                        event.answer = answers[number]
        return self.events[begun:]

    @property
    def sent(self) -> bool:
        """Whether the last message was sent."""
        return not any(isinstance(event, NotSent) for event in self.events)

    @property
    def outcome(self) -> Outcome:
        """How the last turn ended."""
        return [event.outcome for event in self.events if isinstance(event, TurnEnded)][-1]

    @property
    def told(self) -> list[str]:
        """The lines for the person, in order."""
        return [event.text for event in self.events if isinstance(event, Told | Notice)]

    @property
    def shown(self) -> str:
        """The text of the replies that reached the screen."""
        parts = [event for event in self.events if isinstance(event, TextDelta | Revealed)]
        return "".join(event.text if isinstance(event, TextDelta) else event.message.text for event in parts)

"""What a conversation yields besides the events of a turn, and the decisions that it asks for."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from gptchat.conversation.outcome import Outcome
from gptchat.core.events import TurnEvent
from gptchat.core.messages import Message

Subject = Literal["foreign_edits", "send_flagged", "show_withheld", "choose_answer", "compact"]


@dataclass(slots=True)
class Decision:
    """A question that the front end answers by setting `answer` before it takes the next event.

    `choices` are (key, meaning) pairs. `default` is what an empty answer of a person means. `answer` starts as
    the safe answer, which stands where nobody can be asked; None means that the person declined.
    """

    subject: Subject
    question: str
    choices: Sequence[tuple[str, str]]
    default: str
    answer: str | None = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class Told:
    """A line for the person, beside the reply."""

    text: str
    tone: Literal["hint", "notice"] = "hint"


@dataclass(frozen=True, slots=True)
class Foreign:
    """Messages that another program has added to the session."""

    messages: Sequence[Message]


@dataclass(frozen=True, slots=True)
class TurnBegins:
    """The turn's own events follow, until `TurnEnded`."""


@dataclass(frozen=True, slots=True)
class TurnEnded:
    """How the turn ended. What follows is asked and told after it."""

    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Revealed:
    """A reply that was withheld is to be shown after all."""

    message: Message


@dataclass(frozen=True, slots=True)
class OtherAnswers:
    """The other answers of a turn that asked for several, from the second on."""

    messages: Sequence[Message]


@dataclass(frozen=True, slots=True)
class Unchanged:
    """The model had nothing to add to the reply that it was to continue."""


@dataclass(frozen=True, slots=True)
class Kept:
    """The turn is over, and everything that was learnt in it is written down."""


@dataclass(frozen=True, slots=True)
class SessionMoved:
    """Another session is open now, or the open one stands elsewhere."""


@dataclass(frozen=True, slots=True)
class NotSent:
    """The message was not sent: its text goes back to where it came from."""


@dataclass(frozen=True, slots=True)
class CompactWanted:
    """The person wants to see a summary of the older turns, as `/compact` makes one."""


ConversationEvent = (
    TurnEvent
    | Decision
    | Told
    | Foreign
    | TurnBegins
    | TurnEnded
    | Revealed
    | OtherAnswers
    | Unchanged
    | Kept
    | SessionMoved
    | NotSent
    | CompactWanted
)

Exchange = AsyncGenerator[ConversationEvent, None]
"""The events of one order. Whoever takes them closes the generator (`contextlib.aclosing`)."""


async def turn_events(exchange: Exchange) -> AsyncGenerator[TurnEvent, None]:
    """The events of the turn that `exchange` has just begun, up to `TurnEnded`."""
    async for event in exchange:
        if not isinstance(event, TurnEvent):
            return
        yield event

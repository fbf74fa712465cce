"""Events of a conversation besides those of a turn, and the decisions it requests."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, Literal

from gptchat.conversation.outcome import Outcome
from gptchat.core.events import ToolCall, TurnEvent
from gptchat.core.messages import Message
from gptchat.core.tooling import ToolSpec
from gptchat.values import dataclass, field
from gptchat.words import _

Subject = Literal[
    "foreign_edits",
    "send_flagged",
    "show_withheld",
    "choose_answer",
    "compact",
    "attach",
    "collection",
    "unknown_price",
    "tool_call",
]


@dataclass(slots=True)
class WantedCall:
    """A call that the model wants, with what a person may add to their answer.

    The answers to `tool_call` are `y` (once), `a` (always in this session) and `n` (no; `reason` goes to the
    model). With `y` or `a`, the call runs with `arguments`, which the person may have edited. `spec.always_asks`
    leaves `a` out of the choices.
    """

    call: ToolCall
    spec: ToolSpec
    arguments: Mapping[str, Any]
    reason: str = ""


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
    call: WantedCall | None = None
    """What `tool_call` asks about; its `reason` and `arguments` may be set with the answer."""


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
class Checked:
    """An answer was checked against its schema for the last time: `outcome` has its `fit`, or a MisfitError.

    It is that of the last turn; time, usage and cost are those of all.
    """

    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Revealed:
    """A withheld reply should be shown after all."""

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
    """The turn is over and everything learned from it has been saved."""


@dataclass(frozen=True, slots=True)
class SessionMoved:
    """Another session is open now, or the head of the open one has moved."""


@dataclass(frozen=True, slots=True)
class NotSent:
    """The message was not sent; the front end should return its text to the user."""


@dataclass(frozen=True, slots=True)
class CompactWanted:
    """The user accepted a summary; the front end should make one as `/compact` does."""


@dataclass(frozen=True, slots=True)
class ComparisonBegins:
    """Several models answer one message, which is in the journal. Their events follow, until `ComparisonEnded`.

    `contenders` are (provider, model) pairs.
    """

    contenders: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class AnswerEvent:
    """An event of the answer of the contender `number`, from 0; each ends as a turn does.

    `withheld` says why the answer is not shown, once that is known.
    """

    number: int
    event: TurnEvent
    withheld: str = ""


@dataclass(frozen=True, slots=True)
class ComparisonEnded:
    """How each contender's answer ended."""

    outcomes: Sequence[Outcome]


@dataclass(frozen=True, slots=True)
class AnswerChosen:
    """The conversation goes on with the answer of the contender `number`, from 0; None: with none of them."""

    number: int | None


ConversationEvent = (
    TurnEvent
    | Decision
    | Told
    | Foreign
    | TurnBegins
    | TurnEnded
    | Checked
    | Revealed
    | OtherAnswers
    | Unchanged
    | Kept
    | SessionMoved
    | NotSent
    | CompactWanted
    | ComparisonBegins
    | AnswerEvent
    | ComparisonEnded
    | AnswerChosen
)

Exchange = AsyncGenerator[ConversationEvent, None]
"""The events of one order. The consumer must close the generator (`contextlib.aclosing`)."""


async def turn_events(exchange: Exchange) -> AsyncGenerator[TurnEvent | Decision, None]:
    """The events of the turn that `exchange` has just begun, and its decisions, up to `TurnEnded`."""
    async for event in exchange:
        if not isinstance(event, TurnEvent | Decision):
            return
        yield event


def yes_or_no(subject: Subject, question: str) -> Decision:
    """A decision between yes and no, which is the safe answer."""
    return Decision(subject, question, (("y", _("yes")), ("n", _("no"))), "n", answer="n")


async def next_event(exchange: Exchange) -> ConversationEvent | None:
    """The next event, None at the end (a task must not raise StopAsyncIteration)."""
    return await anext(exchange, None)

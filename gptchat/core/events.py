"""What can happen in a turn, as a closed union of small frozen values.

A provider yields `ProviderEvent`s for one request; `SessionManager.run_turn` passes on those a person
sees and adds its own, which together are `TurnEvent`s. Whoever paints them matches on the class.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gptchat.core.context import ContextPlan
from gptchat.core.messages import Message, Usage
from gptchat.errors import GptchatError
from gptchat.values import dataclass


@dataclass(frozen=True, slots=True)
class TextDelta:
    """A piece of the reply. `choice` is its number from 0 where several were asked for (`n`)."""

    text: str
    choice: int = 0


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    """A piece of the model's reasoning, shown dimmed and never sent back."""

    text: str
    choice: int = 0


@dataclass(frozen=True, slots=True)
class ToolCall:
    """The model asks for a function call; gptchat shows and keeps it, and runs nothing."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class UsageReported:
    """The server's own count of the request."""

    usage: Usage


@dataclass(frozen=True, slots=True)
class Retrying:
    """The request failed before any text came and is sent again after `seconds`.

    `attempt` counts from 1; `attempts` is how many retries there will be at most.
    """

    seconds: float
    attempt: int
    attempts: int
    error: GptchatError


@dataclass(frozen=True, slots=True)
class Notice:
    """One line the person should know, such as a parameter the server refused and that was dropped."""

    text: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The server's end mark of one choice: `stop`, `length`, `tool_calls`, `content_filter`, ...

    `model` is the model that the server says answered. `extra` goes into the message's record as it is
    (for a provider that keeps the conversation: its id, under `conversation`).
    """

    reason: str
    model: str = ""
    choice: int = 0
    extra: Mapping[str, Any] | None = None


ProviderEvent = TextDelta | ReasoningDelta | ToolCall | UsageReported | Retrying | Notice | Finished


@dataclass(frozen=True, slots=True)
class TurnStarted:
    """The person's message is on disk and the request goes out under `plan`."""

    message: Message
    plan: ContextPlan
    provider: str
    model: str


@dataclass(frozen=True, slots=True)
class ContextTrimmed:
    """From this turn on something is left out of what the model is sent; announced once, when it begins."""

    plan: ContextPlan


@dataclass(frozen=True, slots=True)
class TurnFinished:
    """The reply is complete and in the journal. `seconds` is the whole time, `first` until the first piece."""

    message: Message
    seconds: float
    first: float
    cost: float | None = None
    """US dollars, or None where no price is known."""
    others: tuple[Message, ...] = ()
    """The other choices where several were asked for, in order; all are in the journal beside the first."""


@dataclass(frozen=True, slots=True)
class TurnInterrupted:
    """The person stopped the reply; `message` is what was kept (None when nothing had come)."""

    message: Message | None
    seconds: float


@dataclass(frozen=True, slots=True)
class TurnFailed:
    """The turn ended with `error`; `message` is the partial reply that was kept, if any came.

    `draft` is text to put back into the prompt, where nothing was sent at all.
    """

    error: GptchatError
    message: Message | None = None
    draft: str = ""


TurnEvent = (
    TextDelta
    | ReasoningDelta
    | ToolCall
    | Retrying
    | Notice
    | TurnStarted
    | ContextTrimmed
    | TurnFinished
    | TurnInterrupted
    | TurnFailed
)

"""Events of a turn, as a closed union of small frozen values.

A provider yields `ProviderEvent`s for one request. `SessionManager.run_turn` forwards those that a user sees
and adds its own; together they are the `TurnEvent`s. Front ends match on the class.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from gptchat.core.context import ContextPlan
from gptchat.core.messages import Message, Usage
from gptchat.core.replies.media import KeptFile
from gptchat.core.replies.sources import CitedSource
from gptchat.core.tooling import ToolSpec
from gptchat.errors import GptchatError
from gptchat.values import dataclass


@dataclass(frozen=True, slots=True)
class TextDelta:
    """A piece of the reply. `choice` is the index of the choice, from 0, if several were requested (`n`)."""

    text: str
    choice: int = 0


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    """A piece of the model's reasoning, shown dimmed and never sent back."""

    text: str
    choice: int = 0


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A function call that the model requests. `arguments` is JSON as the model wrote it, which may be invalid."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class MediaReceived:
    """A picture, sound or other file of the reply, apart from its text.

    `address` is a data address (`data:image/png;base64,...`), or a web address, which is not fetched.
    """

    address: str
    choice: int = 0


@dataclass(frozen=True, slots=True)
class SourcesFound:
    """Sources of the reply, in the order of their numbers.

    A provider may give the same one again; in a `TurnEvent` they are all that are known so far.
    """

    sources: tuple[CitedSource, ...]
    choice: int = 0


@dataclass(frozen=True, slots=True)
class UsageReported:
    """The token usage of the request, as counted by the server."""

    usage: Usage


@dataclass(frozen=True, slots=True)
class Retrying:
    """The request failed before any text arrived and is sent again after `seconds`.

    `attempt` counts from 1; `attempts` is the maximum number of retries.
    """

    seconds: float
    attempt: int
    attempts: int
    error: GptchatError


@dataclass(frozen=True, slots=True)
class Notice:
    """A one-line notice for the user, for example that a parameter was dropped because the server rejected it."""

    text: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The end of one choice, with its finish reason: `stop`, `length`, `tool_calls`, `content_filter`, ...

    `model` is the model that answered, as named by the server. `extra` is added to the message record unchanged
    (a provider that keeps the conversation puts its id there, under `conversation`).
    """

    reason: str
    model: str = ""
    choice: int = 0
    extra: Mapping[str, Any] | None = None


ProviderEvent = (
    TextDelta
    | ReasoningDelta
    | ToolCall
    | MediaReceived
    | SourcesFound
    | UsageReported
    | Retrying
    | Notice
    | Finished
)


@dataclass(frozen=True, slots=True)
class FileReceived:
    """A file of the reply. Its `label` stands in the text of the message at this place.

    `source` is the text that it was received as, empty if it came apart from the text. `file` is None if the data
    was unreadable or too large, which the label then says.
    """

    label: str
    file: KeptFile | None = None
    source: str = ""
    choice: int = 0


@dataclass(frozen=True, slots=True)
class TextWasReasoning:
    """All text of the choice so far, `text`, was reasoning: the model closed it without having opened it."""

    text: str
    choice: int = 0


@dataclass(frozen=True, slots=True)
class TurnStarted:
    """The user's message is on disk; the request described by `plan` is about to be sent."""

    message: Message
    plan: ContextPlan
    provider: str
    model: str


@dataclass(frozen=True, slots=True)
class ContextTrimmed:
    """From this turn on, messages are omitted from requests. Emitted once, when trimming begins."""

    plan: ContextPlan


@dataclass(frozen=True, slots=True)
class RoundEnded:
    """A reply that calls tools, `message`, is complete and in the journal; its calls are decided and run next."""

    message: Message
    number: int
    """The number of the round in this turn, from 1."""


@dataclass(frozen=True, slots=True)
class ToolStarted:
    """A call that may run has begun. Calls of one round may run at once. `spec` is None for an unknown name."""

    call: ToolCall
    spec: ToolSpec | None


@dataclass(frozen=True, slots=True)
class ToolProgress:
    """A running call tells how far it is, in one line."""

    call: ToolCall
    text: str


@dataclass(frozen=True, slots=True)
class ToolFinished:
    """The result of a call is in the journal as `message` (role `tool`).

    It is also emitted for a call that did not run: one that was denied, or whose name or arguments are invalid.
    `tokens` are those of the result as it is sent. `whole` is the path of the file with the whole result, if
    only a part of it is sent; else empty.
    """

    call: ToolCall
    message: Message
    outcome: Literal["done", "failed", "denied", "interrupted"]
    seconds: float
    tokens: int
    whole: str = ""


@dataclass(frozen=True, slots=True)
class TurnFinished:
    """The reply is complete and in the journal. `seconds` is the total time, `first` up to the first piece."""

    message: Message
    seconds: float
    first: float
    cost: float | None = None
    """US dollars, or None if no price is known."""
    others: tuple[Message, ...] = ()
    """The other choices, in order, if several were requested; they are siblings of the first in the journal."""
    usage: Usage | None = None
    """That of this turn alone; the usage of a continued `message`, and `cost`, are of all its pieces."""
    spent: float | None = None
    """US dollars for `usage`, or None if no price is known."""


@dataclass(frozen=True, slots=True)
class TurnInterrupted:
    """The user stopped the reply; `message` is the partial reply that was kept, None if nothing had arrived."""

    message: Message | None
    seconds: float


@dataclass(frozen=True, slots=True)
class TurnFailed:
    """The turn ended with `error`; `message` is the partial reply that was kept, if any.

    `draft` is text to put back into the prompt if nothing was sent; otherwise empty.
    """

    error: GptchatError
    message: Message | None = None
    draft: str = ""


TurnEvent = (
    TextDelta
    | ReasoningDelta
    | TextWasReasoning
    | FileReceived
    | SourcesFound
    | ToolCall
    | Retrying
    | Notice
    | TurnStarted
    | ContextTrimmed
    | RoundEnded
    | ToolStarted
    | ToolProgress
    | ToolFinished
    | TurnFinished
    | TurnInterrupted
    | TurnFailed
)

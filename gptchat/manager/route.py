"""The inputs of a turn: the route (provider, model, limits) and the order (send, retry, continue)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gptchat.core.context import Limits
from gptchat.core.messages import Content, Message, Usage
from gptchat.core.ports import Provider, counted_as
from gptchat.core.typed.template import Template
from gptchat.errors import ContextLengthError
from gptchat.values import dataclass, field

if TYPE_CHECKING:
    from gptchat.core.structured import Structure


def _no_price(usage: Usage) -> float | None:
    return None


def _no_limit(error: ContextLengthError) -> Limits | None:
    return None


def _not_noted(tokens: int) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Route:
    """One way to send a turn: a provider, a model, the system prompt and parameters, and the limits.

    `price` gives the US$ of a usage, None where unknown. `learn_limit` takes an overflow that the server
    reported and returns the limits that hold from then on, None where the server told no number. `taken` is
    told how many tokens a request had that the server answered. `alone` says that a first message is likely
    to be the only one.
    """

    provider: Provider
    model: str
    limits: Limits
    system: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    stream: bool = True
    template: Template | None = None
    """The template that `system` shows, if it has variables; they are filled for each message."""
    price: Callable[[Usage], float | None] = _no_price
    learn_limit: Callable[[ContextLengthError], Limits | None] = _no_limit
    taken: Callable[[int], None] = _not_noted
    alone: bool = False
    pictures: bool = True
    """Whether the model may be sent pictures that tools return."""
    tools: Sequence[Mapping[str, Any]] = ()
    """Definitions of the tools that the model may call, in the chat API's format."""
    may_call: bool = True
    """Whether it may call them in this request; if not, it must answer."""
    structure: Structure | None = None
    """The shape that the answer must have, if it is to be JSON."""

    @property
    def counted_as(self) -> str:
        """The name by which the token counter knows the model."""
        return counted_as(self.provider.name, self.model)

    def system_for(self, path: Sequence[Message]) -> str:
        """The system prompt for a request with the messages `path`, the newest of the user's being answered."""
        if self.template is None:
            return self.system
        asked = next((message.text for message in reversed(path) if message.role == "user"), "")
        return self.template.filled(asked)


@dataclass(frozen=True, slots=True)
class Send:
    """Send `content` as a user message and request a reply.

    It follows the last message, or takes the place of the user message `replaces`, which stays as a version of it.
    """

    content: Content
    replaces: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)
    """More fields of the message's record, such as the passages of documents that go along."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Request another reply to the newest user message; the earlier reply is kept as a sibling."""


@dataclass(frozen=True, slots=True)
class Continue:
    """Continue the last reply; the new text is appended to it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Request the next reply of a turn in which tools were called.

    `after` is the id of the last result; empty: the last message of the conversation.
    """

    after: str = ""


Order = Send | Retry | Continue | Answer

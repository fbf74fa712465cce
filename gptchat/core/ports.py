"""The protocols the manager speaks to: a provider, a store of sessions, a counter of tokens, facts on models."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from gptchat.core.events import ProviderEvent
from gptchat.core.messages import Message, Record, Request
from gptchat.core.session import Session
from gptchat.errors import StorageError


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What is known of a model. Prices are US$ per million tokens; None or 0 where unknown."""

    name: str
    context: int | None = None
    """The window in tokens."""
    max_output: int | None = None
    input: float | None = None
    cached_input: float | None = None
    output: float | None = None
    reasoning: bool = False
    vision: bool | None = None
    tools: bool = False
    api: str = "chat"
    """The wire API it answers on: `chat`, `responses` or `completions`."""
    provider: str = ""
    retired: str | None = None
    """When it was shut down, or will be (ISO date)."""
    source: str = "catalogue"
    """Who says so: `settings`, `server`, `learnt`, `catalogue` or `default`."""


class Provider(Protocol):
    """A named endpoint that answers requests."""

    @property
    def name(self) -> str:
        """The name of the provider in the settings."""

    def stream(self, request: Request) -> AsyncIterator[ProviderEvent]:
        """Send `request` and yield what comes; ends with `Finished` or raises a `GptchatError`.

        Cancelling the task that iterates closes the connection.
        """

    async def models(self) -> Sequence[ModelFacts]:
        """The models the server lists, with the facts it tells; raises a `GptchatError`."""

    async def close(self) -> None:
        """Close connections; the provider may not be used afterwards."""


@runtime_checkable
class OnTheWire(Protocol):
    """A provider whose requests can be shown before they are sent."""

    @property
    def address(self) -> str:
        """The base address."""

    def body(self, request: Request) -> tuple[str, dict[str, Any]]:
        """The path below the address, and the body, of `request`."""


@runtime_checkable
class CountsTokens(Protocol):
    """A provider whose server may count the tokens of a text with the model's own tokenizer, as llama.cpp does."""

    @property
    def counts_tokens(self) -> bool:
        """Whether the server is known to do so."""

    async def tokenize(self, texts: Sequence[str], model: str) -> list[int] | None:
        """The tokens of each of `texts`, without any share of the format; None where the server does not tell.

        Texts go over the wire: give only what is sent to this server anyway. Raises no `GptchatError`.
        """


class TokenCounter(Protocol):
    """Counts tokens as `model` would. Counts are of text a person or model wrote, never sent anywhere."""

    def encoding(self, model: str) -> str:
        """The name of the encoding (`o200k_base`, `cl100k_base`, or `estimate`) under which counts are cached."""

    def exact(self, model: str) -> bool:
        """Whether counts for `model` are exact, or an estimate to be marked with `≈`."""

    def ready(self, model: str) -> bool:
        """Whether counts for `model` are as good as they get: no vocabulary is still to be loaded."""

    def load(self, model: str) -> bool:
        """Load what `model` is counted by; blocking, so call it in a thread. False where it cannot be had."""

    def alias(self, name: str, model: str) -> None:
        """The server says that the model `model` answers under `name`, such as an Azure deployment."""

    def count(self, text: str, model: str) -> int:
        """Tokens in `text`. Takes any string whatever; never raises."""

    def message(self, message: Message, model: str) -> int:
        """Tokens of `message` in a request, its share of the format included; uses `message.tokens`."""

    def counting(self, model: str) -> Callable[[Message], int]:
        """`message` for one model as a function of the message alone, as `core.context.plan` wants it."""

    def measure(self, message: Message, model: str) -> dict[str, int]:
        """The raw counts to keep in `message.tokens`, so that the message is never counted again."""

    def overhead(self, model: str) -> int:
        """Tokens that every request has besides its messages."""

    def tools(self, functions: Sequence[Mapping[str, Any]], model: str) -> int:
        """Tokens of the tools offered in a request (`{"type": "function", "function": {...}}` each)."""

    def learn(
        self, model: str, counted: int, reported: int, messages: Sequence[Message], reply: Message | None = None
    ) -> None:
        """The server reported `reported` prompt tokens where `counted` had been counted (`ContextPlan.tokens`).

        `messages` are all that was sent (`ContextPlan.everything()`), `reply` what came, with its usage.
        """

    def told(self, model: str, text: str, tokens: int) -> None:
        """The server's own tokenizer counts `tokens` in `text` alone; true for this run."""

    def untold(self, model: str, messages: Sequence[Message]) -> list[str]:
        """The texts of `messages`, newest first, that the server's tokenizer could count better than is known."""


class PartialReply(Protocol):
    """The sidecar of a reply while it streams: what came survives the end of the process."""

    @property
    def token(self) -> str:
        """The token of this reply: put it as `turn` into the record that is appended when the reply ends."""

    def write(self, text: str, *, reasoning: bool = False) -> None:
        """Append a piece; handed to the operating system at once, not forced to the disk."""

    def discard(self) -> None:
        """Remove the sidecar; the reply is in the journal now."""


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """A session in a list. `updated` and `created` are UTC, `2026-11-20T08:30:15Z`."""

    id: str
    user: str
    title: str
    created: str
    updated: str
    turns: int = 0
    model: str = ""
    damaged: str = ""
    """Why the journal could not be read whole, if so."""


class SessionStore(Protocol):
    """Where sessions live. Blocking: call it in a thread where that matters. Opening raises `StorageError`."""

    def create(self, user: str, settings: Mapping[str, Any], *, title: str | None = None) -> Session:
        """A new session; its journal appears with its first record."""

    def open(self, user: str, session_id: str) -> Session:
        """Read a session, heal its journal, and take in a reply that was cut off."""

    def append(self, session: Session, records: Sequence[Record], *, durable: bool = False) -> Sequence[Record]:
        """Write `records` and apply them to `session`; first apply what other programs wrote meanwhile.

        A message with an empty `id` is given one that nobody else has taken. Returns the records as
        written. `durable` forces them to the disk before returning.
        """

    def refresh(self, session: Session) -> Sequence[Record]:
        """Apply what other programs have written to the session, and return it, once.

        What an `append` took in is returned with the next call.
        """

    def stood(self, session: Session) -> str | None:
        """Where the session stood before what `refresh` is going to return, or was put by us since."""

    def trouble(self, session: Session) -> StorageError | None:
        """Why the last append could not be written, if so: it is in the session all the same, and waits."""

    def unsaved(self, session: Session) -> Sequence[Record]:
        """The records that are in the session and wait to be written; every append tries again."""

    def waiting(self) -> Sequence[Session]:
        """The sessions with records that wait to be written, those that were left since among them."""

    def retry(self) -> None:
        """Try again to write what waits, of every session."""

    def forget(self, user: str, session_id: str) -> None:
        """Let go of what waits of a session that was deleted: it must not come back."""

    def damage(self, session: Session) -> str:
        """One sentence on what of the session's journal cannot be read; empty where all can."""

    def partial(self, session: Session, header: Record) -> PartialReply:
        """Begin the sidecar of a reply: `header` is its message record without content."""

"""The protocols the manager speaks to: a provider, a store of sessions, a counter of tokens, facts on models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from gptchat.values import dataclass, field

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

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


@dataclass(frozen=True, slots=True)
class RateLimits:
    """What is left of the allowance, from the `x-ratelimit-*` headers; None where the server is silent.

    `reset_requests` and `reset_tokens` are the server's own words (`1s`, `6m0s`).
    """

    limit_requests: int | None = None
    remaining_requests: int | None = None
    reset_requests: str = ""
    limit_tokens: int | None = None
    remaining_tokens: int | None = None
    reset_tokens: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What moderation says of a text: the categories it was flagged for, and the score of each from 0 to 1."""

    flagged: bool
    categories: tuple[str, ...] = ()
    scores: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Abilities:
    """What can be asked of a provider besides a reply. A function that is None cannot be asked."""

    network: bool = True
    """Whether it is reached over a network."""
    streams: bool = True
    login: bool = False
    """Whether a login of the machine may take the place of a key."""
    key_header: str = "Authorization: Bearer "
    """The header that carries the key, up to the key itself."""
    wants_address: bool = False
    """Whether the settings must name its address."""
    movable: bool = False
    """Whether the API may be at another path of its host than the settings say."""
    lists_freely: bool = False
    """Whether asking for its models costs nobody anything, as with a server of one's own."""
    may_serve_one: bool = False
    """Whether it may be a server of one model alone, which leaves nothing to choose."""
    catalogued: bool = False
    """Whether the catalogue knows which wire API its models want."""
    complete_catalogue: bool = False
    """Whether a model that is not in the catalogue is likely a slip."""
    address: Callable[[], str] | None = None
    """The base address of requests. Raises ConfigurationError where there is none."""
    preview: Callable[[Request], tuple[str, dict[str, Any]]] | None = None
    """The path below the address, and the body, that a request goes out as; nothing is sent."""
    api: Callable[[str], str] | None = None
    """The wire API for a model: `chat`, `responses` or `completions`."""
    moderate: Callable[[str], Awaitable[Verdict]] | None = None
    """The server's moderation of a text. Raises NotFoundError where the server turns out to have none."""
    tokenize: Callable[[Sequence[str], str], Awaitable[list[int] | None]] | None = None
    """The tokens of each of some texts for a model, without any share of the format; None where it is not told.

    Texts go over the wire: give only what is sent to this server anyway. Raises no GptchatError.
    """
    counts_tokens: bool = False
    """Whether the server is known to tell them."""
    rate_limits: RateLimits | None = None
    """What the server last told of its limits."""


class Provider(Protocol):
    """A named endpoint that answers requests."""

    @property
    def name(self) -> str:
        """The name of the provider in the settings."""

    @property
    def abilities(self) -> Abilities:
        """What else can be asked of it, as far as is known now."""

    def stream(self, request: Request) -> AsyncIterator[ProviderEvent]:
        """Send `request` and yield what comes; ends with `Finished` or raises a `GptchatError`.

        Cancelling the task that iterates closes the connection.
        """

    async def models(self) -> Sequence[ModelFacts]:
        """The models the server lists, with the facts it tells; raises a `GptchatError`."""

    async def close(self) -> None:
        """Close connections; the provider may not be used afterwards."""


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

"""Protocols that the manager depends on: provider, session store and token counter; and the model facts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from gptchat.values import dataclass, field

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
    from datetime import datetime

    from gptchat.core.events import ProviderEvent
    from gptchat.core.messages import Embedded, Message, Part, Record, Request
    from gptchat.core.remote import FilesEndpoint, TuningEndpoint
    from gptchat.core.session import Session
    from gptchat.errors import StorageError


@dataclass(frozen=True, slots=True)
class Rate:
    """Prices that hold for long prompts or at certain times, in US$ per million tokens; None: as otherwise."""

    input: float | None = None
    cached_input: float | None = None
    output: float | None = None
    above: int = 0
    """Holds for prompts of more tokens than this; 0: for all."""
    hours: tuple[tuple[str, ...], ...] = ()
    """When it holds, in UTC: each has its days (`"12345"`, 1 is Monday) and then its spans (`"10:00-00:00"`);
    empty: always."""

    def holds(self, prompt_tokens: int, moment: datetime | None) -> bool:
        """Whether these prices hold for a prompt at `moment` (UTC); without one, only those of all hours do."""
        if self.above and prompt_tokens <= self.above:
            return False
        if not self.hours:
            return True
        if moment is None:
            return False
        day, now = str(moment.isoweekday()), f"{moment:%H:%M}"
        spans = (span.split("-") for days, *spans in self.hours if day in days for span in spans)
        return any(begin <= now and (now < end or end == "00:00") for begin, end in spans)


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """Facts about a model. Prices are US$ per million tokens; None if unknown."""

    name: str
    context: int | None = None
    """The context window in tokens; None if unknown."""
    max_input: int | None = None
    """The most tokens that a prompt may have, where that is less than the window."""
    max_output: int | None = None
    input: float | None = None
    cached_input: float | None = None
    output: float | None = None
    training: float | None = None
    """US$ for a million tokens of training, by which fine-tuning is paid."""
    reasoning: bool = False
    vision: bool | None = None
    tools: bool = False
    api: str = "chat"
    """The wire API of the model: `chat`, `responses` or `completions`."""
    provider: str = ""
    retired: str | None = None
    """Date of shutdown, past or announced (ISO 8601); None if there is none."""
    successor: str = ""
    """The model that takes its place; empty if none is known."""
    rates: tuple[Rate, ...] = ()
    """Prices that differ from the above, at certain hours or for long prompts: the last that holds counts."""
    source: str = "catalogue"
    """Where the facts come from: `settings`, `server`, `learnt`, `catalogue` or `default`."""


@dataclass(frozen=True, slots=True)
class RateLimits:
    """Rate limits from the `x-ratelimit-*` headers; None for a header that the server does not send.

    `reset_requests` and `reset_tokens` are passed through as sent (`1s`, `6m0s`).
    """

    limit_requests: int | None = None
    remaining_requests: int | None = None
    reset_requests: str = ""
    limit_tokens: int | None = None
    remaining_tokens: int | None = None
    reset_tokens: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Moderation result of a text: the categories it was flagged for, and a score from 0 to 1 per category."""

    flagged: bool
    categories: tuple[str, ...] = ()
    scores: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Abilities:
    """Capabilities of a provider besides replies. A function that is None is not supported."""

    network: bool = True
    """Whether requests go over a network."""
    streams: bool = True
    login: bool = False
    """Whether a login on this machine can replace the API key."""
    key_header: str = "Authorization: Bearer "
    """The header that carries the key, up to the key itself."""
    wants_address: bool = False
    """Whether the settings must contain its base URL."""
    movable: bool = False
    """Whether the API may be found under another path on the host than the settings say."""
    lists_freely: bool = False
    """Whether listing its models is free of cost, as on the user's own server."""
    may_serve_one: bool = False
    """Whether it may serve only one model, so that there is no model to choose."""
    catalogued: bool = False
    """Whether the catalogue knows the wire API of its models."""
    complete_catalogue: bool = False
    """Whether a model name missing from the catalogue is probably a typing error."""
    address: Callable[[], str] | None = None
    """Returns the base URL of requests. Raises ConfigurationError if there is none."""
    preview: Callable[[Request], tuple[str, dict[str, Any]]] | None = None
    """Returns the path below the base URL and the body of a request, without sending it."""
    api: Callable[[str], str] | None = None
    """Returns the wire API for a model name: `chat`, `responses` or `completions`."""
    takes_tools: Callable[[str], bool] | None = None
    """Whether a model may be offered tools, as far as it is known; None: none may."""
    moderate: Callable[[str], Awaitable[Verdict]] | None = None
    """Moderates a text on the server. Raises NotFoundError if the server has no moderation endpoint."""
    moderates_freely: bool = False
    """Whether `moderate` costs nothing."""
    embed: Callable[[Sequence[str], str], Awaitable[Embedded]] | None = None
    """Vectors of a model for texts, in one request. Raises GptchatError; NotFoundError if the server has none."""
    tokenize: Callable[[Sequence[str], str], Awaitable[list[int] | None]] | None = None
    """Counts the tokens of each text for a model on the server, without formatting; None if it cannot be told.

    The texts are sent to the server: pass only what is sent there anyway. Raises no GptchatError.
    """
    files: FilesEndpoint | None = None
    tuning: TuningEndpoint | None = None
    counts_tokens: bool = False
    """Whether `tokenize` is known to work on this server."""
    rate_limits: RateLimits | None = None
    """The rate limits from the most recent response; None if there were none."""


class Provider(Protocol):
    """A named endpoint that replies to requests."""

    @property
    def name(self) -> str:
        """The name of the provider in the settings."""

    @property
    def abilities(self) -> Abilities:
        """The capabilities known so far; they may change after a request."""

    def stream(self, request: Request) -> AsyncIterator[ProviderEvent]:
        """Send `request` and yield its events; ends with `Finished` or raises a `GptchatError`.

        Cancelling the task that iterates closes the connection.
        """

    async def models(self) -> Sequence[ModelFacts]:
        """The models that the server lists, with the facts it reports. Raises GptchatError."""

    async def close(self) -> None:
        """Close all connections. The provider cannot be used afterwards."""


def counted_as(provider: str, model: str) -> str:
    """The name by which a TokenCounter knows `model` at `provider`: elsewhere the name may mean another model."""
    return f"{provider}/{model}"


class TokenCounter(Protocol):
    """Counts tokens locally, as `model` (a name from `counted_as`) would; texts are never sent anywhere."""

    def encoding(self, model: str) -> str:
        """The encoding name under which counts are cached: `o200k_base`, `cl100k_base` or `estimate`."""

    def exact(self, model: str) -> bool:
        """Whether counts for `model` are exact; if not, they are estimates and are displayed with `≈`."""

    def ready(self, model: str) -> bool:
        """Whether counts for `model` are at their best: no vocabulary remains to be loaded."""

    def load(self, model: str) -> bool:
        """Load the vocabulary for `model`. Blocking: call it in a thread. Returns False if it is not available."""

    def alias(self, name: str, model: str) -> None:
        """Note that the server answers with `model` under the name `name`, such as an Azure deployment."""

    def count(self, text: str, model: str) -> int:
        """Tokens of `text`. Accepts any string; never raises."""

    def message(self, message: Message, model: str) -> int:
        """Tokens of `message` in a request, formatting included. Uses the cache in `message.tokens`."""

    def counting(self, model: str) -> Callable[[Message], int]:
        """The method `message` bound to one model, as `core.context.plan` expects it."""

    def measure(self, message: Message, model: str) -> dict[str, int]:
        """The counts to store in `message.tokens`, so that the message is not counted again."""

    def overhead(self, model: str) -> int:
        """Tokens of a request besides its messages."""

    def joining(self, model: str) -> int:
        """Tokens saved when a user message directly follows another one, because both are sent as one."""

    def tools(self, functions: Sequence[Mapping[str, Any]], model: str) -> int:
        """Tokens of the tools offered in a request (`{"type": "function", "function": {...}}` each)."""

    def learn(
        self, model: str, counted: int, reported: int, messages: Sequence[Message], reply: Message | None = None
    ) -> None:
        """Adjust estimates: the server reported `reported` prompt tokens; gptchat counted `counted`.

        `counted` is `ContextPlan.tokens`, `messages` is `ContextPlan.everything()`; `reply` includes its usage.
        """

    def told(self, model: str, text: str, tokens: int) -> None:
        """Note that the server's tokenizer counts `tokens` in `text` alone; kept until the process ends."""

    def untold(self, model: str, messages: Sequence[Message]) -> list[str]:
        """Texts of `messages`, newest first, whose local count the server's tokenizer could improve."""


class Embedder(Protocol):
    """Turns texts into vectors, so that those of like meaning are near each other."""

    @property
    def model(self) -> str:
        """The name by which its vectors are kept, from `counted_as`: those of two models cannot be compared."""

    async def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """A vector for each of `texts`, in their order, all of one size.

        Sends the texts to the server, which may cost: what it cost is noted. Raises GptchatError.
        """


class PartialReply(Protocol):
    """The sidecar file of a streaming reply: received text survives if the process is killed."""

    @property
    def token(self) -> str:
        """Unique token of this reply. Store it as `turn` in the record that is appended when the reply ends."""

    def write(self, text: str, *, reasoning: bool = False) -> None:
        """Append a piece. It is passed to the operating system at once, without fsync."""

    def name_file(self, part: Part) -> None:
        """Note the content part of a file that belongs to the reply."""

    def revise(self, text: str, reasoning: str) -> None:
        """Replace all pieces written so far."""

    def discard(self) -> None:
        """Remove the sidecar, once the reply is in the journal."""


CONVERSATION = "conversation"
ONESHOT = "oneshot"
"""Kinds of sessions: one question, asked and answered in one go, is a one-shot. Without a kind: a conversation."""


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """An entry of a session list. `updated` and `created` are UTC, such as `2026-11-20T08:30:15Z`."""

    id: str
    user: str
    title: str
    created: str
    updated: str
    turns: int = 0
    model: str = ""
    damaged: str = ""
    """Why part of the journal could not be read; empty if all of it was."""
    oneshot: bool = False
    """Whether it is a question that was asked and answered in one go, rather than a conversation."""


class SessionStore(Protocol):
    """Storage of sessions. All methods block: call them in a thread where that matters."""

    def create(
        self, user: str, settings: Mapping[str, Any], *, title: str | None = None, kind: str = ""
    ) -> Session:
        """Create a session; `kind` as in `Session.kind`. Its journal file is created with the first record."""

    def open(self, user: str, session_id: str) -> Session:
        """Read a session, repair its journal, and recover an interrupted reply. Raises StorageError."""

    def append(self, session: Session, records: Sequence[Record], *, durable: bool = False) -> Sequence[Record]:
        """Write `records` and apply them to `session`, after applying what other processes wrote meanwhile.

        A message with an empty `id` gets an unused one. Returns the records as written. With `durable`, they
        are on disk (fsync) before this returns.
        """

    def refresh(self, session: Session) -> Sequence[Record]:
        """Apply records that other processes wrote to the session. Each such record is returned once.

        Records that `append` applied are returned by the next call.
        """

    def stood(self, session: Session) -> str | None:
        """Where the session stood before what `refresh` is going to return, or was put by us since."""

    def trouble(self, session: Session) -> StorageError | None:
        """Why the last append could not be written; None if it was. Its records stay in the session, queued."""

    def unsaved(self, session: Session) -> Sequence[Record]:
        """The queued records of the session, which are not written yet. Every append retries them."""

    def waiting(self) -> Sequence[Session]:
        """The sessions with queued records, including sessions that are no longer open."""

    def retry(self) -> None:
        """Try again to write the queued records of all sessions."""

    def forget(self, user: str, session_id: str) -> None:
        """Discard the queued records of a deleted session, so that it is not created again."""

    def keep_file(self, user: str, name: str, data: bytes) -> None:
        """Keep a file of a reply for `user`, under a name of `core.media.name_of`. Raises StorageError."""

    def read_file(self, user: str, name: str) -> bytes | None:
        """The contents of a kept file; None if it is missing. Raises StorageError if it cannot be read."""

    def file_path(self, user: str, name: str) -> str:
        """The path of a kept file; empty if it is not on the disk."""

    def damage(self, session: Session) -> str:
        """One sentence about the unreadable part of the session's journal; empty if there is none."""

    def replying(self, session: Session) -> bool:
        """Whether a program, this one or another, has a sidecar of the session open."""

    def partial(self, session: Session, header: Record) -> PartialReply:
        """Create the sidecar of a reply. `header` is its message record without content."""

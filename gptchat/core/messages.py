"""Messages and token usage, their JSON records, and the request to a provider."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Self, get_args

from gptchat.core.numbers import amount, count
from gptchat.values import dataclass, field, replace

if TYPE_CHECKING:
    from gptchat.core.structured import Structure

Role = Literal["system", "developer", "user", "assistant", "tool"]
Status = Literal["complete", "interrupted", "failed"]
ROLES: tuple[str, ...] = get_args(Role)
STATUSES: tuple[str, ...] = get_args(Status)

Part = Mapping[str, Any]
"""A content part of a message in the chat API: `{"type": "text", "text": ...}`, `{"type": "image_url", ...}`."""

Content = str | Sequence[Part]
Record = dict[str, Any]
"""One line of a journal: a JSON object."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens used by one request. `estimated` is True if gptchat counted them, not the server."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0
    cached_tokens: int = 0
    """The part of `prompt_tokens` that the server read from its cache."""
    reasoning_tokens: int = 0
    """The part of `completion_tokens` used for reasoning."""
    estimated: bool = False

    def to_json(self) -> dict[str, Any]:
        """The JSON object stored in a record; `cached_tokens` and `reasoning_tokens` only if not 0."""
        data: dict[str, Any] = {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "total_tokens": self.total_tokens,
            "estimated": self.estimated,
        }
        if self.cached_tokens:
            data["cached_tokens"] = self.cached_tokens
        if self.reasoning_tokens:
            data["reasoning_tokens"] = self.reasoning_tokens
        return data

    @classmethod
    def from_json(cls, data: object) -> Self | None:
        """The usage stored in a record, or None if `data` is not a mapping. Invalid counts are read as 0."""
        if not isinstance(data, dict | Mapping):  # dict first: isinstance with Mapping is slow
            return None
        get = data.get
        prompt = count(get("prompt_tokens"))
        completion = count(get("completion_tokens"))
        total = count(get("total_tokens")) or prompt + completion
        cached, reasoning = count(get("cached_tokens")), count(get("reasoning_tokens"))
        return cls(prompt, completion, total, cached, reasoning, get("estimated") is True)

    def plus(self, other: Usage) -> Usage:
        """The sum of both, for a reply that was continued in a second request."""
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.total_tokens + other.total_tokens,
            self.cached_tokens + other.cached_tokens,
            self.reasoning_tokens + other.reasoning_tokens,
            self.estimated or other.estimated,
        )


def estimated(prompt: int, completion: int) -> Usage:
    """The usage of a request that we counted ourselves, because the server told none."""
    return Usage(prompt, completion, prompt + completion, estimated=True)


@dataclass(frozen=True, slots=True)
class Embedded:
    """Vectors of texts, in the order of the texts and all of one size, and the usage that the server reported."""

    vectors: Sequence[Sequence[float]]
    usage: Usage | None = None
    model: str = ""
    """The model by the server's own name; empty if it did not say."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message of a session. `parent` is the id of the message it answers or follows; None at the root.

    `tokens` caches token counts by encoding name. `extra` holds every field of the record that this version
    does not know, so that rewriting the message loses nothing.
    """

    role: str
    content: Content
    id: str = ""
    parent: str | None = None
    ts: str = ""
    provider: str = ""
    model: str = ""
    status: str = "complete"
    finish_reason: str | None = None
    usage: Usage | None = None
    reasoning: str = ""
    tokens: Mapping[str, int] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The text of the message: its string content, or its text parts joined by blank lines."""
        if isinstance(self.content, str):
            return self.content
        return "\n\n".join(str(part["text"]) for part in self.content if isinstance(part.get("text"), str))

    def with_content(self, content: Content) -> Message:
        """A copy with other content; cached token counts are dropped."""
        return replace(self, content=content, tokens={})

    def to_record(self) -> Record:
        """The journal record of this message: `{"type": "message", ...}`."""
        content = self.content if isinstance(self.content, str) else [dict(part) for part in self.content]
        record: Record = {
            "type": "message",
            "id": self.id,
            "parent": self.parent,
            "role": self.role,
            "content": content,
            "ts": self.ts,
        }
        if self.reasoning:
            record["reasoning"] = self.reasoning
        if self.role == "assistant":
            record["provider"] = self.provider
            record["model"] = self.model
            record["status"] = self.status
            record["finish_reason"] = self.finish_reason
        if self.usage is not None:
            record["usage"] = self.usage.to_json()
        if self.tokens:
            record["tokens"] = dict(self.tokens)
        record.update(self.extra)
        return record

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """Read a message from a record. Fields of the wrong type are treated as absent; never raises."""

        # Hot path: a session may have ten thousand messages, so each field is read once, without helpers.
        get = record.get
        content = get("content")
        if isinstance(content, list):
            content = tuple(part for part in content if isinstance(part, dict))
        elif not isinstance(content, str):
            content = ""
        tokens = get("tokens")
        usage = get("usage")
        return cls(
            role=role if isinstance(role := get("role"), str) else "user",
            content=content,
            id=id if isinstance(id := get("id"), str) else "",
            parent=(parent or None) if isinstance(parent := get("parent"), str) else None,
            ts=ts if isinstance(ts := get("ts"), str) else "",
            provider=provider if isinstance(provider := get("provider"), str) else "",
            model=model if isinstance(model := get("model"), str) else "",
            status=status if isinstance(status := get("status"), str) and status in STATUSES else "complete",
            finish_reason=(reason or None) if isinstance(reason := get("finish_reason"), str) else None,
            usage=Usage.from_json(usage) if usage is not None else None,
            reasoning=reasoning if isinstance(reasoning := get("reasoning"), str) else "",
            tokens={k: v for k, v in tokens.items() if count(v) or v == 0} if isinstance(tokens, dict) else {},
            extra={
                key: value
                for key, value in record.items()
                if key not in _KNOWN and (key != "cost" or value is None or amount(value) is not None)
            },
        )


_KNOWN = frozenset(
    (
        "type",
        "id",
        "parent",
        "role",
        "content",
        "ts",
        "provider",
        "model",
        "status",
        "finish_reason",
        "usage",
        "reasoning",
        "tokens",
    )
)


@dataclass(frozen=True, slots=True)
class Request:
    """A request to a provider, independent of the wire format.

    `messages` are chat-API messages (`role`, `content`, and `tool_calls`/`tool_call_id` if present),
    the system prompt first. `parameters` contains only what the user set, under the chat API's names
    (`temperature`, `top_p`, `max_tokens`, `stop`, `n`, `seed`, `effort`, `response_format`, ...).
    An assistant's message may have `returned`: what its server wants back of its reply, and its reasoning.
    `conversation` is the server-side id of the conversation, for providers that keep one.
    `continuing` asks the model to continue the last message, an unfinished assistant message.
    `alone` says that the request stands for itself: nothing comes before it, and hardly anything after it.
    `tools` are the definitions of the tools offered, in the chat API's format; `may_call` says whether the model
    may call them, or has to answer.
    `ref` names the request in the account of what was spent, where the journal names it too; `tokens` is our own
    count of its prompt, 0 where it was not counted.
    `structure` is the shape of an answer that is to be JSON; the provider chooses how to ask for it.
    """

    model: str
    messages: tuple[Mapping[str, Any], ...]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    stream: bool = True
    conversation: str | None = None
    continuing: bool = False
    alone: bool = False
    tools: Sequence[Mapping[str, Any]] = ()
    may_call: bool = True
    ref: str = ""
    tokens: int = 0
    structure: Structure | None = None

"""What is said: messages, their usage, and how both are written as JSON records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self, get_args

from gptchat.values import dataclass, field, replace

Role = Literal["system", "developer", "user", "assistant", "tool"]
Status = Literal["complete", "interrupted", "failed"]
ROLES: tuple[str, ...] = get_args(Role)
STATUSES: tuple[str, ...] = get_args(Status)

Part = Mapping[str, Any]
"""One part of a message as the chat API has it: `{"type": "text", "text": ...}`, `{"type": "image_url", ...}`."""

Content = str | Sequence[Part]
Record = dict[str, Any]
"""One line of a journal: a JSON object."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens spent by one request, as the API counts them; `estimated` when we counted and not the server."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0
    cached_tokens: int = 0
    """How many of `prompt_tokens` the server read from its cache."""
    reasoning_tokens: int = 0
    """How many of `completion_tokens` went into reasoning."""
    estimated: bool = False

    def to_json(self) -> dict[str, Any]:
        """As a record holds it; the two finer counts only where they are known."""
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
        """The usage in a record, or None where there is none that can be read."""
        if not isinstance(data, dict | Mapping):  # dict first: asking for Mapping is slow
            return None
        get = data.get
        prompt = _count(get("prompt_tokens"))
        completion = _count(get("completion_tokens"))
        total = _count(get("total_tokens")) or prompt + completion
        cached, reasoning = _count(get("cached_tokens")), _count(get("reasoning_tokens"))
        return cls(prompt, completion, total, cached, reasoning, get("estimated") is True)

    def plus(self, other: Usage) -> Usage:
        """Both together, as for a reply that was continued in a second request."""
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.total_tokens + other.total_tokens,
            self.cached_tokens + other.cached_tokens,
            self.reasoning_tokens + other.reasoning_tokens,
            self.estimated or other.estimated,
        )


def _count(value: object) -> int:
    return value if type(value) is int and value >= 0 else 0


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a session. `parent` is the id of the message it answers or follows; None at the root.

    `tokens` caches counts by the name of the encoding that made them. `extra` keeps every field of the
    record that this version does not know, so that writing the message again loses nothing.
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
        """The words of the message: its string, or its text parts joined by blank lines."""
        if isinstance(self.content, str):
            return self.content
        return "\n\n".join(str(part["text"]) for part in self.content if isinstance(part.get("text"), str))

    def with_content(self, content: Content) -> Message:
        """The same message with other content; counts of the old content are dropped."""
        return replace(self, content=content, tokens={})

    def to_record(self) -> Record:
        """The journal's record of this message (`INTERFACE`: `{"type": "message", ...}`)."""
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
        """The message in a record; fields of a wrong type are read as absent, never refused."""

        # Sessions of ten thousand messages are read in a moment, so each field is looked at once, plainly.
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
            tokens={k: v for k, v in tokens.items() if isinstance(v, int)} if isinstance(tokens, dict) else {},
            extra={key: value for key, value in record.items() if key not in _KNOWN},
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
    """One request to a provider, before any wire format is chosen.

    `messages` are chat-API messages (`role`, `content`, and `tool_calls`/`tool_call_id` where they apply),
    the system prompt first. `parameters` hold only what the person set, by the chat API's names
    (`temperature`, `top_p`, `max_tokens`, `stop`, `n`, `seed`, `effort`, `response_format`, ...).
    `conversation` is the provider's own id of the conversation so far, for providers that keep one.
    `continuing` asks to go on with the last message, an unfinished assistant one.
    """

    model: str
    messages: tuple[Mapping[str, Any], ...]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    stream: bool = True
    conversation: str | None = None
    continuing: bool = False

"""What the wire APIs share: the shape of a wire, reading JSON without trust, and the end of a reply."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from gptchat.core.events import Finished, ProviderEvent, ToolCall, UsageReported
from gptchat.core.messages import Request, Usage
from gptchat.errors import ProtocolError
from gptchat.redaction import redact
from gptchat.words import _

Json = dict[str, Any]
"""A JSON object."""

CONTINUE = "Continue exactly where your last message stopped. Do not repeat any of it and add no introduction."
"""Sent as a user's message where an API cannot go on with an unfinished reply by itself."""


@dataclass(frozen=True, slots=True)
class Payload:
    """A request's body, and the parameters of the person's that this API has no place for."""

    body: Json
    ignored: tuple[str, ...] = ()


class Reader(Protocol):
    """Reads one reply. It is fed JSON objects in the order they came and never trusts their shape."""

    @property
    def ended(self) -> bool:
        """Whether the server's end mark has come, so that nothing more needs to be read."""

    @property
    def complete(self) -> bool:
        """Whether the reply is whole even if the connection breaks now."""

    def feed(self, name: str, data: str) -> Sequence[ProviderEvent]:
        """The events in one server-sent event. Raises `ServerSaid` for an error object, `ProtocolError`."""

    def whole(self, data: Any) -> Sequence[ProviderEvent]:
        """The events in the answer to a request without `stream`."""

    def finish(self) -> Sequence[ProviderEvent]:
        """What is due at the end: tool calls, usage, `Finished`. Raises `ProtocolError` when none was marked."""


@dataclass(frozen=True, slots=True)
class Wire:
    """A wire API."""

    name: str
    path: str
    """Below the base address, with a leading slash."""

    payload: Callable[[Request], Payload]
    """The body of a request."""
    reader: Callable[[], Reader]
    """A reader for one reply."""


class ServerSaid(Exception):
    """The server put an error object where a reply was due. `body` is that object, of any JSON type."""

    def __init__(self, body: Any) -> None:
        super().__init__("the server sent an error inside a reply")
        self.body = body


@dataclass(slots=True)
class Ending:
    """What a reader gathers for the end of the reply."""

    model: str = ""
    usage: Usage | None = None
    reasons: dict[int, str] = field(default_factory=dict)
    """Finish reason by number of the choice."""
    seen: set[int] = field(default_factory=set)
    """Numbers of the choices of which anything came."""
    calls: dict[tuple[int, int], list[str]] = field(default_factory=dict)
    """Tool calls as `[id, name, arguments]`, by choice and index."""
    marked: bool = False
    """Whether an explicit end mark came."""
    spoken: bool = False
    """Whether anything a person could read came: text, reasoning or a tool call."""
    failure: ServerSaid | None = None
    """What a choice ended with instead of a finish reason; raised once what came before is handed on."""

    @property
    def complete(self) -> bool:
        """Whether every choice that began has its finish reason."""
        return bool(self.reasons) and self.seen <= self.reasons.keys()

    def close(self, number: int, choice: Mapping[str, Any]) -> str:
        """Take in how a choice says it ended; its reason, empty where it goes on or has failed."""
        try:
            reason = reason_of(choice)
        except ServerSaid as said:
            self.failure = self.failure or said
            return ""
        if reason:
            self.reasons[number] = reason
        return reason

    def events(self) -> Iterator[ProviderEvent]:
        """Tool calls, usage, and one `Finished` a choice. Raises `ServerSaid` and `ProtocolError`."""
        if self.failure is not None:
            raise self.failure
        if not self.complete and not (self.marked and self.spoken):
            raise unfinished(self.spoken)
        for identifier, name, arguments in self.calls.values():
            yield ToolCall(identifier, name, arguments)
        if self.usage is not None:
            yield UsageReported(self.usage)
        for choice in sorted(self.seen | self.reasons.keys()):
            yield Finished(self.reasons.get(choice, "stop"), self.model, choice)


def unfinished(began: bool) -> ProtocolError:
    """The error for a stream that ended without an end mark: empty, or cut after something had come."""
    if began:
        return ProtocolError(
            _("the reply ended without an end mark, so part of it may be missing"),
            hint=_("/continue asks for the rest, /retry for a new reply"),
        )
    return ProtocolError(
        _("the server's answer is empty: neither text nor an end mark"),
        hint=_("some servers do this when the request exceeds the model's window; try /context and /compact"),
    )


def objects(data: str) -> Iterator[Any]:
    """The JSON values in the data of one event: one, or one a line where a server forgot the blank lines.

    Raises `ProtocolError` for anything that is not JSON.
    """
    try:
        yield json.loads(data)
        return
    except (ValueError, RecursionError):
        if "\n" not in data:
            raise malformed(data) from None
    for line in data.split("\n"):
        if not line.strip() or line.strip() == "[DONE]":
            continue
        try:
            yield json.loads(line)
        except (ValueError, RecursionError):
            raise malformed(line) from None


def malformed(data: str) -> ProtocolError:
    """The error for a line of a stream that is not JSON."""
    shown = redact(" ".join(data.split()))
    if len(shown) > 80:
        shown = shown[:79] + "…"
    return ProtocolError(
        _("the server sent a malformed line: {line}").format(line=shown),
        hint=_("the server, or something between, does not speak the API; /retry, or check the base address"),
    )


def error_in(value: Mapping[str, Any]) -> Any:
    """The error object in a JSON object that came where a reply was due, or None."""
    error = value.get("error")
    if error:
        return value if isinstance(error, str) else error
    if value.get("object") == "error":  # vLLM
        return value
    if "choices" not in value and "output" not in value:  # SiliconFlow and gateways: a bare code and message
        said = (value.get("message"), value.get("msg"), value.get("detail"))
        return value if any(isinstance(one, str) and one for one in said) else None
    base = value.get("base_resp")  # MiniMax, beside choices that are null
    if isinstance(base, dict) and base.get("status_code") and not value.get("choices"):
        return {"message": str(base.get("status_msg", "")), "code": base["status_code"]}
    return None


_BROKEN = frozenset(("error", "network_error", "insufficient_system_resource", "abort"))
"""Finish reasons that mark a failure: OpenRouter's and Mistral's, Zhipu's, DeepSeek's, vLLM's."""
_REASONS = {
    "sensitive": "content_filter",  # Zhipu
    "max_tokens": "length",
    "model_length": "length",  # Mistral
    "model_context_window_exceeded": "length",  # Zhipu
}


def reason_of(choice: Mapping[str, Any]) -> str:
    """Why a choice ended, in OpenAI's words; empty where it has not. Raises `ServerSaid` where it broke."""
    error = choice.get("error")
    reason = choice.get("finish_reason")
    if isinstance(error, (dict, str)) and error:  # OpenRouter says what happened behind it
        raise ServerSaid(error)
    if not isinstance(reason, str):
        return ""
    if reason in _BROKEN:
        raise ServerSaid("" if reason == "error" else reason)
    return _REASONS.get(reason, reason)


def words(value: Any) -> str:
    """Text in a field that is a string, null, or a list of parts as some servers send it."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "".join(
            part["text"]
            for part in value
            if isinstance(part, dict) and part.get("type") != "thinking" and isinstance(part.get("text"), str)
        )
    return ""


def count(value: Any) -> int:
    """A count of tokens: the number, or 0 where it is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 0


def mapping(value: Any) -> Mapping[str, Any]:
    """The value where it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def usage_of(data: Any) -> Usage | None:
    """Usage as the chat, completions and responses APIs report it, or None where there is none."""
    if not isinstance(data, dict) or not data:
        return None
    prompt = count(data.get("prompt_tokens")) or count(data.get("input_tokens"))
    completion = count(data.get("completion_tokens")) or count(data.get("output_tokens"))
    read = mapping(data.get("prompt_tokens_details") or data.get("input_tokens_details"))
    wrote = mapping(data.get("completion_tokens_details") or data.get("output_tokens_details"))
    total = count(data.get("total_tokens")) or prompt + completion
    if not total:
        return None
    # Moonshot tells its cache in `cached_tokens` beside the counts, DeepSeek in `prompt_cache_hit_tokens`
    beside = count(data.get("cached_tokens")) or count(data.get("prompt_cache_hit_tokens"))
    cached = count(read.get("cached_tokens")) or beside
    return Usage(prompt, completion, total, cached, count(wrote.get("reasoning_tokens")))

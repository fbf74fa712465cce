"""Common parts of the wire APIs: their types, defensive reading of JSON, and the end of a reply."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from gptchat.core.events import Finished, ProviderEvent, UsageReported
from gptchat.core.messages import Request, Usage
from gptchat.core.numbers import count
from gptchat.errors import ProtocolError
from gptchat.providers.wire.calls import CallPieces
from gptchat.redaction import redact
from gptchat.values import dataclass, field
from gptchat.words import _

Json = dict[str, Any]
"""A JSON object."""

CONTINUE = "Continue exactly where your last message stopped. Do not repeat any of it and add no introduction."
"""Sent as a user message if an API cannot itself continue an unfinished reply."""


@dataclass(frozen=True, slots=True)
class Payload:
    """The body of a request, and the names of parameters that the API does not have.

    `notes` are sentences for the user about what the model does not take.
    """

    body: Json
    ignored: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    origin: Json = field(default_factory=dict)
    """Whose reply it is, as `returned.RETURNED` of the message says."""


class Reader(Protocol):
    """Reads one reply from its events, in order of arrival, without relying on their shape."""

    @property
    def ended(self) -> bool:
        """Whether the end mark was received, so that nothing more needs to be read."""

    @property
    def complete(self) -> bool:
        """Whether the reply is complete even if the connection breaks now."""

    def feed(self, name: str, data: str) -> Sequence[ProviderEvent]:
        """The events in the server-sent event `name` with `data`.

        Raises ServerSaid for an error object, ProtocolError for invalid data.
        """

    def whole(self, data: Any) -> Sequence[ProviderEvent]:
        """The events in `data`, the JSON answer to a request without `stream`. Raises as `feed` does."""

    def finish(self) -> Sequence[ProviderEvent]:
        """The final events: tool calls, usage, Finished.

        Raises ServerSaid if a choice failed, ProtocolError if the reply is not complete.
        """


@dataclass(frozen=True, slots=True)
class Wire:
    """A wire API: its path, and the functions for requests and replies."""

    name: str
    path: str
    """Path below the base URL, with a leading slash."""

    payload: Callable[[Request], Payload]
    """Returns the body of a request."""
    reader: Callable[..., Reader]
    """Returns a new reader for one reply, of the `origin` that may be given (`Payload.origin`)."""


_ORIGIN = ("by", "model")
"""What an origin always has. If there is no more, nothing need be kept."""


class ServerSaid(Exception):
    """The server sent an error inside a reply. `body` is the error, of any JSON type."""

    def __init__(self, body: Any) -> None:
        super().__init__("the server sent an error inside a reply")
        self.body = body


@dataclass(slots=True)
class Ending:
    """Collects what a reader needs to end the reply."""

    model: str = ""
    usage: Usage | None = None
    reasons: dict[int, str] = field(default_factory=dict)
    """Finish reason by choice number."""
    seen: set[int] = field(default_factory=set)
    """Numbers of choices that have begun."""
    calls: dict[int, CallPieces] = field(default_factory=dict)
    """Calls of tools by choice."""
    marked: bool = False
    """Whether an explicit end mark was received."""
    spoken: bool = False
    """Whether there was any content: text, reasoning or a tool call."""
    origin: Json = field(default_factory=dict)
    """As in `Payload`."""
    returned: dict[int, Json] = field(default_factory=dict)
    """By choice, what is kept of it to be sent back."""
    refused: bool = False
    """Whether the model said that it refuses to answer."""
    failure: ServerSaid | None = None
    """The error that ended a choice; raised by `events`, after the content before it has been yielded."""

    @property
    def complete(self) -> bool:
        """Whether every choice that has begun has its finish reason."""
        return bool(self.reasons) and self.seen <= self.reasons.keys()

    def close(self, number: int, choice: Mapping[str, Any]) -> str:
        """Note how choice `number` ended; returns its finish reason, empty if it has not ended or has failed."""
        try:
            reason = reason_of(choice)
        except ServerSaid as said:
            self.failure = self.failure or said
            return ""
        if reason:
            self.reasons[number] = reason
        return reason

    def events(self) -> Iterator[ProviderEvent]:
        """Yield tool calls, usage, and one Finished per choice. Raises ServerSaid, ProtocolError."""
        if self.failure is not None:
            raise self.failure
        if not self.complete and not (self.marked and self.spoken):
            raise unfinished(self.spoken, cut=not self.marked)
        if self.calls:  # the conversation goes on with one answer, and only its calls can have results
            yield from self.calls[min(self.calls)].all()
        if self.usage is not None:
            yield UsageReported(self.usage)
        for choice in sorted(self.seen | self.reasons.keys()):
            kept = {**self.origin, **self.returned.get(choice, {})}
            extra: Json | None = {"returned": kept} if "by" in kept and len(kept) > len(_ORIGIN) else None
            if self.refused:
                extra = {**(extra or {}), "refusal": True}
            yield Finished(self.reasons.get(choice, "stop"), self.model, choice, extra)


def unfinished(began: bool, *, cut: bool = True) -> ProtocolError:
    """The error for a stream that ended without text, or was cut off after it had `began`.

    One that was `cut` before any text, without its end mark, may succeed the next time.
    """
    if began:
        return ProtocolError(
            _("the reply ended without an end mark, so part of it may be missing"),
            hint=_("/continue goes on, /retry asks for a new reply"),
        )
    error = ProtocolError(
        _("the server's answer is empty: neither text nor an end mark"),
        hint=_("some servers do this when the request exceeds the model's window; try /context and /compact"),
    )
    error.passing = cut
    return error


def objects(data: str) -> Iterator[Any]:
    """Yield the JSON values in the data of one event: one, or one per line if the server omitted blank lines.

    Raises ProtocolError for anything that is not JSON.
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


_BROKEN = frozenset(("error", "network_error", "insufficient_system_resource", "abort"))
"""Finish reasons that mean a failure: of OpenRouter and Mistral, Zhipu, DeepSeek, vLLM, in this order."""
_REASONS = {
    "sensitive": "content_filter",  # Zhipu
    "max_tokens": "length",
    "model_length": "length",  # Mistral
    "model_context_window_exceeded": "length",  # Zhipu
}


def reason_of(choice: Mapping[str, Any]) -> str:
    """Why a choice ended, as OpenAI's finish reason; empty if it has not ended. Raises ServerSaid if it failed."""
    error = choice.get("error")
    reason = choice.get("finish_reason")
    if isinstance(error, (dict, str)) and error:  # OpenRouter: the error of the server behind it
        raise ServerSaid(error)
    if not isinstance(reason, str):
        return ""
    if reason in _BROKEN:
        raise ServerSaid("" if reason == "error" else reason)
    return _REASONS.get(reason, reason)


def words(value: Any) -> str:
    """The text in a field that is a string, null, or (from some servers) a list of parts."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "".join(
            part["text"]
            for part in value
            if isinstance(part, dict) and part.get("type") != "thinking" and isinstance(part.get("text"), str)
        )
    return ""


def mapping(value: Any) -> Mapping[str, Any]:
    """`value` if it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def usage_of(data: Any) -> Usage | None:
    """Token usage as the chat, completions and responses APIs report it; None if `data` has none.

    Reasoning is output and costs as much. xAI and Gemini count it beside `completion_tokens`, though within
    `total_tokens` (docs.x.ai: "counted separately from completion_tokens, but ... in the total_tokens"); it is
    added here, so that `completion_tokens` is what is charged, as at OpenAI.
    """
    if not isinstance(data, dict) or not data:
        return None
    prompt = count(data.get("prompt_tokens")) or count(data.get("input_tokens"))
    completion = count(data.get("completion_tokens")) or count(data.get("output_tokens"))
    read = mapping(data.get("prompt_tokens_details") or data.get("input_tokens_details"))
    wrote = mapping(data.get("completion_tokens_details") or data.get("output_tokens_details"))
    total = count(data.get("total_tokens")) or prompt + completion
    if not total:
        return None
    # Moonshot has `cached_tokens` on the same level as the counts, DeepSeek `prompt_cache_hit_tokens`
    beside = count(data.get("cached_tokens")) or count(data.get("prompt_cache_hit_tokens"))
    cached = count(read.get("cached_tokens")) or beside
    reasoning = count(wrote.get("reasoning_tokens"))
    if prompt and (beside_it := total - prompt - completion) > 0 and reasoning in (0, beside_it):
        completion, reasoning = completion + beside_it, beside_it
    return Usage(prompt, completion, total, cached, reasoning)

"""The legacy completions API, for base models: the dialogue is sent as one transcript."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gptchat.core.events import ProviderEvent, TextDelta
from gptchat.core.messages import Request
from gptchat.errors import BadRequestError
from gptchat.providers.faults.dialects import error_in
from gptchat.providers.wire.common import (
    Ending,
    Json,
    Payload,
    ServerSaid,
    Wire,
    malformed,
    objects,
    usage_of,
)
from gptchat.words import _

_NAMES = {"user": "User", "assistant": "Assistant"}
_MOST_STOPS = 4  # of OpenAI's API
_STOPS = ("\nUser:",)
"""The default stop sequence: there the model would begin to write the user's next message."""

_FOREIGN = (
    "response_format",
    "thinking",
    "effort",
    "reasoning_effort",
    "max_completion_tokens",
    "tools",
    "tool_choice",
)


def payload(request: Request) -> Payload:
    """The body of a completions request; `stop` has the beginning of the next user message, too.

    Raises BadRequestError if the newest message holds more than text.
    """
    _require_text(request.messages)
    body: Json = {"model": request.model, "prompt": transcript(request.messages, request.continuing)}
    body.update((key, value) for key, value in request.parameters.items() if key not in _FOREIGN)
    body["stop"] = _stops(request.parameters.get("stop"))
    body["stream"] = request.stream
    if request.stream:
        body["stream_options"] = {"include_usage": True}
    return Payload(body, tuple(key for key in _FOREIGN if key in request.parameters))


def _stops(own: Any) -> list[str]:
    """The person's stop sequences and those of the transcript; only their own where that would be too many."""
    theirs = [own] if isinstance(own, str) else list(own or ())
    joined = list(dict.fromkeys((*filter(None, theirs), *_STOPS)))
    return joined if len(joined) <= _MOST_STOPS else theirs


def _require_text(messages: Sequence[Mapping[str, Any]]) -> None:
    content = messages[-1].get("content") if messages else ""
    parts = () if isinstance(content, str) else content or ()
    kinds = [str(part.get("type")) for part in parts if isinstance(part, Mapping) and part.get("type") != "text"]
    if not kinds:
        return
    told = _("an image") if "image_url" in kinds else kinds[0]
    raise BadRequestError(
        _("the completions API takes text alone, and the message holds {what}").format(what=told),
        hint=_('/undo and send it without; or set api = "chat" for this provider, if its model can see'),
    )


def transcript(messages: Sequence[Mapping[str, Any]], continuing: bool = False) -> str:
    """The dialogue as text: the system prompt, then `User:` and `Assistant:` paragraphs.

    It ends with an empty `Assistant:` paragraph, or if `continuing` with the unfinished reply.
    """
    paragraphs = []
    for message in messages:
        text = plain(message.get("content"))
        speaker = _NAMES.get(str(message.get("role")))
        paragraphs.append(f"{speaker}: {text}" if speaker else text)
    if not (continuing and messages and messages[-1].get("role") == "assistant"):
        paragraphs.append("Assistant:")
    return "\n\n".join(paragraphs)


def plain(content: Any) -> str:
    """Message content as text; a part that is not text is replaced by its type in brackets."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, (list, tuple)) else ()
    return "\n\n".join(
        part["text"] if isinstance(part.get("text"), str) else f"[{part.get('type', 'attachment')}]"
        for part in parts
        if isinstance(part, Mapping)
    )


class CompletionsReader:
    """Reads one reply of the completions API, streamed or not."""

    def __init__(self, origin: Json | None = None) -> None:
        self.ended = False
        self._end = Ending(origin=origin or {})

    @property
    def complete(self) -> bool:
        """Whether every choice that has begun has its finish reason."""
        return self._end.complete

    def feed(self, name: str, data: str) -> Sequence[ProviderEvent]:
        """The events in one server-sent event. Raises ServerSaid, ProtocolError."""
        if data.strip() == "[DONE]":
            self.ended = self._end.marked = True
            return ()
        events: list[ProviderEvent] = []
        for value in objects(data):
            if not isinstance(value, dict):
                raise ServerSaid(value) if name == "error" else malformed(data)
            error = error_in(value)
            if error is not None or name == "error":
                raise ServerSaid(value if error is None else error)
            self._chunk(value, events)
        self.ended = self._end.failure is not None
        return events

    def whole(self, data: Any) -> Sequence[ProviderEvent]:
        """The events in a reply that was not streamed. Raises ServerSaid, ProtocolError."""
        if not isinstance(data, dict):
            raise malformed(str(data))
        error = error_in(data)
        if error is not None:
            raise ServerSaid(error)
        events: list[ProviderEvent] = []
        self._chunk(data, events)
        self._end.marked = True
        return events

    def finish(self) -> Sequence[ProviderEvent]:
        """Usage, and one Finished per choice. Raises ServerSaid, ProtocolError."""
        return tuple(self._end.events())

    def _chunk(self, value: Mapping[str, Any], events: list[ProviderEvent]) -> None:
        end = self._end
        if not end.model and isinstance(value.get("model"), str):
            end.model = value["model"]
        end.usage = usage_of(value.get("usage")) or end.usage
        choices = value.get("choices")
        for position, choice in enumerate(choices if isinstance(choices, list) else ()):
            if not isinstance(choice, dict):
                continue
            number = choice.get("index")
            number = number if type(number) is int else position
            text = choice.get("text")
            if isinstance(text, str):
                if number not in end.seen:  # after "Assistant:" the model begins with a space
                    text = text.removeprefix(" ")
                if text:
                    end.seen.add(number)
                    end.spoken = True
                    events.append(TextDelta(text, number))
            end.close(number, choice)


WIRE = Wire("completions", "/completions", payload, CompletionsReader)

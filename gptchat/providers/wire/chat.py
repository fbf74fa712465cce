"""The chat completions API, which nearly all servers support."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gptchat.core.events import (
    MediaReceived,
    Notice,
    ProviderEvent,
    ReasoningDelta,
    SourcesFound,
    TextDelta,
)
from gptchat.core.messages import Request
from gptchat.providers.faults.dialects import categories, error_in
from gptchat.providers.wire.calls import CallPieces
from gptchat.providers.wire.common import (
    CONTINUE,
    Ending,
    Json,
    Payload,
    ServerSaid,
    Wire,
    malformed,
    mapping,
    objects,
    usage_of,
    words,
)
from gptchat.providers.wire.media import CITING, joined_sound, media_in, media_of, sources_of
from gptchat.providers.wire.returned import Returned, is_thought, reasoning_in
from gptchat.words import _

_PLAIN = frozenset(("role", "content", "reasoning", "reasoning_content", "tool_calls", "refusal"))
"""Fields of a delta that hold neither files nor sources."""
_TEXT = frozenset(("role", "content"))
_CALL = frozenset(("index", "id", "type", "function"))
_RENAMED = {"effort": "reasoning_effort"}


def payload(request: Request) -> Payload:
    """The body of a chat request. Parameters already have this API's names, apart from `effort`."""
    messages = [{key: value for key, value in one.items() if key != "items"} for one in request.messages]
    if request.continuing:
        messages.append({"role": "user", "content": CONTINUE})
    body: Json = {"model": request.model, "messages": messages}
    for key, value in request.parameters.items():
        body[_RENAMED.get(key, key)] = response_format(value) if key == "response_format" else value
    if request.tools:
        body["tools"] = [dict(tool) for tool in request.tools]
        if not request.may_call:
            body["tool_choice"] = "none"
    body["stream"] = request.stream
    if request.stream:
        body["stream_options"] = {"include_usage": True}
    return Payload(body)


def response_format(value: Any) -> Any:
    """The API's object for the setting `json` or `text`; an object is returned unchanged."""
    short = {"json": "json_object"}
    return {"type": short.get(value, value)} if isinstance(value, str) else value


class ChatReader:
    """Reads one chat reply with any number of choices, streamed or not."""

    def __init__(self, origin: Json | None = None) -> None:
        self.ended = False
        self._end = Ending(origin=origin or {})
        self._kept: dict[int, Returned] = {}
        self._listed: list[Any] = []
        """The sources of the last chunk that had any, as received."""
        self._sounds: dict[int, list[str]] = {}
        """Pieces of base64 text, by choice."""

    @property
    def complete(self) -> bool:
        """Whether every choice that has begun has its finish reason."""
        return self._end.complete

    def feed(self, name: str, data: str) -> Sequence[ProviderEvent]:
        """The events in one server-sent event. Raises ServerSaid, ProtocolError."""
        if data == "[DONE]" or data.strip() == "[DONE]":
            self.ended = self._end.marked = True
            return ()
        events: list[ProviderEvent] = []
        for value in objects(data):
            if not isinstance(value, dict):
                raise ServerSaid(value) if name == "error" else malformed(data)
            if name == "error" or "error" in value or "choices" not in value or not value["choices"]:
                error = error_in(value)
                if error is not None or name == "error":
                    raise ServerSaid(value if error is None else error)
            self._chunk(value, "delta", events)
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
        self._chunk(data, "message", events)
        self._end.marked = True
        return events

    def finish(self) -> Sequence[ProviderEvent]:
        """Tool calls, usage, and one Finished per choice. Raises ServerSaid, ProtocolError."""
        for number, kept in self._kept.items():
            cut = self._end.reasons.get(number) == "length"  # its calls are incomplete: nobody goes on from them
            pieces = self._end.calls.get(number)
            calls = [] if cut or pieces is None else pieces.places()
            self._end.returned[number] = kept.record(calls)
        sounds = [MediaReceived(joined_sound(data), number) for number, data in self._sounds.items()]
        return (*sounds, *self._end.events())

    def _chunk(self, value: Mapping[str, Any], key: str, events: list[ProviderEvent]) -> None:
        end = self._end
        if not end.model and isinstance(value.get("model"), str):
            end.model = value["model"]
        if value.get("usage"):
            end.usage = usage_of(value["usage"]) or end.usage
        if not CITING.isdisjoint(value):
            self._cited(value, 0, events)
        choices = value.get("choices")
        if not isinstance(choices, list):
            self._pictures(value, events)
            return
        for position, choice in enumerate(choices):
            if not isinstance(choice, dict):
                continue
            number = choice.get("index", position)
            if type(number) is not int:
                number = position
            delta = choice.get(key)
            if delta is None and key == "delta":  # a server that streams whole messages
                delta = choice.get("message")
            if not CITING.isdisjoint(choice):
                self._cited(choice, number, events)
            if isinstance(delta, dict):
                end.seen.add(number)
                before = len(events)
                self._delta(delta, number, events, whole=key == "message")
                end.spoken = end.spoken or len(events) > before or bool(end.calls)
            if end.close(number, choice) == "content_filter":
                events.extend(filtered(choice))

    def _delta(
        self, delta: Mapping[str, Any], number: int, events: list[ProviderEvent], *, whole: bool = False
    ) -> None:
        content = delta.get("content")
        more = not delta.keys() <= _PLAIN
        if not (isinstance(content, str) and delta.keys() <= _TEXT):  # most deltas have text alone
            field, thought = reasoning_in(delta)
            if thought:
                self._keeping(number).field = field
                events.append(ReasoningDelta(thought, number))
            if more or isinstance(content, list):
                self._keeping(number).take(delta, whole=whole)
        if isinstance(content, str):
            if content and more and is_thought(delta):
                thought = content.replace("<thought>", "").replace("</thought>", "")
                events += [ReasoningDelta(thought, number)] if thought else []
            elif content:
                events.append(TextDelta(content, number))
        elif content:
            for part in content if isinstance(content, list) else [content]:
                if text := words([part]):
                    events.append(TextDelta(text, number))
                events += [MediaReceived(address, number) for address in media_in(part, typed=True)]
        if more:
            events += [MediaReceived(address, number) for address in media_of(delta)]
            if not CITING.isdisjoint(delta):
                self._cited(delta, number, events)
            self._sound(mapping(delta.get("audio")), number, events)
        refusal = delta.get("refusal")
        if refusal and isinstance(refusal, str):
            self._end.refused = True
            events.append(TextDelta(refusal, number))
        calls = delta.get("tool_calls")
        if isinstance(calls, list):
            for position, call in enumerate(calls):
                self._call(mapping(call), number, position if len(calls) > 1 else None)
        legacy = delta.get("function_call")
        if isinstance(legacy, dict):
            self._call({"function": legacy}, number, None)

    def _cited(self, value: Mapping[str, Any], number: int, events: list[ProviderEvent]) -> None:
        """Add the sources in `value`; servers repeat them in every chunk, which is skipped."""
        listed = [value[name] for name in CITING & value.keys()]
        if listed != self._listed:
            self._listed = listed
            if sources := sources_of(value):
                events.append(SourcesFound(tuple(sources), number))

    def _sound(self, audio: Mapping[str, Any], number: int, events: list[ProviderEvent]) -> None:
        """Add the transcript of spoken output, and keep its sound until the end: it comes in pieces."""
        transcript, data = audio.get("transcript"), audio.get("data")
        if isinstance(transcript, str) and transcript:
            events.append(TextDelta(transcript, number))
        if isinstance(data, str) and data:
            self._sounds.setdefault(number, []).append(data)
            self._end.spoken = True

    def _pictures(self, value: Mapping[str, Any], events: list[ProviderEvent]) -> None:
        """Add the pictures in an answer of the images API, which some gateways give to a chat request."""
        data = value.get("data")
        addresses = [address for one in data for address in media_in(one)] if isinstance(data, list) else []
        if addresses:
            events += [MediaReceived(address) for address in addresses]
            self._end.seen.add(0)
            self._end.spoken = True

    def _keeping(self, number: int) -> Returned:
        kept = self._kept.get(number)
        if kept is None:
            kept = self._kept[number] = Returned()
        return kept

    def _call(self, call: Mapping[str, Any], number: int, position: int | None) -> None:
        index, function = call.get("index"), mapping(call.get("function"))
        pieces = self._end.calls.setdefault(number, CallPieces())
        at = index if type(index) is int else position
        place = pieces.add(at, call.get("id"), function.get("name"), function.get("arguments"))
        if not call.keys() <= _CALL:
            self._keeping(number).call(place, call)


def filtered(choice: Mapping[str, Any]) -> Sequence[ProviderEvent]:
    """A notice with the categories for which Azure's content filter stopped a reply; empty if it names none."""
    named = categories(choice.get("content_filter_results"))
    if not named:
        return ()
    return (
        Notice(_("the content filter stopped the reply: {categories}").format(categories=_(", ").join(named))),
    )


WIRE = Wire("chat", "/chat/completions", payload, ChatReader)

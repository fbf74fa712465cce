"""The Responses API, used statelessly: the server stores nothing, and each request has the whole history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gptchat.core.events import MediaReceived, ProviderEvent, ReasoningDelta, SourcesFound, TextDelta
from gptchat.core.messages import Request
from gptchat.core.numbers import count
from gptchat.providers.faults.dialects import error_in
from gptchat.providers.wire.calls import CallPieces
from gptchat.providers.wire.chat import response_format
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
)
from gptchat.providers.wire.media import media_in, sources_of
from gptchat.providers.wire.returned import Returned
from gptchat.words import _

ENCRYPTED = "reasoning.encrypted_content"
"""What asks for reasoning that can be sent back, while the server stores nothing."""
_RENAMED = {"max_tokens": "max_output_tokens", "max_completion_tokens": "max_output_tokens"}
_FOREIGN = ("n", "stop", "seed", "frequency_penalty", "presence_penalty", "logit_bias", "echo", "logprobs")


def payload(request: Request) -> Payload:
    """The body of a Responses request: leading system messages become instructions, the rest input items."""
    messages = list(request.messages)
    instructions = []
    while messages and messages[0].get("role") in ("system", "developer"):
        instructions.append(_plain(messages.pop(0).get("content")))
    items = [item for message in messages for item in _items(message)]
    if request.continuing:
        items.append({"role": "user", "content": CONTINUE})
    body: Json = {"model": request.model, "input": items, "store": False, "stream": request.stream}
    if instructions:
        body["instructions"] = "\n\n".join(instructions)
    body["reasoning"] = {"summary": "auto"}
    body["include"] = [ENCRYPTED]
    for key, value in request.parameters.items():
        if key in ("effort", "reasoning_effort"):
            body["reasoning"] = {"effort": value, **body["reasoning"]}
        elif key == "response_format":
            body["text"] = {"format": _format(value)}
        elif key not in _FOREIGN:
            body[_RENAMED.get(key, key)] = value
    if request.tools:
        functions = [mapping(tool.get("function")) for tool in request.tools]
        # Without `strict` this API would demand that every parameter is required.
        body["tools"] = [{"type": "function", **function, "strict": False} for function in functions]
        if not request.may_call:
            body["tool_choice"] = "none"
    return Payload(body, tuple(key for key in _FOREIGN if key in request.parameters))


def _format(value: Any) -> Any:
    """The chat API's response format in this API's flatter form."""
    chosen = response_format(value)
    schema = chosen.get("json_schema") if isinstance(chosen, dict) else None
    return {"type": "json_schema", **schema} if isinstance(schema, dict) else chosen


def _items(message: Mapping[str, Any]) -> list[Json]:
    """A chat message as input items; tool calls and their results are separate items."""
    role = str(message.get("role", "user"))
    if role == "tool":
        return [
            {
                "type": "function_call_output",
                "call_id": message.get("tool_call_id", ""),
                "output": _plain(message.get("content")),
            }
        ]
    items: list[Json] = [dict(item) for item in message.get("items") or ()]
    content = message.get("content")
    if content:
        said = "output_text" if role == "assistant" else "input_text"
        items.append(
            {
                "role": "developer" if role == "system" else role,
                "content": content if isinstance(content, str) else [_part(part, said) for part in content],
            }
        )
    for call in message.get("tool_calls") or ():
        function = mapping(mapping(call).get("function"))
        items.append(
            {
                "type": "function_call",
                "call_id": call.get("id", ""),
                "name": function.get("name", ""),
                "arguments": function.get("arguments", ""),
            }
        )
    return items


def _part(part: Mapping[str, Any], said: str) -> Json:
    """A chat content part in this API's format; one of an unknown type is unchanged. `said` is the text type."""
    if part.get("type") == "text":
        return {"type": said, "text": part.get("text", "")}
    if part.get("type") == "image_url":
        image = part.get("image_url")
        picture = mapping(image) if not isinstance(image, str) else {"url": image}
        detail = {"detail": picture["detail"]} if "detail" in picture else {}
        return {"type": "input_image", "image_url": picture.get("url", ""), **detail}
    if part.get("type") == "file":
        return {"type": "input_file", **mapping(part.get("file"))}
    return dict(part)


def _plain(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "\n\n".join(str(part["text"]) for part in content or () if isinstance(part, Mapping) and "text" in part)


class ResponsesReader:
    """Reads one response, from typed events or from the whole object."""

    def __init__(self, origin: Json | None = None) -> None:
        self.ended = False
        self._end = Ending(origin=origin or {})
        self._kept = Returned()
        self._thought = False
        self._drafts: dict[str, str] = {}
        """Base64 text of unfinished pictures, by the id of their call."""
        self._pictures: set[str] = set()
        """Ids of calls whose pictures were yielded."""

    @property
    def complete(self) -> bool:
        """Whether the final event was received."""
        return self._end.complete

    def feed(self, name: str, data: str) -> Sequence[ProviderEvent]:
        """The events in one server-sent event. Raises ServerSaid, ProtocolError."""
        if data.strip() == "[DONE]":  # not part of this API, but some gateways send it at the end of every stream
            self.ended = True
            return ()
        events: list[ProviderEvent] = []
        for value in objects(data):
            if not isinstance(value, dict):
                raise ServerSaid(value) if name == "error" else malformed(data)
            self._event(str(value.get("type") or name), value, events)
        return events

    def whole(self, data: Any) -> Sequence[ProviderEvent]:
        """The events in a response that was not streamed. Raises ServerSaid, ProtocolError."""
        if not isinstance(data, dict):
            raise malformed(str(data))
        events: list[ProviderEvent] = []
        self._final(data, events)
        return events

    def finish(self) -> Sequence[ProviderEvent]:
        """Tool calls, usage and Finished. Raises ServerSaid, ProtocolError."""
        self._end.returned[0] = self._kept.record(())
        return tuple(self._end.events())

    def _event(self, kind: str, value: Mapping[str, Any], events: list[ProviderEvent]) -> None:
        delta = value.get("delta")
        if kind in ("response.output_text.delta", "response.refusal.delta"):
            self._end.refused = self._end.refused or kind == "response.refusal.delta"
            self._say(delta, events)
        elif kind in ("response.reasoning_summary_text.delta", "response.reasoning_text.delta"):
            if isinstance(delta, str) and delta:
                self._thought = self._end.spoken = True
                events.append(ReasoningDelta(delta))
        elif kind == "response.reasoning_summary_part.added":
            if self._thought:
                events.append(ReasoningDelta("\n\n"))
        elif kind == "response.output_item.done":
            item = mapping(value.get("item"))
            self._call(item, count(value.get("output_index")))
            self._keep(item, count(value.get("output_index")))
            self._picture(item, events)
        elif kind == "response.image_generation_call.partial_image":
            drawn = value.get("partial_image_b64")
            if isinstance(drawn, str):
                self._drafts[str(value.get("item_id"))] = drawn
                self._end.spoken = True
        elif kind == "response.output_text.annotation.added":
            self._cite({"annotations": [value.get("annotation")]}, events)
        elif kind == "response.reasoning.search_results":  # Perplexity
            self._cite(value, events)
        elif kind in ("response.completed", "response.incomplete", "response.failed", "response.cancelled"):
            self._final(mapping(value.get("response")), events)
            self.ended = True
        elif kind == "error" or kind.endswith(".error"):
            raise ServerSaid(error_in(value) or value)
        elif kind in ("response.created", "response.in_progress"):
            self._model(mapping(value.get("response")))
        elif value.get("error"):
            raise ServerSaid(value["error"])

    def _final(self, response: Mapping[str, Any], events: list[ProviderEvent]) -> None:
        """Process the finished response; its text and reasoning only if they were not streamed before."""
        status = response.get("status")
        error = error_in(response)
        if error is not None or status in ("failed", "cancelled"):
            told = {"message": _("the response is {status}").format(status=status)}
            raise ServerSaid(told if error is None else error)
        self._model(response)
        spoken = bool(self._end.seen)
        output = response.get("output")
        for index, item in enumerate(output if isinstance(output, list) else ()):
            item = mapping(item)
            if item.get("type") == "function_call":
                self._call(item, index)
            elif item.get("type") == "reasoning":
                self._keep(item, index)
                if not self._thought:
                    self._summary(item, events)
            elif item.get("type") == "message":
                content = item.get("content")
                for part in content if isinstance(content, list) else ():
                    part = mapping(part)
                    self._end.refused = self._end.refused or bool(part.get("refusal"))
                    if not spoken:
                        self._say(part.get("text") or part.get("refusal"), events)
                    self._show(media_in(part, typed=True), events)
                    self._cite(part, events)
            elif item.get("type") == "search_results":
                self._cite(item, events)
            else:
                self._picture(item, events, last=True)
        self._end.usage = usage_of(response.get("usage")) or self._end.usage
        if status == "incomplete":
            why = mapping(response.get("incomplete_details")).get("reason")
            self._end.reasons[0] = "length" if why in (None, "max_output_tokens") else str(why)
        elif status == "completed" or self._end.spoken:
            self._end.reasons[0] = "tool_calls" if self._end.calls and not self._end.seen else "stop"

    def _picture(self, item: Mapping[str, Any], events: list[ProviderEvent], *, last: bool = False) -> None:
        """Add the picture of a finished image call, once; the `last` time a draft of it will do."""
        if item.get("type") != "image_generation_call" or _id_of(item) in self._pictures:
            return
        result = item.get("result")
        if not (isinstance(result, str) and result) and last:
            item = {**item, "result": self._drafts.get(str(item.get("id")), "")}
        if item.get("result"):
            self._pictures.add(_id_of(item))
            self._show(media_in(item), events)

    def _show(self, addresses: Iterable[str], events: list[ProviderEvent]) -> None:
        for address in addresses:
            self._end.seen.add(0)
            self._end.spoken = True
            events.append(MediaReceived(address))

    def _cite(self, value: Mapping[str, Any], events: list[ProviderEvent]) -> None:
        if sources := sources_of(value):
            events.append(SourcesFound(tuple(sources)))

    def _summary(self, item: Mapping[str, Any], events: list[ProviderEvent]) -> None:
        parts = item.get("summary")
        texts = [mapping(part).get("text") for part in (parts if isinstance(parts, list) else ())]
        text = "\n\n".join(one for one in texts if isinstance(one, str) and one)
        if text:
            self._end.spoken = True
            events.append(ReasoningDelta(text))

    def _keep(self, item: Mapping[str, Any], index: int) -> None:
        """Keep a reasoning item that can be sent back: the server itself stores nothing."""
        if item.get("type") == "reasoning" and item.get("encrypted_content"):
            self._kept.items[index] = {
                "summary": [],
                **{name: value for name, value in item.items() if name != "status"},
            }

    def _model(self, response: Mapping[str, Any]) -> None:
        if isinstance(response.get("model"), str):
            self._end.model = response["model"]

    def _say(self, text: Any, events: list[ProviderEvent]) -> None:
        if isinstance(text, str) and text:
            self._end.seen.add(0)
            self._end.spoken = True
            events.append(TextDelta(text))

    def _call(self, item: Mapping[str, Any], index: int) -> None:
        """Take a whole call; it comes when it is done, and again in the finished response."""
        if item.get("type") == "function_call":
            pieces = self._end.calls.setdefault(0, CallPieces())
            pieces.add(index, item.get("call_id"), item.get("name"), item.get("arguments"))
            self._end.spoken = True


def _id_of(item: Mapping[str, Any]) -> str:
    """What tells an image call from the others of a response."""
    return str(item.get("id") or item.get("result"))


WIRE = Wire("responses", "/responses", payload, ResponsesReader)

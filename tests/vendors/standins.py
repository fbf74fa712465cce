"""What each vendor's documentation says of a request, and stand-ins of the vendors that hold a client to it.

The expectations are written from the documentation, apart from the program's own table:
`tests/vendors/standins.json` has an entry for every vendor. `asked` is what `thinking` "on" and "off" add to the
body. `drops` are the person's parameters that the model does not take, of a mode or of all; `renames` the names it
has for others; `omits` the fields that the request type lacks. `field` is where reasoning arrives, `back` how that
of earlier turns stands in a message while the model thinks, with `always` in every mode. `refuses` is
what the vendor refuses, except where `unless` holds: `fields`, and values at a place of the body but for `values`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.support.server import Recorded, Reply, raw, refuse

Json = dict[str, Any]

ENTRIES: dict[str, Json] = json.loads(Path(__file__).with_name("standins.json").read_text(encoding="utf-8"))
PARAMETERS: Json = {
    "temperature": 0.3,
    "top_p": 0.9,
    "max_tokens": 500,
    "seed": 7,
    "stop": ["END"],
    "presence_penalty": 0.1,
}
_COMMON = frozenset(("model", "messages", "stream", "stream_options", *PARAMETERS))
_MESSAGE = frozenset(("role", "content"))
SIGNATURE = {"google": {"thought_signature": "S=="}}


def thought(number: int) -> str:
    """The reasoning of a turn."""
    return f"I think of {number}"


def answer(number: int) -> str:
    """The reply of a turn."""
    return f"Reply {number}"


def expected(entry: Mapping[str, Any], mode: str, questions: list[str]) -> Json:
    """The body of the last request of a conversation with these questions, as the documentation has it."""
    drops = entry.get("drops", [])
    drops = drops.get(mode, []) if isinstance(drops, dict) else drops
    kept = {name: value for name, value in PARAMETERS.items() if name not in drops}
    body: Json = {entry.get("renames", {}).get(name, name): value for name, value in kept.items()}
    body |= entry["asked"].get(mode, {})
    body |= {"model": entry["model"], "stream": True, "stream_options": {"include_usage": True}}
    messages: list[Json] = [{"role": "system", "content": "Be brief."}]
    for number, question in enumerate(questions):
        messages.append({"role": "user", "content": question})
        if number < len(questions) - 1:
            messages.append(_said(entry, mode, number))
    body["messages"] = messages
    return {name: value for name, value in body.items() if name not in entry.get("omits", ())}


def _said(entry: Mapping[str, Any], mode: str, number: int) -> Json:
    """A reply as the vendor wants it in the next request."""
    back, message = entry.get("back", ""), {"role": "assistant", "content": answer(number)}
    if back == "signature":
        return {**message, "extra_content": SIGNATURE}
    if not back or (mode == "off" and not entry.get("always")):
        return message
    if back == "<think>":
        return {**message, "content": f"<think>\n{thought(number)}\n</think>\n\n{answer(number)}"}
    if back == "chunks":
        parts = [{"type": "thinking", "thinking": [{"type": "text", "text": thought(number)}]}]
        return {**message, "content": [*parts, {"type": "text", "text": answer(number)}]}
    return {**message, back: thought(number)}


def reply(entry: Mapping[str, Any], request: Recorded) -> Reply:
    """The vendor's answer: a refusal of what it does not take, else reasoning and text as it streams them."""
    body = request.json
    for reason in _refusals(entry, body):
        return refuse(int(entry.get("status", 400)), reason)
    number = sum(message["role"] == "user" for message in body["messages"]) - 1
    deltas = list(_deltas(entry, number))
    events: list[Json] = [{"choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    events.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    events.append({"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 9, "total_tokens": 18}})
    lines = [f"data: {json.dumps(event)}\n\n" for event in events]
    return raw("".join([*lines, "data: [DONE]\n\n"]))


def _deltas(entry: Mapping[str, Any], number: int) -> Iterator[Json]:
    said, pieces = answer(number), (thought(number)[:4], thought(number)[4:])
    yield {"role": "assistant", "content": ""}
    match entry.get("field", ""):
        case "<think>" | "<thought>" as tag:
            close = f"</{tag[1:]}"
            for piece in (f"{tag}\n", *pieces, f"\n{close}\n\n"):
                yield {"content": piece}
        case "content chunks":
            for piece in pieces:
                yield {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": piece}]}]}
        case "reasoning twice":
            for piece in pieces:
                yield {"reasoning": piece, "reasoning_content": piece}
        case "reasoning_details":
            for piece in pieces:
                detail = {"type": "reasoning.text", "text": piece, "index": 0}
                yield {"reasoning": piece, "reasoning_details": [detail]}
        case "":
            pass
        case field:
            for piece in pieces:
                yield {field: piece}
    signed = {"extra_content": SIGNATURE} if entry.get("back") == "signature" else {}
    yield {"content": said, **signed}


def _refusals(entry: Mapping[str, Any], body: Json) -> Iterator[str]:
    own = {name for fields in entry["asked"].values() for name in fields}
    known = {*_COMMON, *own, *entry.get("renames", {}).values()} - {*entry.get("omits", ())}
    for name in body.keys() - known:
        yield f"Unrecognized request argument supplied: {name}"
    for rule in entry.get("refuses", ()):
        if "unless" in rule and all(_at(body, place) == value for place, value in rule["unless"].items()):
            continue
        for name in rule.get("fields", ()):
            if name in body:
                yield f"Unsupported parameter: '{name}' is not supported with this model."
        for place, values in rule.get("values", {}).items():
            if _at(body, place) is not None and _at(body, place) not in values:
                yield f"Unsupported value: '{place}' does not support {_at(body, place)!r} with this model."
    back = {"signature": "extra_content"}.get(entry.get("back", ""), entry.get("back", ""))
    for message in body["messages"]:
        for name in message.keys() - {*_MESSAGE, back}:
            yield f"Extra inputs are not permitted: messages.{name}"


def _at(body: Any, place: str) -> Any:
    for name in place.split("."):
        body = body.get(name) if isinstance(body, dict) else None
    return body

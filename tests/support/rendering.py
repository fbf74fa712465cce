"""Replies in the three wire formats, as bytes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from tests.support.replies import Recorded, Reply, Step


def stream(reply: Reply, request: Recorded) -> Iterator[Step]:
    """The reply as server-sent events."""
    if request.path.endswith("/responses"):
        return _responses(reply, request)
    if request.path.endswith("/chat/completions"):
        return _choices(reply, request, _chat_delta, "chat.completion.chunk")
    return _choices(reply, request, _text_delta, "text_completion")


def whole(reply: Reply, request: Recorded) -> Iterator[Step]:
    """The reply as one document, after whatever pauses and gates it has."""
    text = "".join(step for step in reply.steps if isinstance(step, str))
    for step in reply.steps:
        if not isinstance(step, str):
            yield step
    if request.path.endswith("/responses"):
        yield _bytes(_response(reply, request, text))
        return
    chat = request.path.endswith("/chat/completions")
    message: dict[str, Any] = {"role": "assistant", "content": text}
    if reply.reasoning:
        message[reply.reasoning_key] = "".join(reply.reasoning)
    if reply.calls:
        message["tool_calls"] = [{"type": "function", **call} for call in reply.calls]
    said = {"message": message} if chat else {"text": text}
    yield _bytes(
        {
            "id": "reply-1",
            "object": "chat.completion" if chat else "text_completion",
            "model": _model(reply, request),
            "choices": [{"index": n, "finish_reason": reply.finish, **said} for n in range(reply.choices)],
            "usage": dict(reply.usage or _usage(text)),
        }
    )


def _choices(
    reply: Reply, request: Recorded, delta: Callable[[str, str], dict[str, Any]], kind: str
) -> Iterator[Step]:
    base = {"id": "reply-1", "object": kind, "created": 1, "model": _model(reply, request)}
    numbers = range(reply.choices)

    def event(number: int, fields: dict[str, Any], reason: str | None = None) -> bytes:
        return _event({**base, "choices": [{"index": number, "finish_reason": reason, **fields}]})

    if kind != "text_completion":
        yield event(0, {"delta": {"role": "assistant", "content": None}})
        for thought in reply.reasoning:
            yield event(0, {"delta": {reply.reasoning_key: thought}})
    for step in reply.steps:
        if isinstance(step, str):
            for number in numbers:
                yield event(number, delta(step, request.path))
        else:
            yield step
    for index, call in enumerate(reply.calls):
        yield event(0, {"delta": {"tool_calls": [{"index": index, "type": "function", **call}]}})
    if reply.finish is not None:
        for number in numbers:
            yield event(number, delta("", request.path), reply.finish)
    if (request.json.get("stream_options") or {}).get("include_usage"):
        text = "".join(step for step in reply.steps if isinstance(step, str))
        yield _event({**base, "choices": [], "usage": dict(reply.usage or _usage(text))})
    if reply.done:
        yield b"data: [DONE]\n\n"


def _chat_delta(text: str, path: str) -> dict[str, Any]:
    return {"delta": {"content": text} if text else {}}


def _text_delta(text: str, path: str) -> dict[str, Any]:
    return {"text": text}


def _responses(reply: Reply, request: Recorded) -> Iterator[Step]:
    text = "".join(step for step in reply.steps if isinstance(step, str))
    final = _response(reply, request, text)
    sequence = 0

    def event(kind: str, **fields: Any) -> bytes:
        nonlocal sequence
        sequence += 1
        value = {"type": kind, "sequence_number": sequence, **fields}
        return b"event: " + kind.encode() + b"\n" + _event(value)

    yield event("response.created", response={**final, "status": "in_progress", "output": []})
    for thought in reply.reasoning:
        yield event("response.reasoning_summary_text.delta", item_id="rs_1", delta=thought)
    for step in reply.steps:
        if isinstance(step, str):
            yield event("response.output_text.delta", item_id="msg_1", output_index=0, content_index=0, delta=step)
        else:
            yield step
    for index, item in enumerate(final["output"]):
        yield event("response.output_item.done", output_index=index, item=item)
    if reply.done:
        yield event(f"response.{final['status']}", response=final)


def _response(reply: Reply, request: Recorded, text: str) -> dict[str, Any]:
    part = {"type": "output_text", "text": text, "annotations": []}
    output: list[dict[str, Any]] = []
    if reply.reasoning:
        summary = [{"type": "summary_text", "text": "".join(reply.reasoning)}]
        output.append({"type": "reasoning", "id": "rs_1", "summary": summary})
    output.append(
        {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [part]}
    )
    output += [{"type": "function_call", "call_id": call.get("id"), **call["function"]} for call in reply.calls]
    counted = dict(reply.usage or _usage(text))
    finished = reply.finish != "length"
    return {
        "id": "resp_1",
        "object": "response",
        "status": "completed" if finished else "incomplete",
        "incomplete_details": None if finished else {"reason": "max_output_tokens"},
        "error": None,
        "model": _model(reply, request),
        "output": output,
        "usage": {
            "input_tokens": counted["prompt_tokens"],
            "output_tokens": counted["completion_tokens"],
            "total_tokens": counted["total_tokens"],
        },
    }


def _model(reply: Reply, request: Recorded) -> str:
    return reply.model or str(request.json.get("model", ""))


def _usage(text: str) -> dict[str, int]:
    completion = max(1, len(text) // 4)
    return {"prompt_tokens": 10, "completion_tokens": completion, "total_tokens": 10 + completion}


def _event(value: Any) -> bytes:
    return b"data: " + _bytes(value) + b"\n\n"


def _bytes(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()

"""A session as a list of messages for the chat API."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gptchat.core.events import ToolCall
from gptchat.core.messages import Message
from gptchat.core.replies.media import text_alone
from gptchat.core.replies.passages import with_passages
from gptchat.core.session import Session
from gptchat.core.tooling.described import with_results


def messages(session: Session, path: Sequence[Message] | None = None) -> list[dict[str, Any]]:
    """The current path, or `path`, as a message list for the chat API, system prompt first.

    A call of a tool is there with its result, or else neither is.
    """
    result: list[dict[str, Any]] = []
    system = session.settings.get("system")
    if isinstance(system, str) and system:
        result.append({"role": "system", "content": system})
    for message, calls in with_results(session.path() if path is None else path):
        content = with_passages(message, text_alone(message))
        content = content if isinstance(content, str) else [dict(part) for part in content]
        # Servers refuse a call without its result, and a result without its call.
        paired = bool(calls) and all(answer is not None for _call, answer in calls)
        if message.role == "tool" or (
            not content and ("tool_calls" in message.extra or message.status == "failed") and not paired
        ):
            continue
        named = {"name": message.extra["name"]} if "name" in message.extra else {}
        record = {"role": message.role, "content": content, **named}
        if paired:
            record |= {"content": content or None, "tool_calls": _calls(message, calls)}
        result.append(record)
        if paired:
            result += [_result(call, answer) for call, answer in calls if answer is not None]
    return result


def _calls(message: Message, calls: Sequence[tuple[ToolCall, Message | None]]) -> list[Any]:
    """The calls as they were received, or if something among them is none, written anew."""
    received: Sequence[Any] = message.extra["tool_calls"]
    if len(received) == len(calls):
        return list(received)
    return [
        {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
        for call, _answer in calls
    ]


def _result(call: ToolCall, message: Message) -> dict[str, Any]:
    content = text_alone(message)
    return {
        "role": "tool",
        "tool_call_id": call.id,
        "name": call.name,
        "content": content if isinstance(content, str) else [dict(part) for part in content],
    }

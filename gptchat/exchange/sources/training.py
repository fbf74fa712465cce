"""Lists of messages in the chat API's form, and training files: OpenAI's, ShareGPT's and Alpaca's."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gptchat.core.messages import ROLES
from gptchat.core.numbers import believable
from gptchat.exchange.session_builder import digest
from gptchat.exchange.sources.chats import (
    ForeignChat,
    ForeignNode,
    dicts,
    fields,
    first,
    items,
    name,
    spoken,
    text,
)
from gptchat.words import _

_OURS = ("type", "id", "parent", "role", "content", "time", "timestamp", "ts", "tool_calls")
_SPEAKERS = {
    "human": "user",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "bing": "assistant",
    "bard": "assistant",
    "model": "assistant",
    "ai": "assistant",
    "function_call": "call",
    "observation": "tool",
    "function": "tool",
    "function_response": "tool",
    "developer": "developer",
}


def messages(listed: Sequence[object], program: str, where: str) -> ForeignChat:
    """The chat of a list of messages. Its source is its beginning; the parts that are no messages are problems.

    Tool rounds come in whole or not at all: servers refuse a call without its result.
    """
    chat = ForeignChat(program, exact=True, earlier=f"{program}:{digest(listed)}")
    good: list[dict[str, Any]] = []
    for number, message in enumerate(listed, 1):
        role = message.get("role") if isinstance(message, Mapping) else None
        if isinstance(message, dict) and role == "function":
            message = {**message, "role": "tool", "tool_call_id": message.get("tool_call_id") or ""}
        elif not isinstance(message, dict) or role not in ROLES or not ({"content", "tool_calls"} & set(message)):
            reason = _("{where}: entry {number} is not a message with role and content")
            chat.problems.append(reason.format(where=where, number=number))
            continue
        good.append(message)
    for message in _rounds(good, chat):
        _take(message, chat)
    return chat


def _take(message: dict[str, Any], chat: ForeignChat) -> None:
    role, content = message["role"], message.get("content")
    node = ForeignNode("", role="system" if role == "developer" else role, time=_time(message))
    node.model, node.reasoning = text(message.get("model")), first(message, "reasoning", "reasoning_content")
    if isinstance(content, str):
        node.text = content
    elif content is not None:
        before = node.left
        spoken(content, node)
        if node.role == "tool" or "tool_calls" in message:
            node.left = before
    node.extra = believable({key: value for key, value in message.items() if key not in _OURS and key != "model"})
    for known in ("reasoning", "reasoning_content", "provider", "status", "finish_reason"):
        node.extra.pop(known, None)
    if "tool_calls" in message:
        node.extra["tool_calls"] = message["tool_calls"]
    chat.follow(node)


def _time(message: Mapping[str, Any]) -> object:
    return next((message[key] for key in ("ts", "timestamp", "time", "created_at") if key in message), None)


def _rounds(listed: list[dict[str, Any]], chat: ForeignChat) -> Iterator[dict[str, Any]]:
    """The messages with the tool rounds that are whole; other calls and results are left out."""
    at = 0
    while at < len(listed):
        message = _anthropic(listed[at])
        role, calls = message["role"], message.get("tool_calls")
        at += 1
        if role == "tool":
            chat.left["result"] += 1
            continue
        if "tool_calls" not in message:
            yield message
            continue
        wanted = [text(call.get("id")) for call in dicts(calls)]
        results = []
        while at < len(listed) and listed[at]["role"] == "tool":
            results.append(listed[at])
            at += 1
        given = [text(result.get("tool_call_id")) for result in results]
        whole = wanted and sorted(wanted) == sorted(given) and len(set(wanted)) == len(wanted) and all(wanted)
        if (
            role == "assistant"
            and whole
            and all(fields(call.get("function")).get("name") for call in dicts(calls))
        ):
            yield message
            yield from results
            continue
        chat.left["call"] += len(items(calls))
        chat.left["result"] += len(results)
        rest = {key: value for key, value in message.items() if key != "tool_calls"}
        if rest.get("content"):
            yield rest


def _anthropic(message: dict[str, Any]) -> dict[str, Any]:
    """`message` without an empty list of calls."""
    if "tool_calls" in message and not message["tool_calls"]:
        return {key: value for key, value in message.items() if key != "tool_calls"}
    return message


def line(entry: Mapping[str, Any], where: str) -> list[ForeignChat]:
    """The chat in one entry of a training file; empty if it is none."""
    if isinstance(listed := entry.get("messages"), list):
        return [messages(listed, "training", where)]
    if "preferred_output" in entry:
        return [_preference(entry, where)]
    if isinstance(listed := entry.get("conversations", entry.get("conversation")), list):
        return [sharegpt(entry, listed, where)]
    if isinstance(question := entry.get("prompt"), str) and isinstance(answer := entry.get("completion"), str):
        pair = [{"role": "user", "content": question.strip()}, {"role": "assistant", "content": answer.strip()}]
        return [messages(pair, "training", where)]
    if isinstance(entry.get("instruction"), str):
        return [_alpaca(entry, where)]
    return []


def _preference(entry: Mapping[str, Any], where: str) -> ForeignChat:
    """A question with a preferred answer and another, which become branches."""
    given = entry.get("input")
    asked = items(fields(given).get("messages"))
    chat = messages(asked, "training", where)
    chat.earlier = ""
    parent = chat.nodes[-1].id if chat.nodes else None
    for label in ("non_preferred_output", "preferred_output"):
        last = parent
        for number, message in enumerate(dicts(entry.get(label))):
            node = ForeignNode(f"#{label}{number}", last, text(message.get("role")) or "assistant")
            spoken(message.get("content"), node)
            last = chat.add(node).id
        chat.current = last
    return chat


def sharegpt(entry: Mapping[str, Any], listed: list[Any], where: str) -> ForeignChat:
    """The chat of an entry of ShareGPT's form: `from` and `value`."""
    said: list[Any] = []
    if system := text(entry.get("system")):
        said.append({"role": "system", "content": system})
    calls = 0
    for number, turn in enumerate(listed):
        turn = fields(turn)
        speaker = first(turn, "from", "role").lower()
        role = _SPEAKERS.get(speaker, speaker)
        content = turn.get("value", turn.get("content"))
        if role == "call":
            call = _call(content, f"call_{number}")
            role, content, calls = "assistant", None, number
            said.append({"role": role, "content": "", "tool_calls": call} if call else None)
        elif role == "tool":
            words = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
            said.append({"role": "tool", "tool_call_id": f"call_{calls}", "content": words})
        else:
            said.append({"role": role, "content": content} if role and content is not None else turn)
    chat = messages(said, "sharegpt", where)
    chat.id, chat.earlier = name(entry.get("id")), ""
    chat.title = text(entry.get("title"))
    if chat.id:  # ids of a data set are numbers, and the next data set has the same ones
        chat.id += ":" + digest([node.text for node in chat.nodes[:2]])
    return chat


def _call(content: object, id: str) -> list[dict[str, Any]]:
    if isinstance(content, str):
        try:
            content = json.loads(content)
        except (ValueError, RecursionError):
            return []
    call = fields(content)
    named, arguments = text(call.get("name")), call.get("arguments", call.get("parameters", {}))
    if not named:
        return []
    words = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    return [{"id": id, "type": "function", "function": {"name": named, "arguments": words}}]


def _alpaca(entry: Mapping[str, Any], where: str) -> ForeignChat:
    said: list[Any] = [{"role": "system", "content": entry["system"]}] if text(entry.get("system")) else []
    for pair in items(entry.get("history")):
        if isinstance(pair, list) and len(pair) == 2 and all(isinstance(one, str) for one in pair):
            said += [{"role": "user", "content": pair[0]}, {"role": "assistant", "content": pair[1]}]
    asked = "\n\n".join(filter(None, (text(entry.get("instruction")), text(entry.get("input")))))
    said += [{"role": "user", "content": asked}, {"role": "assistant", "content": text(entry.get("output"))}]
    return messages(said, "training", where)

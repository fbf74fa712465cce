"""Open WebUI's chats: all, one, or rows of its database; reasoning and tools stand in the text."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from typing import Any

from gptchat.exchange.sources.chats import (
    ForeignChat,
    ForeignNode,
    base,
    dicts,
    fields,
    first,
    items,
    name,
    parsed,
    spoken,
    text,
    thinking_cut,
)

_DETAILS = re.compile(r"<details\b([^>]*)>(.*?)</details>\s*", re.DOTALL)
_KIND = re.compile(r'\btype="(\w+)"')
_SUMMARY = re.compile(r"<summary>.*?</summary>", re.DOTALL)


def chat(row: Mapping[str, Any], _where: str) -> ForeignChat:
    """The chat of a row of an export, or of a bare `chat` object."""
    inner = fields(parsed(row["chat"])) if "chat" in row else dict(row)
    models = [one for one in items(inner.get("models")) if isinstance(one, str)]
    result = ForeignChat(
        "openwebui",
        id=name(row.get("id")) or name(inner.get("id")),
        title=text(row.get("title")) or text(inner.get("title")),
        created=row.get("created_at") or inner.get("timestamp"),
        model=models[0] if len(models) == 1 else "",
        system=text(inner.get("system")) or text(fields(inner.get("params")).get("system")),
    )
    history = fields(inner.get("history"))
    messages = history.get("messages")
    if isinstance(messages, dict) and messages:
        for id, message in messages.items():
            message = fields(message)
            node = _node(id, message)
            node.parent = name(message.get("parentId")) or None
            result.add(node)
            result.order[id] = [name(child) for child in items(message.get("childrenIds"))]
        current = name(history.get("currentId"))
        result.current = current if current in messages else None
        return result
    listed = dicts(inner.get("messages"))
    linked = any(name(one.get("parentId")) for one in listed)
    for message in listed:
        node = _node(name(message.get("id")), message)
        node.parent = name(message.get("parentId")) or None
        result.add(node) if linked else result.follow(node)
    return result


def _node(id: str, message: Mapping[str, Any]) -> ForeignNode:
    role = text(message.get("role"))
    node = ForeignNode(id, role=role, time=message.get("timestamp"))
    node.model = first(message, "model", "modelName")
    spoken(message.get("content"), node)
    if not node.text and isinstance(output := message.get("output"), list):
        for one in dicts(output):
            if one.get("type") == "reasoning":
                spoken(
                    [{**part, "type": "reasoning"} for part in dicts(one.get("summary") or one.get("content"))],
                    node,
                )
            else:
                spoken(one.get("content") if "content" in one else [one], node)
    if role == "assistant":
        _unfold(node)
        node.apart = "modelIdx" in message
        merged = text(fields(message.get("merged")).get("content"))
        node.text = "\n\n".join(filter(None, (node.text, merged)))
    error = message.get("error")
    if error and not node.text.strip():
        words = first(fields(error), "content", "message") or text(error)
        node.left += ("error",) if words or error is True else ()
    if message.get("done") is False and role == "assistant":
        node.finish = "interrupted"
    for one in dicts(message.get("files")):
        _file(one, node)
    for one in [*dicts(message.get("sources")), *dicts(message.get("citations"))]:
        about = fields(one.get("source"))
        node.sources.append((first(about, "url"), first(about, "name", "title")))
    return node


def _unfold(node: ForeignNode) -> None:
    """Take the reasoning and the calls of tools out of the text of an answer."""
    thoughts = [node.reasoning] if node.reasoning else []

    def folded(match: re.Match[str]) -> str:
        kind = _KIND.search(match[1])
        if kind is None:
            return match[0]
        if kind[1] == "reasoning":
            words = html.unescape(_SUMMARY.sub("", match[2])).strip("\n")
            thoughts.append("\n".join(re.sub(r"^> ?", "", line) for line in words.split("\n")).strip())
            return ""
        if kind[1] in ("tool_calls", "code_interpreter"):
            node.left += ("call", "result")
            return ""
        return match[0]

    if "<details" in node.text:
        node.text = _DETAILS.sub(folded, node.text).strip("\n")
    node.text, thought = thinking_cut(node.text)
    node.reasoning = "\n\n".join(filter(None, (*thoughts, thought)))


def _file(one: Mapping[str, Any], node: ForeignNode) -> None:
    inner = fields(one.get("file"))
    url = text(one.get("url"))
    named = first(one, "name") or first(inner, "filename", "name") or first(fields(inner.get("meta")), "name")
    if text(one.get("type")) == "image" and url.startswith("data:"):
        node.images.append(url)
        node.files += [named] if named else []
    else:
        node.files.append(named or base(url) or text(one.get("id")) or "file")

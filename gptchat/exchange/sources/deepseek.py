"""DeepSeek's export: trees of messages with fragments, the older form, and the site's own answers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gptchat.exchange.sources.chats import ForeignChat, ForeignNode, dicts, fields, files_named, first, name, text

_CITED = re.compile(r"\[citation:(\d{1,4})\]")


def chat(source: Mapping[str, Any], _where: str) -> ForeignChat:
    """The chat of one conversation of the export."""
    result = ForeignChat(
        "deepseek", name(source.get("id")), text(source.get("title")), created=source.get("inserted_at")
    )
    mapping = fields(source.get("mapping"))
    for id, entry in mapping.items():
        entry = fields(entry)
        parent = name(entry.get("parent")) or None
        message = entry.get("message")
        node = ForeignNode(id, parent)
        if isinstance(message, dict):
            _fill(node, message, mapping)
        result.add(node)
        result.order[id] = [name(child) for child in entry.get("children") or () if name(child)]
    return result


def _fill(node: ForeignNode, message: Mapping[str, Any], mapping: Mapping[str, Any]) -> None:
    node.time, node.model = message.get("inserted_at"), text(message.get("model"))
    node.files = list(files_named(message.get("files"), "file_name"))
    held = [one for one in dicts(message.get("files")) if text(one.get("content")).strip()]
    said, thoughts, results = [], [], dicts(message.get("search_results"))
    role = first(message, "role").lower()
    fragments = dicts(message.get("fragments"))
    for fragment in fragments:
        kind, content = text(fragment.get("type")).upper(), text(fragment.get("content"))
        if kind == "REQUEST":
            role = "user"
            said.append(content)
        elif kind == "RESPONSE":
            said.append(content)
        elif kind == "THINK":
            thoughts.append(content)
        elif kind == "SEARCH":
            results += dicts(fragment.get("results"))
        elif kind:
            node.left += ("call",)
    if not fragments:
        said.append(text(message.get("content")))
        thoughts.append(first(message, "reasoning_content", "thinking_content"))
        role = role or ("user" if _depth(node, mapping) % 2 else "assistant")
    node.role = role if role in ("user", "assistant") else "assistant"
    node.text = "\n\n".join(piece for piece in said if piece.strip())
    node.reasoning = "\n\n".join(piece for piece in thoughts if piece.strip())
    if held:
        from gptchat.attachments import fenced

        blocks = [fenced(first(one, "file_name", "name") or "file", text(one.get("content"))) for one in held]
        node.text = "\n\n".join(filter(None, (node.text, *blocks)))
        node.files = [one for one in node.files if all(first(file, "file_name") != one for file in held)]
    if text(message.get("status")).upper() in ("INCOMPLETE", "WIP"):
        node.finish = "interrupted"
    if results and node.role == "assistant":
        node.sources = [(text(one.get("url")), text(one.get("title"))) for one in results]
        node.text = _CITED.sub(r"[\1]", node.text)


def _depth(node: ForeignNode, mapping: Mapping[str, Any]) -> int:
    """How many messages there are from the root to `node`, itself included."""
    depth, at, seen = 0, node.id, set[str]()
    while at in mapping and at not in seen:
        seen.add(at)
        entry = fields(mapping[at])
        depth += isinstance(entry.get("message"), dict)
        at = name(entry.get("parent"))
    return depth


def site(source: Mapping[str, Any], _where: str) -> ForeignChat:
    """The chat in an answer of the web site, as browser scripts save it: `chat_session`, `chat_messages`."""
    about = fields(source.get("chat_session"))
    result = ForeignChat("deepseek", name(about.get("id")), text(about.get("title")), about.get("inserted_at"))
    result.current = name(about.get("current_message_id")) or None
    for message in dicts(source.get("chat_messages")):
        node = ForeignNode(name(message.get("message_id")), name(message.get("parent_id")) or None)
        _fill(node, message, {})
        result.add(node)
    return result

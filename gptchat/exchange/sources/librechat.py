"""LibreChat's export of one conversation: a flat list with parents, or a tree of children."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gptchat.exchange.sources.chats import (
    ForeignChat,
    ForeignNode,
    dicts,
    fields,
    files_named,
    first,
    items,
    name,
    spoken,
    text,
)


def chat(source: Mapping[str, Any], _where: str) -> ForeignChat:
    """The chat of an export."""
    options = fields(source.get("options"))
    result = ForeignChat(
        "librechat",
        name(source.get("conversationId")),
        text(source.get("title")),
        model=text(options.get("model")),
        system=first(options, "promptPrefix", "system", "instructions"),
    )
    roots = source.get("messagesTree")
    listed = dicts(roots if isinstance(roots, list) else source.get("messages"))
    waiting: list[tuple[dict[str, Any], str | None]] = [(one, None) for one in reversed(listed)]
    linked = any("parentMessageId" in one or items(one.get("children")) for one in listed)
    last: str | None = None
    while waiting:
        message, above = waiting.pop()
        node = _node(message)
        node.id = node.id or f"#{len(result.nodes)}"
        if above is None and "parentMessageId" not in message and not linked:
            above = last
        node.parent = above if above is not None else name(message.get("parentMessageId")) or None
        last = result.add(node).id
        waiting += [(child, node.id) for child in reversed(dicts(message.get("children")))]
    result.created = next((node.time for node in result.nodes if node.time), None)
    return result


def _node(message: Mapping[str, Any]) -> ForeignNode:
    mine = message.get("isCreatedByUser")
    if not isinstance(mine, bool):
        mine = text(message.get("sender")).lower() == "user" or message.get("role") == "user"
    node = ForeignNode(name(message.get("messageId")), role="user" if mine else "assistant")
    node.time = message.get("createdAt") or message.get("updatedAt")
    node.model = text(message.get("model")) if not mine else ""
    spoken(message.get("content"), node)
    if not node.text:
        node.text = text(message.get("text"))
    if message.get("error") is True:
        node.finish = "error"
    elif message.get("unfinished") is True:
        node.finish = "interrupted"
    for key in ("files", "attachments"):
        node.files += [one for one in files_named(message.get(key), "filename") if one not in node.files]
    return node

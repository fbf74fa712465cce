"""Reads ChatGPT's export: a list of conversations, each a tree of messages.

The file is `conversations.json` (`conversations-*.json` if large), alone or in a zip. A conversation has
`title`, `create_time`, `current_node` and `mapping: {id: {id, parent, children, message|null}}`; a message has
`author.role`, `content.parts` (strings or objects), `create_time`, and `weight` 0 if it is hidden.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gptchat.exchange.chatgpt_citations import resolve
from gptchat.exchange.chatgpt_content import Names, file_names, fill
from gptchat.exchange.session_builder import digest
from gptchat.exchange.sources.chats import ForeignChat, ForeignNode, fields, first, text
from gptchat.words import _


def chat(source: Mapping[str, Any], _where: str, beside: Mapping[str, Any]) -> ForeignChat:
    """The chat of one conversation. `beside` holds the lists of file names that lie beside it."""
    mapping = fields(source.get("mapping"))
    title = text(source.get("title"))
    identity = first(source, "conversation_id", "id") or digest(source)
    result = ForeignChat("chatgpt", identity, title.strip() and title, source.get("create_time"))
    result.model = text(source.get("default_model_slug"))
    names: Names = beside.get("names") or file_names(beside)
    documents: dict[str, str] = {}
    for id, entry in mapping.items():
        if not isinstance(entry, Mapping):
            result.problems.append(_("node {id} is not an object").format(id=id))
            entry = {}
        given = entry.get("parent")
        if isinstance(given, str) and given not in mapping:
            reason = _("{parent}, the parent of node {id}, is missing")
            result.problems.append(reason.format(parent=given, id=id))
        node = result.add(ForeignNode(id, given if isinstance(given, str) else None))
        if isinstance(children := entry.get("children"), list):
            result.order[id] = children
        problem = _message(node, entry.get("message"), names, documents, result)
        if problem:
            result.problems.append(_("message {id}: {problem}").format(id=id, problem=problem))
    current = source.get("current_node")
    result.current = current if isinstance(current, str) and current in mapping else None
    return result


def _message(
    node: ForeignNode, message: object, names: Names, documents: dict[str, str], chat: ForeignChat
) -> str:
    """Give `node` what `message` holds; an error text or the empty string."""
    if message is None:
        return ""
    if not isinstance(message, Mapping):
        return _("not an object")
    author, content = message.get("author"), message.get("content")
    role = author.get("role") if isinstance(author, Mapping) else None
    if not isinstance(role, str) or not isinstance(content, Mapping):
        return _("no author or no content")
    metadata = fields(message.get("metadata"))
    node.role, node.time = role, message.get("create_time")
    fill(node, message, names, documents)
    node.text, sources = resolve(node.text, metadata)
    node.sources = [(source.url, source.title) for source in sources]
    hidden = any(metadata.get(key) is True for key in _HIDDEN) or message.get("weight") == 0
    if hidden and not node.hidden:
        node.hidden = True
        node.left = node.left or (("hidden",) if node.text.strip() else ())
    if role == "assistant":
        node.model = text(metadata.get("model_slug"))
        reason = text(fields(metadata.get("finish_details")).get("type"))
        if message.get("status") == "in_progress" or reason == "interrupted":
            node.finish = "interrupted"
        elif message.get("status") == "finished_partial_completion" or reason == "max_tokens":
            node.finish = "length"
    return ""


_HIDDEN = ("is_visually_hidden_from_conversation", "is_user_system_message")

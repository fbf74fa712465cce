"""Claude.ai's export (`conversations.json`, alone or in a zip): messages with `sender` and parts of content."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gptchat.exchange.sources.chats import (
    ForeignChat,
    ForeignNode,
    dicts,
    fields,
    files_named,
    first,
    text,
    thinking_cut,
)

_UNSUPPORTED = re.compile(r"\s*```\s*\n?This block is not supported on your current device yet\.\n?```\s*")
_ARTIFACT = re.compile(r"<antArtifact\b([^>]*)>(.*?)(?:</antArtifact>|\Z)", re.DOTALL)
_THINKING = re.compile(r"<antThinking>(.*?)(?:</antThinking>|\Z)", re.DOTALL)
_PERSON = ("human", "user")


def chat(source: Mapping[str, Any], _where: str) -> ForeignChat:
    """The chat of one conversation."""
    result = ForeignChat(
        "claude",
        id=text(source.get("uuid")),
        title=first(source, "name", "title"),
        created=source.get("created_at"),
        model=text(source.get("model")),
        current=text(source.get("current_leaf_message_uuid")) or None,
    )
    listed = dicts(source.get("chat_messages")) or dicts(source.get("messages"))
    linked = any(text(one.get("parent_message_uuid")) for one in listed)
    documents: dict[str, str] = {}
    for message in listed:
        node = _node(message, documents)
        if linked:
            node.parent = text(message.get("parent_message_uuid")) or None
            result.add(node)
        else:
            result.follow(node)
    return result


def _node(message: Mapping[str, Any], documents: dict[str, str]) -> ForeignNode:
    sender = first(message, "sender", "role").lower()
    node = ForeignNode(
        first(message, "uuid", "id"),
        role="user" if sender in _PERSON else "assistant" if sender == "assistant" else "",
        time=message.get("created_at"),
        model=text(message.get("model")),
    )
    parts = dicts(message.get("content")) or dicts(message.get("contentBlocks"))
    pieces, thoughts = [], []
    for part in parts:
        kind = text(part.get("type"))
        if kind == "text":
            pieces.append(text(part.get("text")))
            for cited in dicts(part.get("citations")):
                about = fields(cited.get("details"))
                url = first(about, "url") or first(cited, "url")
                node.sources.append((url, first(about, "title") or first(cited, "title")))
        elif kind == "thinking":
            thoughts.append(
                text(part.get("thinking"))
                or "\n\n".join(text(one.get("summary")) for one in dicts(part.get("summaries")))
            )
        elif kind == "tool_use":
            if document := _artifact(part, documents):
                pieces.append(document)
            else:
                node.left += ("call",)
        elif kind == "tool_result":
            node.left += ("result",)
            for page in dicts(part.get("content")):
                if page.get("type") == "knowledge" and text(page.get("url")) and not _cites(parts):
                    node.sources.append((text(page.get("url")), text(page.get("title"))))
    if not any(piece.strip() for piece in pieces):
        said = message.get("text") or message.get("content")
        pieces = [_UNSUPPORTED.sub("\n\n", said).strip()] if isinstance(said, str) else []
    node.text = "\n\n".join(piece for piece in pieces if piece.strip())
    if node.role == "assistant":
        node.text, thought = thinking_cut(node.text)
        thoughts += [thought, *_THINKING.findall(node.text)]
        node.text = _ARTIFACT.sub(_shown, _THINKING.sub("", node.text)).strip()
    node.reasoning = "\n\n".join(thought for thought in thoughts if thought.strip())
    _attach(message, node)
    return node


def _cites(parts: list[dict[str, Any]]) -> bool:
    return any(dicts(part.get("citations")) for part in parts)


def _attach(message: Mapping[str, Any], node: ForeignNode) -> None:
    """Add the attachments: their text is in the export, and a long paste is one without a name."""
    from gptchat.attachments import fenced

    for one in dicts(message.get("attachments")):
        named, extracted = first(one, "file_name", "name"), text(one.get("extracted_content"))
        if extracted.strip():
            block = fenced(named, extracted) if named else extracted
            node.text = "\n\n".join(filter(None, (node.text, block)))
        elif named:
            node.files.append(named)
    for key in ("files", "files_v2"):
        node.files += [name for name in files_named(message.get(key), "file_name") if name not in node.files]


def _artifact(part: Mapping[str, Any], documents: dict[str, str]) -> str:
    """The document that a call makes or changes, as Markdown; empty if it is another call."""
    given = fields(part.get("input"))
    command, id = text(given.get("command")), first(given, "id", "path")
    body = first(given, "content", "file_text")
    name = text(part.get("name"))
    if name == "artifacts" or (name == "create_file" and body):
        if command == "update" and not body:
            old, new = text(given.get("old_str")), text(given.get("new_str"))
            body = documents.get(id, "").replace(old, new, 1) if old in documents.get(id, "") else new
        if not body:
            return ""
        documents[id] = body
        return _fenced(first(given, "title", "path", "id"), body, text(given.get("language")))
    if name == "str_replace" and id in documents and text(given.get("old_str")) in documents[id]:
        documents[id] = documents[id].replace(text(given.get("old_str")), text(given.get("new_str")), 1)
        return _fenced(id, documents[id], "")
    return ""


def _shown(match: re.Match[str]) -> str:
    attributes = dict(re.findall(r'(\w+)="([^"]*)"', match[1]))
    return _fenced(attributes.get("title", ""), match[2].strip("\n"), attributes.get("language", ""))


def _fenced(title: str, body: str, language: str) -> str:
    from gptchat.attachments import fenced

    return fenced(title or "document", body, language)

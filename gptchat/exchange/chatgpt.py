"""Reads ChatGPT's export: a list of conversations, each a tree of messages.

The file is `conversations.json` (`conversations-*.json` if large), alone or in a zip. A conversation has
`title`, `create_time`, `current_node` and `mapping: {id: {id, parent, children, message|null}}`; a message has
`author.role`, `content.parts` (strings or objects), `create_time`, and `weight` 0 if it is hidden.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import IO, Any

from gptchat.core.messages import Record
from gptchat.core.replies.sources import records_of
from gptchat.core.session import move
from gptchat.exchange.chatgpt_citations import resolve
from gptchat.exchange.jsonstream import Garbled, elements
from gptchat.exchange.session_builder import Broken, SessionDraft, digest
from gptchat.storage.ids import timestamp
from gptchat.words import _

_BEGINNING = r'\{\s*"title"\s*:'
_SPOKEN = ("text", "multimodal_text", "code")
"""Content types displayed as messages; other types belong to tools or are the model's notes."""


def read(file: IO[bytes], name: str) -> Iterator[SessionDraft | Broken]:
    """Yield the conversations in `file`, in order. `name` is the file name used in error messages."""
    for number, element in enumerate(elements(file, _BEGINNING), 1):
        where = _("{file}, conversation {number}").format(file=name, number=number)
        if isinstance(element, Garbled):
            reason = _("{where}: not readable as JSON, at character {at}")
            if element.unfinished:
                reason = _("{where}: the file ends in the middle of it, begun at character {at}")
            if element.too_large:
                reason = _("{where}: larger than what can be read of one conversation, begun at character {at}")
            yield Broken(reason.format(where=where, at=element.at))
        elif not isinstance(element, Mapping) or not isinstance(element.get("mapping"), Mapping):
            yield Broken(_("{where}: it has no mapping of messages").format(where=where))
        else:
            yield from _conversation(element, where)


def _conversation(source: Mapping[str, Any], where: str) -> Iterator[SessionDraft | Broken]:
    mapping: Mapping[str, Any] = source["mapping"]
    title = source.get("title")
    title = title if isinstance(title, str) and title.strip() else None
    where = _("{name} ({detail})").format(name=where, detail=title) if title else where
    identity = source.get("conversation_id") or source.get("id")
    created = _time(source.get("create_time"))
    draft = SessionDraft(
        [],
        source=f"chatgpt:{identity if isinstance(identity, str) else digest(source)}",
        title=title,
        created=created,
    )
    kept: dict[str, str | None] = {}
    """For each visited node id, the id of the nearest imported message at or above it."""
    for id, parent in _in_order(mapping):
        node = mapping[id]
        if not isinstance(node, Mapping):
            yield Broken(_("{where}: node {id} is not an object").format(where=where, id=id))
            node = {}
        given = node.get("parent")
        if isinstance(given, str) and given not in mapping:
            reason = _("{where}: {parent}, the parent of node {id}, is missing")
            yield Broken(reason.format(where=where, parent=given, id=id))
        above = kept.get(parent) if parent is not None else None
        record, problem = _record(id, above, node.get("message"), draft)
        if problem:
            yield Broken(_("{where}: message {id}: {problem}").format(where=where, id=id, problem=problem))
        if record is not None:
            draft.records.append(record)
        kept[id] = id if record is not None else above
    current = source.get("current_node")
    head = kept.get(current) if isinstance(current, str) else None
    if head is not None and head != draft.records[-1]["id"]:
        draft.records.append(move(head))
    yield draft


def _in_order(mapping: Mapping[str, Any]) -> Iterator[tuple[str, str | None]]:
    """Yield (id, parent id) of every node once, parents first, siblings in order; nodes of a loop as roots."""
    children: dict[str | None, list[str]] = {}
    for id, node in mapping.items():
        parent = node.get("parent") if isinstance(node, Mapping) else None
        children.setdefault(parent if isinstance(parent, str) and parent in mapping else None, []).append(id)
    for id, node in mapping.items():
        listed = node.get("children") if isinstance(node, Mapping) else None
        if isinstance(listed, list) and id in children:
            places = {child: place for place, child in enumerate(listed) if isinstance(child, str)}
            children[id].sort(key=lambda child: places.get(child, len(places)))
    seen: set[str] = set()
    for root in [*children.get(None, ()), *mapping]:
        waiting: list[tuple[str, str | None]] = [(root, None)]
        while waiting:
            id, parent = waiting.pop()
            if id in seen:
                continue
            seen.add(id)
            yield id, parent
            waiting += [(child, id) for child in reversed(children.get(id, ()))]


def _record(id: str, parent: str | None, message: object, draft: SessionDraft) -> tuple[Record | None, str]:
    """The record of a message (None if it is not part of the conversation), and an error text or empty string."""
    if message is None:
        return None, ""
    if not isinstance(message, Mapping):
        return None, _("not an object")
    author, content = message.get("author"), message.get("content")
    role = author.get("role") if isinstance(author, Mapping) else None
    if not isinstance(role, str) or not isinstance(content, Mapping):
        return None, _("no author or no content")
    text = _text(content)
    metadata = message.get("metadata")
    text, sources = resolve(text, metadata if isinstance(metadata, Mapping) else {})
    if role == "system" and message.get("weight") != 0 and text:
        draft.settings.setdefault("system", text)
        return None, ""
    hidden = message.get("weight") == 0 or message.get("recipient", "all") not in ("all", None)
    if (
        hidden
        or role not in ("user", "assistant")
        or content.get("content_type", "text") not in _SPOKEN
        or not text
    ):
        draft.left_out += 1 if text else 0
        return None, ""
    record: Record = {
        "type": "message",
        "id": id,
        "parent": parent,
        "role": role,
        "content": text,
        "ts": _time(message.get("create_time")),
    }
    if role == "assistant":
        model = metadata.get("model_slug") if isinstance(metadata, Mapping) else None
        record |= {
            "provider": "chatgpt",
            "model": model if isinstance(model, str) else "",
            "status": "interrupted" if message.get("status") == "in_progress" else "complete",
            "finish_reason": "stop",
        }
        if sources:
            record["sources"] = records_of(sources)
    return record, ""


def _text(content: Mapping[str, Any]) -> str:
    """The text of a message, with a bracketed placeholder for each image or file."""
    parts = content.get("parts")
    if not isinstance(parts, list):
        text = content.get("text")
        return text if isinstance(text, str) else ""
    words = []
    for part in parts:
        if isinstance(part, str):
            words.append(part)
        elif isinstance(part, Mapping):
            text = part.get("text")
            words.append(text if isinstance(text, str) else f"[{part.get('content_type') or 'attachment'}]")
    return "\n\n".join(word for word in words if word)


def _time(value: object) -> str:
    """Convert seconds since 1970 to the time format of records; empty if `value` is not a valid time."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    try:
        return timestamp(value)
    except (OverflowError, ValueError, OSError):
        return ""

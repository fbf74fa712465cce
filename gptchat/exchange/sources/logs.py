"""The log of `llm`: the rows of `llm logs --json`, and the tables of `logs.db`, of three generations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gptchat.exchange.forms.times import moment
from gptchat.exchange.session_builder import digest
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
    text,
)


def rows(listed: Sequence[dict[str, Any]], _where: str) -> Iterator[ForeignChat]:
    """The chats of rows of responses, in whatever order; a row without a conversation is a chat of its own."""
    chats: dict[str, list[dict[str, Any]]] = {}
    for row in listed:
        key = name(row.get("conversation_id")) or name(row.get("chat_id")) or name(row.get("id")) or digest(row)
        chats.setdefault(key, []).append(row)
    for id, found in chats.items():
        found.sort(key=lambda row: (moment(row.get("datetime_utc")) or 0, name(row.get("id"))))
        chat = ForeignChat("llm", id, first(found[0], "conversation_name"), found[0].get("datetime_utc"))
        chat.model = first(found[0], "conversation_model", "model")
        system = ""
        for row in found:
            row_system = "\n\n".join(
                [*_fragments(row.get("system_fragments")), *filter(None, [text(row.get("system"))])]
            )
            if row_system and row_system != system:
                chat.follow(ForeignNode("", role="system", text=row_system))
                system = row_system
            _row(row, chat)
        yield chat


def _row(row: Mapping[str, Any], chat: ForeignChat) -> None:
    """Add the question and the answer of a row; a step with a tool has neither."""
    key = name(row.get("id")) or digest(row)
    asked = ForeignNode(f"{key}q", role="user", time=row.get("datetime_utc"))
    asked.text = "\n\n".join([*_fragments(row.get("prompt_fragments")), *filter(None, [text(row.get("prompt"))])])
    for one in dicts(row.get("attachments")):
        asked.files.append(base(first(one, "path", "url")) or text(one.get("type")) or "file")
    asked.left = ("result",) * len(items(row.get("tool_results")))
    chat.follow(asked)
    answer = ForeignNode(f"{key}a", role="assistant", text=text(row.get("response")), time=row.get("datetime_utc"))
    answer.model = first(row, "resolved_model", "model")
    answer.reasoning = text(row.get("reasoning"))
    answer.left = ("call",) * len(items(row.get("tool_calls")))
    chat.follow(answer)


def _fragments(listed: object) -> list[str]:
    return [text(one.get("content")) if isinstance(one, dict) else text(one) for one in items(listed)]


Table = Mapping[str, Sequence[dict[str, Any]]]


def responses(tables: Table) -> Iterator[ForeignChat]:
    """The chats of the tables `responses` and `conversations`, or of the first `logs`."""
    about = {name(row.get("id")): row for row in tables.get("conversations", ())}
    contents = {name(row.get("id")): text(row.get("content")) for row in tables.get("fragments", ())}
    files = {name(row.get("id")): row for row in tables.get("attachments", ())}
    grouped: dict[str, dict[str, list[Any]]] = {}
    for table, key, known in (
        ("prompt_fragments", "fragment_id", contents),
        ("system_fragments", "fragment_id", contents),
        ("prompt_attachments", "attachment_id", files),
        ("tool_calls", "", {}),
        ("tool_results", "", {}),
    ):
        for row in sorted(tables.get(table, ()), key=lambda row: row.get("order") or 0):
            found = known.get(name(row.get(key))) if key else row
            if found is not None:
                grouped.setdefault(name(row.get("response_id")), {}).setdefault(table, []).append(found)
    listed = []
    for table in ("responses", "logs", "log"):
        for row in tables.get(table, ()):
            more = grouped.get(name(row.get("id")), {})
            conversation = about.get(name(row.get("conversation_id")), {})
            listed.append(
                {
                    **row,
                    **more,
                    "attachments": more.get("prompt_attachments", []),
                    "conversation_name": conversation.get("name"),
                    "conversation_model": conversation.get("model"),
                    "id": row.get("id") if row.get("id") is not None else digest(row),
                }
            )
    by_id = {name(row["id"]): row for row in listed}
    for row in listed:
        if row.get("reply_to_id") is not None and row.get("chat_id") is None:
            row["chat_id"] = _begin(row, by_id)
    yield from rows(listed, "")


def _begin(row: dict[str, Any], by_id: Mapping[str, dict[str, Any]]) -> str:
    """The id of the first row of a chain of replies."""
    seen: set[str] = set()
    while (above := name(row.get("reply_to_id"))) in by_id and above not in seen:
        seen.add(above)
        row = by_id[above]
    return name(row.get("id"))


def threads(tables: Table) -> Iterator[ForeignChat]:
    """The chats of the tables `threads`, `messages` and `parts`; messages are shared between threads."""
    messages = {text(row.get("hash")): row for row in tables.get("messages", ())}
    parts: dict[str, list[dict[str, Any]]] = {}
    for row in sorted(tables.get("parts", ()), key=lambda row: row.get("position") or 0):
        parts.setdefault(text(row.get("message_hash")), []).append(row)
    contents = {name(row.get("id")): text(row.get("content")) for row in tables.get("fragments", ())}
    files = {name(row.get("id")): row for row in tables.get("attachments", ())}
    turns: dict[tuple[str, str], dict[str, Any]] = {}
    tips: dict[str, list[str]] = {}
    for row in sorted(tables.get("turns", ()), key=lambda row: text(row.get("datetime_utc"))):
        thread = text(row.get("thread_id"))
        turns[thread, text(row.get("tip_message_hash"))] = row
        for shared in ("parent_message_hash", "tip_message_hash"):
            turns.setdefault(("", text(row.get(shared))), row)
        turns.setdefault((thread, text(row.get("parent_message_hash"))), row)
        tips.setdefault(thread, []).append(text(row.get("tip_message_hash")))
    for row in tables.get("threads", ()):
        id, tip = text(row.get("id")), text(row.get("tip_message_hash"))
        chat = ForeignChat("llm", id, text(row.get("name")), row.get("datetime_utc"))
        seen: set[str] = set()
        found: list[ForeignNode] = []
        for end in [tip, *tips.get(id, ())]:
            at = end
            while at in messages and at not in seen:
                seen.add(at)
                message = messages[at]
                turn = turns.get((id, at)) or turns.get(("", at)) or {}
                node = ForeignNode(at, text(message.get("parent_hash")) or None, text(message.get("role")))
                node.time = turn.get("datetime_utc")
                node.model = first(turn, "resolved_model", "model") if node.role == "assistant" else ""
                for part in parts.get(at, ()):
                    _part(part, node, contents, files)
                found.append(node)
                at = text(message.get("parent_hash"))
        chat.nodes = found[::-1]
        chat.current = tip
        chat.model = next((first(turn, "model") for (of, _tip), turn in turns.items() if of == id), "")
        yield chat


def _part(
    part: Mapping[str, Any], node: ForeignNode, contents: Mapping[str, str], files: Mapping[str, Mapping[str, Any]]
) -> None:
    kind, words, payload = text(part.get("type")), part.get("text"), fields(parsed(part.get("payload")))
    if not isinstance(words, str):
        refs = dicts(payload.get("text_ref"))
        words = "".join(text(one.get("literal")) or contents.get(name(one.get("fragment")), "") for one in refs)
    if kind == "text":
        node.text = "\n\n".join(filter(None, (node.text, words)))
    elif kind == "reasoning":
        node.reasoning = "\n\n".join(filter(None, (node.reasoning, words)))
    elif kind == "attachment":
        about = files.get(name(fields(payload.get("attachment")).get("id")), {})
        node.files.append(base(first(about, "path", "url")) or text(about.get("type")) or "file")
    elif kind == "tool_call":
        node.left += ("call",)
    elif kind == "tool_result":
        node.left += ("result",)
        node.role = node.role if words.strip() else ""

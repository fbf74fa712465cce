"""Journals of coding agents: Codex, Claude Code, qwen-code, gemini-cli. What nobody said stays out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

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
    spoken,
    text,
)

_INJECTED = re.compile(
    r"\s*(?:<(?:environment_context|user_instructions|INSTRUCTIONS|turn_aborted|permissions instructions|skill|"
    r"subagent_notification|command-name|command-message|command-args|local-command-stdout|local-command-stderr|"
    r"local-command-caveat|bash-input|bash-stdout|bash-stderr|task-notification|system-reminder|"
    r"ide_opened_file|user_shell_command|app-context|collaboration_mode)\b|# AGENTS\.md instructions for |Caveat: "
    r"[Tt]he messages below)"
)
_CALLS = ("function_call", "custom_tool_call", "local_shell_call", "web_search_call", "tool_search_call")


def codex(rows: Sequence[dict[str, Any]], _where: str, _beside: object) -> Iterator[ForeignChat]:
    """The chat of a rollout, of both generations. Turns that were rolled back are a branch."""
    new = any(row.get("type") == "session_meta" or "payload" in row for row in rows[:3])
    meta = fields(rows[0].get("payload")) if new else rows[0]
    chat = ForeignChat("codex", first(meta, "id", "session_id"), created=meta.get("timestamp"))
    said = {_words(fields(row.get("payload"))) for row in rows if row.get("type") == "response_item"}
    model, last = "", None
    questions: list[str] = []
    for number, row in enumerate(rows[1:]):
        payload = fields(row.get("payload")) if new else row
        kind, at = text(row.get("type")) if new else "response_item", row.get("timestamp")
        what = text(payload.get("type"))
        if kind == "turn_context":
            model = text(payload.get("model")) or model
        elif kind == "event_msg" and what == "thread_rolled_back":
            count = payload.get("num_turns")
            count = count if isinstance(count, int) and count > 0 else 1
            for _turn in range(min(count, len(questions))):
                last = chat.nodes[int(questions.pop())].parent
        elif kind == "event_msg" and what in ("user_message", "agent_message"):
            words = text(payload.get("message"))
            mine = what == "user_message"
            files = [base(one) for one in items(payload.get("local_images")) if isinstance(one, str)]
            twin = next(
                (node for node in reversed(chat.nodes) if node.text == words and node.role == "user"), None
            )
            if mine and twin is not None and files:
                twin.files += [one for one in files if one not in twin.files]
            if words.strip() in said or not words.strip():
                continue
            node = ForeignNode(f"{number}", last, "user" if mine else "assistant", words, model=model, time=at)
            node.files = files
            last = _asked(chat, node, questions)
        elif kind == "response_item":
            node = _codex_item(payload, what, f"{number}", last)
            node.time, node.model = at, model if node.role == "assistant" else ""
            if what:
                last = _asked(chat, node, questions)
    chat.current = last
    if fields(fields(meta.get("source")).get("subagent")) or "subagent" in fields(meta.get("source")):
        chat.title = "subagent"
    yield chat


def _asked(chat: ForeignChat, node: ForeignNode, questions: list[str]) -> str:
    """Add `node`; remember where a question of the person stands."""
    if node.role == "user" and not node.hidden:
        questions.append(str(len(chat.nodes)))
    return chat.add(node).id


def _words(payload: Mapping[str, Any]) -> str:
    node = ForeignNode("")
    if payload.get("type") == "message":
        spoken(payload.get("content"), node)
    return node.text.strip()


def _codex_item(payload: Mapping[str, Any], what: str, id: str, last: str | None) -> ForeignNode:
    node = ForeignNode(id, last)
    if what == "message":
        role = text(payload.get("role"))
        node.role = role if role in ("user", "assistant") else ""
        spoken(payload.get("content"), node)
        node.hidden = bool(node.role == "user" and _INJECTED.match(node.text)) or node.role == ""
        if node.hidden:
            node.left += ("hidden",)
    elif what == "reasoning":
        node.role = "assistant"
        parts = [*dicts(payload.get("summary")), *dicts(payload.get("content"))]
        node.reasoning = "\n\n".join(text(part.get("text")) for part in parts if text(part.get("text")))
    elif what in _CALLS:
        node.left = ("call",)
    elif what.endswith("_output"):
        node.left = ("result",)
    return node


def claude_code(rows: Sequence[dict[str, Any]], _where: str, _beside: object) -> Iterator[ForeignChat]:
    """The chat of a session. The lines of one answer share its id; results of tools are lines of the user's."""
    chat = ForeignChat("claude-code")
    title = summary = ""
    leaf = ""
    known = {text(row.get("uuid")) for row in rows}
    answers: dict[str, str] = {}
    """The first line of each answer."""
    for row in rows:
        kind, uuid = text(row.get("type")), text(row.get("uuid"))
        chat.id = chat.id or text(row.get("sessionId"))
        if kind in ("custom-title", "ai-title"):
            title = first(row, "customTitle", "aiTitle", "title") or title
        elif kind == "summary" and text(row.get("leafUuid")) in known:
            summary = text(row.get("summary"))
        if not uuid:
            continue
        parent = text(row.get("parentUuid")) or text(row.get("logicalParentUuid")) or None
        message = fields(row.get("message"))
        node = ForeignNode(uuid, parent, time=row.get("timestamp"))
        if row.get("isSidechain") is True:
            node.left, node.parent = ("subagent",), None
        elif kind in ("user", "assistant"):
            _claude_code(node, row, message, kind)
            leaf = uuid
        if kind == "assistant" and (id := text(message.get("id"))):
            answers.setdefault(id, uuid)
        chat.created = chat.created or node.time
        chat.add(node)
    _as_one(chat, rows, answers)
    chat.title, chat.current = title or summary, leaf or None
    yield chat


def _claude_code(node: ForeignNode, row: Mapping[str, Any], message: Mapping[str, Any], kind: str) -> None:
    node.role = kind
    spoken(message.get("content"), node)
    node.model = text(message.get("model"))
    if node.model == "<synthetic>":
        node.role, node.left = "", ("error",)
    if kind == "user":
        results = "result" in node.left or "toolUseResult" in row
        meta = any(row.get(flag) is True for flag in ("isMeta", "isCompactSummary", "isVisibleInTranscriptOnly"))
        node.hidden = results or meta or bool(_INJECTED.match(node.text))
        node.images = [] if node.hidden else node.images
        if node.hidden and not node.left:
            node.left = ("result",) if results else ("hidden",)
    elif text(message.get("stop_reason")) == "max_tokens":
        node.finish = "length"


def _as_one(chat: ForeignChat, rows: Sequence[dict[str, Any]], answers: Mapping[str, str]) -> None:
    """Put the lines of an answer, and results of tools that were called at once, one behind the other.

    Each result follows the line of its own call, which would make a branch of every call.
    """
    of = {
        text(row.get("uuid")): text(fields(row.get("message")).get("id"))
        for row in rows
        if row.get("type") == "assistant"
    }
    last: dict[str, str] = {}
    """The line that stands last of what belongs to each answer."""
    for node in chat.nodes:
        answer = of.get(node.parent or "", "")
        mine = of.get(node.id, "")
        if mine and answers.get(mine) != node.id and mine in last:
            node.parent = last[mine]
        elif answer and answer in last and "result" in node.left:
            node.parent = last[answer]
            of[node.id] = answer
            last[answer] = node.id
            continue
        elif answer and of.get(node.parent or "") and node.parent != last.get(answer) and node.role == "assistant":
            node.parent = last.get(answer, node.parent)
        if mine:
            last[mine] = node.id


def qwen_code(rows: Sequence[dict[str, Any]], _where: str, _beside: object) -> Iterator[ForeignChat]:
    """The chat of a session of qwen-code."""
    chat = ForeignChat("qwen-code", id=next((found for row in rows if (found := text(row.get("sessionId")))), ""))
    for row in rows:
        kind, subtype = text(row.get("type")), text(row.get("subtype"))
        payload = fields(row.get("systemPayload"))
        if kind == "system" and subtype == "custom_title":
            chat.title = text(payload.get("customTitle")) or chat.title
        node = ForeignNode(text(row.get("uuid")), text(row.get("parentUuid")) or None, time=row.get("timestamp"))
        if row.get("isSidechain") is True or text(row.get("agentId")):
            node.left = ("subagent",)
        elif kind in ("user", "assistant") and subtype in ("", "mid_turn_user_message"):
            node.role = kind
            spoken(fields(row.get("message")).get("parts"), node)
            node.model = text(row.get("model"))
            if kind == "user":
                results = "result" in node.left
                node.hidden = results or bool(_INJECTED.match(node.text))
                node.left += ("hidden",) if node.hidden and not results else ()
        elif kind == "tool_result":
            node.left = ("result",)
        elif kind == "user":
            node.left = ("hidden",)
        chat.created = chat.created or node.time
        if node.id:
            chat.add(node)
    real = [node for node in chat.nodes if node.role]
    chat.current = real[-1].id if real else None
    yield chat


def gemini_cli(rows: Sequence[dict[str, Any]], _where: str, _beside: object = None) -> Iterator[ForeignChat]:
    """The chat of a session of gemini-cli. A record replaces the one with its id; what was rewound is a branch."""
    chat = ForeignChat("gemini-cli")
    nodes: dict[str, ForeignNode] = {}
    last: str | None = None
    for row in rows:
        about = fields(row.get("$set")) or row
        if "type" not in about and not text(row.get("id")):
            chat.id = chat.id or text(about.get("sessionId"))
            chat.created = chat.created or about.get("startTime")
            chat.title = text(about.get("summary")) or chat.title
        if "$rewindTo" in row:
            target = nodes.get(text(row.get("$rewindTo")))
            last = target.parent if target is not None else None
            continue
        id, kind = text(row.get("id")), text(row.get("type"))
        if not id or not kind or "$set" in row:
            continue
        node = ForeignNode(
            id, last, {"user": "user", "gemini": "assistant"}.get(kind, ""), time=row.get("timestamp")
        )
        spoken(row.get("content"), node)
        node.model = text(row.get("model"))
        thoughts = [
            f"**{text(one.get('subject'))}**\n\n{text(one.get('description'))}"
            for one in dicts(row.get("thoughts"))
        ]
        node.reasoning = "\n\n".join([node.reasoning, *thoughts] if node.reasoning else thoughts)
        for call in dicts(row.get("toolCalls")):
            node.left += ("call", "result") if call.get("result") else ("call",)
        if node.role == "user" and node.left and not node.text:
            node.role = ""
        if not node.role:
            node.left = node.left or ("event",)
        if id in nodes:
            nodes[id].__init__(id, nodes[id].parent, node.role, node.text, node.reasoning, node.model, node.time)  # type: ignore[misc]
            nodes[id].left, nodes[id].files, nodes[id].images = node.left, node.files, node.images
            continue
        nodes[id] = chat.add(node)
        last = id
    chat.current = last
    yield chat


def gemini_cli_object(source: Mapping[str, Any], where: str) -> Iterator[ForeignChat]:
    """The chat of the older form of gemini-cli: one object with `messages`."""
    yield from gemini_cli(
        [{key: source[key] for key in source if key != "messages"}, *dicts(source.get("messages"))], where
    )


def contents(listed: Sequence[Any], _where: str) -> ForeignChat:
    """The chat of a list of `{role, parts}`, as checkpoints of gemini-cli and requests to Gemini have it."""
    chat = ForeignChat("gemini-cli", earlier=f"contents:{digest(list(listed))}")
    for one in listed:
        given = fields(one)
        node = ForeignNode("", role={"user": "user", "model": "assistant"}.get(text(given.get("role")), ""))
        spoken(given.get("parts"), node)
        node.hidden = node.role == "user" and not node.text and "result" in node.left
        chat.follow(node)
    chat.id = name(None)
    return chat

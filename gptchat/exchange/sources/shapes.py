"""Recognises other programs' files by their shapes, and reads them as chats. A name never decides."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from gptchat.exchange import chatgpt
from gptchat.exchange.sources import (
    agents,
    apps,
    claude,
    databases,
    deepseek,
    desktop,
    google,
    librechat,
    logs,
    openwebui,
    training,
    websites,
)
from gptchat.exchange.sources.chats import ForeignChat, dicts, fields, items, parsed, text

Chats = Iterable[ForeignChat]
Beside = Mapping[str, Any]
"""What lies beside a file, by name: parsed JSON or TOML, and the names of the `members` of its archive."""
One = Callable[[dict[str, Any], str, Beside], Chats]
Many = Callable[[Sequence[dict[str, Any]], str, Beside], Chats]


def alone(read: Callable[[dict[str, Any], str], ForeignChat]) -> One:
    """A reader of one chat."""
    return lambda source, where, _beside: [read(source, where)]


def plain(read: Callable[[Any, str], Chats]) -> Callable[[Any, str, Beside], Chats]:
    """A reader of chats that needs nothing from beside."""
    return lambda source, where, _beside: read(source, where)


def element(one: Mapping[str, Any]) -> One | None:
    """The reader of an element of a list that is a whole chat; None if it is not."""
    if isinstance(mapping := one.get("mapping"), dict):
        if "inserted_at" in one or _deepseek(mapping):
            return alone(deepseek.chat)
        return lambda source, where, beside: [chatgpt.chat(source, where, beside)]
    if isinstance(one.get("chat_messages"), list):
        return alone(deepseek.site if "chat_session" in one else claude.chat)
    if isinstance(one.get("messages"), list) and any("contentBlocks" in m for m in dicts(one["messages"])[:3]):
        return alone(claude.chat)
    inner = parsed(one["chat"]) if "chat" in one else one
    if isinstance(inner, dict) and (
        isinstance(inner.get("history"), dict) or ("chat" in one and "messages" in inner)
    ):
        return alone(openwebui.chat)
    if isinstance(one.get("responses"), list) and isinstance(one.get("conversation"), dict):
        return alone(websites.grok)
    if isinstance(inner := one.get("conversation"), dict) and element(inner):
        return lambda source, where, beside: _inner(source["conversation"], where, beside)
    if isinstance(one.get("chunkedPrompt"), dict) or ("runSettings" in one and "textPrompt" in one):
        return alone(google.studio)
    if "entries" in one and any("query_str" in entry for entry in dicts(one["entries"])[:3]):
        return alone(websites.perplexity)
    about = fields(one.get("metadata")) or fields(one.get("thread_metadata"))
    if isinstance(one.get("conversations"), list) and any(
        "query" in entry for entry in dicts(one["conversations"])[:3]
    ):
        return alone(websites.perplexity)
    if ("thread_id" in about or "thread_title" in about) and "conversations" in one:
        return alone(websites.perplexity)
    if "conversationId" in one and ("messages" in one or "messagesTree" in one):
        return alone(librechat.chat)
    if isinstance(one.get("info"), dict) and isinstance(one.get("messages"), list):
        return alone(databases.opencode)
    messages = dicts(one.get("messages"))
    if any("versions" in message for message in messages[:3]):
        return alone(desktop.lmstudio)
    if "projectHash" in one and "sessionId" in one and "messages" in one:
        return plain(agents.gemini_cli_object)
    if "messageForksHash" in one or any("contentParts" in message for message in messages[:5]):
        return plain(apps.chatbox_session)
    if messages and "config" in one and "titleSet" in one:
        return lambda source, where, _beside: apps.betterchatgpt([source], where)
    if messages and ("chatTitle" in one or "chatID" in one):
        return lambda source, where, _beside: apps.typingmind({"data": {"chats": [source]}}, where)
    if messages and "topic" in one and "mask" in one:
        return lambda source, where, _beside: apps.nextchat({"chat-next-web-store": {"sessions": [source]}}, where)
    if _training(one):
        return lambda source, where, _beside: training.line(source, where)
    return None


def _inner(source: dict[str, Any], where: str, beside: Beside) -> Chats:
    reader = element(source)
    return reader(source, where, beside) if reader else []


def _deepseek(mapping: Mapping[str, Any]) -> bool:
    """Whether the messages of a tree are DeepSeek's: ChatGPT's have an author."""
    for entry in list(mapping.values())[:20]:
        message = fields(fields(entry).get("message"))
        if message:
            return "author" not in message and ("fragments" in message or "inserted_at" in message)
    return False


def _training(one: Mapping[str, Any]) -> bool:
    speakers = dicts(one.get("conversations", one.get("conversation")))
    return (
        (bool(speakers) and ("from" in speakers[0] or "role" in speakers[0]))
        or ("preferred_output" in one and "input" in one)
        or (isinstance(one.get("prompt"), str) and isinstance(one.get("completion"), str))
        or (isinstance(one.get("instruction"), str) and "output" in one)
    )


def row(one: Mapping[str, Any]) -> Many | None:
    """The reader of a list of which an element like `one` is a part of a chat; None if it is no such part."""
    if "datetime_utc" in one and ("prompt" in one or "response" in one):
        return plain(logs.rows)
    if "chatId" in one and "contentChunks" in one:
        return plain(websites.lechat)
    if "header" in one and ("time" in one or "title" in one):
        return plain(google.activity)
    if "userInteractions" in one or ("titleUrl" in one and "time" in one):
        return plain(google.activity)
    if "sent_at" in one and "prompt" in one:
        return plain(desktop.anythingllm)
    if text(one.get("object")) == "thread.message":
        return desktop.jan
    if "role" in one and isinstance(one.get("parts"), list) and "content" not in one:
        return lambda rows, where, _beside: [agents.contents(rows, where)]
    return None


def document(source: Mapping[str, Any]) -> One | None:
    """The reader of an object that is a whole file of several chats, or a single chat; None if it is neither."""
    if "chat-next-web-store" in source:
        return plain(apps.nextchat)
    if "localStorage" in source and "indexedDB" in source:
        return plain(desktop.cherry)
    if any(key.startswith("session:") for key in source) or {"chat-sessions-list", "chat-sessions"} & set(source):
        return plain(apps.chatbox)
    if ("exportType" in source and "state" in source) or ("schemaHash" in source and "data" in source):
        return plain(apps.lobechat)
    data = source.get("data")
    if isinstance(data, dict) and isinstance(data.get("chats"), list):
        return plain(apps.typingmind)
    inner = fields(fields(data).get("biz_data")) or (fields(data) if "chat_messages" in fields(data) else {})
    if "chat_messages" in inner:
        return lambda _source, where, _beside: [deepseek.site(inner, where)]
    chats = source.get("chats")
    if any("chatTitle" in one or "chatID" in one for one in dicts(chats)[:3]):
        return lambda given, where, _beside: apps.typingmind({"data": given}, where)
    if isinstance(chats, list) and ("folders" in source or any("config" in one for one in dicts(chats)[:3])):
        return lambda given, where, _beside: apps.betterchatgpt(given.get("chats"), where)
    if isinstance(source.get("history"), list) and any("parts" in one for one in dicts(source["history"])[:3]):
        return lambda given, where, _beside: [agents.contents(items(given.get("history")), where)]
    listed = source.get("conversations")
    if (reader := element(source)) is not None:
        return reader
    if isinstance(listed, list) and any(element(one) for one in dicts(listed)[:5]):
        return lambda given, where, beside: _each(given.get("conversations"), where, beside)
    return None


def _each(listed: object, where: str, beside: Beside) -> Iterator[ForeignChat]:
    for one in dicts(listed):
        if (reader := element(one)) is not None:
            yield from reader(one, where, beside)


def lines(first: Sequence[dict[str, Any]]) -> Many | None:
    """The reader of a file of JSON lines that begins with `first`, if all its lines are one chat; else None."""
    head = first[0] if first else {}
    if text(head.get("type")) == "session_meta" or _old_codex(first):
        return agents.codex
    if "user_name" in head and "character_name" in head:
        return desktop.sillytavern
    if "projectHash" in head and "sessionId" in head:
        return agents.gemini_cli
    for one in first:
        if "parentUuid" in one or ("uuid" in one and "sessionId" in one):
            message = fields(one.get("message"))
            if "parts" in message or "systemPayload" in one:
                return agents.qwen_code
            if "content" in message:
                return agents.claude_code
    if text(head.get("object")) == "thread.message":
        return desktop.jan
    if "role" in head and "content" in head and "timestamp" in head and "type" not in head and "id" not in head:
        return desktop.gptme
    if any(
        text(one.get("type")) in ("summary", "file-history-snapshot") and "uuid" not in one for one in first[:2]
    ) and (any("leafUuid" in one or "messageId" in one for one in first)):
        return agents.claude_code
    return None


def _old_codex(first: Sequence[dict[str, Any]]) -> bool:
    """Whether it is Codex' journal before autumn 2025: a bare head, then bare items with states between."""
    head = first[0] if first else {}
    if not ("id" in head and "timestamp" in head and "type" not in head and "role" not in head):
        return False
    return "instructions" in head or any("record_type" in one for one in first)

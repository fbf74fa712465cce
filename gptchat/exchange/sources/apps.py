"""Backups of chat programs in the browser: NextChat, TypingMind, Chatbox, BetterChatGPT and LobeChat.

Only the chats are read: these backups also hold keys and settings.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gptchat.exchange.forms.times import moment
from gptchat.exchange.sources.chats import (
    ForeignChat,
    ForeignNode,
    dicts,
    fields,
    files_named,
    first,
    name,
    parsed,
    spoken,
    text,
    thinking_cut,
)


def nextchat(source: Mapping[str, Any], _where: str) -> Iterator[ForeignChat]:
    """The chats of NextChat's backup."""
    store = parsed(source.get("chat-next-web-store"))
    for session in dicts(fields(fields(store).get("state") or store).get("sessions")):
        mask = fields(session.get("mask"))
        chat = ForeignChat("nextchat", name(session.get("id")), text(session.get("topic")))
        chat.model = text(fields(mask.get("modelConfig")).get("model"))
        late = session.get("lastUpdate")
        for message in [*dicts(mask.get("context")), *dicts(session.get("messages"))]:
            node = ForeignNode(name(message.get("id")), role=text(message.get("role")))
            spoken(message.get("content"), node)
            node.time = message.get("date") if moment(message.get("date")) else late
            node.model = text(message.get("model"))
            if node.role == "assistant":
                node.text, thought = thinking_cut(node.text)
                node.reasoning = node.reasoning or thought
            node.left += ("call", "result") * len(dicts(message.get("tools")))
            if message.get("isError") is True:
                node.finish = "error"
            elif message.get("streaming") is True:
                node.finish = "interrupted"
            if url := text(message.get("audio_url")):
                node.files.append(url.rpartition("/")[2])
            chat.follow(node)
        times = [node.time for node in chat.nodes if moment(node.time) and node.time is not late]
        chat.created = times[0] if times else late
        yield chat


def typingmind(source: Mapping[str, Any], _where: str) -> Iterator[ForeignChat]:
    """The chats of TypingMind's export."""
    listed = fields(source.get("data")).get("chats")
    if isinstance(listed, list):
        for about in dicts(listed):
            chat = ForeignChat("typingmind", first(about, "chatID", "id"), first(about, "chatTitle", "title"))
            chat.created = about.get("createdAt")
            chat.model = text(about.get("model")) or first(fields(about.get("modelInfo")), "id", "title")
            chat.system = text(fields(about.get("chatParams")).get("systemMessage"))
            for message in dicts(about.get("messages")):
                _typed(message, chat)
            yield chat


def _typed(message: Mapping[str, Any], chat: ForeignChat) -> None:
    """Add a message; one that holds the answers of several models becomes their branches."""
    several = dicts(message.get("responses")) or (
        dicts(message.get("content")) if "multi" in text(message.get("type")) else []
    )
    parent = chat.nodes[-1].id if chat.nodes else None
    for number, one in enumerate(several or [dict(message)]):
        node = ForeignNode(first(one, "uuid", "id") or f"#{len(chat.nodes)}-{number}", parent)
        inner = dicts(one.get("messages"))
        role = text(one.get("role")) or ("assistant" if several else "")
        node.role = "" if role == "tool" else role
        node.left += ("result",) if role == "tool" else ()
        for part in inner or [one]:
            spoken(part.get("content"), node)
        node.model = text(one.get("model"))
        node.time = one.get("createdAt") or message.get("createdAt")
        node.left += ("call",) * len(dicts(one.get("tool_calls")))
        node.files += list(files_named(one.get("attachments")))
        chat.add(node)


def betterchatgpt(listed: object, _where: str) -> Iterator[ForeignChat]:
    """The chats of BetterChatGPT's export, a list of them. They have no times."""
    for about in dicts(listed):
        chat = ForeignChat("betterchatgpt", name(about.get("id")), text(about.get("title")))
        chat.model = text(fields(about.get("config")).get("model"))
        if about.get("titleSet") is False:
            chat.title = ""
        for message in dicts(about.get("messages")):
            node = ForeignNode("", role=text(message.get("role")), apart=True)
            spoken(message.get("content"), node)
            chat.follow(node)
        yield chat


def chatbox(source: Mapping[str, Any], _where: str) -> Iterator[ForeignChat]:
    """The chats of Chatbox's backup, whose keys are `session:ID`, or which holds all sessions in one list."""
    seen: set[str] = set()
    for key, value in source.items():
        session = parsed(value)
        if key.startswith(("session:", "session_", "session-")) and isinstance(session, dict):
            seen.add(name(session.get("id")))
            yield from chatbox_session(session, "")
    for key in ("chat-sessions", "chat_sessions", "chat-sessions-list", "chat_sessions_list"):
        for session in dicts(parsed(source.get(key))):
            if isinstance(session.get("messages"), list) and name(session.get("id")) not in seen:
                seen.add(name(session.get("id")))
                yield from chatbox_session(session, "")


def chatbox_session(session: Mapping[str, Any], _where: str) -> Iterator[ForeignChat]:
    """The chat of a session, with the branches that stand apart, and its earlier threads."""
    id, title = name(session.get("id")), text(session.get("name"))
    forks = fields(session.get("messageForksHash"))
    yield _chatbox(id, text(session.get("threadName")) or title, dicts(session.get("messages")), forks)
    for thread in dicts(session.get("threads")):
        chat = _chatbox(
            f"{id}/{name(thread.get('id'))}", text(thread.get("name")), dicts(thread.get("messages")), forks
        )
        chat.title = chat.title or title
        chat.created = thread.get("createdAt")
        yield chat


def _chatbox(id: str, title: str, listed: list[dict[str, Any]], forks: Mapping[str, Any]) -> ForeignChat:
    chat = ForeignChat("chatbox", id, title)
    waiting = [(listed, "")]
    used: set[str] = set()
    while waiting:
        run, above = waiting.pop(0)
        for message in run:
            node = _chatbox_node(message)
            node.id, node.parent = node.id or f"#{len(chat.nodes)}", above or None
            above = chat.add(node).id
            if not chat.current or run is listed:
                chat.current = node.id if run is listed else chat.current
            if node.id in forks and node.id not in used:
                used.add(node.id)
                others = dicts(fields(forks[node.id]).get("lists"))
                waiting += [(dicts(other.get("messages")), node.id) for other in others if other.get("messages")]
    chat.created = next((node.time for node in chat.nodes if moment(node.time)), None)
    return chat


def _chatbox_node(message: Mapping[str, Any]) -> ForeignNode:
    node = ForeignNode(name(message.get("id")), role=text(message.get("role")), time=message.get("timestamp"))
    for part in dicts(message.get("contentParts")):
        if part.get("type") == "image":
            node.files.append(first(part, "name", "storageKey") or "image")
        elif part.get("type") != "info":
            spoken([part], node)
    if not node.text:
        spoken(message.get("content"), node)
    node.reasoning = node.reasoning or text(message.get("reasoningContent"))
    node.model = text(message.get("model"))
    node.files += [*files_named(message.get("files")), *files_named(message.get("links"), "title", "url")]
    node.files += ["image" for _one in dicts(message.get("pictures"))]
    if message.get("error") or message.get("errorCode"):
        node.finish = "error"
    elif message.get("generating") is True:
        node.finish = "interrupted"
    return node


def lobechat(source: Mapping[str, Any], _where: str) -> Iterator[ForeignChat]:
    """The chats of LobeChat's export: each topic of a session is one, and what has no topic is another."""
    state = fields(source.get("state")) or fields(source.get("data"))
    sessions = {name(one.get("id")): one for one in dicts(state.get("sessions"))}
    agents = {name(one.get("id")): one for one in dicts(state.get("agents"))}
    for link in dicts(state.get("agentsToSessions")) + dicts(state.get("agents_to_sessions")):
        session, agent = name(_of(link, "sessionId")), name(_of(link, "agentId"))
        if session in sessions and agent in agents:
            sessions[session] = {**sessions[session], "config": agents[agent]}
    topics = {name(one.get("id")): one for one in dicts(state.get("topics"))}
    chats: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for message in dicts(state.get("messages")):
        key = (name(_of(message, "sessionId")), name(_of(message, "topicId")))
        chats.setdefault(key, []).append(message)
    for (session, topic), listed in chats.items():
        about = sessions.get(session, {})
        config = fields(about.get("config"))
        title = text(topics.get(topic, {}).get("title")) or text(fields(about.get("meta")).get("title"))
        chat = ForeignChat("lobechat", f"{session}/{topic}", title or text(about.get("title")))
        chat.model = text(config.get("model"))
        chat.system = first(config, "systemRole", "system_role")
        listed.sort(key=lambda message: moment(_of(message, "createdAt")) or 0)
        known = {name(message.get("id")) for message in listed}
        for message in listed:
            node = _lobe(message)
            parent = name(_of(message, "parentId"))
            node.parent = parent if parent in known else chat.nodes[-1].id if chat.nodes else None
            chat.add(node)
        chat.created = topics.get(topic, {}).get("createdAt") or (chat.nodes[0].time if chat.nodes else None)
        yield chat


def _of(row: Mapping[str, Any], key: str) -> Any:
    """The field `key`, written as `camelCase` or as `snake_case`."""
    return row.get(key, row.get("".join(f"_{one.lower()}" if one.isupper() else one for one in key)))


def _lobe(message: Mapping[str, Any]) -> ForeignNode:
    node = ForeignNode(name(message.get("id")), role=text(message.get("role")), time=_of(message, "createdAt"))
    spoken(message.get("content"), node)
    if node.role == "assistant":
        node.text, thought = thinking_cut(node.text)
        reasoning = parsed(message.get("reasoning"))
        node.reasoning = text(fields(reasoning).get("content")) or text(reasoning) or thought
        node.left += ("call",) * len(dicts(parsed(message.get("tools"))))
    elif node.role == "tool":
        node.left += ("result",)
    node.model = text(message.get("model")) or text(fields(message.get("extra")).get("fromModel"))
    node.files = list(files_named(message.get("files"))) + list(files_named(_of(message, "imageList"), "alt"))
    if message.get("error"):
        node.finish = "error"
    return node

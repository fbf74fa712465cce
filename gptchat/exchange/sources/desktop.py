"""Files of chat programs on the desktop: Cherry Studio, LM Studio, Jan, SillyTavern, AnythingLLM, and gptme."""

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
    files_named,
    first,
    items,
    name,
    parsed,
    spoken,
    text,
    thinking_cut,
)


def cherry(source: Mapping[str, Any], _where: str) -> Iterator[ForeignChat]:
    """The chats of Cherry Studio's backup; their names stand in JSON within JSON."""
    about, systems = _cherry_names(source)
    stored = source.get("indexedDB")
    blocks: dict[str, dict[str, Any]] = {}
    topics: list[tuple[str, list[dict[str, Any]]]] = []
    if isinstance(stored, dict):
        blocks = {text(block.get("id")): block for block in dicts(stored.get("message_blocks"))}
        topics = [(text(one.get("id")), dicts(one.get("messages"))) for one in dicts(stored.get("topics"))]
    else:  # version 1: keys and values
        for entry in dicts(stored):
            key, value = text(entry.get("key")), fields(parsed(entry.get("value")))
            if key.startswith("topic:"):
                topics.append((key.removeprefix("topic:"), dicts(value.get("messages"))))
    for id, listed in topics:
        topic = about.get(id, {})
        chat = ForeignChat("cherrystudio", id, text(topic.get("name")), topic.get("createdAt"))
        chat.system = systems.get(id, "")
        _cherry_topic(chat, listed, blocks)
        yield chat


def _cherry_names(source: Mapping[str, Any]) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    persisted = fields(parsed(fields(source.get("localStorage")).get("persist:cherry-studio")))
    store = fields(parsed(persisted.get("assistants")))
    about: dict[str, dict[str, Any]] = {}
    systems: dict[str, str] = {}
    for assistant in [fields(store.get("defaultAssistant")), *dicts(store.get("assistants"))]:
        for topic in dicts(assistant.get("topics")):
            about[text(topic.get("id"))] = topic
            systems[text(topic.get("id"))] = text(assistant.get("prompt"))
    return about, systems


def _cherry_topic(chat: ForeignChat, listed: list[dict[str, Any]], blocks: Mapping[str, dict[str, Any]]) -> None:
    known = {text(message.get("id")) for message in listed}
    last: str | None = None
    chosen: dict[str, bool] = {}
    for message in listed:
        if message.get("type") == "clear":
            continue
        node = _cherry_node(message, blocks)
        node.id = node.id or f"#{len(chat.nodes)}"
        asked = text(message.get("askId"))
        node.parent = asked if node.role == "assistant" and asked in known else last
        chat.add(node)
        node.apart = True
        if node.parent == asked and asked:
            if not chosen.get(asked) or message.get("foldSelected") is True or message.get("useful") is True:
                last = node.id
            chosen[asked] = chosen.get(asked, False) or message.get("foldSelected") is True
        else:
            last = node.id
    chat.current = last
    chat.created = chat.created or next((node.time for node in chat.nodes if node.time), None)


def _cherry_node(message: Mapping[str, Any], blocks: Mapping[str, dict[str, Any]]) -> ForeignNode:
    from gptchat.attachments import fenced

    node = ForeignNode(text(message.get("id")), role=text(message.get("role")), time=message.get("createdAt"))
    node.model = text(message.get("modelId")) or text(fields(message.get("model")).get("id"))
    pieces, thoughts = [text(message.get("content"))], [first(message, "reasoning_content")]
    for id in items(message.get("blocks")):
        block = fields(blocks.get(id)) if isinstance(id, str) else fields(id)
        kind, content = text(block.get("type")), text(block.get("content"))
        if kind in ("main_text", "compact", "unknown"):
            pieces.append(content)
        elif kind == "code":
            pieces.append(fenced("code", content, text(block.get("language"))).partition("\n\n")[2])
        elif kind == "thinking":
            thoughts.append(content)
        elif kind in ("image", "file", "video"):
            about = fields(block.get("file"))
            node.files.append(first(about, "origin_name", "name") or base(text(block.get("url"))) or kind)
        elif kind == "tool":
            node.left += ("call", "result")
        elif kind == "citation":
            found = fields(block.get("response")).get("results")
            node.sources += [(first(one, "url", "link"), text(one.get("title"))) for one in dicts(found)]
        elif kind == "error":
            node.finish = "error"
    node.files += list(files_named(message.get("files"), "origin_name"))
    node.text = "\n\n".join(piece for piece in pieces if piece.strip())
    if node.role == "assistant":
        node.text, thought = thinking_cut(node.text)
        thoughts.append(thought)
    node.reasoning = "\n\n".join(thought for thought in thoughts if thought.strip())
    if message.get("status") == "paused":
        node.finish = "interrupted"
    return node


def lmstudio(source: Mapping[str, Any], _where: str) -> ForeignChat:
    """The chat of a `.conversation.json`; the versions of a message are branches, the selected one goes on."""
    created = source.get("createdAt")
    chat = ForeignChat("lmstudio", title=text(source.get("name")), created=created)
    chat.system = text(source.get("systemPrompt"))
    chat.model = text(fields(source.get("lastUsedModel")).get("identifier"))
    if moment(created) is not None:
        chat.id = name(created) or text(created)
    last: str | None = None
    for number, message in enumerate(dicts(source.get("messages"))):
        versions = dicts(message.get("versions")) or [message]
        chosen = message.get("currentlySelected", 0)
        chosen = chosen if isinstance(chosen, int) and 0 <= chosen < len(versions) else len(versions) - 1
        follows: str | None = None
        for which, version in enumerate(versions):
            node = _lmstudio(version)
            node.id, node.parent = f"{number}.{which}", last
            chat.add(node)
            follows = node.id if which == chosen else follows
        last = follows or last
    chat.current = last
    return chat


def _lmstudio(version: Mapping[str, Any]) -> ForeignNode:
    node = ForeignNode(
        "", role=text(version.get("role")), model=text(fields(version.get("senderInfo")).get("senderName"))
    )
    for part in dicts(version.get("content")):
        if part.get("type") == "file":
            node.files.append(first(part, "name", "fileName", "fileIdentifier") or "file")
        else:
            spoken([part], node)
    if isinstance(version.get("content"), str):
        node.text = text(version.get("content"))
    pieces, thoughts = [node.text], []
    for step in dicts(version.get("steps")):
        kind = step.get("type")
        if kind == "toolStatus":
            node.left += ("call", "result")
        if kind != "contentBlock":
            continue
        block = ForeignNode("")
        spoken(step.get("content"), block)
        node.left += block.left
        thoughts.append(block.reasoning)
        (thoughts if fields(step.get("style")).get("type") == "thinking" else pieces).append(block.text)
        about = fields(step.get("genInfo"))
        node.model = text(about.get("identifier")) or node.model
        if text(fields(about.get("stats")).get("stopReason")) in ("userStopped", "maxPredictedTokensReached"):
            node.finish = "length" if "max" in about["stats"]["stopReason"] else "interrupted"
    node.text = "\n\n".join(piece for piece in pieces if piece.strip())
    node.reasoning = "\n\n".join(thought for thought in thoughts if thought.strip())
    if node.role == "assistant" and not node.reasoning:
        node.text, node.reasoning = thinking_cut(node.text)
    return node


def jan(rows: Sequence[dict[str, Any]], _where: str, beside: Mapping[str, Any]) -> Iterator[ForeignChat]:
    """The chats of Jan's `messages.jsonl`; their title and model stand in `thread.json` beside it."""
    thread = fields(beside.get("thread.json"))
    chats: dict[str, ForeignChat] = {}
    for row in rows:
        id = text(row.get("thread_id"))
        chat = chats.get(id)
        if chat is None:
            chat = chats[id] = ForeignChat("jan", id, created=row.get("created_at"))
            if not thread.get("id") or thread.get("id") == id:
                chat.title = text(thread.get("title"))
                assistant = (dicts(thread.get("assistants")) or [{}])[0]
                chat.model = text(fields(assistant.get("model")).get("id"))
                chat.system = text(assistant.get("instructions"))
                chat.created = thread.get("created") or chat.created
        node = ForeignNode(text(row.get("id")), role=text(row.get("role")), time=row.get("created_at"))
        spoken(row.get("content"), node)
        if node.role == "assistant" and not node.reasoning:
            node.text, node.reasoning = thinking_cut(node.text)
        about = fields(row.get("metadata"))
        node.model = first(about, "model", "modelId") or text(fields(about.get("model")).get("id"))
        node.files += files_named(row.get("attachments"))
        if row.get("status") in ("stopped", "error"):
            node.finish = "error" if row["status"] == "error" else "interrupted"
        chat.follow(node)
    yield from chats.values()


def sillytavern(rows: Sequence[dict[str, Any]], _where: str, _beside: object) -> Iterator[ForeignChat]:
    """The chat of a log: the other answers that were offered (swipes) are branches."""
    head = rows[0] if rows else {}
    character, created = text(head.get("character_name")), head.get("create_date")
    chat = ForeignChat("sillytavern", title=character, created=created)
    if text(created):
        chat.id = f"{character}/{text(created)}"
        if main := text(fields(head.get("chat_metadata")).get("main_chat")):
            chat.id += f"/{digest(main)}"
    last: str | None = None
    for number, row in enumerate(rows[1:]):
        extra = fields(row.get("extra"))
        node = ForeignNode(
            f"{number}", last, "user" if row.get("is_user") is True else "assistant", text(row.get("mes"))
        )
        node.time, node.model = row.get("send_date"), text(extra.get("model"))
        node.reasoning = text(extra.get("reasoning"))
        node.hidden, node.apart = row.get("is_system") is True, True
        for key in ("image", "file"):
            place = extra.get(key)
            named = first(fields(place), "name", "url") or text(extra.get("title") if key == "image" else "")
            node.files += [named or base(text(place)) or key] if place else []
        swipes = [one for one in items(row.get("swipes")) if isinstance(one, str)]
        chosen = row.get("swipe_id")
        if chosen not in range(len(swipes)):
            chosen = next((which for which, one in enumerate(swipes) if one == node.text), -1)
        infos = items(row.get("swipe_info"))
        for which, words in enumerate(swipes):
            if which == chosen or words == node.text or node.hidden:
                continue
            about = fields(fields(infos[which]).get("extra")) if which < len(infos) else {}
            other = ForeignNode(f"{number}.{which}", last, node.role, words, model=text(about.get("model")))
            other.time, other.apart = fields(infos[which]).get("send_date") if which < len(infos) else None, True
            chat.add(other)
        last = chat.add(node).id
    chat.current = last
    yield chat


def anythingllm(rows: Sequence[dict[str, Any]], _where: str) -> Iterator[ForeignChat]:
    """The chats of AnythingLLM's export: a workspace is one, since its threads are not told apart in it."""
    chats: dict[str, ForeignChat] = {}
    for row in rows:
        title = text(row.get("workspace")) or "workspace"
        chat = chats.setdefault(
            title, ForeignChat("anythingllm", digest(title), title, created=row.get("sent_at"))
        )
        id = name(row.get("id")) or digest([row.get("prompt"), row.get("sent_at")])
        asked = ForeignNode(f"{id}q", role="user", text=text(row.get("prompt")), time=row.get("sent_at"))
        for one in dicts(row.get("attachments")):
            data = first(one, "image", "contentString")
            if data.startswith("data:"):
                asked.images.append(data)
            if named := first(one, "name"):
                asked.files.append(named)
        answer = fields(parsed(row.get("response")))
        words = text(answer.get("text")) or text(row.get("response"))
        said, thought = thinking_cut(words)
        chat.follow(asked)
        reply = ForeignNode(f"{id}a", role="assistant", text=said, reasoning=thought, time=row.get("sent_at"))
        reply.sources = [(text(one.get("url")), text(one.get("title"))) for one in dicts(answer.get("sources"))]
        chat.follow(reply)
    yield from chats.values()


def gptme(rows: Sequence[dict[str, Any]], where: str, beside: Mapping[str, Any]) -> Iterator[ForeignChat]:
    """The chat of gptme's log and of the copies of it in `branches`, which fork where they differ."""
    folder = text(beside.get("folder"))
    chat = ForeignChat("gptme", title=text(fields(beside.get("config.toml")).get("name")))
    chat.model = text(fields(beside.get("config.toml")).get("model"))
    if folder and base(where) == "conversation.jsonl":
        chat.title = chat.title or folder
    known: dict[tuple[str | None, str], str] = {}
    branches = [one for one in items(beside.get("branches")) if isinstance(one, list)]
    for which, listed in enumerate([*branches, rows]):
        last: str | None = None
        for row in dicts(list(listed)):
            words = digest([row.get("role"), row.get("content"), row.get("timestamp")])
            if (last, words) in known:
                last = known[last, words]
                continue
            node = ForeignNode(
                f"#{which}.{len(chat.nodes)}", last, text(row.get("role")), time=row.get("timestamp")
            )
            spoken(row.get("content"), node)
            if node.role == "assistant":
                node.text, node.reasoning = thinking_cut(node.text)
            elif node.role == "system" and any(one.role == "user" for one in chat.nodes):
                node.role, node.left = "", ("result",)
            node.model = text(fields(row.get("metadata")).get("model"))
            node.files = list(files_named(row.get("files")))
            known[last, words] = node.id
            last = chat.add(node).id
        chat.current = last
    chat.created = next((node.time for node in chat.nodes if node.time), None)
    if chat.created and chat.title:
        chat.id = f"{chat.title}/{text(chat.created)}"
    yield chat

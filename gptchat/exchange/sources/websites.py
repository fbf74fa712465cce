"""Chats of web sites: Grok, Perplexity and Mistral's Le Chat; and Microsoft Copilot's table."""

from __future__ import annotations

import csv
import io
import re
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
    text,
)

_RENDER = re.compile(r"<grok:render\b[^>]*>.*?</grok:render>|<grok:render\b[^>]*/>", re.DOTALL)
_CARD = re.compile(r"<xai:tool_usage_card\b.*?(?:</xai:tool_usage_card>|\Z)", re.DOTALL)


def grok(entry: Mapping[str, Any], _where: str) -> ForeignChat:
    """The chat of an entry of `conversations`: `conversation`, and `responses` with or without a wrap."""
    about = fields(entry.get("conversation"))
    chat = ForeignChat("grok", first(about, "id", "conversation_id"), text(about.get("title")))
    chat.created = about.get("create_time")
    wrapped = [fields(one.get("response")) or one for one in dicts(entry.get("responses"))]
    ids = any(first(one, "_id", "id") for one in wrapped)
    for response in wrapped:
        node = _grok(response)
        if ids:
            previous = chat.nodes[-1].id if chat.nodes else None
            given = name(response.get("parent_response_id")) or None
            node.parent = given if "parent_response_id" in response else previous
            chat.add(node)
        else:
            chat.follow(node)
    return chat


def _grok(response: Mapping[str, Any]) -> ForeignNode:
    mine = text(response.get("sender")).lower() in ("human", "user")
    node = ForeignNode(first(response, "_id", "id"), role="user" if mine else "assistant")
    node.time, node.text = response.get("create_time"), text(response.get("message"))
    node.files = list(files_named(response.get("file_attachments"), "fileName"))
    if mine:
        return node
    node.model, node.apart = text(response.get("model")), True
    node.text = _RENDER.sub("", node.text)
    thoughts = [text(response.get("thinking_trace"))]
    thoughts += [
        text(trace) or first(fields(trace), "thinking_trace", "text", "message", "content")
        for trace in items(response.get("agent_thinking_traces"))
    ]
    whole = "\n\n".join(thought for thought in thoughts if thought.strip())
    node.reasoning = _CARD.sub("", whole).strip()
    node.left += ("call",) * len(re.findall("<xai:tool_usage_card", whole))
    cited = dicts(response.get("cited_web_search_results")) or dicts(response.get("web_search_results"))
    node.sources = [(text(page.get("url")), text(page.get("title"))) for page in cited]
    node.files += [base(url) for url in items(response.get("generated_image_urls")) if isinstance(url, str)]
    if response.get("error"):
        node.finish = "error"
    return node


def perplexity(source: Mapping[str, Any], _where: str) -> ForeignChat:
    """The chat of a thread: of a browser's extension, or of the site's own answer."""
    about = fields(source.get("metadata")) or fields(source.get("thread_metadata"))
    listed = dicts(source.get("entries")) or dicts(source.get("conversations"))
    begin = listed[0] if listed else {}
    chat = ForeignChat("perplexity", title=first(about, "thread_title", "title") or first(begin, "thread_title"))
    chat.id = first(about, "thread_id", "id", "uuid", "slug") or first(
        begin, "thread_url_slug", "context_uuid", "backend_uuid"
    )
    if not chat.id and len(listed) and first(begin, "uuid"):
        chat.id = first(begin, "uuid")
    chat.created = about.get("created_at") or begin.get("entry_created_datetime") or begin.get("timestamp")
    for entry in listed:
        id = first(entry, "uuid", "backend_uuid")
        asked = ForeignNode(id and id + "q", role="user", text=first(entry, "query_str", "query"))
        asked.time = entry.get("entry_created_datetime") or entry.get("timestamp") or entry.get("created_at")
        asked.files = [*files_named(entry.get("attachments")), *files_named(entry.get("files"))]
        chat.follow(asked)
        answer, pages = _answer(entry)
        reply = ForeignNode(id and id + "a", role="assistant", text=answer)
        reply.time = entry.get("entry_updated_datetime") or asked.time
        reply.model = first(entry, "display_model", "model")
        reply.sources = [(first(page, "url", "link"), first(page, "title", "name")) for page in pages]
        chat.follow(reply)
    return chat


def _answer(entry: Mapping[str, Any]) -> tuple[str, list[dict[str, Any]]]:
    pages = dicts(entry.get("sources")) or dicts(entry.get("web_results"))
    pieces: list[str] = []
    for block in dicts(entry.get("blocks")):
        words = fields(block.get("markdown_block"))
        said = text(words.get("answer")) or "".join(
            one for one in items(words.get("chunks")) if isinstance(one, str)
        )
        if said and said not in pieces:
            pieces.append(said)
        pages = pages or dicts(fields(block.get("web_result_block")).get("web_results"))
    if pieces:
        return "\n\n".join(pieces), pages
    answer = parsed(entry.get("answer"))
    if isinstance(answer, list):  # the steps of a search; the last one holds the answer
        for step in dicts(answer):
            content = parsed(fields(step.get("content")).get("answer"))
            found = text(fields(content).get("answer")) or text(content)
            pieces = [found] if found else pieces
            pages = pages or dicts(fields(content).get("web_results"))
        return "".join(pieces), pages
    if isinstance(answer, dict):
        return first(answer, "answer", "text"), pages or dicts(answer.get("web_results"))
    return text(entry.get("answer")), pages


def lechat(rows: Sequence[dict[str, Any]], _where: str) -> Iterator[ForeignChat]:
    """The chats of a list of messages, which is in no order; a second answer to a question is a branch."""
    chats: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        chats.setdefault(text(row.get("chatId")), []).append(row)
    for id, listed in chats.items():
        chat = ForeignChat("lechat", id)
        listed.sort(key=lambda row: moment(row.get("createdAt")) or 0)
        question: str | None = None
        last: str | None = None
        for row in listed:
            node = _lechat(row)
            retry = node.role == "assistant" and chat.nodes and last != question
            node.parent = question if retry and question else last
            node.id = node.id or f"#{len(chat.nodes)}"
            last = chat.add(node).id
            question = last if node.role == "user" else question
        chat.created = chat.nodes[0].time
        yield chat


def _lechat(row: Mapping[str, Any]) -> ForeignNode:
    node = ForeignNode(text(row.get("id")), role=text(row.get("role")), time=row.get("createdAt"))
    node.model, node.text = text(row.get("model")), text(row.get("content"))
    node.files = list(files_named(row.get("files")))
    pieces: list[str] = []
    numbers = 0
    for chunk in dicts(row.get("contentChunks")):
        kind = text(chunk.get("type"))
        if kind == "text":
            pieces.append(text(chunk.get("text")))
        elif kind == "tool_call":
            node.left += ("call",)
            for page in dicts(fields(parsed(chunk.get("publicResult"))).get("results")):
                node.sources.append((text(page.get("url")), text(page.get("title"))))
        elif kind == "reference":
            ids = [one + 1 for one in items(chunk.get("referenceIds")) if type(one) is int and 0 <= one < 10_000]
            numbers += len(ids)
            pieces.append("".join(f"[{one}]" for one in ids))
        elif kind in ("image_url", "document_url"):
            url = chunk.get("imageUrl", chunk.get("image_url", chunk.get("documentUrl")))
            node.files.append(base(text(url) or text(fields(url).get("url"))) or "image")
    node.text = node.text or "".join(pieces)
    for canvas in dicts(row.get("canvas")):
        if body := first(canvas, "content", "text"):
            from gptchat.attachments import fenced

            node.text += "\n\n" + fenced(first(canvas, "title", "name") or "canvas", body)
    return node


def copilot(words: str) -> Iterator[ForeignChat]:
    """The chats of Copilot's table: a line a message, with its conversation, time and author."""
    chats: dict[str, ForeignChat] = {}
    for row in csv.DictReader(io.StringIO(words)):
        title = row.get("Conversation") or row.get("ChatName") or ""
        said = row.get("Message") or row.get("MessageContent") or ""
        at = row.get("Time") or row.get("CreatedAt")
        chat = chats.setdefault(title, ForeignChat("copilot", id=digest(title), title=title, created=at))
        mine = (row.get("Author") or "").strip().lower() in ("user", "human", "you")
        node = ForeignNode(
            "x" + digest([title, at, said]), role="user" if mine else "assistant", text=said, time=at
        )
        chat.nodes.append(node)
    for chat in chats.values():
        times = [moment(node.time) for node in chat.nodes]
        if all(at is not None for at in times) and times != sorted(times, key=lambda at: at or 0):
            chat.nodes.sort(key=lambda node: moment(node.time) or 0)
        nodes, chat.nodes = chat.nodes, []
        for node in nodes:
            chat.follow(node)
        yield chat

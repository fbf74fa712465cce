"""Google's chats: prompts of AI Studio, and the activity log of Gemini from Takeout."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gptchat.exchange.forms.times import moment
from gptchat.exchange.session_builder import digest
from gptchat.exchange.sources.chats import (
    ForeignChat,
    ForeignNode,
    dicts,
    fields,
    files_named,
    first,
    items,
    parsed,
    spoken,
    text,
)

_APP = re.compile(r"/app/(?:c/)?([A-Za-z0-9_-]{4,80})")
_PREFIX = re.compile(
    r"(?:Prompted|Live Prompt|Asked|Said|You said|已提示|提示|已询问)[:： \u00a0]+", re.IGNORECASE
)
_NO_PROMPT = re.compile(r"(?:Used|Created|Gave feedback|Selected|Opened|Viewed|Deleted|Canceled)\b", re.IGNORECASE)
_GAP = 30 * 60
"""Seconds between two exchanges that are taken for one conversation, where the log does not say it."""


def studio(source: Mapping[str, Any], where: str) -> ForeignChat:
    """The chat of a prompt file. It has no title: the name of the file is one."""
    stem = re.sub(r"\.(json|txt|prompt)\Z", "", where.replace("\\", "/").rpartition("/")[2])
    chat = ForeignChat("aistudio", title=stem)
    chat.model = text(fields(source.get("runSettings")).get("model")).removeprefix("models/")
    instruction = source.get("systemInstruction")
    about = ForeignNode("")
    spoken(fields(instruction).get("parts") or fields(instruction).get("text") or instruction, about)
    chat.system = about.text
    prompt = fields(source.get("chunkedPrompt"))
    chunks = dicts(prompt.get("chunks"))
    last = ForeignNode("")
    for chunk in chunks:
        node = _chunk(chunk)
        if last.id and node.role == last.role and node.role == "user":
            _merge(last, node)
        else:
            last = chat.follow(node)
    pending = [one for one in dicts(prompt.get("pendingInputs")) if text(one.get("text")).strip()]
    chat.left["draft"] += len(pending)
    if not chunks:
        words = text(fields(source.get("textPrompt")).get("value")) or text(source.get("textPrompt"))
        chat.follow(ForeignNode("", role="user", text=words))
    chat.created = next((node.time for node in chat.nodes if node.time), None)
    return chat


def _merge(into: ForeignNode, node: ForeignNode) -> None:
    into.text = "\n\n".join(filter(None, (into.text, node.text)))
    into.files += node.files
    into.images += node.images
    into.left += node.left
    into.time = into.time or node.time


def _chunk(chunk: Mapping[str, Any]) -> ForeignNode:
    role = {"user": "user", "model": "assistant"}.get(text(chunk.get("role")), "")
    node = ForeignNode("", role=role, time=chunk.get("createTime"))
    words = text(chunk.get("text"))
    if not words:
        spoken(chunk.get("parts"), node)
    elif chunk.get("isThought") is True:
        node.reasoning = words
    else:
        node.text = words
        for part in dicts(chunk.get("parts")):
            if "inlineData" in part:
                spoken([part], node)
    for key in ("driveDocument", "driveImage", "driveAudio", "driveVideo", "youtubeVideo"):
        if isinstance(place := chunk.get(key), dict):
            node.files.append(first(place, "name", "displayName") or f"{key} {text(place.get('id'))}".strip())
    for key in ("inlineImage", "inlineFile", "inlineAudio"):
        inline = fields(chunk.get(key))
        mime, data = text(inline.get("mimeType")), text(inline.get("data"))
        if mime.startswith("image/") and data:
            node.images.append(f"data:{mime};base64,{data}")
        elif inline:
            node.files.append(first(inline, "name", "displayName") or mime or "file")
    for key, kind in (("executableCode", "call"), ("codeExecutionResult", "result")):
        node.left += (kind,) if chunk.get(key) else ()
    for page in dicts(fields(chunk.get("grounding")).get("groundingSources")):
        node.sources.append((text(page.get("uri")), text(page.get("title"))))
    if text(chunk.get("errorMessage")):
        node.finish = "error"
    elif text(chunk.get("finishReason")).upper() == "MAX_TOKENS":
        node.finish = "length"
    return node


def activity(rows: Sequence[dict[str, Any]], _where: str) -> Iterator[ForeignChat]:
    """The chats in a log of activity: by their address, else by gaps in time. Answers may be missing in it."""
    chats: dict[str, ForeignChat] = {}
    last: tuple[str, float] | None = None
    skipped = 0
    for row in sorted(rows, key=lambda row: moment(row.get("time")) or 0):
        asked, answered = _exchange(row)
        if not asked.strip() and not answered.strip():
            skipped += 1
            continue
        at = moment(row.get("time"))
        match = _APP.search(text(row.get("titleUrl")))
        if match:
            key = match[1]
        elif last is not None and at is not None and at - last[1] <= _GAP:
            key = last[0]
        else:
            key = "~" + digest([row.get("time"), asked])
        if at is not None:
            last = (key, at)
        chat = chats.setdefault(key, ForeignChat("gemini", id=key, created=row.get("time")))
        question = ForeignNode(
            f"q{digest([row.get('time'), asked])}", role="user", text=asked, time=row.get("time")
        )
        question.files = _files(row)
        chat.follow(question)
        chat.follow(ForeignNode(question.id + "a", role="assistant", text=answered, time=row.get("time")))
    for number, chat in enumerate(chats.values()):
        if number == 0:
            chat.left["event"] += skipped
        yield chat
    if not chats and skipped:
        empty = ForeignChat("gemini", id="~")
        empty.left["event"] += skipped
        yield empty


def _files(row: Mapping[str, Any]) -> list[str]:
    named = [one.lstrip("- ") for one in files_named(row.get("subtitles"), "name") if one.startswith("- ")]
    if not named:
        named = list(files_named(row.get("attachedFiles")))
    if not named and text(row.get("imageFile")):
        named = [text(row.get("imageFile"))]
    return named


def _exchange(row: Mapping[str, Any]) -> tuple[str, str]:
    """The question and the answer of a row."""
    for one in items(row.get("userInteractions")):
        inner = fields(fields(one).get("userInteraction")) or fields(one)
        return _said(parsed(inner.get("request"))), _said(parsed(inner.get("response")))
    details = {text(one.get("name")).lower(): text(one.get("value")) for one in dicts(row.get("details"))}
    if "request" in details:
        return details["request"], details.get("response", "")
    from gptchat.exchange.forms.html_text import markdown

    answer = "\n\n".join(markdown(text(one.get("html"))) for one in dicts(row.get("safeHtmlItem")))
    title = text(row.get("title"))
    match = _PREFIX.match(title)
    if match:
        return title[match.end() :], answer
    return ("", "") if _NO_PROMPT.match(title) or not answer else (title, answer)


def _said(value: object) -> str:
    """The text in a request or an answer, wherever it stands in it."""
    if isinstance(value, str):
        return value
    node = ForeignNode("")
    spoken(value, node)
    if node.text:
        return node.text
    found: list[str] = []
    waiting: list[object] = [value]
    while waiting and len(found) < 50:
        one = waiting.pop(0)
        if isinstance(one, dict):
            found += [text(one[key]) for key in ("text", "prompt", "content", "query") if text(one.get(key))]
            waiting += [inner for inner in one.values() if isinstance(inner, dict | list)]
        elif isinstance(one, list):
            waiting += [inner for inner in one if isinstance(inner, dict | list)]
            found += [inner for inner in one if isinstance(inner, str) and not isinstance(value, dict)]
    return "\n\n".join(found) or (json.dumps(value, ensure_ascii=False) if value else "")

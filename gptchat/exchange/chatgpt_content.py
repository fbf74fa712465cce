"""The contents of ChatGPT's messages: texts, voices, names of pictures, canvas documents, writing blocks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gptchat.exchange.sources.chats import ForeignNode, dicts, fields, first, items, parsed, text

Names = Mapping[str, str]
"""The names of attached files by their ids."""
_WRITING = re.compile(
    r"^:::writing(?:\{([^}\n]*)\})?[ \t]*\n(.*?)(?:^:::[ \t]*(?:\n|\Z)|\Z)", re.MULTILINE | re.DOTALL
)
_SUBJECT = re.compile(r'\b(?:subject|title)="([^"]*)"')
_SILENT = ("reasoning_recap", "user_editable_context", "model_editable_context")
_OF_TOOLS = (
    *("execution_output", "tether_quote", "tether_browsing_display", "sonic_webpage", "computer_output"),
    *("citable_code_output", "system_error"),
)
_LONGEST = 500
"""Characters of a pattern that is applied to a canvas document."""


def fill(node: ForeignNode, message: Mapping[str, Any], names: Names, documents: dict[str, str]) -> None:
    """Give `node` what `message` holds. `documents` keeps the canvas documents of the chat as they stand."""
    content, metadata = fields(message.get("content")), fields(message.get("metadata"))
    recipient = message.get("recipient")
    recipient = recipient if isinstance(recipient, str) else "all"
    kind = text(content.get("content_type")) or "text"
    names = {**{text(one.get("id")): text(one.get("name")) for one in dicts(metadata.get("attachments"))}, **names}
    if node.role == "assistant" and recipient.startswith("canmore."):
        _canvas(node, recipient, _said(content, node, names), documents)
    elif kind == "thoughts":
        thoughts = [
            "\n\n".join(
                filter(
                    None, (f"**{one['summary']}**" if text(one.get("summary")) else "", text(one.get("content")))
                )
            )
            for one in dicts(content.get("thoughts"))
        ]
        node.reasoning = "\n\n".join(thought for thought in thoughts if thought)
    elif kind in _SILENT:
        node.hidden = True
        node.left = ("hidden",) if kind != "reasoning_recap" else ()
    elif kind in _OF_TOOLS or node.role == "tool":
        said = _said(content, node, names)
        node.left = ("result",) if said or kind in _OF_TOOLS or node.files else ()
        node.hidden = True
        if node.files:  # pictures that a tool made belong to the answer
            node.hidden, node.role, node.text, node.images = False, "assistant", "", []
    elif recipient != "all":
        node.hidden, node.left = True, ("call",)
    else:
        node.text = _said(content, node, names)
    if node.role == "assistant" and ":::writing" in node.text:
        node.text = _WRITING.sub(_writing, node.text)
    if not node.hidden:
        known = [names.get(text(one.get("id")), "") for one in dicts(metadata.get("attachments"))]
        node.files += [one for one in known if one and one not in node.files]


def _said(content: Mapping[str, Any], node: ForeignNode, names: Names) -> str:
    parts = content.get("parts")
    if not isinstance(parts, list):
        return first(content, "text", "result", "output_str", "content")
    pieces: list[str] = []
    for part in parts:
        if isinstance(part, str):
            pieces.append(part)
        elif isinstance(part, dict):
            pieces.append(_part(part, node, names))
    return "\n".join(piece for piece in pieces if piece)


def _part(part: Mapping[str, Any], node: ForeignNode, names: Names) -> str:
    kind = text(part.get("content_type"))
    if isinstance(said := part.get("text"), str):
        return said
    if kind in ("audio_asset_pointer", "real_time_user_audio_video_asset_pointer"):
        return ""  # its words stand beside it
    pointer = text(part.get("asset_pointer"))
    id = pointer.rpartition("/")[2].partition("#")[0]
    metadata = fields(part.get("metadata"))
    prompt = text(fields(metadata.get("dalle")).get("prompt"))
    named = names.get(id) or (f"image: {prompt}" if prompt else "") or id or kind or "attachment"
    if named not in node.files:
        node.files.append(named)
    return ""


def _canvas(node: ForeignNode, recipient: str, said: str, documents: dict[str, str]) -> None:
    """The document that a call makes or changes."""
    from gptchat.attachments import fenced

    call = parsed(said)
    if recipient.endswith("comment_textdoc"):
        node.hidden, node.left = True, ("call",)
        return
    if not isinstance(call, dict):
        node.text = fenced("canvas", said) if said.strip() else ""
        return
    if "content" in call:
        title = text(call.get("name")) or "canvas"
        documents["title"], documents["text"] = title, text(call.get("content"))
        documents["type"] = text(call.get("type"))
    elif "updates" in call:
        for update in dicts(call.get("updates")):
            documents["text"] = _updated(documents.get("text", ""), update)
    kind = documents.get("type", "document")
    language = kind.partition("/")[2] if kind.startswith("code/") else "markdown"
    node.text = fenced(documents.get("title", "canvas"), documents.get("text", ""), language)


def _updated(document: str, update: Mapping[str, Any]) -> str:
    pattern, replacement = text(update.get("pattern")), text(update.get("replacement"))
    if pattern in (".*", "^.*$", "[\\s\\S]*", ""):
        return replacement
    if len(pattern) > _LONGEST or re.search(r"[*+}]\)?[*+{]|\|", pattern):
        plain = re.sub(r"\\([^\w\s])", r"\1", pattern)
        return document.replace(plain, replacement, 1) if plain in document else f"{document}\n\n{replacement}"
    try:
        return re.sub(
            pattern, lambda _match: replacement, document, count=0 if update.get("multiple") is True else 1
        )
    except (re.error, RecursionError):
        return f"{document}\n\n{replacement}"


def _writing(match: re.Match[str]) -> str:
    subject = _SUBJECT.search(match[1] or "")
    head = f"**{subject[1]}**\n\n" if subject and subject[1] else ""
    return f"{head}{match[2].strip()}\n"


def file_names(beside: Mapping[str, Any]) -> dict[str, str]:
    """The names of attached files by id, from the lists that stand beside the conversations."""
    names: dict[str, str] = {}
    for key, value in fields(beside.get("conversation_asset_file_names.json")).items():
        if isinstance(value, str) and value:
            names[key.removesuffix(".dat")] = value
    library = beside.get("library_files.json")
    listed = library if isinstance(library, list) else items(fields(library).get("files"))
    for one in dicts(listed):
        if (id := first(one, "file_id", "id")) and (named := first(one, "file_name", "name")):
            names[id] = named
    for member in items(beside.get("members")):
        named = text(member).rpartition("/")[2]
        match = re.match(r"(file[-_][A-Za-z0-9]{8,40})-(.+)\Z", named)
        if match:
            names.setdefault(match[1], match[2])
    return names

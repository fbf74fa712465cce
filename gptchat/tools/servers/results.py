"""What an MCP server returns, as our values: texts cleaned and bounded, pictures as parts."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable
from typing import Any

from gptchat.core.attachments import Attachment
from gptchat.core.tooling import ToolResult
from gptchat.tools.text import plain_text
from gptchat.words import _

_LARGEST = 20_000_000
"""Characters of base64 text in a picture, at most."""


def result_of(result: Any) -> ToolResult:
    """The result of a call."""
    texts, parts = [], []
    for block in result.content:
        if text := text_of(block):
            texts.append(text)
        if getattr(block, "type", "") == "image" and len(block.data) <= _LARGEST:
            parts.append(
                {"type": "image_url", "image_url": {"url": f"data:{block.mime_type};base64,{block.data}"}}
            )
    if not texts and not parts and result.structured_content is not None:
        texts.append(json.dumps(result.structured_content, ensure_ascii=False))
    words = plain_text("\n".join(texts)) or ("" if parts else _("(no output)"))
    return ToolResult(words, parts, failed=result.is_error is True)


def text_of(block: Any) -> str:
    """The text of a content block: itself, the text of what it embeds, or the address that it links to."""
    match getattr(block, "type", ""):
        case "text":
            return str(block.text)
        case "resource":
            return str(getattr(block.resource, "text", "") or f"[{block.resource.uri}]")
        case "resource_link":
            return f"[{block.name}]({block.uri})"
        case "audio":
            return _("[a sound, {mime}]").format(mime=block.mime_type)
    return ""


def attachments_of(name: str, contents: Iterable[Any]) -> list[Attachment]:
    """The contents of a resource: texts and pictures; other bytes are left out."""
    found = []
    for one in contents:
        mime = str(one.mime_type or "")
        text, blob = getattr(one, "text", None), getattr(one, "blob", None)
        if isinstance(text, str):
            found.append(Attachment(name, "text", text=plain_text(text), size=len(text)))
        elif isinstance(blob, str) and mime.startswith("image/") and len(blob) <= _LARGEST:
            try:
                data = base64.b64decode(blob, validate=True)
            except binascii.Error:
                continue
            found.append(Attachment(name, "image", mime=mime, data=data, size=len(data)))
    return found

"""What MCP servers return, as results, attachments and texts of ours."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable
from typing import Any

from gptchat.core.attachments import Attachment
from gptchat.core.messages import Part
from gptchat.core.tooling import ToolResult
from gptchat.tools.pictures import picture_part
from gptchat.tools.text import described, failed, plain_text
from gptchat.words import _


def result_of(answer: Any) -> ToolResult:
    """A CallToolResult: texts, pictures, and a note for what cannot be shown."""
    texts, parts = _contents(answer.content)
    structured = getattr(answer, "structured_content", None)
    if structured is not None and not texts and not parts:
        texts.append(json.dumps(structured, ensure_ascii=False, default=str))
    text = "\n".join(texts)
    if answer.is_error:
        return failed(text or _("it failed without a word"))
    return ToolResult(plain_text(text) or (_("a picture") if parts else _("(no output)")), parts)


def prompt_text(answer: Any) -> str:
    """A GetPromptResult as one text; where the assistant speaks in it, that is told."""
    lines = []
    for message in answer.messages:
        texts, _parts = _contents([message.content])
        text = "\n".join(texts)
        lines.append(f"{message.role}: {text}" if message.role != "user" else text)
    return plain_text("\n\n".join(lines))


def attachments_of(name: str, contents: Iterable[Any]) -> list[Attachment]:
    """The contents of a resource."""
    found = []
    for one in contents:
        text, part, data = _read(one)
        if part is not None:
            mime = str(part["image_url"]["url"]).partition(";")[0].removeprefix("data:")
            found.append(Attachment(name, "image", "", mime, data, len(data)))
        else:
            found.append(
                Attachment(name, "text", plain_text(text, 8_000_000), size=len(text.encode("utf-8", "replace")))
            )
    return found


def _contents(blocks: Iterable[Any]) -> tuple[list[str], list[Part]]:
    texts: list[str] = []
    parts: list[Part] = []
    for block in blocks:
        match block.type:
            case "text":
                texts.append(block.text)
            case "image":
                part = picture_part(_bytes(block.data))
                if part is not None:
                    parts.append(part)
                else:
                    texts.append(_left_out(block.mime_type, len(block.data) * 3 // 4))
            case "audio":
                texts.append(_left_out(block.mime_type, len(block.data) * 3 // 4))
            case "resource":
                text, part, _data = _read(block.resource)
                texts += [text] if part is None else []
                parts += [part] if part is not None else []
            case "resource_link":
                texts.append(f"[{described(block.name)[:200]}: {described(str(block.uri))[:1_000]}]")
            case other:
                texts.append(_left_out(str(other), 0))
    return texts, parts


def _read(contents: Any) -> tuple[str, Part | None, bytes]:
    """A resource as text, or as a picture with its bytes."""
    if isinstance(text := getattr(contents, "text", None), str):
        return text, None, b""
    data = _bytes(str(getattr(contents, "blob", "")))
    part = picture_part(data)
    if part is not None:
        return "", part, data
    mime = str(getattr(contents, "mime_type", "") or "")
    if mime.startswith("text/") or not mime:
        try:
            return data.decode(), None, b""
        except UnicodeDecodeError:
            pass
    return _left_out(mime, len(data)), None, b""


def _bytes(encoded: str) -> bytes:
    try:
        return base64.b64decode(encoded)
    except (ValueError, binascii.Error):
        return b""


def _left_out(mime: str, size: int) -> str:
    return _("[{count} bytes of {type}, not shown]").format(count=f"{size:,}", type=described(mime)[:80] or "?")

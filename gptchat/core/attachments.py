"""Attachments of a message: a named text or an image."""

from __future__ import annotations

import base64
from typing import Literal

from gptchat.core.messages import Part
from gptchat.values import dataclass, field

AttachmentKind = Literal["text", "image"]


@dataclass(frozen=True, slots=True)
class Attachment:
    """A text or image sent with a message. `name` is the path or URL that the user gave."""

    name: str
    kind: AttachmentKind
    text: str = field(default="", repr=False)
    mime: str = "text/plain"
    data: bytes = field(default=b"", repr=False)
    """The bytes of an image; empty for a text."""
    size: int = 0
    """Size in bytes, as read."""
    language: str = ""
    """Language tag for the Markdown code fence (`python`); empty for plain text."""

    @property
    def data_url(self) -> str:
        """The image as a data URL (RFC 2397), the form the chat API accepts."""
        return f"data:{self.mime};base64,{base64.b64encode(self.data).decode('ascii')}"

    @property
    def part(self) -> Part:
        """The image as a content part of a message."""
        return {"type": "image_url", "image_url": {"url": self.data_url}}

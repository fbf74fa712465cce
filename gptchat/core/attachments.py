"""What a person attaches to a message: a text under its name, or an image."""

from __future__ import annotations

import base64
from typing import Literal

from gptchat.core.messages import Part
from gptchat.values import dataclass, field

AttachmentKind = Literal["text", "image"]


@dataclass(frozen=True, slots=True)
class Attachment:
    """A text or an image that goes with a message. `name` is a path or an address, as the person knows it."""

    name: str
    kind: AttachmentKind
    text: str = field(default="", repr=False)
    mime: str = "text/plain"
    data: bytes = field(default=b"", repr=False)
    """An image's bytes; empty for a text."""
    size: int = 0
    """Bytes as they were read."""
    language: str = ""
    """What a fence is tagged with (`python`); empty: plain text."""

    @property
    def data_url(self) -> str:
        """An image as the chat API takes it (RFC 2397)."""
        return f"data:{self.mime};base64,{base64.b64encode(self.data).decode('ascii')}"

    @property
    def part(self) -> Part:
        """An image as a part of a message's content."""
        return {"type": "image_url", "image_url": {"url": self.data_url}}

"""Pictures in results: recognised by their contents, within the limits of attachments."""

from __future__ import annotations

from gptchat.attachments import images
from gptchat.attachments.limits import SizeLimits
from gptchat.core.attachments import Attachment
from gptchat.core.messages import Part


def picture_part(data: bytes) -> Part | None:
    """`data` as a part of a message if it is a picture that models take; else None."""
    mime = images.recognise(data) if len(data) <= SizeLimits().image else None
    return Attachment("", "image", "", mime, data, len(data)).part if mime else None

"""Pictures, sounds and other files of a reply: their label in the text and their part in the message.

The text of a message holds a short label where the data stood; a part beside the text names the file.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, Self

from gptchat.core.messages import Content, Message, Part
from gptchat.values import dataclass
from gptchat.words import _

Kind = Literal["image", "audio", "video", "file"]

MOST = 48_000_000
"""Characters of base64 that are kept of one file; a longer one is dropped."""

_ENDINGS = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/jpg": "jpg",
    "image/gif": "gif",
    "image/webp": "webp",
    "image/bmp": "bmp",
    "image/avif": "avif",
    "image/heic": "heic",
    "image/tiff": "tiff",
    "image/x-icon": "ico",
    "image/vnd.microsoft.icon": "ico",
    "image/svg+xml": "svg",
    "audio/mpeg": "mp3",
    "audio/mp3": "mp3",
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "audio/wave": "wav",
    "audio/ogg": "ogg",
    "audio/opus": "opus",
    "audio/flac": "flac",
    "audio/aac": "aac",
    "audio/mp4": "m4a",
    "audio/webm": "weba",
    "audio/pcm": "pcm",
    "audio/pcm16": "pcm",
    "video/mp4": "mp4",
    "video/webm": "webm",
    "application/pdf": "pdf",
    "application/zip": "zip",
    "application/json": "json",
    "text/plain": "txt",
    "text/html": "html",
    "text/css": "css",
    "text/csv": "csv",
    "font/woff2": "woff2",
    "font/woff": "woff",
}
_MAGIC = (
    (b"\x89PNG\r\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"BM", "image/bmp"),
    (b"<svg", "image/svg+xml"),
    (b"ID3", "audio/mpeg"),
    (b"OggS", "audio/ogg"),
    (b"fLaC", "audio/flac"),
    (b"%PDF-", "application/pdf"),
)
_NAME = re.compile(r"[0-9a-f]{64}\.[a-z0-9]{1,6}\Z")


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file that a message names. `name` is its name in the user's folder of files: digest and ending."""

    kind: Kind
    name: str
    mime: str
    size: int
    label: str
    """What stands in the text of the message in its place."""
    alt: str = ""

    @property
    def part(self) -> Part:
        """The content part of a message that names the file."""
        alt = {"alt": self.alt} if self.alt else {}
        return {
            "type": self.kind,
            "file": self.name,
            "mime": self.mime,
            "size": self.size,
            "label": self.label,
            **alt,
        }

    @classmethod
    def from_part(cls, part: Part) -> Self | None:
        """The file that a content part names; None if it is another part, or its name is none of ours."""
        kind, name, size = part.get("type"), part.get("file"), part.get("size")
        if kind not in ("image", "audio", "video", "file") or not isinstance(name, str) or not _NAME.match(name):
            return None
        mime, label, alt = (str(part.get(key) or "") for key in ("mime", "label", "alt"))
        return cls(kind, name, mime, size if isinstance(size, int) else 0, label, alt)


def files_of(message: Message) -> list[KeptFile]:
    """The files that `message` names, in their order."""
    if isinstance(message.content, str):
        return []
    return [file for part in message.content if (file := KeptFile.from_part(part)) is not None]


def content_with(text: str, files: Sequence[KeptFile]) -> Content:
    """The content of a reply: its text, followed by a part for each file."""
    return [{"type": "text", "text": text}, *(file.part for file in files)] if files else text


def text_alone(message: Message) -> Content:
    """The content of `message` for a request: each label becomes a short note, and no file is named."""
    files = files_of(message)
    if not files or isinstance(message.content, str):
        return message.content
    rest: list[Part] = [dict(part) for part in message.content if KeptFile.from_part(part) is None]
    for part in rest:
        for file in files:
            if file.label and isinstance(part.get("text"), str):
                part["text"] = part["text"].replace(file.label, f"[{file.kind}]", 1)  # type: ignore[index]  # a copy
    if all(part.get("type") == "text" for part in rest):
        return "\n\n".join(str(part.get("text", "")) for part in rest)
    return rest


def label(mime: str, size: int, number: int = 0) -> str:
    """What stands in the text for a file of `size` bytes: `▨ image (png, 0.9 MB) · 1`; 0 is no number."""
    about = _("{kind} ({format}, {size})").format(kind=_sign(mime), format=ending(mime), size=size_words(size))
    return f"{about} · {number}" if number else about


def refusal(mime: str, why: str) -> str:
    """What stands in the text for data of which no file was made: `▨ image (png): why`."""
    return _("{kind} ({format}): {why}").format(kind=_sign(mime), format=ending(mime), why=why)


def _sign(mime: str) -> str:
    names = {"image": _("▨ image"), "audio": _("♪ sound"), "video": _("▷ video"), "file": _("▤ file")}
    return names[kind_of(mime)]


def kind_of(mime: str) -> Kind:
    """The kind of a file by its media type."""
    match mime.partition("/")[0]:
        case "image":
            return "image"
        case "audio":
            return "audio"
        case "video":
            return "video"
    return "file"


def ending(mime: str) -> str:
    """The file ending for a media type, without the dot; `bin` if it is unknown."""
    return _ENDINGS.get(mime.lower(), "bin")


def size_words(count: int) -> str:
    """`count` bytes in words: `812 B`, `12 kB`, `0.9 MB`."""
    if count < 1000:
        return f"{count} B"
    return f"{count / 1000:.0f} kB" if count < 100_000 else f"{count / 1_000_000:.1f} MB"


def size_of(payload: str) -> int:
    """The bytes that the base64 text `payload` stands for, without decoding it; -1 if it cannot be decoded."""
    bare = len(_plain(payload).rstrip("="))
    return -1 if bare % 4 == 1 or not bare else bare * 3 // 4


def decoded(payload: str) -> bytes:
    """The bytes of base64 text, also of its URL-safe form and without padding. Raises ValueError."""
    import base64
    import binascii

    payload = _plain(payload).rstrip("=")
    if "-" in payload or "_" in payload:
        payload = payload.replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(payload + "=" * (-len(payload) % 4), validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from None


def _plain(payload: str) -> str:
    """`payload` without percent encoding."""
    if "%" not in payload:
        return payload
    from urllib.parse import unquote

    return unquote(payload)


def name_of(data: bytes, mime: str) -> str:
    """The name under which a file is kept: its SHA-256 digest and its ending."""
    import hashlib

    return f"{hashlib.sha256(data).hexdigest()}.{ending(mime)}"


def fits(name: str, data: bytes) -> bool:
    """Whether `name` is a file name of ours and `data` what it names."""
    return bool(_NAME.match(name)) and name.startswith(name_of(data, "")[:64])


def type_of(payload: str, declared: str = "") -> str:
    """The media type of base64 text: as `declared` if that is known, else by its first bytes."""
    return declared.lower() if declared.lower() in _ENDINGS else sniffed(payload, declared)


def sniffed(payload: str, otherwise: str) -> str:
    """The media type of base64 text by its first bytes; `otherwise` if they tell nothing."""
    try:
        begin = decoded(payload[:64])
    except ValueError:
        begin = b""
    if begin[:4] == b"RIFF":
        return {b"WEBP": "image/webp", b"WAVE": "audio/wav"}.get(begin[8:12], "application/octet-stream")
    found = (mime for magic, mime in _MAGIC if begin.startswith(magic))
    return next(found, otherwise.lower() or "application/octet-stream")


def data_address(mime: str, data: bytes) -> str:
    """`data` as a data address (RFC 2397)."""
    import base64

    return f"data:{mime};base64,{base64.b64encode(data).decode('ascii')}"


def grown(old: Message, piece: Message) -> Content:
    """The content of `old` continued by `piece`, with the files of both."""
    kept, new = files_of(old), files_of(piece)
    if isinstance(old.content, str) or (kept and len(old.content) == 1 + len(kept)):
        return content_with(old.text + piece.text, [*kept, *new])
    return [*old.content, {"type": "text", "text": piece.text}, *(file.part for file in new)]

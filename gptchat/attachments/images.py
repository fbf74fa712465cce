"""Images by their first bytes: PNG, JPEG, WebP, GIF, and their width and height for counting tokens."""

from __future__ import annotations

import struct
from dataclasses import dataclass

_OTHERS = (
    (b"BM", "BMP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"\0\0\1\0", "ICO"),
    (b"8BPS", "Photoshop"),
)
_HEIC = (b"ftypheic", b"ftypheix", b"ftypmif1", b"ftypavif")


@dataclass(frozen=True, slots=True)
class Picture:
    """What an image's header tells; pixels are 0 where the header is damaged."""

    mime: str
    width: int = 0
    height: int = 0


def recognise(data: bytes) -> Picture | None:
    """The kind and size of an image that models take, or None for anything else."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return Picture("image/png", *_pair(">II", data, 16))
    if data.startswith((b"GIF87a", b"GIF89a")):
        return Picture("image/gif", *_pair("<HH", data, 6))
    if data.startswith(b"\xff\xd8\xff"):
        return Picture("image/jpeg", *_jpeg(data))
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return Picture("image/webp", *_webp(data))
    return None


def other_image(data: bytes) -> str:
    """The name of an image format that models do not take, or an empty string."""
    if data[4:12] in _HEIC:
        return "HEIC/AVIF"
    return next((name for magic, name in _OTHERS if data.startswith(magic)), "")


def _pair(layout: str, data: bytes, offset: int) -> tuple[int, int]:
    try:
        first, second = struct.unpack_from(layout, data, offset)
    except struct.error:
        return 0, 0
    return first, second


def _jpeg(data: bytes) -> tuple[int, int]:
    """Width and height stand in the frame header, SOF0 to SOF15 (ITU-T T.81, B.2.2)."""
    offset = 2
    while offset + 9 <= len(data) and data[offset] == 0xFF:
        marker = data[offset + 1]
        if marker == 0xFF:  # fill bytes may stand before any marker
            offset += 1
            continue
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = _pair(">HH", data, offset + 5)
            return width, height
        offset += 2 + struct.unpack_from(">H", data, offset + 2)[0]
    return 0, 0


def _webp(data: bytes) -> tuple[int, int]:
    """The three kinds of WebP: lossy, lossless, extended (RFC 9649, sections 2.5 to 2.7)."""
    match data[12:16]:
        case b"VP8 ":
            width, height = _pair("<HH", data, 26)
            return width & 0x3FFF, height & 0x3FFF
        case b"VP8L" if len(data) >= 25:
            bits = int.from_bytes(data[21:25], "little")
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8X" if len(data) >= 30:
            return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    return 0, 0

"""Detects image formats by their first bytes: those that models accept (PNG, JPEG, WebP, GIF) and others."""

from __future__ import annotations

_OTHERS = (
    (b"BM", "BMP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"\0\0\1\0", "ICO"),
    (b"8BPS", "Photoshop"),
)
_HEIC = (b"ftypheic", b"ftypheix", b"ftypmif1", b"ftypavif")


def recognise(data: bytes) -> str:
    """The media type of an image format that models accept; empty for anything else."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return ""


def other_image(data: bytes) -> str:
    """The name of an image format that models do not accept; empty for anything else."""
    if data[4:12] in _HEIC:
        return "HEIC/AVIF"
    return next((name for magic, name in _OTHERS if data.startswith(magic)), "")

"""Images: their formats, by the first bytes, and their size, which is made to fit what servers take."""

from __future__ import annotations

from gptchat.attachments.limits import SizeLimits, human_size
from gptchat.errors import UsageError
from gptchat.foreign.picture_size import picture_size
from gptchat.words import _

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


def fitting(name: str, data: bytes, mime: str, limits: SizeLimits) -> tuple[str, bytes]:
    """The media type and bytes of the image `data`, made smaller where servers would refuse it, or do it anyway.

    That takes Pillow. Without it `data` itself is returned, unless it is too large. Blocks. Raises UsageError.
    """
    size = picture_size(data)
    if len(data) <= limits.image and (size is None or max(size) <= limits.side):
        return mime, data
    if not _can_shrink():
        if len(data) <= limits.image:
            return mime, data
        raise UsageError(
            _("{name} has {size}, and servers take images of at most {limit}").format(
                name=name, size=human_size(len(data)), limit=human_size(limits.image)
            ),
            hint=_('make it smaller, or let gptchat do it: pip install "gptchat[images]"'),
        )
    from base64 import b64decode

    from gptchat.foreign.child import ChildLimits, read

    most = ChildLimits(seconds=limits.reading, memory=2_000_000_000)
    task = "gptchat.foreign.pictures:shrink"
    mime, text, *_size = next(read(task, data, name, limits=most, side=limits.side, most=limits.image))
    return mime, b64decode(text)


def smaller_note(name: str, before: bytes, after: bytes) -> str:
    """What to tell of an image that was made smaller."""
    return _("{name} was made smaller: {before}, now {after}").format(
        name=name, before=_measures(before), after=_measures(after)
    )


def _measures(data: bytes) -> str:
    size = picture_size(data)
    pixels = [f"{size[0]} × {size[1]}"] if size else []
    return _(", ").join([*pixels, human_size(len(data))])


def _can_shrink() -> bool:
    import sys
    from importlib.util import find_spec

    return sys.modules["PIL"] is not None if "PIL" in sys.modules else find_spec("PIL") is not None

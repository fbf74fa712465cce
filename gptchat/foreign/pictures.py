"""Makes a picture smaller, with Pillow, if that is installed."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, Any

from gptchat.errors import UsageError
from gptchat.words import _

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

_SHARP = 1_000_000
"""Bytes up to which a picture without loss stays one: screenshots with text do, photographs do not."""


def shrink(file: IO[bytes], arguments: dict[str, Any], _step: object) -> Iterator[list[Any]]:
    """Yield `[mime, base64, width, height]` of the picture, at most `side` pixels long and `most` bytes large.

    A reader, see `process`. A picture that moves becomes its first frame. Raises UsageError.
    """
    from PIL import Image, ImageOps

    name, side, most = arguments["name"], arguments["side"], arguments["most"]
    try:
        with Image.open(file) as opened:
            opened.draft("RGB", (side, side))
            picture: Picture = ImageOps.exif_transpose(opened)
            picture.thumbnail((side, side))
            clear = picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info
            photograph = opened.format == "JPEG"
        for mime, data in _written(picture, clear=clear, photograph=photograph):
            last = mime != "image/png" or len(data) <= _SHARP or (clear and len(data) <= most)
            if last and len(data) <= most:
                yield [mime, base64.b64encode(data).decode("ascii"), *picture.size]
                return
    except MemoryError:
        raise
    except Exception as error:  # Pillow raises almost any exception for a damaged picture
        raise UsageError(
            _("{name} cannot be read as a picture: {why}").format(
                name=name, why=str(error)[:300] or type(error).__name__
            ),
            hint=_("open it in a viewer and save it anew"),
        ) from error
    raise UsageError(
        _("{name} cannot be made small enough").format(name=name), hint=_("cut out the part that matters")
    )


def _written(picture: Picture, *, clear: bool, photograph: bool) -> Iterator[tuple[str, bytes]]:
    """The picture in files of less and less bytes."""
    if not photograph:
        yield "image/png", _saved(picture.convert("RGBA" if clear else "RGB"), "PNG", optimize=True)
    plain = picture.convert("RGBA" if clear else "RGB")
    if clear:
        from PIL import Image

        ground = Image.new("RGB", picture.size, "white")
        ground.paste(plain, mask=plain.getchannel("A"))
        plain = ground
    for quality in (85, 70, 50):
        yield "image/jpeg", _saved(plain, "JPEG", quality=quality, optimize=True)


def _saved(picture: Picture, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()

"""Token cost of images, after OpenAI's documentation ("Images and vision", calculating costs)."""

from __future__ import annotations

import binascii
import math
import re
from base64 import b64decode
from collections.abc import Mapping
from typing import Any, NamedTuple

from gptchat.foreign.picture_size import picture_size
from gptchat.tokens.names import bare


class Tiles(NamedTuple):
    """Scale down to 2048 x 2048, then to a short side of 768; `base` plus `tile` per 512 x 512 tile."""

    base: int
    tile: int


class Patches(NamedTuple):
    """32 x 32 patches times `factor`, after scaling down to at most `high` or `original` patches; None: no bound.

    `auto` names the bound used if the request sets no detail.
    """

    high: int
    original: int | None
    factor: float
    auto: str = "high"


_RULES: tuple[tuple[str, Tiles | Patches], ...] = (
    (r"(gpt-4\.1-mini|gpt-5(\.\d+)?-mini)", Patches(1536, 1536, 1.62)),
    (r"(gpt-4\.1-nano|gpt-5(\.\d+)?-nano)", Patches(1536, 1536, 2.46)),
    (r"o4-mini", Patches(1536, 1536, 1.72)),
    (r"gpt-4o-mini", Tiles(2833, 5667)),
    (r"(gpt-4|chatgpt-4o)", Tiles(85, 170)),
    (r"o[13]", Tiles(75, 150)),
    (r"computer-use-preview", Tiles(65, 129)),
    (r"gpt-5(-chat|-\d|$)", Tiles(70, 140)),
    (r"(gpt-5\.[0-3]|.*codex)", Patches(1536, 1536, 1.0)),
    (r"gpt-5\.4", Patches(2500, 10_000, 1.0)),
    (r"gpt-5\.5", Patches(2500, 10_000, 1.0, "original")),
    (r"gpt-", Patches(2500, None, 1.0, "original")),
)
_OTHERS = Patches(2500, 10_000, 1.0)
"""For models without a known rule: the rule of gpt-5.4, which is higher than most."""

_LARGEST_TILES = 8
"""Maximum tiles of an image: 768 x 2048 pixels."""
_LARGEST_PATCHES = 10_000
_LOW_PATCHES = 256
"""Patches of 512 x 512 pixels, the size used for `low` detail."""
_PATCH, _TILE = 32, 512


def image_tokens(part: Mapping[str, Any], model: str) -> int:
    """Tokens of an image part of a message. An image of unreadable size counts as the largest."""
    image = part.get("image_url")
    url = image.get("url") if isinstance(image, Mapping) else image
    named = image.get("detail") if isinstance(image, Mapping) else part.get("detail")
    return tokens_for(data_size(url) if isinstance(url, str) else None, str(named or "auto"), model)


def tokens_for(size: tuple[int, int] | None, detail: str, model: str) -> int:
    """Tokens of an image of `size` (width, height in pixels; None: unknown) at `detail` for `model`."""
    name = bare(model)
    rule = next((rule for pattern, rule in _RULES if re.match(pattern, name)), _OTHERS)
    if isinstance(rule, Tiles):
        return (
            rule.base if detail == "low" else rule.base + rule.tile * (_tiles(*size) if size else _LARGEST_TILES)
        )
    level = rule.auto if detail == "auto" else detail
    bound = {"low": _LOW_PATCHES, "original": rule.original}.get(level, rule.high)
    patches = _patches(*size, bound) if size else bound or _LARGEST_PATCHES
    return math.ceil(patches * rule.factor)


def data_size(url: str) -> tuple[int, int] | None:
    """Width and height in pixels of the PNG, JPEG, GIF or WebP in a `data:` URL; None if unknown."""
    head, _, body = url[:400_000].partition(",")
    if not head.startswith("data:") or not head.endswith(";base64"):
        return None
    try:
        data = b64decode(body[: len(body) // 4 * 4])
    except (binascii.Error, ValueError):
        return None
    return picture_size(data)


def _tiles(width: int, height: int) -> int:
    scale = min(1.0, 2048 / max(width, height))
    scale = min(scale, 768 / min(width, height))
    # round to whole pixels first, so that a rounding error does not add a tile
    return math.ceil(round(width * scale) / _TILE) * math.ceil(round(height * scale) / _TILE)


def _patches(width: int, height: int, bound: int | None) -> int:
    across, down = math.ceil(width / _PATCH), math.ceil(height / _PATCH)
    if bound is None or across * down <= bound:
        return across * down
    scale = math.sqrt(bound * _PATCH**2 / (width * height))
    wide, high = width * scale / _PATCH, height * scale / _PATCH
    scale = min(max(math.floor(wide), 1) / wide, max(math.floor(high), 1) / high)
    return min(max(math.ceil(wide * scale - 1e-9), 1) * max(math.ceil(high * scale - 1e-9), 1), bound)

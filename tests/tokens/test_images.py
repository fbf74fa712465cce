"""Images cost what OpenAI's guide says; the expected numbers are its own examples, or bills people reported."""

from __future__ import annotations

import struct
import zlib
from base64 import b64encode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gptchat.tokens.images import data_size, image_tokens, tokens_for

GUIDE = "OpenAI guide 'Images and vision', calculating costs"
BILLS = "prompt tokens of a 128x64 image, less 12 of text: community.openai.com/t/1262691"


@pytest.mark.parametrize(
    ("model", "size", "detail", "tokens", "source"),
    [
        ("gpt-4o", (1024, 1024), "high", 765, GUIDE),
        ("gpt-4o", (2048, 4096), "high", 1105, GUIDE),
        ("gpt-4o", (4096, 8192), "low", 85, GUIDE),
        ("gpt-4.1-mini", (1024, 1024), "high", 1659, f"{GUIDE}: 1024 patches x 1.62"),
        ("gpt-5.2", (1800, 2400), "high", 1452, f"{GUIDE}: 1452 patches"),
        ("gpt-4.1-mini", (2400, 1800), "high", 2353, f"{GUIDE}: 1452 patches x 1.62"),
        ("gpt-4o-2024-11-20", (128, 64), "low", 97 - 12, BILLS),
        ("gpt-4o-2024-11-20", (128, 64), "high", 267 - 12, BILLS),
        ("gpt-4o-mini-2024-07-18", (128, 64), "low", 2845 - 12, BILLS),
        ("gpt-4o-mini-2024-07-18", (128, 64), "high", 8512 - 12, BILLS),
        ("gpt-4-turbo-2024-04-09", (128, 64), "high", 267 - 12, BILLS),
        ("gpt-5.6", (4000, 3000), "auto", 125 * 94, f"{GUIDE}: auto keeps the size, 32 x 32 patches"),
    ],
)
def test_published_examples(model: str, size: tuple[int, int], detail: str, tokens: int, source: str) -> None:
    """An image's tokens are those of the published rule of its model's family."""
    assert tokens_for(size, detail, model) == tokens, source


@pytest.mark.parametrize("model", ["gpt-4o", "gpt-5", "o3", "gpt-5-nano", "gpt-5.4", "gpt-5.5", "qwen-vl-max"])
@given(width=st.integers(1, 9000), height=st.integers(1, 9000), detail=st.sampled_from(["high", "low", "auto"]))
def test_unknown_size_is_the_largest(model: str, width: int, height: int, detail: str) -> None:
    """An image whose size cannot be read never costs more than was reckoned."""
    assert 0 < tokens_for((width, height), detail, model) <= tokens_for(None, detail, model)


def _png(width: int, height: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))


def _jpeg(width: int, height: int, kind: int) -> bytes:
    exif = b"\xff\xe1" + struct.pack(">H", 70 + 2) + b"E" * 70
    frame = bytes((0xFF, kind)) + struct.pack(">HBHHB", 17, 8, height, width, 3) + bytes(9)
    return b"\xff\xd8" + exif + b"\xff" + frame + b"\xff\xd9"


def _gif(width: int, height: int) -> bytes:
    return b"GIF89a" + struct.pack("<HH", width, height) + bytes(10)


def _webp(width: int, height: int, kind: bytes) -> bytes:
    if kind == b"VP8X":
        body = bytes(4) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    elif kind == b"VP8L":
        body = b"\x2f" + ((width - 1) | (height - 1) << 14).to_bytes(4, "little") + bytes(8)
    else:
        body = bytes(3) + b"\x9d\x01\x2a" + struct.pack("<HH", width, height) + bytes(4)
    return b"RIFF" + bytes(4) + b"WEBP" + kind + bytes(4) + body


@given(width=st.integers(1, 16000), height=st.integers(1, 16000))
def test_sizes_are_read(width: int, height: int) -> None:
    """The size of a PNG, JPEG, GIF or WebP is read from its first bytes."""
    images = [_png(width, height), _gif(width, height)]
    images += [_jpeg(width, height, kind) for kind in (0xC0, 0xC1, 0xC2, 0xCF)]  # baseline, extended, progressive
    images += [_webp(width, height, kind) for kind in (b"VP8X", b"VP8L", b"VP8 ")]
    for data in images:
        assert data_size("data:image/x;base64," + b64encode(data).decode()) == (width, height), data[:16]


@example(_png(0, 9), b"")
@example(_jpeg(9, 0, 0xC0), b"")
@example(_gif(0, 0), b"")
@given(
    st.binary(max_size=60),
    st.sampled_from([b"", b"\xff\xd8", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"RIFF0000WEBPVP8X"]),
)
def test_any_bytes_are_taken(data: bytes, start: bytes) -> None:
    """A damaged image, or none at all, is no failure."""
    size = data_size("data:image/x;base64," + b64encode(start + data).decode())
    assert size is None or min(size) > 0


@pytest.mark.parametrize(
    "url", ["https://example.com/cat.png", "data:image/png;base64,%%%", "data:text/plain,hi", ""]
)
def test_no_size_to_be_read(url: str) -> None:
    """An address on the web has no size that could be read, and counts as the largest image."""
    assert data_size(url) is None
    part = {"type": "image_url", "image_url": {"url": url}}
    assert image_tokens(part, "gpt-4o") == 85 + 8 * 170
    assert image_tokens({"type": "input_image", "image_url": url, "detail": "low"}, "gpt-4o") == 85

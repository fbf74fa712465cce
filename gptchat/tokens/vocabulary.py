"""Loads tiktoken encodings from local files. Nothing is ever downloaded."""

from __future__ import annotations

import hashlib
import os
import threading
from base64 import b64decode
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from gptchat.files import SMALL, read_regular

if TYPE_CHECKING:
    from tiktoken import Encoding

FOLDER = Path(__file__).with_name("vocab")


class _Published(NamedTuple):
    """The definition of an encoding in tiktoken 0.14 (tiktoken_ext/openai_public.py, MIT)."""

    cache_name: str
    """File name in a `TIKTOKEN_CACHE_DIR`: the SHA-1 of the URL that tiktoken would fetch."""
    sha256: str
    pattern: str


_PUBLISHED = {
    "cl100k_base": _Published(
        "9b5ad71b2ce5302211f9c61530b329a4922fc6a4",
        "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
        r"""'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+"""
        r"""|\s++$|\s*[\r\n]|\s+(?!\S)|\s""",
    ),
    "o200k_base": _Published(
        "fb374d419588a4632f3f557e76b4b70aebbca790",
        "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
        r"""[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"""
        r"""|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"""
        r"""|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+""",
    ),
}

CHUNK = 50_000
"""Maximum characters passed to tiktoken at once, because its regex panics on a million spaces."""

_loaded: dict[str, Encoding] = {}
_absent: set[str] = set()
_lock = threading.Lock()


def ready(name: str) -> bool:
    """Whether the encoding `name` is loaded."""
    return name in _loaded


def load(name: str, environ: Mapping[str, str] = os.environ) -> bool:
    """Load the encoding `name` (0.2 s; call it in a thread). Returns False if no valid file exists.

    A file in the user's `TIKTOKEN_CACHE_DIR` is preferred; if it is missing or damaged, the file in this package
    is used. Both must have the SHA-256 given in tiktoken's source.
    """
    with _lock:
        if name in _loaded:
            return True
        if name in _absent or name not in _PUBLISHED:
            return False
        published = _PUBLISHED[name]
        for path in _places(name, environ):
            try:
                data = read_regular(path, SMALL)
            except OSError:  # missing or unreadable: try the next place
                continue
            if hashlib.sha256(data).hexdigest() == published.sha256:
                _loaded[name] = _encoding(name, data, published.pattern)
                return True
        _absent.add(name)
        return False


def count(text: str, name: str) -> int:
    """Tokens of `text` in the loaded encoding `name`; special tokens such as `<|endoftext|>` count as text.

    Exact if every 50,000 characters contain a space or line end; otherwise each cut in an unbroken run can add
    one or two tokens. Lone surrogates count as U+FFFD. Raises KeyError if `name` is not loaded.
    """
    encode = _loaded[name].encode_ordinary
    if len(text) <= CHUNK:
        return len(encode(text))
    return sum(len(encode(piece)) for piece in pieces(text))


def pieces(text: str, size: int = CHUNK) -> Iterator[str]:
    """Split `text` into pieces of at most `size` characters, at token boundaries of both encodings.

    Both patterns attach a space to the text after it, so the position before a space that follows a visible
    character is always a boundary; so is a line end before a letter or digit. Otherwise the cut is at `size`.
    """
    start = 0
    while len(text) - start > size:
        end = start + size
        cut = text.rfind(" ", start + 1, end)
        if cut < 0 or text[cut - 1].isspace():
            cut = text.rfind("\n", start, end) + 1
            if cut <= start or not text[cut].isalnum():
                cut = end
        yield text[start:cut]
        start = cut
    yield text[start:]


def _places(name: str, environ: Mapping[str, str]) -> Iterator[Path]:
    if own := environ.get("TIKTOKEN_CACHE_DIR"):
        yield Path(own) / _PUBLISHED[name].cache_name
    yield FOLDER / f"{name}.tiktoken"


def _encoding(name: str, data: bytes, pattern: str) -> Encoding:
    from tiktoken import Encoding

    ranks = {b64decode(token): int(rank) for token, rank in (line.split() for line in data.splitlines() if line)}
    return Encoding(name, pat_str=pattern, mergeable_ranks=ranks, special_tokens={})

"""Bounds for what comes out of a zip: a small one may unpack to more than any machine holds."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import IO, NoReturn

from gptchat.errors import UsageError
from gptchat.words import _

MOST = 4_000_000_000
"""Bytes that the members read may have together, unpacked."""
_RATIO = 200
"""How many times their packed size members may have; text packs to a tenth, and a bomb to a thousandth."""
_HARMLESS = 50_000_000
"""Bytes up to which the ratio does not matter."""
_PIECE = 1 << 16


def check(name: str, archive: zipfile.ZipFile, members: Iterable[zipfile.ZipInfo]) -> None:
    """Raise UsageError if `members`, as `archive` declares them, unpack to too much."""
    members = list(members)
    size = sum(info.file_size for info in members)
    packed = sum(info.compress_size for info in members)
    if size > MOST or (size > _HARMLESS and size > packed * _RATIO):
        _refuse(name, size)
    where = sorted((info.header_offset, info.header_offset + info.compress_size) for info in members)
    if any(end > following for (_begin, end), (following, _) in pairwise(where)):
        _refuse(name, size)  # members that share their bytes


def limited(name: str, member: IO[bytes], most: int = _HARMLESS * 2) -> Iterator[bytes]:
    """The bytes of `member` in pieces. Raises UsageError beyond `most`, whatever the archive declares."""
    left = most
    while piece := member.read(_PIECE):
        left -= len(piece)
        if left < 0:
            _refuse(name, most)
        yield piece


def _refuse(name: str, size: int) -> NoReturn:
    raise UsageError(
        _("{name} is not unpacked: a small archive that becomes {size} MB is a trap").format(
            name=name, size=f"{size // 1_000_000:,}"
        ),
        hint=_("if you trust it, unpack it yourself and take the files in it"),
    )

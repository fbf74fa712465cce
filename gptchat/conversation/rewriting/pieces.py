"""Cuts a text at its paragraphs into pieces of a size, and takes from an answer what the model put around it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

_PARAGRAPHS = re.compile(r"\n[ \t]*\n\s*")
_LINES = re.compile(r"\n")
_SENTENCES = re.compile(r"(?<=[.!?])[ \t]+|(?<=[。！？；])")
_WORDS = re.compile(r"[ \t]+")
_FENCE = re.compile(r"\A(`{3,}|~{3,})[^\n`]*\n(.*?)\n?\1[ \t]*\Z", re.DOTALL)
_TAGS = re.compile(r"\A<text>\n?(.*?)\n?</text>\Z", re.DOTALL)


class TextPiece(NamedTuple):
    """A part of a text; `after` is the white space behind it, which no model sees."""

    text: str
    after: str


def pieces(text: str, size: Callable[[str], int], most: int) -> list[TextPiece]:
    """The parts of `text` in their order, each of at most `most` by `size` where it can be cut at all.

    What they hold, put together, is `text` without the white space around it. A paragraph that is too large is cut
    at its lines, these at sentences, and these between words.
    """
    return list(_joined(_cut(text, size, most, (_PARAGRAPHS, _LINES, _SENTENCES, _WORDS)), size, most))


def _cut(
    text: str, size: Callable[[str], int], most: int, borders: tuple[re.Pattern[str], ...]
) -> Iterator[TextPiece]:
    border, *finer = borders
    begin = 0
    for match in [*border.finditer(text), None]:
        end = match.start() if match else len(text)
        part, after = text[begin:end], match[0] if match else ""
        begin = match.end() if match else end
        if finer and size(part) > most:
            *inner, last = _cut(part, size, most, tuple(finer))
            yield from inner
            yield TextPiece(last.text, last.after + after)
        else:
            yield TextPiece(part, after)


def _joined(parts: Iterator[TextPiece], size: Callable[[str], int], most: int) -> Iterator[TextPiece]:
    """As few pieces as fit, each of neighbouring parts."""
    held: TextPiece | None = None
    total = 0
    for part in parts:
        count = size(part.text)
        if held is not None and total + count > most:
            yield held
            held, total = None, 0
        held = part if held is None else TextPiece(held.text + held.after + part.text, part.after)
        total += count
    if held is not None:
        yield held


def unwrapped(answer: str, piece: str) -> str:
    """`answer` without a fence or the marks of the request around the whole, unless `piece` has such a fence."""
    text = answer.strip()
    if (tagged := _TAGS.match(text)) and not _TAGS.match(piece.strip()):
        text = tagged[1].strip("\n")
    fenced = _FENCE.match(text)
    if fenced is not None and _is_whole(fenced[2], fenced[1]) and not _FENCE.match(piece.strip()):
        text = fenced[2]
    return text


def _is_whole(inner: str, fence: str) -> bool:
    """Whether each fence within `inner` is closed there, so that `fence` around it is one block."""
    fences = [line.strip() for line in inner.split("\n") if line.startswith(fence)]
    return len(fences) % 2 == 0 and all(opening != fence for opening in fences[::2])

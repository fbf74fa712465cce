"""The marks of list items and quotes before a line of source."""

from __future__ import annotations

import re
from collections.abc import Sequence

from gptchat.grammar.tree import Container

_ITEM = re.compile(r"( {0,3})([-+*]|\d{1,9}[.)])( *)(.?)")
QUOTE = re.compile(r"( *)> ?")
"""The mark of a quote, with the blanks before it as a group."""


def marker(text: str) -> str:
    """The indent, marker and blanks before a list item's content, as CommonMark counts them."""
    match = _ITEM.match(text)
    assert match is not None, "a list item begins with its marker"
    blanks = len(match[3]) if match[4] and 1 <= len(match[3]) <= 4 else 1
    return match[1] + match[2] + " " * blanks


def inside(lines: Sequence[str], path: Sequence[Container], number: int) -> str:
    """Line `number` without the prefixes of the containers of `path`."""
    marks: list[int] = []
    """The length of each item's marker; 0 for a quote."""
    for container in path:
        text = _stripped(lines[container.line], marks)
        marks.append(0 if container.kind == "quote" else len(marker(text)))
    return _stripped(lines[number], marks)


def _stripped(text: str, marks: Sequence[int]) -> str:
    for size in marks:
        text = text[size:] if size else QUOTE.sub("", text, count=1)
    return text

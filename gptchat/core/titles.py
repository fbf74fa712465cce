"""Makes a title from the first words of a text, in any script."""

from __future__ import annotations

import re

from gptchat.core.width import cells, cut

_ATTACHED = re.compile(r"(?:^|\n\n)`[^`\n]+`:\n\n```")
"""Matches the start of an attached file: its name, then a code fence."""


def shorten(text: str, width: int = 48) -> str:
    """Shorten `text` to one line of at most `width` columns (wide characters take two), cut at a word.

    Attached files in `text` are ignored, unless there is nothing else.
    """
    text = _ATTACHED.split(text, maxsplit=1)[0].strip() or text
    line = " ".join(text.lstrip()[: width * 40].split())
    fitting = cut(line, width)
    if fitting == len(line):
        return line
    return line[: _end(line, fitting)].rstrip(" ,.;:，。；：、") + "…"


def _end(line: str, index: int) -> int:
    """End index of a title that must be shorter than `index`: the last space, if it is not far back."""
    end = index - 1
    blank = line.rfind(" ", 0, index)
    wide = cells(line[end]) == 2
    return blank if not wide and blank >= index * 2 // 3 else end

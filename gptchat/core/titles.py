"""Makes a title from the first words of a text, in any script."""

from __future__ import annotations

import re

from gptchat.core.width import cells, cut

_ATTACHED = r"(?:^|\n\n)`[^`\n]+`:\n\n```"
"""Where the person's own words end and attached files begin, each in a fence under its name."""


def shorten(text: str, width: int = 48) -> str:
    """Shorten `text` to one line of at most `width` columns (wide characters take two), cut at a word.

    Attached files in `text` are ignored, unless there is nothing else.
    """
    if "```" in text:
        text = re.split(_ATTACHED, text, maxsplit=1)[0].strip() or text
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

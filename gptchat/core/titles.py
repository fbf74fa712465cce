"""A title from the first words of a text, in any script."""

from __future__ import annotations

import re
import unicodedata

_ATTACHED = re.compile(r"(?:^|\n\n)`[^`\n]+`:\n\n```")
"""Where the person's own words end and attached files begin, each in a fence under its name."""


def shorten(text: str, width: int = 48) -> str:
    """`text` as a one-line title of at most `width` columns (a wide character takes two), cut at a word.

    Files attached to a message are no part of its title.

    Width is Unicode's East Asian Width (UAX #11): W and F take two columns, combining marks none.
    """
    text = _ATTACHED.split(text, maxsplit=1)[0].strip() or text
    line = " ".join(text.lstrip()[: width * 40].split())
    used = 0
    for index, char in enumerate(line):
        used += 0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        if used > width:
            cut = _cut(line, index)
            return line[:cut].rstrip(" ,.;:，。；：、") + "…"
    return line


def _cut(line: str, index: int) -> int:
    """Where to end a title that must be shorter than `index`: at the last blank if it is not far back."""
    cut = index - 1
    blank = line.rfind(" ", 0, index)
    wide = unicodedata.east_asian_width(line[cut]) in "WF"
    return blank if not wide and blank >= index * 2 // 3 else cut

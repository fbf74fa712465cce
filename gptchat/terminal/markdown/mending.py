"""The line that is still being written, as it will most likely read: so that marks do not flicker."""

from __future__ import annotations

import re

_ONLY_MARKS = re.compile(
    r"[\s>]*(?:[-*+=_|:\s]+|#{1,6}|\d{1,9}[.)]?|[`~]{1,2}|[`~]{3}[^`~\s]*|\$\$?|\[|!\[?)\s*\Z"
)
_OPENING_MARK = re.compile(r"(?<![^\s(（])(?:[*_~]{1,3}|`|\[|!\[|\$)\Z")
_CODE_SPAN = re.compile(r"`[^`\n]+`")


def mended(source: str, partial: str) -> str:
    """The last line `partial`, not yet complete, after the complete lines `source`.

    A line that is a mark and nothing else yet is left out, and so is a mark that has only just been opened;
    bold and code that are open are closed.
    """
    if _ONLY_MARKS.match(partial):
        return ""
    partial = _OPENING_MARK.sub("", partial)
    paragraph = _CODE_SPAN.sub("", source[source.rfind("\n\n") + 1 :] + partial)
    if "`" in paragraph:
        return partial + "`" if paragraph.count("`") == 1 else partial
    if paragraph.count("**") % 2:
        return partial.rstrip(" *") + "**"
    return partial

"""Completes the unfinished last line of streamed Markdown as it will most likely be, so that nothing flickers."""

from __future__ import annotations

import re

_ONLY_MARKS = re.compile(
    r"[\s>]*(?:[-*+=_|:\s]+|[-*+]\s+\[[ xX]?\]?|#{1,6}|\d{1,9}[.)]?|[`~]{1,2}|[`~]{3}[^`~\s]*|\$\$?|\[|!\[?)\s*\Z"
)
_OPENING_MARK = re.compile(r"(?<![^\s(（])(?:[*_~]{1,3}|`|\[|!\[|\$)\Z")
_CODE_SPAN = re.compile(r"`[^`\n]+`")
_OPEN_LINK = re.compile(
    r"(?<![\\0-9A-Za-z_$\])])!?\[(?!\^|\d+(?:\]|\Z))([^\[\]`$\n]*)(?:\](?:\((?:[^()\s]|\([^()\s]*\))*)?)?\Z"
)
_STRONG = re.compile(r"(?<![0-9A-Za-z])\*\*(?=\S)(?!\w+[)}])|(?<=\S)\*\*(?![0-9A-Za-z])")
"""A mark of bold; not those of `2**10`, `a ** b` and `f(**options)`."""
_LIST_MARK = re.compile(r"[\s>]*(?:[-*+]|\d{1,9}[.)])\s+\Z")
_ROW_BEGIN = re.compile(r"\| +[^|\s]|\|[^|\s]+\|")


def mended(source: str, partial: str) -> str:
    """The incomplete last line `partial`, which follows the complete lines `source`, as it should be displayed.

    A line of marks only becomes empty, and an opening mark at the end is dropped; open bold and code are
    closed. An incomplete link becomes its text. A line that looks like the first row of a table gets
    a delimiter row.
    """
    table = _table(source, partial)
    if table:
        return table
    if _ONLY_MARKS.match(partial):
        return ""
    partial = _OPENING_MARK.sub("", partial)
    paragraph = _CODE_SPAN.sub("", source[source.rfind("\n\n") + 1 :] + partial)
    if "`" in paragraph:
        return partial + "`" if paragraph.count("`") == 1 else partial
    if len(_STRONG.findall(paragraph)) % 2:
        return _without_link(partial).rstrip(" *") + "**"
    return _without_link(partial)


def _without_link(partial: str) -> str:
    """`partial` with an incomplete link at its end replaced by the link's text."""
    link = _OPEN_LINK.search(partial)
    if link is None or _LIST_MARK.fullmatch(partial, 0, link.start()):
        return partial
    return partial[: link.start()] + link[1]


def _table(source: str, partial: str) -> str:
    """`partial` with the delimiter row that makes it a table, or that row alone; empty if it is no table.

    Covers the header row and an incomplete delimiter row below it.
    """
    above, _newline, last = source.removesuffix("\n").rpartition("\n")
    if not last.strip():
        if not _ROW_BEGIN.match(partial):
            return ""
        row = partial.rstrip().removesuffix("|")
        return f"{row}|\n" + "|---" * row.count("|") + "|"
    first = _ROW_BEGIN.match(last) and last.rstrip().endswith("|") and not above.rpartition("\n")[2].strip()
    if first and last.count("|") > 2 and re.fullmatch(r"[|:\s-]*", partial):
        return "|---" * (last.count("|") - 1) + "|"
    return ""

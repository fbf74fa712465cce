"""Code fences, and those inside of a fence that holds a Markdown document.

A document in a ```` ```markdown ```` fence has code of its own. In CommonMark the end of that code ends the whole
fence. Here a fence with a language opens an inner one, so that the next bare fence closes that.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from markdown_it.rules_block import StateBlock
from markdown_it.rules_block.fence import fence as commonmark_fence

from gptchat.core.safe import clean_line

_DOCUMENTS = frozenset(("markdown", "md", "mdx", "mkd", "qmd", "rmd"))
"""Languages whose text may hold fences."""
_OPEN = "\ufdd1"
"""A noncharacter before the open inner fences in rewritten source; `safe.clean` replaces it in replies."""
_LINE = re.compile(r"((?:(?:[-+*]|\d{1,9}[.)])[ ]+)*)(`{3,}(?=[^`\n]*\Z)|~{3,})[ \t]*(.*)")


class _Inner(NamedTuple):
    """An open inner fence: the length of its mark, its column, and whether it holds a document itself."""

    length: int
    column: int
    document: bool


def language(info: str) -> str:
    """The language of an info string: its first word (`python`, `{.python}`, `js title=x`); may be empty."""
    words = clean_line(info).split()
    return words[0].strip("{}.").split(",")[0].split(":")[0] if words else ""


def reopened(mark: str, inner: str | None) -> str:
    """The line that opens a fence again whose first lines are printed.

    `inner` is the token's `meta["inner"]`, or None. The language is left out where it is not needed: a `|` in it
    could look like a table.
    """
    return mark if inner is None else f"{mark}md{_OPEN}{inner}"


def fence(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """The rule of the parser. A fence that holds a document has its open inner fences in `meta["inner"]`."""
    begin = state.bMarks[start] + state.tShift[start]
    opening = _LINE.match(state.src, begin, state.eMarks[start])
    if silent or state.is_code_block(start) or opening is None or opening[1]:
        return commonmark_fence(state, start, end, silent)
    info, _mark, kept = opening[3].partition(_OPEN)
    if language(info).lower() not in _DOCUMENTS:
        return commonmark_fence(state, start, end, silent)
    inner = [_Inner(int(a), int(b), c == "1") for a, b, c in (one.split(":") for one in kept.split())]
    line, closed = _end(state, start, end, opening[2], inner)
    state.line = line + closed
    token = state.push("fence", "code", 0)
    token.info = info
    token.content = state.getLines(start + 1, line, state.sCount[start], True)
    token.markup = opening[2]
    token.map = [start, state.line]
    token.meta = {"inner": " ".join(f"{one.length}:{one.column}:{int(one.document)}" for one in inner)}
    return True


def _end(state: StateBlock, start: int, end: int, mark: str, inner: list[_Inner]) -> tuple[int, bool]:
    """The number of the closing line, or of the one after the block's last; whether it closes. Changes `inner`."""
    outer = _Inner(len(mark), 0, document=True)
    for line in range(start + 1, end):
        at = state.bMarks[line] + state.tShift[line]
        if at >= len(state.src) or (at < state.eMarks[line] and state.sCount[line] < state.blkIndent):
            return line, False
        found = _LINE.match(state.src, at, state.eMarks[line])
        if found is None or found[2][0] != mark[0]:
            continue
        around = inner[-1] if inner else outer
        length, column = len(found[2]), state.sCount[line] - state.blkIndent
        if length < around.length:
            continue
        if found[3]:
            if around.document:
                document = language(found[3]).lower() in _DOCUMENTS
                inner.append(_Inner(length, column + len(found[1]), document))
        elif not found[1] and column <= around.column + 3:
            if not inner:
                return line, True
            inner.pop()
    return end, False

"""Cuts a document into pieces that make sense alone: at headings and definitions, else at blank lines."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from gptchat.values import dataclass

MOST = 400
"""Estimated tokens of a piece; a longer paragraph is cut at a line, and a longer line at a character."""
LEAST = 120
"""A piece of fewer tokens takes in the section that follows it."""

_ATX = re.compile(r"(#{1,6})[ \t]+(\S.*?)[ \t]*#*$")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_UNDERLINE = re.compile(r"([=\-~^\"'`#*+.:_])\1{2,}\s*$")
_CODE = re.compile(
    r"[ \t]{0,8}"
    r"(?:(?:export|pub|public|private|protected|static|final|abstract|default|async|extern|unsafe|inline)"
    r"(?:\([a-z]+\))?[ \t]+)*(?:def|class|func|fn|function|struct|interface|enum|trait|impl|module|namespace|type"
    r"|sub|procedure|CREATE TABLE|CREATE VIEW)[ \t]+[\w(\"`]"
)
_PROSE = frozenset(("md", "markdown", "mdx", "rst", "txt", "text", "adoc", "org", ""))
_PAGE = "\f"


@dataclass(frozen=True, slots=True)
class Segment:
    """Lines `line` to `last` of a document, from 1; `heading` has the headings above them.

    `page` is the page of a paged document, from 1; 0 where there are none.
    """

    line: int
    last: int
    heading: str
    text: str
    page: int = 0


def weight(text: str) -> int:
    """Tokens of `text`, estimated: a quarter of the ASCII characters, and each other character."""
    if text.isascii():
        return len(text) // 4 + 1
    wide = sum(char > "\x7f" for char in text)
    return (len(text) - wide) // 4 + wide + 1


def cut(text: str, name: str = "", *, paged: bool = False, most: int = MOST) -> list[Segment]:
    """The pieces of the document `name`, whose ending tells what it is. With `paged`, a form feed ends a page."""
    found: list[Segment] = []
    first = 1
    for number, page in enumerate(text.split(_PAGE) if paged else [text], 1):
        lines = page.split("\n")
        found += _packed(lines, first, _heads(lines, name), number if paged else 0, most)
        first += len(lines)
    return found


def _heads(lines: Sequence[str], name: str) -> dict[int, tuple[int, str]]:
    """The lines at which a section begins, with the level and the title of each."""
    ending = name.rpartition("/")[2].lower().rpartition(".")[2] if "." in name.rpartition("/")[2] else ""
    return _titles(lines) if ending in _PROSE else _definitions(lines)


def _titles(lines: Sequence[str]) -> dict[int, tuple[int, str]]:
    """Headings of Markdown and reStructuredText."""
    found: dict[int, tuple[int, str]] = {}
    marks: list[str] = []
    fence = ""
    for at, line in enumerate(lines):
        if fence:
            if line.strip().startswith(fence):
                fence = ""
            continue
        if match := _FENCE.match(line):
            fence = match[1]
        elif match := _ATX.match(line):
            found[at] = len(match[1]), match[2]
        elif at and (match := _UNDERLINE.match(line)) and _is_title(lines[at - 1], line):
            if match[1] not in marks:
                marks.append(match[1])
            over = at > 1 and lines[at - 2].strip() == line.strip()
            found[at - 1 - over] = marks.index(match[1]) + 1, lines[at - 1].strip()
    return found


def _is_title(line: str, under: str) -> bool:
    """Whether `line` is the title above the underline `under`: alone, and hardly longer than it."""
    title = line.strip()
    return (
        bool(title)
        and not _UNDERLINE.match(line)
        and len(under.rstrip()) >= min(len(title), 3)
        and (not line[0].isspace() or len(line) - len(line.lstrip()) < 2)
    )


def _definitions(lines: Sequence[str]) -> dict[int, tuple[int, str]]:
    """Definitions of functions, classes and the like; a deeper indentation is a deeper level."""
    found: dict[int, tuple[int, str]] = {}
    for at, line in enumerate(lines):
        if _CODE.match(line):
            level = len(line) - len(line.lstrip())
            begin = at
            while begin and lines[begin - 1].lstrip().startswith("@"):  # its decorators belong to it
                begin -= 1
            found[begin] = level + 1, line.strip().rstrip("{:").strip()[:100]
    return found


def _packed(
    lines: Sequence[str], first: int, heads: dict[int, tuple[int, str]], page: int, most: int
) -> Iterator[Segment]:
    """Pieces of at most about `most` tokens: whole sections where they fit, else whole paragraphs."""
    above: list[tuple[int, str]] = []
    heading, begin, size = "", 0, 0
    for start, end, cost in _blocks(lines, heads, most):
        head = heads.get(start)
        if size and (size + cost > most or (head is not None and size >= LEAST)):
            yield from _piece(lines, begin, start, first, heading, page, most)
            begin, size = start, 0
        if head is not None:
            above = [*(one for one in above if one[0] < head[0]), head]
        if not size:
            begin, heading = start, " › ".join(title for _level, title in above)
        size += cost
        if end == len(lines):
            yield from _piece(lines, begin, end, first, heading, page, most)


def _blocks(lines: Sequence[str], heads: dict[int, tuple[int, str]], most: int) -> Iterator[tuple[int, int, int]]:
    """Runs of lines as (start, end, tokens): each begins at a section, behind a blank line, or when full."""
    start, cost, blank = 0, 0, False
    for at, line in enumerate(lines):
        tokens = weight(line) if line else 0
        if at > start and (at in heads or (blank and line.strip()) or (cost and cost + tokens > most)):
            yield start, at, cost
            start, cost = at, 0
        cost += tokens
        blank = not line.strip()
    yield start, len(lines), cost


def _piece(
    lines: Sequence[str], begin: int, end: int, first: int, heading: str, page: int, most: int
) -> Iterator[Segment]:
    while end > begin and not lines[end - 1].strip():
        end -= 1
    while begin < end and not lines[begin].strip():
        begin += 1
    if begin == end:
        return
    text = "\n".join(lines[begin:end])
    step = most * 4 if text.isascii() else most
    if end - begin > 1 or len(text) <= step * 2:
        yield Segment(first + begin, first + end - 1, heading, text, page)
        return
    for at in range(0, len(text), step):  # one long line, such as minified code
        yield Segment(first + begin, first + end - 1, heading, text[at : at + step], page)

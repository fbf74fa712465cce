"""Bounds for source of any shape: lines and paragraphs that are too long are cut, wherever they stand.

Time and memory of a parser grow faster than the text with some marks (`![` many thousand times), and a paragraph
that is still open is parsed again with each new line. A person writes neither lines nor paragraphs of this length.
Where something is cut depends on the source alone, so that a reply looks the same however it arrived.
"""

from __future__ import annotations

import copy
import re
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterable

from gptchat.core.safe import clean, suspects
from gptchat.grammar.tree import PLACEHOLDER, Piece

MOST = 4000
"""Characters of a line, and of a paragraph up to the end of the line that exceeds it."""
_SIGN = 8
"""Characters of the sign that `clean` shows for most characters that it replaces."""
_MOST_LINES = 100
"""Lines of a paragraph."""
_BLANKS = 3
"""Blank lines at the end of source that are kept: more of the same mean nothing, and would be parsed each time."""
_LITERAL = 4 * MOST
"""The same for pieces that are drawn as they stand, and so cost less."""
_LEADING = re.compile(r"[ \t>]{0,100}")
_PARTS = {"paragraph": MOST, "footnote": MOST, "maths": _LITERAL, "html": _LITERAL, "code": _LITERAL}


def taken(incoming: deque[str]) -> str:
    """Remove the beginning of `incoming` that has at most `MOST` characters once it is cleaned, and return it."""
    out: list[str] = []
    size = 0
    while incoming and size < MOST:
        text = incoming.popleft()
        shown = len(text) + (_SIGN - 1) * len(suspects(text, len(text)))
        if size + shown > MOST:
            most = 0 if out else _most(text)
            incoming.appendleft(text[most:])
            return "".join(out) or text[:most]
        out.append(text)
        size += shown
    return "".join(out)


def too_long(line: str) -> bool:
    """Whether `line` has more than `MOST` characters once it is cleaned. If so, so has any line it begins."""
    return len(line) > MOST // _SIGN and len(line) > _most(line)


def cut_line(line: str, prefix: str = "") -> tuple[str, str, str]:
    """A line that is `too_long` as its first part, the prefix of the line that goes on with it, and the rest.

    The prefix keeps the rest in the paragraph, code block or quote of its beginning. `prefix` is the one of `line`
    itself, if it goes on with another.
    """
    most = _most(line)
    at = line.rfind(" ", most // 2, most) + 1 or most
    lead = _LEADING.match(line)
    return line[:at], prefix or (lead[0] if lead else "") + PLACEHOLDER, line[at:]


def bounded(text: str, prefix: str = "") -> str:
    """`text` cleaned (`safe.clean`), its lines cut to about `MOST` characters.

    `prefix`: that of the first line, which goes on with another (`cut_line`); the caller puts it before the text.
    """
    if not too_long(text):
        return clean(text)
    lines = text.split("\n")
    if not any(map(too_long, lines)):
        return clean(text)
    out: list[str] = []
    short: list[str] = []
    for line in lines:
        if not too_long(line):
            short.append(line)
            continue
        if short:
            out.append(clean("\n".join(short)))
            short = []
        lead, known = "", prefix if not out else ""
        while too_long(line):
            part, known, line = cut_line(line, known)
            out.append(lead + clean(part))
            lead = known
        out.append(lead + clean(line))
    if short:
        out.append(clean("\n".join(short)))
    return "\n".join(out)


def without_blanks(source: str) -> str:
    """`source`, which ends with a newline, without most of the equal blank lines (also of a quote) at its end."""
    last = source[source.rfind("\n", 0, -1) + 1 :].rstrip(" \t\n")
    if last.strip(" \t>"):
        return source
    lines = source.split("\n")[:-1]
    at = len(lines)
    while at and lines[at - 1].rstrip(" \t") == last:
        at -= 1
    return "\n".join([*lines[: at + _BLANKS], ""])


def _most(line: str) -> int:
    """The length of the longest beginning of `line` that has at most `MOST` characters once it is cleaned.

    `MOST` where the line is shorter. Only its first `MOST` characters are looked at.
    """
    replaced = suspects(line, MOST)
    if not replaced:
        return MOST
    shown = range(MOST + 1)
    return bisect_right(shown, MOST, key=lambda at: at + (_SIGN - 1) * bisect_left(replaced, at)) - 1


def divided(found: Iterable[Piece]) -> list[Piece]:
    """The pieces, those that are too long in parts. The last part of one keeps its kind only if that is code."""
    out: list[Piece] = []
    for piece in found:
        most = _PARTS.get(piece.kind)
        if most is None or piece.token is None:
            out.append(piece)
            continue
        size, lines = max(len(piece.token.markup), len(piece.text)), piece.end - piece.start
        if size <= most and lines <= _MOST_LINES:
            out.append(piece)
        else:
            out += _parts(piece, most)
    return out


def continuation(piece: Piece) -> list[str]:
    """The source lines of a part of a piece that another part precedes, without the prefixes of its containers."""
    lines = piece.text.removesuffix("\n").split("\n")
    if piece.kind == "code":
        return ["    " + line for line in lines]
    return [PLACEHOLDER + lines[0], *lines[1:]]


def _parts(piece: Piece, most: int) -> list[Piece]:
    assert piece.token is not None, "only an empty container has no token"
    text = piece.token.markup if piece.kind == "maths" else piece.text
    lines = text.removesuffix("\n").split("\n")
    literal = piece.kind in ("maths", "html")
    out: list[Piece] = []
    begin = size = 0
    for number, line in enumerate(lines, 1):
        size += len(line) + 1
        if size > most or number - begin >= _MOST_LINES or number == len(lines):
            part = copy.copy(piece)
            part.text = "\n".join(lines[begin:number])
            part.kind = "html" if literal else piece.kind if piece.kind == "code" or not out else "paragraph"
            part.end = piece.end - (len(lines) - number)
            if out:
                part.start, part.gap, part.divided = out[-1].end, False, True
                part.kind = "paragraph" if literal else part.kind
            out.append(part)
            begin, size = number, 0
            most = _PARTS.get(part.kind, most)
    if len(out) == 1:
        return [piece]
    return out

"""A Markdown source as a flat sequence of pieces, each knowing the containers it stands in.

A piece is a leaf: a paragraph, a heading, a fence, a table. Of a source that is still growing, every piece
but the last is final, for CommonMark closes blocks from the outside in and never opens one again.
"""

from __future__ import annotations

import re
from collections.abc import MutableMapping, Sequence
from typing import Any, Literal

from markdown_it.token import Token

from gptchat.terminal.markdown import parser
from gptchat.values import dataclass, field

Kind = Literal["paragraph", "heading", "rule", "fence", "code", "table", "html", "maths", "footnote", "empty"]

PLACEHOLDER = "\ufdd0"
"""A noncharacter that holds a container open in a rewritten source; `safe.clean` lets none through."""

_BLANK = re.compile(r"[\s>]*\Z")
_TASK = re.compile(r"\[([ xX])\][ \t]+(?=\S)")
_CALLOUT = re.compile(r"\[!(note|tip|important|warning|caution)\][ \t]*(?:\n|\Z)", re.IGNORECASE)
_LEAVES: dict[str, Kind] = {
    "paragraph_open": "paragraph",
    "heading_open": "heading",
    "hr": "rule",
    "fence": "fence",
    "code_block": "code",
    "table": "table",
    "html_block": "html",
    "math_block": "maths",
}


@dataclass(eq=False, slots=True)
class Container:
    """A list item or a quote. `begun` once a piece of it was printed."""

    kind: Literal["item", "quote"]
    line: int
    end: int
    """Its first line in the source, and the one after its last."""
    list_id: int = 0
    """Items of one list share it."""
    number: int | None = None
    """Of an ordered list's item."""
    delimiter: str = ""
    depth: int = 0
    """How many lists are around this one."""
    task: bool | None = None
    callout: str = ""
    begun: bool = False


@dataclass(slots=True)
class Piece:
    """A leaf with the containers it stands in, outermost first. Lines are those of the source, from 0."""

    kind: Kind
    token: Token | None
    text: str
    path: tuple[Container, ...]
    start: int
    end: int
    level: int = 0
    """Of a heading, 1 to 6."""
    gap: bool = False
    """Whether a blank line stands before it on the screen."""


@dataclass(slots=True)
class Opening:
    """What an earlier part of the source left open: the path of its last piece, and whether a gap follows."""

    path: tuple[Container, ...] = ()
    gap: bool = False


@dataclass(slots=True)
class _Walk:
    lines: Sequence[str]
    opening: Opening
    pieces: list[Piece] = field(default_factory=list)
    path: list[Container] = field(default_factory=list)
    lists: list[list[int]] = field(default_factory=list)
    """For each open list: its identity, and the number of its next item."""
    on_first: bool = True
    """Still on the way to the first leaf, where the containers are those of the opening."""
    count: int = 0


def pieces(source: str, env: MutableMapping[str, Any], opening: Opening) -> list[Piece]:
    """The pieces of `source`; its first ones continue what `opening` left open."""
    tokens = parser.blocks(source, env)
    walk = _Walk(source.split("\n"), opening)
    for index, token in enumerate(tokens):
        match token.type:
            case "bullet_list_open" | "ordered_list_open":
                walk.count += 1
                start = token.attrGet("start")
                walk.lists.append([walk.count, int(start) if start is not None else 1])
            case "bullet_list_close" | "ordered_list_close":
                walk.lists.pop()
            case "list_item_open":
                _open(walk, _item(walk, token))
            case "blockquote_open":
                _open(walk, Container("quote", *_lines(token)))
            case "list_item_close" | "blockquote_close":
                _close(walk)
            case kind if kind in _LEAVES:
                text = tokens[index + 1].content if kind.endswith("_open") else token.content
                _leaf(walk, token, text)
    return walk.pieces


def _item(walk: _Walk, token: Token) -> Container:
    mine = walk.lists[-1]
    container = Container("item", *_lines(token), list_id=mine[0], depth=len(walk.lists) - 1)
    old = _inherited(walk)
    if token.info or (old is not None and old.number is not None):
        number = old.number if old is not None and old.number is not None else mine[1]
        mine[1] = number + 1
        container.number, container.delimiter = number, token.markup
    return container


def _inherited(walk: _Walk) -> Container | None:
    """The container of the opening that stands where the next one of the walk will stand."""
    if walk.on_first and len(walk.path) < len(walk.opening.path):
        return walk.opening.path[len(walk.path)]
    return None


def _open(walk: _Walk, container: Container) -> None:
    old = _inherited(walk)
    if old is not None and old.kind == container.kind:
        container.begun = old.begun
        if old.begun:
            container.task, container.callout = old.task, old.callout
    walk.path.append(container)


def _close(walk: _Walk) -> None:
    container = walk.path[-1]
    if not container.begun and not any(container in piece.path for piece in walk.pieces[-1:]):
        _add(walk, Piece("empty", None, "", tuple(walk.path), container.line, container.end))
    walk.path.pop()
    walk.on_first = False


def _leaf(walk: _Walk, token: Token, text: str) -> None:
    start, end = _lines(token)
    kind = _LEAVES[token.type]
    if text == PLACEHOLDER:
        return
    level = int(token.tag[1]) if kind == "heading" else 0
    if token.meta and "footnote" in token.meta:
        kind = "footnote"
    inner = walk.path[-1] if walk.path else None
    first = inner is not None and not inner.begun and not any(inner in p.path for p in walk.pieces[-1:])
    if kind == "paragraph" and inner is not None and first:
        if inner.kind == "item" and (task := _TASK.match(text)):
            inner.task = task[1] != " "
            text = text[task.end() :]
        elif inner.kind == "quote" and (callout := _CALLOUT.match(text)):
            inner.callout = callout[1].lower()
            text = text[callout.end() :]
    _add(walk, Piece(kind, token, text, tuple(walk.path), start, end, level))


def _add(walk: _Walk, piece: Piece) -> None:
    if not walk.pieces:
        piece.gap = walk.opening.gap
    else:
        piece.gap = _gap(walk, walk.pieces[-1], piece)
    walk.pieces.append(piece)
    walk.on_first = False


def _gap(walk: _Walk, before: Piece, piece: Piece) -> bool:
    """Whether a blank line parts two pieces: inside of lists as in the source, else always."""
    if before.kind == "paragraph" and not before.text:
        return False  # the title of a call-out, and nothing else
    shared = 0
    for one, other in zip(before.path, piece.path, strict=False):
        if one is not other:
            break
        shared += 1
    outer = piece.path[shared] if shared < len(piece.path) else None
    sibling = before.path[shared] if shared < len(before.path) else None
    start = outer.line if outer is not None else piece.start
    same_list = outer is not None and sibling is not None and outer.kind == "item" == sibling.kind
    if same_list and outer is not None and sibling is not None and outer.list_id == sibling.list_id:
        return _blank(walk.lines, start - 1)
    if shared and piece.path[shared - 1].kind == "item":
        return _blank(walk.lines, start - 1)
    return True


def _blank(lines: Sequence[str], index: int) -> bool:
    return index >= 0 and _BLANK.match(lines[index]) is not None


def _lines(token: Token) -> tuple[int, int]:
    assert token.map is not None, "every block token has its lines"
    return token.map[0], token.map[1]

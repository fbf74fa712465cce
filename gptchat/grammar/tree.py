"""Splits Markdown source into a flat sequence of pieces, each with the containers around it.

A piece is a leaf block: a paragraph, heading, fence or table. While the source grows, every piece
but the last is final, because CommonMark never reopens a closed block.
"""

from __future__ import annotations

import re
from collections.abc import MutableMapping, Sequence
from typing import Any, Literal

from markdown_it.token import Token

from gptchat.grammar import parser
from gptchat.grammar.fences import language
from gptchat.grammar.rules import reading
from gptchat.values import dataclass, field

Kind = Literal["paragraph", "heading", "rule", "fence", "code", "table", "html", "maths", "footnote", "empty"]

PLACEHOLDER = parser.PLACEHOLDER
"""A noncharacter that holds a block open in rewritten source; `safe.clean` never lets it through."""

_YEAR = 1000
"""From this number on, two alike are no list that is to be counted: `2024. was …`."""
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
    """A list item or a quote. `begun` is set once a piece of it has been rendered."""

    kind: Literal["item", "quote"]
    line: int
    end: int
    """`line` is its first line in the source, `end` the one after its last."""
    list_id: int = 0
    """The same for all items of one list."""
    number: int | None = None
    """The number of an ordered list's item, as it is shown."""
    digits: int = 1
    """The least number of digits of `number`: 2 for `01.`."""
    written: int | None = None
    """The number in the source while all of the list so far are the same one; otherwise None."""
    sign: str = ""
    """The mark in the source: `-`, `*` or `+`; behind a number `.` or `)`."""
    depth: int = 0
    """Number of lists around this one."""
    task: bool | None = None
    callout: str = ""
    begun: bool = False


@dataclass(slots=True)
class Piece:
    """A leaf block with its containers, outermost first. Line numbers are those of the source, from 0."""

    kind: Kind
    token: Token | None
    text: str
    path: tuple[Container, ...]
    start: int
    end: int
    level: int = 0
    """1 to 6 for a heading, else 0."""
    gap: bool = False
    """Whether it is displayed after a blank line."""
    divided: bool = False
    """Whether it is a later part of a piece that was too long (`bounds.divided`)."""


@dataclass(slots=True)
class Opening:
    """State left open by earlier source: the containers of its last piece, and whether a blank line follows."""

    path: tuple[Container, ...] = ()
    gap: bool = False


@dataclass(slots=True)
class _List:
    """A list that is being read: its id, the number of its next item, and `Container.written`."""

    id: int
    following: int
    written: int | None = None
    begun: bool = False


@dataclass(slots=True)
class _Walk:
    talk: bool
    """Whether the rules of a conversation hold."""
    lines: Sequence[str]
    opening: Opening
    pieces: list[Piece] = field(default_factory=list)
    path: list[Container] = field(default_factory=list)
    lists: list[_List] = field(default_factory=list)
    """The open lists, outermost first."""
    on_first: bool = True
    """True until the first leaf, while the containers are those of the opening."""
    count: int = 0


def pieces(source: str, env: MutableMapping[str, Any], opening: Opening) -> list[Piece]:
    """The pieces of `source`; the first ones continue the containers of `opening`."""
    tokens = parser.blocks(source, env)
    walk = _Walk(reading(env).conversation, source.split("\n"), opening)
    for index, token in enumerate(tokens):
        match token.type:
            case "bullet_list_open" | "ordered_list_open":
                walk.count += 1
                start = token.attrGet("start")
                walk.lists.append(_List(walk.count, int(start) if start is not None else 1))
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


def language_of(piece: Piece) -> str:
    """The language of a fence; may be empty."""
    assert piece.token is not None, "a fence has its token"
    return language(piece.token.info)


def is_closed(piece: Piece) -> bool:
    """Whether the fence has a closing line."""
    return piece.end - piece.start == piece.text.count("\n") + 2


def _item(walk: _Walk, token: Token) -> Container:
    mine = walk.lists[-1]
    container = Container("item", *_lines(token), list_id=mine.id, depth=len(walk.lists) - 1, sign=token.markup)
    old = _inherited(walk)
    if old is not None and old.number is not None:
        container.number, container.digits, mine.written = old.number, old.digits, old.written
    elif token.info:
        container.number, container.digits = _number(walk, mine, token.info)
    if container.number is not None:
        container.written = mine.written
        mine.following, mine.begun = container.number + 1, True
    return container


def _number(walk: _Walk, mine: _List, text: str) -> tuple[int, int]:
    """The number and the digits of a list's next item. CommonMark counts from the first.

    A conversation's are as written, unless all are alike so far (1. 1. 1.). A year is never counted up.
    """
    written = int(text)
    if not walk.talk:
        return mine.following, 1
    digits = len(text) if text.startswith("0") else 1
    if not mine.begun:
        mine.written = written if written < _YEAR else None
    elif mine.written == written:
        return mine.following, digits
    else:
        mine.written = None
    return written, digits


def _inherited(walk: _Walk) -> Container | None:
    """The container of the opening that the next container continues; None if there is none."""
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
    if PLACEHOLDER in text:
        if text == PLACEHOLDER:
            return
        text = text.replace(PLACEHOLDER, "")
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
    """Whether a blank line separates two pieces: inside lists as in the source, otherwise always."""
    if before.kind == "paragraph" and not before.text:
        return False  # a call-out's title without text
    shared = 0
    for one, other in zip(before.path, piece.path, strict=False):
        if one is not other:
            break
        shared += 1
    outer = piece.path[shared] if shared < len(piece.path) else None
    sibling = before.path[shared] if shared < len(before.path) else None
    start = outer.line if outer is not None else piece.start
    if (_own_line(before) or _own_line(piece)) and before.kind not in ("heading", "rule", "fence"):
        return _blank(walk.lines, start - 1)  # these three are final at once, and always have a blank line behind
    same_list = outer is not None and sibling is not None and outer.kind == "item" == sibling.kind
    if same_list and outer is not None and sibling is not None and (walk.talk or outer.list_id == sibling.list_id):
        return _blank(walk.lines, start - 1)
    if shared and piece.path[shared - 1].kind == "item":
        return _blank(walk.lines, start - 1)
    return True


def _own_line(piece: Piece) -> bool:
    return piece.token is not None and "own_line" in piece.token.meta


def _blank(lines: Sequence[str], index: int) -> bool:
    return index >= 0 and _BLANK.match(lines[index]) is not None


def _lines(token: Token) -> tuple[int, int]:
    assert token.map is not None, "every block token has its lines"
    return token.map[0], token.map[1]

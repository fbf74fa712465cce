"""The Markdown grammar: CommonMark with tables and strike-through, plus extensions for model replies.

Added to markdown-it's rules: maths between dollars or `\\(`, `\\[`; footnotes; links to http, https and mailto
only. A conversation is read by further rules (`conversation`). No rule depends on text after its own end, so a
reply can be printed while it streams.
"""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from functools import lru_cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.parser_inline import ParserInline
from markdown_it.ruler import RuleOptionsType
from markdown_it.rules_block import StateBlock
from markdown_it.rules_block.paragraph import paragraph
from markdown_it.rules_block.table import escapedSplit, getLine, table
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from gptchat.core.safe import safe_url
from gptchat.grammar import rules

PLACEHOLDER = "\ufdd0"
_FOOTNOTE = re.compile(r"\[\^([^\]\s]{1,40})\]:[ \t]*")
_REFERENCE = re.compile(r"\[\^([^\]\s]{1,40})\]")
_DEEPEST = 50
"""Maximum nesting level that is parsed: 25 nested lists, or 50 quotes."""
_MOST_BRACKETS = 100
"""Opening brackets of a paragraph that are read as links: the time grows faster than their number."""
_MARKS = "*_~`$<&\\"
_MOST_MARKS = 400
"""The same of all other marks, of which prose with much code has a few dozen."""
_OTHER_BLOCK = re.compile(r">|#{1,6}(?:\s|\Z)|(?:[-+*]|\d{1,9}[.)])(?:\s|\Z)|`{3,}[^`]*\Z|~{3}")
"""Beginning of a quote, heading, list or code block: such a line is never a table's header."""
_CODE = re.compile(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)")
_CLOSERS = {"$$": "$$", "\\[": "\\]"}
_MONEY = re.compile(r"\d[\d,.]*(?:(?:/[a-z]+)?\s+[^\W\d_]{2,}|(?<=[,.])\Z|[KkMB]\b)")
_CJK_MONEY = re.compile(rf"\d[\d,.]*\s*{rules.CJK}")
_SIGN = re.compile(r"\\[A-Za-z]+\Z")
_NAME = re.compile(r"(?!(?:th|st|nd|rd|s)\b)[A-Za-z_{]")
"""Beginning of a variable's name; the ending in `$ij$th` is not one."""
_VARIABLE = re.compile(r"(?:[A-Za-z_]\w[^\\^={}]*|[^\\]*[-+,:;/=.(\[\x22'])\Z")
"""Text between the dollars of two shell variables: `$PATH:$HOME`, `$a/$b`."""


@lru_cache(maxsize=2)
def grammar(*, talk: bool = True) -> MarkdownIt:
    """The parser, built once for a conversation (`talk`) and once for CommonMark."""
    md = MarkdownIt("commonmark", {"html": True, "maxNesting": 2 * _DEEPEST})
    md.inline = ParserInline()
    if talk:
        rules.install(md)
    md.inline.ruler.enableOnly(
        [rule for rule in md.inline.ruler.get_all_rules() if rule not in ("linkify",)], ignoreInvalid=True
    )
    md.inline.ruler.before("backslash" if talk else "escape", "maths", _inline_maths)
    md.inline.ruler.before("link", "footnote_reference", _footnote_reference)
    md.enable(["table", "strikethrough"])
    md.block.ruler.at("table", _table, {"alt": ["paragraph", "reference"]})
    alt: RuleOptionsType = {"alt": ["paragraph", "reference", "blockquote", "list"]}
    md.block.ruler.before("table", "too_deep", _too_deep)
    md.block.ruler.before("blockquote", "maths", _block_maths, alt)
    md.block.ruler.before("reference", "footnote", _footnote, alt)
    md.validateLink = lambda url: safe_url(url) is not None  # type: ignore[method-assign] # the documented way
    return md


def blocks(source: str, env: MutableMapping[str, Any]) -> list[Token]:
    """The block tokens of `source`, without inline tokens (see `inline`). Link definitions are added to `env`."""
    tokens: list[Token] = []
    md = grammar(talk=rules.reading(env).conversation)
    md.block.parse(source.replace("\0", "\ufffd"), md, env, tokens)
    env.pop("duplicate_refs", None)  # a definition is parsed again with each line of its paragraph
    return tokens


def inline(content: str, env: MutableMapping[str, Any]) -> list[Token]:
    """The inline tokens of a paragraph, a heading or a table cell; text alone where marks abound."""
    if content.count("[") > _MOST_BRACKETS or (
        len(content) > _MOST_MARKS and sum(map(content.count, _MARKS)) > _MOST_MARKS
    ):
        return [Token("text", "", 0, content=content)] if "\n" not in content else _lines_of_text(content)
    md = grammar(talk=rules.reading(env).conversation)
    return md.inline.parse(content, md, env, [])


def _lines_of_text(content: str) -> list[Token]:
    tokens: list[Token] = []
    for line in content.split("\n"):
        tokens += [Token("softbreak", "br", 0), Token("text", "", 0, content=line.strip())]
    return tokens[1:]


def _too_deep(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Reads blocks beyond the maximum nesting as paragraphs, marks included; markdown-it would drop them."""
    if silent or state.level < _DEEPEST:
        return False
    return paragraph(state, start, end, False)


def _table(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """The table rule; keeps every cell in the token's `meta`, because markdown-it drops surplus cells."""
    if _OTHER_BLOCK.match(getLine(state, start)):
        return False
    before = len(state.tokens)
    if not table(state, start, end, silent):
        return False
    if not silent:
        token = state.tokens[before]
        lines = [getLine(state, line) for line in range(start, state.line)]
        del state.tokens[before + 1 :]
        token.type, token.nesting = "table", 0
        token.map = [start, state.line]
        header = _cells(lines[0])
        token.meta = {
            "header": header,
            "align": _cells(lines[1]),
            "rows": [_row(row, len(header)) for row in lines[2:]],
        }
        state.level = token.level
    return True


def _row(line: str, count: int) -> list[str]:
    """The cells of a row under `count` headers. If there are more cells, a `|` inside code does not separate.

    The grammar requires `\\|` there, but models write `` `a || b` ``.
    """
    cells = _cells(line)
    if len(cells) > count:
        whole = _cells(_CODE.sub(lambda code: re.sub(r"(?<!\\)\|", r"\\|", code[0]), line))
        if len(whole) <= count:
            return whole
    return cells


def _cells(row: str) -> list[str]:
    cells = [cell.strip() for cell in escapedSplit(row.strip().replace(PLACEHOLDER, ""))]
    if cells and not cells[0]:
        cells = cells[1:]
    if cells and not cells[-1]:
        cells.pop()
    return cells


def _block_maths(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Block maths, `$$ … $$` or `\\[ … \\]`: up to the closing mark, a blank line or the end of the container."""
    if state.sCount[start] < state.blkIndent or state.is_code_block(start):
        return False
    first = getLine(state, start).rstrip()
    closer = _CLOSERS.get(first[:2])
    if closer is None:
        return False
    body = first[2:]
    if closer in body and (
        not body.endswith(closer) or body.index(closer) != len(body) - 2 or not body[:-2].strip()
    ):
        return False
    if silent:
        return True
    line = start + 1
    closed = closer in body
    while not closed and line < end and not state.isEmpty(line) and state.sCount[line] >= state.blkIndent:
        closed = getLine(state, line).rstrip().endswith(closer)
        line += 1
    source = state.getLines(start, line, state.blkIndent, False).strip()
    state.line = line
    token = state.push("math_block", "math", 0)
    token.content = source[2:-2].strip() if closed else ""
    token.markup = source
    token.map = [start, line]
    return True


def _footnote(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """`[^name]: text`: a paragraph with the name in its `meta`. Runs before the rule for link definitions."""
    if state.sCount[start] < state.blkIndent or state.is_code_block(start):
        return False
    match = _FOOTNOTE.match(getLine(state, start))
    if not match:
        return False
    if silent:
        return True
    before = len(state.tokens)
    paragraph(state, start, end, False)
    state.tokens[before].meta = {"footnote": match[1]}
    text = state.tokens[before + 1]
    text.content = _FOOTNOTE.sub("", text.content, count=1)
    return True


def _footnote_reference(state: StateInline, silent: bool) -> bool:
    if state.src[state.pos] != "[":
        return False
    match = _REFERENCE.match(state.src, state.pos, state.posMax)
    if not match:
        return False
    if not silent:
        state.push("footnote_reference", "", 0).content = match[1]
    state.pos = match.end()
    return True


def _inline_maths(state: StateInline, silent: bool) -> bool:
    """Inline maths: `$x$`, `$$x$$`, `\\(x\\)` and `\\[x\\]`.

    `$x$` follows pandoc's rule (no blank inside the marks, no digit after them). Dollars of prices and of shell
    variables are text.
    """
    src, pos = state.src, state.pos
    opener = src[pos : pos + 2]
    if opener in ("\\(", "\\["):
        closer = "\\)" if opener == "\\(" else "\\]"
    elif src[pos] == "$":
        opener = closer = "$$" if opener == "$$" else "$"
    else:
        return False
    begin = pos + len(opener)
    end = src.find(closer, begin, state.posMax)
    if opener == "$":
        while end != -1 and src[end - 1] == "\\":
            end = src.find(closer, end + 1, state.posMax)
    if end == -1 or end == begin:
        return False
    content = src[begin:end]
    after = end + len(closer)
    if opener == "$" and (
        content != content.strip()
        or (src[after : after + 1].isdigit() and not _SIGN.match(content))
        or "`" in content
        or _CJK_MONEY.match(content)
        or (_NAME.match(src, after) and _VARIABLE.match(content))
        or (re.match(r"[A-Za-z0-9]", src[pos - 1 : pos]) and "\\" not in content)
        or (_MONEY.match(content) and not re.search(r"[\\^_=+<>]", content))
    ):
        return False
    if not content.strip():
        return False
    if not silent:
        token = state.push("math_inline", "math", 0)
        token.content = content.strip()
        token.markup = src[pos:after]
    state.pos = after
    return True

"""Where the Markdown of a conversation departs from CommonMark: every rule by name, with its reason.

CommonMark describes documents that an author proofreads. A conversation quotes code, paths, sums, logs and
addresses without marking them, and nobody proofreads it. A character that is taken for a mark is lost, so each
rule here reads a doubtful mark as text. No rule depends on text after the end of its own block, because that
block is printed while the reply streams. `ui.markdown = "commonmark"` turns all of them off.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping, MutableMapping
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.common.utils import isMdAsciiPunct, isPunctChar, isWhiteSpace
from markdown_it.parser_inline import ParserInline
from markdown_it.ruler import RuleOptionsType
from markdown_it.rules_block import StateBlock
from markdown_it.rules_block.hr import hr
from markdown_it.rules_block.list import list_block
from markdown_it.rules_block.paragraph import paragraph
from markdown_it.rules_block.reference import reference
from markdown_it.rules_block.table import getLine
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.newline import newline
from markdown_it.rules_inline.state_inline import Scanned
from markdown_it.token import Token

from gptchat.grammar import fences
from gptchat.values import dataclass

RULES: Mapping[str, str] = {
    "line ends": "addresses, poems and logs lose their meaning on one line; `ui.linebreaks` decides",
    "written numbers": "the text refers to an item by the number it was given; numbers all alike count up",
    "plus signs": "`+` begins an added line or a sum, so a list with `+` shows it instead of a bullet",
    "stars in words": "`1*2*3`, `2**10`: a star between letters or digits multiplies; beside CJK it may be a mark",
    "stars at signs": "`COUNT(*)`, `.*`, `src/*.py`, `/* */`: stars of globs, comments and SQL are no marks",
    "identifiers": "`__init__` is a name; who wants bold writes `**`",
    "east asian marks": "Chinese, Japanese and Korean have no blanks around a mark (commonmark-spec#650)",
    "backslashes": "in a word with a backslash before a letter (a path, regex, LaTeX) no backslash is an escape",
    "no underlines": "`====` and `----` separate output or mark a conflict; the line above is no heading",
    "dashes in columns": "`----  ---` underlines the columns of a table; a rule would lose where they stand",
    "prompts": "`>>> x` is Python's prompt and no quote in a quote in a quote; it stands on a line of its own",
    "conflict marks": "`<<<<<<<`, `|||||||`, `=======`, `>>>>>>>` stand on a line of their own, whatever is above",
    "schedules": "`* * * * * job` is a line of cron, not five lists",
    "definitions": "`[1]: https://…` is a source that the reader wants to see; it still defines a link",
    "fences in fences": "a Markdown document in a fence has code of its own, opened by a fence with a language",
}
"""The rules, with the reason of each."""

READING = "reading"
"""The key of a document's `MarkdownReading` in its environment."""


@dataclass(frozen=True, slots=True)
class MarkdownReading:
    """How Markdown is read and set: with the rules of a conversation or not, and whether line ends are kept.

    `prose` is the most columns that text takes in a wide window; 0: all.
    """

    conversation: bool = True
    keep: bool = True
    prose: int = 0


DEFAULT = MarkdownReading()


def reading(env: Mapping[str, Any]) -> MarkdownReading:
    """How the document of `env` is read; an empty environment is a conversation's."""
    found: MarkdownReading = env.get(READING, DEFAULT)
    return found


def install(md: MarkdownIt) -> None:
    """Add the rules to a grammar. Written numbers and plus signs are the renderer's (`tree`)."""
    anywhere: RuleOptionsType = {"alt": ["paragraph", "reference", "blockquote", "list"]}
    above: RuleOptionsType = {"alt": ["paragraph", "reference", "blockquote"]}
    md.disable("lheading")
    md.block.ruler.at("fence", fences.fence, anywhere)
    md.block.ruler.before("blockquote", "own_line", _own_line, anywhere)
    md.block.ruler.at("hr", _rule, anywhere)
    md.block.ruler.at("list", _list, above)
    md.block.ruler.before("list", "schedule", _schedule, {"alt": ["list"]})
    md.block.ruler.at("reference", _definition)
    md.inline = InlineParser()
    md.inline.ruler.at("newline", _newline)
    md.inline.ruler.before("escape", "backslash", _backslash)
    md.inline.ruler.before("emphasis", "identifier", _identifier)


# Blocks

_COLUMNS = re.compile(r"--[ \t]+-|-[ \t]+--")
_OWN_LINE = re.compile(r">>>|(?:<{7}|={7}|\|{7})(?: |\Z)")
_SCHEDULE = re.compile(r"\*(?:[ \t]+(?:\*(?:/\d+)?|\d[\d,/-]*|[A-Za-z]{3}(?:-[A-Za-z]{3})?)){4}(?:[ \t]|\Z)")


def _own_line(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Prompts and conflict marks: a paragraph of one line, with `own_line` in its `meta`."""
    line = getLine(state, start)
    if state.is_code_block(start) or not _OWN_LINE.match(line):
        return False
    if not silent:
        state.line = start + 1
        token = state.push("paragraph_open", "p", 1)
        token.map, token.meta = [start, state.line], {"own_line": True}
        token = state.push("inline", "", 0)
        token.map, token.content, token.children = [start, state.line], line.strip(), []
        state.push("paragraph_close", "p", -1)
    return True


def _rule(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Dashes in columns, schedules."""
    line = getLine(state, start)
    return not (_COLUMNS.search(line) or _SCHEDULE.match(line)) and hr(state, start, end, silent)


def _list(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Schedules."""
    return not _SCHEDULE.match(getLine(state, start)) and list_block(state, start, end, silent)


def _schedule(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Schedules: they end a list, whose next item they would be else."""
    if state.is_code_block(start) or not _SCHEDULE.match(getLine(state, start)):
        return False
    return silent or paragraph(state, start, end, False)


def _definition(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Definitions: they are recorded, and then read as a paragraph with the lines that follow."""
    line = start
    begins: list[int] = []
    while not silent and line < end and not state.isEmpty(line) and state.sCount[line] >= state.blkIndent:
        if not reference(state, line, end, False):
            break
        begins.append(line - start)
        line = state.line
    if not begins:
        return False
    before = len(state.tokens)
    paragraph(state, start, end, False)
    text = state.tokens[before + 1]
    lines = text.content.split("\n")
    for number in begins:
        if number < len(lines):
            lines[number] = "&#91;" + lines[number].lstrip()[1:]  # its label is no link to itself
    text.content = "\n".join(lines)
    return True


# Text

_CJK = re.compile(
    "[\u1100-\u11ff\u2e80-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef"
    "\U0001f200-\U0001f2ff\U00020000-\U0003ffff]"
)
CJK = _CJK.pattern
_BEFORE = frozenset("([{<>\"'|~_*-:/`")
"""ASCII signs that may stand directly before an opening mark; after others, such as `)`, a star is a sign."""
_AFTER = frozenset(")]}<>\"'|~_*-:/`.,;!?")
"""ASCII signs that may stand directly after a closing mark whose text ends with a sign."""
_PAIRS = frozenset(("()", "[]", "{}", "<>", '""', "''", "||", "``"))
_NO_BEGIN = frozenset(")]},;")
_NO_END = frozenset("([{")
_LETTERS = re.compile(r"(?:\A|[^\w*])\*\*[^\W\d_]+\Z")
"""Bold letters of the word that goes on behind them, as in `**W**orld`."""
_FOLDER = re.compile(r"/(?:\*|[^\s*]{0,80}/\*)")
_WORD_SIGN = re.compile(r"\w", re.ASCII)
_NAME = re.compile(r"__[A-Za-z]\w*?__(?![\w])", re.ASCII)
_WORD = re.compile(rf"[^\s`{CJK[1:-1]}]+")
_MATHS = re.compile(r"\\\((?:(?!\\[()]).)*\\\)|\\\[(?:(?!\\[\[\]]).)*\\\]|\$[^$]*\$")
_PATH = re.compile(
    r"(?:[^\\]|\\[^A-Za-z0-9])*?\\[A-Za-z0-9]"  # a backslash that no escape explains
    r"|.*?(?<![A-Za-z0-9])[A-Za-z]:\\"  # a drive
)
_START = re.compile(r"[\"'“‘«(\[<=:,*]*(?:(?:\.{1,2}|~|%\w+%|\$env:\w+)\\|\\\\[\w.$-]{2,}\\[^\\])")
_DRIVE = re.compile(
    r"(?<![A-Za-z0-9])[A-Za-z]:\\"
    r"(?:[^\s`\"'<>|，。；：、！？）】》]|[ ](?=[A-Z(][^\s\\]*(?:[ ][A-Z(][^\s\\]*)?\\))*"
)
"""A path on a drive; a blank in it is followed by a capital and, at most a word later, by a backslash."""


class Inline(StateInline):
    """Inline state with the rules for stars and underscores."""

    def __init__(self, src: str, md: MarkdownIt, env: MutableMapping[str, Any], tokens: list[Token]) -> None:
        super().__init__(src, md, env, tokens)
        self.literal = _literal(src) if "\\" in src else []
        """Boundaries of the stretches whose backslashes are characters: begin, end, begin, end …"""

    def scanDelims(self, start: int, canSplitWord: bool) -> Scanned:
        src, marker = self.src, self.src[start]
        end = start
        while end < self.posMax and src[end] == marker:
            end += 1
        last = src[start - 1] if start else " "
        following = src[end] if end < self.posMax else " "
        last_blank, next_blank = isWhiteSpace(ord(last)), isWhiteSpace(ord(following))
        last_punct, next_punct = _punctuation(last), _punctuation(following)
        last_cjk, next_cjk = _CJK.match(last) is not None, _CJK.match(following) is not None
        left = not next_blank and (not next_punct or last_blank or last_punct or last_cjk)
        right = not last_blank and (not last_punct or next_blank or next_punct or next_cjk)
        can_open = left and (canSplitWord or not right or last_punct)
        can_close = right and (canSplitWord or not left or next_punct)
        if marker != "~":
            if last.isalnum() and following.isalnum() and not (last_cjk or next_cjk):
                can_open = False
                can_close = can_close and end - start == 2 and following.isalpha() and self._letters(start)
            elif last + following in _PAIRS:
                can_open = can_close = False
            else:
                can_open = can_open and _may_open(src, start, end, last, following, next_punct)
                can_close = can_close and _may_close(src, start, end, last, following, last_punct)
        return Scanned(can_open, can_close, end - start)

    def _letters(self, start: int) -> bool:
        return _LETTERS.search(self.src[max(start - 40, 0) : start]) is not None


def _may_open(src: str, start: int, end: int, last: str, following: str, next_punct: bool) -> bool:
    """Whether the marks `src[start:end]` look like opening ones beside the signs around them."""
    single = end - start == 1
    if following in _NO_BEGIN:
        return False
    if isMdAsciiPunct(ord(last)) and last not in _BEFORE and (single or next_punct):
        return False
    if src[start] == "_":
        return True
    if single:
        return last != "/" and following != "/" and not (following == "." and src[end + 1 : end + 2] not in ". \n")
    return not (following == "/" and _FOLDER.match(src, end))


def _may_close(src: str, start: int, end: int, last: str, following: str, last_punct: bool) -> bool:
    """Whether the marks `src[start:end]` look like closing ones beside the signs around them."""
    if last in _NO_END:
        return False
    if last_punct and isMdAsciiPunct(ord(following)) and following not in _AFTER:
        return False
    if src[start] == "_":
        return True
    if end - start == 1:
        return last != "/" and not (following == "." and re.match(r"\w", src[end + 1 : end + 2]))
    return not (last == "/" and following in "/.")


def _punctuation(char: str) -> bool:
    return isMdAsciiPunct(ord(char)) or isPunctChar(char)


class InlineParser(ParserInline):
    """An inline parser that uses `Inline` as its state."""

    def parse(self, src: str, md: MarkdownIt, env: MutableMapping[str, Any], tokens: list[Token]) -> list[Token]:
        state = Inline(src, md, env, tokens)
        self.tokenize(state)
        for rule in self.ruler2.getRules(""):
            rule(state)
        return state.tokens


def _literal(src: str) -> list[int]:
    """The boundaries of the paths, regular expressions and LaTeX words in `src`."""
    found = [match.span() for match in _DRIVE.finditer(src)]
    for match in _WORD.finditer(src):
        if "\\" in match[0]:
            bare = _MATHS.sub("", match[0])
            if _PATH.match(bare) or _START.match(bare):
                found.append(match.span())
    ends: list[int] = []
    for begin, end in sorted(found):
        if ends and begin < ends[-1]:
            ends[-1] = max(end, ends[-1])
        else:
            ends += (begin, end)
    return ends


def _backslash(state: StateInline, silent: bool) -> bool:
    """Backslashes: in a path, a regular expression or LaTeX, a backslash and the sign behind it are text."""
    src, pos = state.src, state.pos
    if src[pos] != "\\" or not isinstance(state, Inline):
        return False
    index = bisect_right(state.literal, pos)
    if index % 2 == 0:
        return False
    rest = src[pos + 1 : state.literal[index]]
    sign = rest[:1]
    marks = rest in ("*", "**") and src.startswith(rest, state.literal[index - 1])  # they close `**C:\\dir\\**`
    taken = 2 if sign and isMdAsciiPunct(ord(sign)) and not marks else 1
    if not silent:
        state.append_pending(src[pos : pos + taken])
    state.pos = pos + taken
    return True


def _identifier(state: StateInline, silent: bool) -> bool:
    """Identifiers: `__name__` is text."""
    src, pos = state.src, state.pos
    if src[pos] != "_" or (pos and _WORD_SIGN.match(src[pos - 1])):
        return False
    match = _NAME.match(src, pos, state.posMax)
    if not match:
        return False
    if not silent:
        state.append_pending(match[0])
    state.pos = match.end()
    return True


def _newline(state: StateInline, silent: bool) -> bool:
    """Line ends: the token's `info` is the indent of the next line."""
    pos = state.pos
    if not newline(state, silent):
        return False
    if not silent:
        state.tokens[-1].info = state.src[pos + 1 : state.pos]
    return True

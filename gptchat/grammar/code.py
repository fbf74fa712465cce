"""Syntax highlighting line by line; the lexer's state is kept from each line to the next."""

from __future__ import annotations

import copy
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from pygments.lexer import Lexer

Style = TypeVar("Style")
Style_co = TypeVar("Style_co", covariant=True)


class Styles(Protocol[Style_co]):
    """The style of each look (the values of `_LOOKS`, and `code.plain`): a theme, or a page's class names."""

    def __getitem__(self, look: str, /) -> Style_co:
        """The style of `look`."""


TAB = 4
"""Columns between tab stops in code."""
_LOOKS = {
    "Comment": "code.comment",
    "Comment.Preproc": "code.keyword",
    "Comment.PreprocFile": "code.string",
    "Keyword": "code.keyword",
    "Keyword.Type": "code.name",
    "Keyword.Constant": "code.number",
    "Operator.Word": "code.keyword",
    "Operator": "code.operator",
    "Name.Builtin": "code.builtin",
    "Name.Builtin.Pseudo": "code.number",
    "Name.Function": "code.name",
    "Name.Class": "code.name",
    "Name.Decorator": "code.keyword",
    "Name.Exception": "code.name",
    "Name.Tag": "code.keyword",
    "Name.Attribute": "code.name",
    "Name.Constant": "code.number",
    "Literal.String": "code.string",
    "Literal.Number": "code.number",
    "Generic.Inserted": "code.inserted",
    "Generic.Deleted": "code.deleted",
    "Generic.Heading": "code.heading",
    "Generic.Subheading": "code.heading",
    "Generic.Strong": "code.heading",
    "Generic.Prompt": "code.comment",
}
_UNFINISHED = 4096
"""Maximum characters of an unfinished token (a long comment) that are read again with each new line."""

_STEPS = 50
"""Maximum lexer steps per character: some lexers loop for ever on some texts."""

_SPANNING = (("/*", "*/"), ("<!--", "-->"), ('"""', '"""'), ("`", "`"), ("(*", "*)"), ("{-", "-}"), ("--[[", "]]"))
"""Delimiters of comments and strings over several lines; many lexers match such a token only as a whole."""


_SPANNED = ("Token.Comment", "Token.Literal.String")


class Highlighter(Generic[Style]):
    """Highlights the lines of one code block in order. `tabs`: whether tabs stay; else they become blanks."""

    def __init__(self, language: str, styles: Styles[Style], *, tabs: bool = False) -> None:
        self._tabs = tabs
        self._styles = styles
        self._lexer = _lexer(language)
        self._looks: dict[Any, str] = {}
        self._stack: tuple[str, ...] = ("root",)
        self._context: Any = None
        self._carry = ""
        self._until: tuple[str, Any] | None = None
        """Inside a comment or string over several lines: its closing delimiter and its token type."""

    def line(self, text: str) -> list[tuple[str, Style]]:
        """The spans of the next line (without its line end). All its text is kept, even if the lexer fails."""
        text = text if self._tabs else text.expandtabs(TAB)
        if self._lexer is not None:
            try:
                spans = self._advance(text)
                if "".join(piece for piece, _style in spans) == text:
                    return spans
            except Exception:  # noqa: S110 - a lexer may fail on an incomplete text, which is then shown plain
                pass
            self._lexer = None  # e.g. fixed-form Fortran's lexer drops text outside its columns
        return [(text, self._styles["code.plain"])] if text else []

    def fork(self) -> Highlighter[Style]:
        """A copy with the current state, for highlighting a line that is not complete yet."""
        twin = copy.copy(self)
        if self._context is not None:
            # Deep, because lexing changes its lists, such as YAML's indentation levels.
            twin._context = copy.deepcopy(self._context)
        return twin

    def _advance(self, text: str) -> list[tuple[str, Style]]:
        from pygments.lexer import ExtendedRegexLexer, RegexLexer

        lexer: Any = self._lexer
        source = self._carry + text + "\n"
        skip = len(self._carry)
        if isinstance(lexer, ExtendedRegexLexer):
            if self._context is None:
                self._context = _context(lexer)
            self._context.text, self._context.pos, self._context.end = source, 0, len(source)
            tokens = list(lexer.get_tokens_unprocessed(context=self._context))
        elif isinstance(lexer, RegexLexer):
            tokens = self._spanning(lexer, source)
        else:
            tokens = list(lexer.get_tokens_unprocessed(source))
        return self._spans(tokens, source, skip)

    def _spanning(self, lexer: Any, source: str) -> list[tuple[int, Any, str]]:
        """Tokens of the line, including those that began on an earlier line or continue on a later one.

        To find out whether a delimiter opens a token, the line is lexed with the closing delimiter appended.
        """
        before: list[tuple[int, Any, str]] = []
        if self._until is not None:
            closer, kind = self._until
            end = source.find(closer)
            if end < 0:
                return [(0, kind, source)]
            self._until = None
            end += len(closer)
            before = [(0, kind, source[:end])]
            rest = self._spanning(lexer, source[end:])
            return before + [(at + end, kind, text) for at, kind, text in rest]
        state = self._stack
        for opener, closer in _SPANNING if not self._carry else ():
            begin = source.rfind(opener)
            if begin < 0 or closer in source[begin + len(opener) :]:
                continue
            tokens = self._resumed(lexer, source + closer)
            self._carry = ""
            at, kind, _text = tokens[-1] if tokens else (0, None, "")
            if at == begin and str(kind).startswith(_SPANNED):
                self._until = (closer, kind)
                return [*tokens[:-1], (at, kind, source[at:])]
            self._stack = state
        return self._resumed(lexer, source)

    def _resumed(self, lexer: Any, source: str) -> list[tuple[int, Any, str]]:
        """Tokens by the lexer's own tables, starting in the state where the last line ended.

        Pygments accepts a start state but does not return the end state, so its loop (RegexLexer, version
        2.21) is repeated here. A token that reaches the end of the line may continue on the next one:
        it is read again with the next line, in the state it began in. Raises RuntimeError if the lexer loops.
        """
        definitions = lexer._tokens
        stack = list(self._stack)
        tokens: list[tuple[int, Any, str]] = []
        at = 0
        begin, begin_stack = 0, tuple(stack)
        steps = 0
        while at < len(source):
            steps += 1
            if steps > _STEPS * (len(source) + 1):
                raise RuntimeError("the lexer's tables go round in a circle")
            for matches, action, new_state in definitions[stack[-1]]:
                match = matches(source, at)
                if not match:
                    continue
                if match.end() > at:
                    begin, begin_stack = at, tuple(stack)
                if action is not None:
                    if type(action).__name__ == "_TokenType":
                        tokens.append((at, action, match.group()))
                    else:
                        tokens.extend(action(lexer, match))
                at = match.end()
                if new_state is not None:
                    _move(stack, new_state)
                break
            else:
                if source[at] == "\n":
                    stack = ["root"]
                begin, begin_stack = at, tuple(stack)
                tokens.append((at, None, source[at]))
                at += 1
        if source[begin:] != "\n" and len(source) - begin <= _UNFINISHED:
            self._carry, self._stack = source[begin:], begin_stack
        else:
            self._carry, self._stack = "", tuple(stack)
        return tokens

    def _spans(self, tokens: list[tuple[int, Any, str]], source: str, skip: int) -> list[tuple[str, Style]]:
        line: list[tuple[str, Style]] = []
        end = len(source) - 1
        for at, kind, text in tokens:
            piece = text[max(skip - at, 0) : max(end - at, 0)]
            if not piece:
                continue
            style = self._styles[self._look(kind)]
            if line and line[-1][1] == style:
                piece = line.pop()[0] + piece  # pygments may split the code points of one character
            line.append((piece, style))
        return line

    def _look(self, kind: Any) -> str:
        known = self._looks.get(kind)
        if known is None:
            name = str(kind).removeprefix("Token.").removeprefix("Token")
            while name and name not in _LOOKS:
                name = name.rpartition(".")[0]
            known = self._looks[kind] = _LOOKS.get(name, "code.plain")
        return known


def _move(stack: list[str], new_state: Any) -> None:
    """Apply a Pygments state transition to the stack; the first state is never popped."""
    if isinstance(new_state, tuple):
        for state in new_state:
            _move(stack, state)
    elif isinstance(new_state, int):
        del stack[max(len(stack) + new_state, 1) :]
    elif new_state == "#pop":
        del stack[max(len(stack) - 1, 1) :]
    else:
        stack.append(stack[-1] if new_state == "#push" else new_state)


def _context(lexer: Lexer) -> Any:
    """A new state for an `ExtendedRegexLexer`, kept between lines; YAML's includes the indentation."""
    from pygments.lexer import LexerContext
    from pygments.lexers.data import YamlLexer, YamlLexerContext

    return (YamlLexerContext if isinstance(lexer, YamlLexer) else LexerContext)("", 0)


@lru_cache(maxsize=32)
def _lexer(language: str) -> Lexer | None:
    """The lexer for a fence's language; None for plain text and unknown languages."""
    name = language.strip().lower()
    if not name or name in ("text", "txt", "plain", "plaintext", "output", "none"):
        return None
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    try:
        return get_lexer_by_name(name)
    except ClassNotFound:
        return None

"""Renders inline Markdown as styled text: emphasis, code, links, maths and footnote references."""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from typing import Any

from markdown_it.token import Token
from rich.style import Style

from gptchat.core.safe import clean_line, host_of, safe_url
from gptchat.grammar import parser
from gptchat.grammar.maths import to_unicode
from gptchat.terminal.markdown.lines import PLAIN, Line
from gptchat.terminal.output.theme import Theme

_ADDRESS = re.compile(r"https?://[^\s<>\"'`|\u3000-\u9fff\uac00-\ud7a3\uff00-\uffef\u2018-\u201d]+")
_WIDE_BREAK = re.compile("[\u2e80-\u9fff\uf900-\ufaff\uff00-\uff60\U00020000-\U0003ffff]")
_BREAK = re.compile(r"<br\s*/?>\Z", re.IGNORECASE)
_SUPERSCRIPT = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


class InlineRenderer:
    """Turns the source of a paragraph into spans. `hyperlinks`: whether the terminal supports OSC 8 links."""

    def __init__(self, theme: Theme, env: MutableMapping[str, Any], *, hyperlinks: bool) -> None:
        self._theme = theme
        self._env = env
        self._hyperlinks = hyperlinks

    def render(self, source: str, base: Style = PLAIN) -> Line:
        """The spans of `source`; a newline in them is a hard line break."""
        source = source.expandtabs(_TAB)  # the terminal's own tab stops would not match the measured width
        if not _SPECIAL.search(source):
            return [(source, base)]
        out: Line = []
        stack = [base]
        links: list[tuple[str, int]] = []
        tokens = parser.inline(source, self._env)
        for index, token in enumerate(tokens):
            style = stack[-1]
            match token.type:
                case "text":
                    begins = out and out[-1][0] == "\n"  # drop the blank after <br>
                    self._text(token.content.lstrip(" ") if begins else token.content, style, out, bare=not links)
                case "text_special":  # an entity may stand for any character, so clean it
                    out.append((clean_line(token.content) or " ", style))
                case "softbreak":
                    if out and out[-1][0] != "\n" and not _no_blank_between(tokens, index):
                        out.append((" ", style))
                case "hardbreak":
                    out.append(("\n", style))
                case "code_inline":
                    out.append((token.content, style + self._theme["code"]))
                case "strong_open" | "em_open" | "s_open":
                    stack.append(style + self._theme[_MARKS[token.type]])
                case "strong_close" | "em_close" | "s_close":
                    stack.pop()
                case "link_open":
                    url = safe_url(str(token.attrGet("href") or "")) or ""
                    links.append((url, len(out)))
                    stack.append(style + self._theme["link"] + Style(link=url or None))
                case "link_close":
                    stack.pop()
                    self._show_host(*links.pop(), stack[-1], out)
                case "image":
                    self._image(token, style, out)
                case "math_inline":
                    text = to_unicode(token.content)
                    out.append((token.markup if text is None else text, style + self._theme["maths"]))
                case "footnote_reference":
                    name = token.content
                    mark = name.translate(_SUPERSCRIPT) if name.isascii() and name.isdigit() else f"[{name}]"
                    out.append((mark, style + self._theme["footnote"]))
                case "html_inline" if _BREAK.match(token.content):
                    out.append(("\n", style))
                case _:
                    out.append((token.content, style + self._theme["html"]))
        return out

    def _text(self, text: str, style: Style, out: Line, *, bare: bool) -> None:
        at = 0
        if bare and "://" in text:
            for match in _ADDRESS.finditer(text):
                address = _end_of_address(match[0])
                url = safe_url(address)
                if url is None:
                    continue
                if match.start() > at:
                    out.append((text[at : match.start()], style))
                out.append((address, style + self._theme["link"] + Style(link=url)))
                at = match.start() + len(address)
        if at < len(text):
            out.append((text[at:], style))

    def _show_host(self, url: str, since: int, style: Style, out: Line) -> None:
        """Append the link's host or address, unless the text contains it.

        With hyperlinks it is only appended if the text looks like another address.
        """
        if not url:
            return
        text = "".join(part for part, _ in out[since:])
        host = host_of(url)
        claims = "://" in text or re.match(r"(?:[\w-]+\.)+[a-z]{2,}\b", text.strip().lower()) is not None
        if text.strip().rstrip("/") == url.rstrip("/") or (claims and host.lower() in text.lower().split("/")):
            return
        if claims or not self._hyperlinks:
            shown = url if len(url) <= _SHORT_URL else host + "/…"
            out.append((f" ({host if self._hyperlinks else shown})", style + self._theme["host"]))

    def _image(self, token: Token, style: Style, out: Line) -> None:
        url = safe_url(str(token.attrGet("src") or "")) or ""
        since = len(out)
        out.append(
            (
                f"▨ {clean_line(token.content) or host_of(url)}",
                style + self._theme["link"] + Style(link=url or None),
            )
        )
        self._show_host(url, since, style, out)


_TAB = 4
_SHORT_URL = 40
"""Up to this many characters an address is shown in full after its text, otherwise only its host."""
_MARKS = {"strong_open": "strong", "em_open": "emphasis", "s_open": "strike"}
_SPECIAL = re.compile(r"[\\`*_~\[\]<&$\n!]|://")
"""Characters that may begin inline Markdown; text without them is not parsed."""


def _no_blank_between(tokens: list[Token], index: int) -> bool:
    """Whether the line end at `index` is between two wide characters and is therefore not shown as a blank."""
    before = next((tokens[at].content[-1] for at in range(index - 1, -1, -1) if tokens[at].content), "")
    after = next((tokens[at].content[0] for at in range(index + 1, len(tokens)) if tokens[at].content), "")
    return bool(before and after and _WIDE_BREAK.match(before) and _WIDE_BREAK.match(after))


def _end_of_address(address: str) -> str:
    """`address` without trailing punctuation of the sentence and without an unmatched closing bracket."""
    while True:
        kept = address.rstrip(".,;:!?*_~")
        if kept.endswith(")") and kept.count(")") > kept.count("("):
            kept = kept[:-1]
        if kept.endswith("]") and kept.count("]") > kept.count("["):
            kept = kept[:-1]
        if kept == address:
            return kept
        address = kept

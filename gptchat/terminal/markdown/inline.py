"""Renders inline Markdown as styled text: emphasis, code, links, maths and footnote references."""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from typing import Any

from markdown_it.token import Token
from rich.style import Style

from gptchat.core.safe import clean_line, host_of, safe_url
from gptchat.grammar import parser
from gptchat.grammar.marks import BREAK, addresses, footnote_mark, no_blank_between
from gptchat.grammar.maths import to_unicode
from gptchat.grammar.rules import reading
from gptchat.terminal.markdown.lines import PLAIN, Line
from gptchat.terminal.output.theme import Theme

_BREAK = re.compile(r"<br\s*/?>\Z", re.IGNORECASE)


class InlineRenderer:
    """Turns the source of a paragraph into spans. `hyperlinks`: whether the terminal supports OSC 8 links."""

    def __init__(self, theme: Theme, env: MutableMapping[str, Any], *, hyperlinks: bool) -> None:
        self._theme = theme
        self._env = env
        self._hyperlinks = hyperlinks
        self._keep = reading(env).keep

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
                case "softbreak" if self._keep:
                    if out and not out[-1][0].endswith("\n"):  # it ends at <br> already
                        out.append(("\n" + token.info, style))
                case "softbreak":
                    if out and out[-1][0] != "\n" and not no_blank_between(tokens, index):
                        out.append((" ", style))
                case "hardbreak":
                    out.append(("\n" + (token.info if self._keep else ""), style))
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
                    out.append((footnote_mark(token.content), style + self._theme["footnote"]))
                case "html_inline" if BREAK.match(token.content):
                    out.append(("\n", style))
                case _:
                    out.append((token.content, style + self._theme["html"]))
        return out

    def _text(self, text: str, style: Style, out: Line, *, bare: bool) -> None:
        at = 0
        for start, end, url in addresses(text) if bare else ():
            if start > at:
                out.append((text[at:start], style))
            out.append((text[start:end], style + self._theme["link"] + Style(link=url)))
            at = end
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
                f"▨ {clean_line(_alternative(token)) or host_of(url)}",
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


def _alternative(image: Token) -> str:
    """The alternative text of an image, without its marks."""
    return "".join(
        _alternative(child) if child.type == "image" else child.content or " " * child.type.endswith("break")
        for child in image.children or ()
    )

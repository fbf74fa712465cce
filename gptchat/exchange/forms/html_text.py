"""Turns the HTML of an answer into Markdown: code blocks, lists, headings, bold words and links."""

from __future__ import annotations

import re
from html.parser import HTMLParser

_BLOCKS = frozenset(("p", "div", "table", "tr", "blockquote", "section", "article", "ul", "ol"))
_MARKS = {"b": "**", "strong": "**", "i": "*", "em": "*", "code": "`"}
_SILENT = frozenset(("script", "style", "svg", "template"))


def markdown(source: str) -> str:
    """The Markdown of the HTML `source`."""
    if "<" not in source and "&" not in source:
        return source.strip()
    parser = _Parser()
    parser.feed(source)
    parser.close()
    return re.sub(r"\n{3,}", "\n\n", "".join(parser.pieces)).strip()


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._code = False
        self._silent = 0
        self._lists: list[int] = []
        self._links: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        if tag in _SILENT:
            self._silent += 1
        elif tag == "pre":
            self._code = True
            self.pieces.append("\n\n```")
            self._open = True
        elif tag == "code" and self._code:
            match = re.search(r"language-([\w+#-]{1,30})", given.get("class") or "")
            self.pieces.append((match[1] if match else "") + "\n")
            self._open = False
        elif self._code:
            return
        elif tag in _MARKS:
            self.pieces.append(_MARKS[tag])
        elif tag in ("ul", "ol"):
            self._lists.append(0 if tag == "ol" else -1)
            self.pieces.append("\n" if len(self._lists) > 1 else "\n\n")
        elif tag == "li":
            if self._lists and self._lists[-1] >= 0:
                self._lists[-1] += 1
            number = self._lists[-1] if self._lists else -1
            self.pieces.append("\n" + "  " * (len(self._lists) - 1) + (f"{number}. " if number > 0 else "- "))
        elif tag == "br":
            self.pieces.append("\n")
        elif re.fullmatch("h[1-6]", tag):
            self.pieces.append("\n\n" + "#" * int(tag[1]) + " ")
        elif tag == "hr":
            self.pieces.append("\n\n---\n\n")
        elif tag in ("td", "th"):
            self.pieces.append(" | ")
        elif tag == "a":
            self._links.append(given.get("href") or "")
            self.pieces.append("[")
        elif tag in _BLOCKS:
            self.pieces.append("\n" if tag == "tr" else "\n\n")

    _open = False

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self._silent = max(0, self._silent - 1)
        elif tag == "pre" and self._code:
            self._code = self._open = False
            self.pieces.append("" if self.pieces[-1].endswith("\n") else "\n")
            self.pieces.append("```\n\n")
        elif self._code:
            return
        elif tag in _MARKS:
            self.pieces.append(_MARKS[tag])
        elif tag in ("ul", "ol"):
            self._lists = self._lists[:-1]
            self.pieces.append("\n" if self._lists else "\n\n")
        elif tag == "a" and self._links:
            url = self._links.pop()
            self.pieces.append(f"]({url})" if url.startswith(("http://", "https://", "mailto:")) else "]")
        elif tag in _BLOCKS or re.fullmatch("h[1-6]", tag):
            self.pieces.append("\n\n" if tag != "tr" else "")

    def handle_data(self, data: str) -> None:
        if self._silent:
            return
        if self._code:
            self.pieces.append(("\n" if self._open else "") + data)
            self._open = False
        else:
            self.pieces.append(re.sub(r"\s+", " ", data))

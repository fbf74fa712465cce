"""The text of an HTML page, read in one pass: its time grows with its length, whatever it holds."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import IO, Any

_SILENT = frozenset(("script", "style", "noscript", "svg", "template", "iframe", "nav", "form"))
_RAW = frozenset(("script", "style", "textarea", "title", "iframe", "noscript", "xmp"))
"""Elements whose contents are text up to their end tag, whatever tags it seems to hold."""
_BLOCKS = frozenset(
    (
        *("address", "article", "aside", "blockquote", "br", "dd", "div", "dl", "dt", "figcaption", "figure"),
        *("footer", "header", "hr", "li", "main", "ol", "p", "pre", "section", "table", "tr", "ul", "title"),
        *("h1", "h2", "h3", "h4", "h5", "h6"),
    )
)
_TAG = re.compile(r"</?([a-zA-Z][^\s/>]{0,40}+)")
# Possessive: each character is looked at once, also in a tag that never ends.
_REST = re.compile(r"""(?:[^"'>]++|(?<==)"[^"]*+"|(?<==)'[^']*+'|["'])*+""")
_NUMBER = re.compile(r"&#[xX]?[0-9a-fA-F]{9,};?")
"""A character reference beyond any character; `html.unescape` fails on thousands of digits."""


def read(file: IO[bytes], arguments: dict[str, Any], _step: object) -> Iterator[str]:
    """The text of the page in `file`, whose encoding is `arguments["encoding"]` (a reader, see `process`)."""
    yield page_text(file.read().decode(arguments["encoding"], "replace"))


def page_text(source: str) -> str:
    """The text of an HTML page, one line per block element, without scripts, styles and navigation."""
    pieces: list[str] = []
    silent, depth = "", 0
    for text, tag, closing in _parts(source):
        if text and not silent:
            pieces.append(text)
        if silent:
            if tag == silent:
                depth += -1 if closing else 1
                silent = silent if depth else ""
        elif tag in _SILENT and not closing:
            silent, depth = tag, 1
        elif tag in _BLOCKS:
            pieces.append("\n- " if tag == "li" and not closing else "\n")
        elif tag in ("td", "th") and not closing:
            pieces.append(" ")
    lines = (" ".join(line.split()) for line in "".join(pieces).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _parts(source: str) -> Iterator[tuple[str, str, bool]]:
    """Text, then the tag behind it (empty where there is none), and whether that closes."""
    at, end = 0, len(source)
    begun = 0
    while at < end:
        mark = source.find("<", at)
        if mark < 0:
            break
        if match := _TAG.match(source, mark):
            rest = _REST.match(source, match.end())
            after = rest.end() if rest else match.end()
            if after >= end:  # no tag ends behind it: the rest is no page any more
                break
            tag, closing = match[1].lower(), source[mark + 1] == "/"
            alone = source[after - 1] == "/" and tag in _SILENT  # with nothing in it
            yield _plain(source[begun:mark]), "" if alone else tag, closing
            at = begun = after + 1
            if tag in _RAW and not closing and source[after - 1] != "/":
                close = re.compile(f"</{tag}(?=[\\s/>])", re.IGNORECASE).search(source, at)
                stop = close.start() if close else end
                yield _plain(source[at:stop]) if tag in ("textarea", "title") else source[at:stop], "", False
                at = begun = stop
        elif source.startswith("<!--", mark):
            yield _plain(source[begun:mark]), "", False
            close_at = source.find("-->", mark + 4)
            at = begun = close_at + 3 if close_at >= 0 else end
        elif source[mark + 1 : mark + 2] in ("!", "?"):
            yield _plain(source[begun:mark]), "", False
            close_at = source.find(">", mark)
            at = begun = close_at + 1 if close_at >= 0 else end
        else:
            at = mark + 1
    yield _plain(source[begun:]), "", False


def _plain(text: str) -> str:
    return html.unescape(_NUMBER.sub("\ufffd", text)) if "&" in text else text

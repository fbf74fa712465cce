"""Renders Markdown as HTML from the grammar's blocks: what the terminal shows, for a page. All text is escaped."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping, Sequence
from html import escape
from typing import Any

from markdown_it.token import Token

from gptchat.core.safe import clean, clean_line, host_of, safe_url
from gptchat.grammar import parser
from gptchat.grammar.code import Highlighter
from gptchat.grammar.marks import (
    BREAK,
    addresses,
    aligns,
    callout_names,
    fitted,
    footnote_mark,
    no_blank_between,
)
from gptchat.grammar.maths import to_unicode
from gptchat.grammar.tree import Container, Opening, Piece, language_of, pieces

_TAGS = {"strong": "strong", "em": "em", "s": "s"}
_FIRST_HEADING = 2
"""Added to the level of a heading in a message, because the page and its messages have headings of their own."""


class _Classes:
    """The CSS classes of highlighted code: the last part of a look's name, such as `keyword`."""

    def __getitem__(self, look: str, /) -> str:
        return look.rpartition(".")[2]


_PLAIN = ("", "plain", "operator")


def html_of(markdown: str) -> Iterator[str]:
    """The HTML of `markdown` (untrusted) in parts. It has no script, picture or style, and only safe links."""
    env: dict[str, Any] = {}
    path: tuple[Container, ...] = ()
    for piece in pieces(clean(markdown + "\n"), env, Opening()):
        yield _step(path, piece.path)
        yield _leaf(piece, env)
        path = piece.path
    yield _step(path, ())


def plain_html(text: str) -> str:
    """The HTML of `text` (untrusted) as it is, with its line ends."""
    return f'<p class="plain" dir="auto">{_text(text)}</p>\n' if text.strip() else ""


def _text(text: str) -> str:
    return escape(clean(text), quote=True)


def _step(old: Sequence[Container], new: Sequence[Container]) -> str:
    """The tags between two blocks: the containers of `old` that end, then those of `new` that begin."""
    shared = 0
    while shared < min(len(old), len(new)) and old[shared] is new[shared]:
        shared += 1
    tags: list[str] = []
    same_list = (
        shared < min(len(old), len(new))
        and old[shared].kind == "item" == new[shared].kind
        and old[shared].list_id == new[shared].list_id
    )
    for level in range(len(old) - 1, shared - 1, -1):
        if old[level].kind == "quote":
            tags.append("</blockquote>\n")
        else:
            tags.append("</li>\n" if level == shared and same_list else f"</li>\n</{_list_tag(old[level])}>\n")
    begun = (_begin(new[level], in_list=level == shared and same_list) for level in range(shared, len(new)))
    return "".join([*tags, *begun])


def _list_tag(item: Container) -> str:
    return "ul" if item.number is None else "ol"


def _begin(container: Container, *, in_list: bool) -> str:
    if container.kind == "quote":
        if not container.callout:
            return '<blockquote dir="auto">\n'
        title = _text(callout_names()[container.callout])
        return f'<blockquote class="callout {container.callout}" dir="auto">\n<p class="title">{title}</p>\n'
    begin = "" if in_list else f"<{_list_tag(container)}>\n"
    if container.task is not None:
        box = f'<input type="checkbox" disabled{" checked" if container.task else ""}>'
        return f'{begin}<li class="task" dir="auto">{box} '
    return begin + (f'<li value="{container.number}" ' if container.number is not None else "<li ") + 'dir="auto">'


def _leaf(piece: Piece, env: MutableMapping[str, Any]) -> str:
    match piece.kind:
        case "paragraph":
            return f'<p dir="auto">{_inline(piece.text, env)}</p>\n' if piece.text else ""
        case "heading":
            tag = f"h{min(piece.level + _FIRST_HEADING, 6)}"
            return f'<{tag} dir="auto">{_inline(piece.text, env)}</{tag}>\n'
        case "rule":
            return "<hr>\n"
        case "fence":
            return _code(piece.text, language_of(piece))
        case "code":
            return _code(piece.text, "")
        case "html":
            return f'<pre class="html">{_text(piece.text)}</pre>\n'
        case "table":
            return _table(piece, env)
        case "maths":
            assert piece.token is not None, "maths has its token"
            shown = to_unicode(piece.text) if piece.text else None
            return f'<p class="maths block">{_text(piece.token.markup if shown is None else shown)}</p>\n'
        case "footnote":
            assert piece.token is not None, "a footnote has its token"
            mark = _text(footnote_mark(str(piece.token.meta["footnote"])))
            return (
                f'<p class="footnote" dir="auto"><span class="mark">{mark}</span> {_inline(piece.text, env)}</p>\n'
            )
    return ""


def _code(text: str, language: str) -> str:
    highlighter = Highlighter(language, _Classes(), tabs=True)
    lines: list[str] = []
    for line in text.removesuffix("\n").split("\n"):
        spans = highlighter.line(line)
        lines.append(
            "".join(
                _text(part) if style in _PLAIN else f'<span class="{style}">{_text(part)}</span>'
                for part, style in spans
            )
        )
    name = f"<figcaption>{_text(language)}</figcaption>" if language else ""
    of = f' class="language-{_text(language)}"' if language else ""
    return f"<figure>{name}<pre><code{of}>" + "\n".join(lines) + "\n</code></pre></figure>\n"


def _table(piece: Piece, env: MutableMapping[str, Any]) -> str:
    assert piece.token is not None, "a table has its token"
    meta = piece.token.meta
    header, sides = meta["header"], aligns(meta["align"])
    rows: list[str] = []
    for number, row in enumerate([header, *(fitted(row, len(header)) for row in meta["rows"])]):
        tag = "td" if number else "th"
        cells = "".join(
            f'<{tag} class="{side}" dir="auto">{_inline(cell, env)}</{tag}>'
            for cell, side in zip(row, sides, strict=False)
        )
        rows.append(f"<tr>{cells}</tr>\n")
    body = f"<tbody>\n{''.join(rows[1:])}</tbody>\n" if rows[1:] else ""
    return f'<div class="wide"><table>\n<thead>\n{rows[0]}</thead>\n{body}</table></div>\n'


def _inline(source: str, env: MutableMapping[str, Any]) -> str:
    out: list[str] = []
    tokens = parser.inline(source, env)
    links: list[bool] = []
    for index, token in enumerate(tokens):
        kind, _mark, side = token.type.rpartition("_")
        if kind in _TAGS:
            out.append(f"<{'/' if side == 'close' else ''}{_TAGS[kind]}>")
            continue
        match token.type:
            case "text":
                out.append(_text(token.content) if any(links) else _linked(token.content))
            case "text_special":
                out.append(_text(clean_line(token.content) or " "))
            case "softbreak":
                out.append("" if no_blank_between(tokens, index) else "\n")
            case "hardbreak":
                out.append("<br>\n")
            case "code_inline":
                out.append(f"<code>{_text(token.content)}</code>")
            case "link_open":
                url = safe_url(str(token.attrGet("href") or ""))
                links.append(url is not None)
                out.append(_anchor(url) if url else "")
            case "link_close":
                out.append("</a>" if links.pop() else "")
            case "image":
                out.append(_image(token, linked=any(links)))
            case "math_inline":
                shown = to_unicode(token.content)
                out.append(f'<span class="maths">{_text(token.markup if shown is None else shown)}</span>')
            case "footnote_reference":
                out.append(f'<span class="mark">{_text(footnote_mark(token.content))}</span>')
            case "html_inline" if BREAK.match(token.content):
                out.append("<br>\n")
            case _:
                out.append(_text(token.content))
    return "".join(out)


def _anchor(url: str) -> str:
    return f'<a href="{_text(url)}" rel="noopener noreferrer">'


def _linked(text: str) -> str:
    """`text` with its bare addresses as links."""
    out: list[str] = []
    at = 0
    for start, end, url in addresses(text):
        out.append(f"{_text(text[at:start])}{_anchor(url)}{_text(text[start:end])}</a>")
        at = end
    return "".join(out) + _text(text[at:])


def _image(token: Token, *, linked: bool) -> str:
    """A picture is a link to it, so that opening the page fetches nothing."""
    url = safe_url(str(token.attrGet("src") or ""))
    shown = "▨ " + _text(clean_line(token.content) or (host_of(url) if url else ""))
    return f"{_anchor(url)}{shown}</a>" if url and not linked else shown

"""Extracts text from documents: PDFs (with `pypdf`, if installed) and HTML pages."""

from __future__ import annotations

import io
import re
from html.parser import HTMLParser

from gptchat.errors import UsageError
from gptchat.words import _

_SILENT = frozenset(("script", "style", "noscript", "svg", "template", "iframe", "nav", "form"))
_BLOCKS = frozenset(
    (
        *("address", "article", "aside", "blockquote", "br", "dd", "div", "dl", "dt", "figcaption", "figure"),
        *("footer", "header", "hr", "li", "main", "ol", "p", "pre", "section", "table", "tr", "ul", "title"),
        *("h1", "h2", "h3", "h4", "h5", "h6"),
    )
)


def pdf_text(name: str, data: bytes) -> str:
    """The text of a PDF, with blank lines between pages. Raises UsageError if it cannot be extracted."""
    try:
        import pypdf
    except ImportError as error:
        raise UsageError(
            _("{name} is a PDF, and pypdf, which reads them, is not installed").format(name=name),
            hint='pip install "gptchat[pdf]"',
        ) from error
    try:
        reader = pypdf.PdfReader(io.BytesIO(data))
        pages = [page.extract_text().strip() for page in reader.pages]
    except pypdf.errors.FileNotDecryptedError as error:
        raise UsageError(
            _("{name} is locked by a password").format(name=name), hint=_("save it without the password first")
        ) from error
    except Exception as error:  # pypdf raises almost any exception for a damaged PDF
        raise UsageError(
            _("{name} cannot be read as a PDF: {why}").format(name=name, why=str(error) or type(error).__name__),
            hint=_("open it in a viewer and save it again, or copy its text"),
        ) from error
    text = "\n\n".join(page for page in pages if page)
    if not text:
        raise UsageError(
            _("{name} holds no text, only pictures of pages").format(name=name),
            hint=_("attach the pages as images to a model with vision"),
        )
    return text


def page_text(html: str) -> str:
    """The text of an HTML page, one line per block element, without scripts, styles and navigation."""
    reader = _PageReader()
    reader.feed(html)
    reader.close()
    lines = (" ".join(line.split()) for line in "".join(reader.pieces).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


class _PageReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._silent: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SILENT:
            self._silent.append(tag)
        elif tag in _BLOCKS:
            self.pieces.append("\n- " if tag == "li" else "\n")
        elif tag in ("td", "th"):
            self.pieces.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._silent:
            # Also ends unclosed elements inside this one.
            del self._silent[self._silent.index(tag) :]
        elif tag in _BLOCKS:
            self.pieces.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.pieces.append(data)

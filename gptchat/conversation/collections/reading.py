"""Reads one file of a collection: text in any encoding, Markdown, code, PDF, office files, web pages."""

from __future__ import annotations

from pathlib import Path

from gptchat.attachments import images
from gptchat.attachments.decoding import decode
from gptchat.attachments.limits import SizeLimits
from gptchat.attachments.loading import attachment_of
from gptchat.attachments.policy import Policy
from gptchat.errors import UsageError
from gptchat.files import read_regular
from gptchat.values import dataclass

_PAGES = (".html", ".htm", ".xhtml")
_OFFICE = (".docx", ".xlsx", ".pptx", ".odt", ".ods", ".odp")
_LIMITS = SizeLimits()


@dataclass(frozen=True, slots=True)
class ReadFile:
    """The text of a file; `reason` says why there is none, empty if there is.

    In a paged text a form feed ends each page. `fault` is what the reader of a document said.
    """

    text: str = ""
    paged: bool = False
    reason: str = ""
    fault: str = ""


def contents(path: Path) -> bytes | None:
    """The bytes of the file; None if it cannot be read, or is larger than is read. Blocks."""
    try:
        return read_regular(path, _LIMITS.file)
    except (OSError, ValueError):
        return None


def text_of(path: Path, data: bytes, policy: Policy) -> ReadFile:
    """The text in `data`, which is the contents of the file `path`. Documents are read in a child process. Blocks.

    What `policy` guards or denies is left out. Raises TurnInterruptedError where the waiting is given up.
    """
    if why := policy.leaves_out(path, data):
        return ReadFile(reason=why)
    if not data.strip():
        return ReadFile(reason="empty")
    if images.recognise(data) or images.other_image(data):
        return ReadFile(reason="images")
    page = path.suffix.lower() in _PAGES
    if data.startswith(b"PK\x03\x04") and path.suffix.lower() not in _OFFICE:
        return ReadFile(reason="not text")
    if not page and not data.startswith((b"%PDF-", b"PK\x03\x04")):
        decoded = decode(data)
        if decoded is None or not decoded[0].strip():
            return ReadFile(reason="not text" if decoded is None else "empty")
        return ReadFile(decoded[0].replace("\r\n", "\n").replace("\r", "\n"))
    try:
        if data.startswith(b"%PDF-"):
            return ReadFile("\f".join(_pages(path.name, data)), paged=True)
        mime = "text/html" if page else ""
        return ReadFile(attachment_of(path.name, data, _LIMITS, False, mime=mime).text)
    except UsageError as error:
        return ReadFile(reason="not text", fault=error.message)


def _pages(name: str, data: bytes) -> list[str]:
    """The text of each page of a PDF, empty for a page that has none. Raises UsageError."""
    from gptchat.foreign.child import ChildLimits
    from gptchat.foreign.child import read as read_foreign

    limits = ChildLimits(seconds=_LIMITS.reading, output=_LIMITS.file)
    pages: list[str] = []
    for number, text in read_foreign("gptchat.foreign.pdf:read", data, name, limits=limits, numbered=True):
        pages += [""] * (number - 1 - len(pages))
        pages.append(text.replace("\f", " "))
    return pages

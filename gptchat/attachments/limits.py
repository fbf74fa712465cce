"""Limits of attachments, the result of loading one, and sizes as text."""

from __future__ import annotations

from gptchat.core.attachments import Attachment
from gptchat.values import dataclass
from gptchat.words import ngettext


@dataclass(frozen=True, slots=True)
class SizeLimits:
    """Limits of attachments. Sizes are in bytes, times in seconds."""

    file: int = 8_000_000
    """Maximum size of a text file, a document, or the response of a URL."""
    image: int = 5_000_000
    """Maximum size of an image that is sent: what the strictest of the large servers takes."""
    side: int = 2048
    """Pixels of an image's longer side; servers make larger ones smaller before a model sees them."""
    picture: int = 40_000_000
    """Maximum size of an image that is read to be made smaller."""
    folder: int = 8_000_000
    """Maximum total size of the files of a folder."""
    files: int = 300
    """Maximum number of files of a folder."""
    timeout: float = 20.0
    """Maximum total time to fetch a URL."""
    reading: int = 60
    """Maximum time to read a document."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """The attachments of a reference. `notes` are lines for the user (what was fetched, what was skipped)."""

    attachments: tuple[Attachment, ...]
    notes: tuple[str, ...] = ()


def human_size(count: int) -> str:
    """`count` bytes as text, in powers of 1000: `812 B`, `3.1 MB`."""
    if count < 1000:
        return f"{count} B"
    return f"{count / 1000:.1f} kB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB"


def count_files(count: int) -> str:
    """`count` files as translated text: `3 files`."""
    return ngettext("{count} file", "{count} files", count).format(count=count)

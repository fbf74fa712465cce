"""How much may be attached, what came of it, and sizes in words."""

from __future__ import annotations

from gptchat.core.attachments import Attachment
from gptchat.values import dataclass
from gptchat.words import ngettext


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may be attached. Sizes are bytes, times seconds."""

    file: int = 8_000_000
    """A text file, a document, or what an address answers."""
    image: int = 20_000_000
    folder: int = 8_000_000
    """All files of a folder together."""
    files: int = 300
    """How many files a folder may bring."""
    timeout: float = 20.0
    """The whole time that fetching an address may take."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a reference brought. `notes` are lines the person should know (what was fetched, what was skipped)."""

    attachments: tuple[Attachment, ...]
    notes: tuple[str, ...] = ()


def human_size(count: int) -> str:
    """`count` bytes as a person says it, in powers of 1000: `812 B`, `3.1 MB`."""
    if count < 1000:
        return f"{count} B"
    return f"{count / 1000:.1f} kB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB"


def count_files(count: int) -> str:
    """`count` files, in words."""
    return ngettext("{count} file", "{count} files", count).format(count=count)

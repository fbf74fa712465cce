"""Decisions about inline marks and table cells that the screen and a page share."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Literal

from markdown_it.token import Token

from gptchat.core.safe import safe_url
from gptchat.words import _

Align = Literal["left", "right", "center"]
BREAK = re.compile(r"<br\s*/?>\Z", re.IGNORECASE)
"""The only inline HTML with an effect: a line break."""
_ADDRESS = re.compile(r"https?://[^\s<>\"'`|\u3000-\u9fff\uac00-\ud7a3\uff00-\uffef\u2018-\u201d]+")
_WIDE_BREAK = re.compile("[\u2e80-\u9fff\uf900-\ufaff\uff00-\uff60\U00020000-\U0003ffff]")
_SUPERSCRIPT = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def addresses(text: str) -> Iterator[tuple[int, int, str]]:
    """The bare web addresses in `text` as (start, end, safe URL)."""
    for match in _ADDRESS.finditer(text) if "://" in text else ():
        address = _end_of_address(match[0])
        url = safe_url(address)
        if url is not None:
            yield match.start(), match.start() + len(address), url


def footnote_mark(name: str) -> str:
    """The sign of a footnote in the text and before the note: `¹` or `[name]`."""
    return name.translate(_SUPERSCRIPT) if name.isascii() and name.isdigit() else f"[{name}]"


def no_blank_between(tokens: list[Token], index: int) -> bool:
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


def aligns(delimiters: Sequence[str]) -> list[Align]:
    """The alignments given by the cells of a delimiter row (`:--`, `:-:`, `--:`)."""
    return [
        "center" if cell.startswith(":") and cell.endswith(":") else "right" if cell.endswith(":") else "left"
        for cell in delimiters
    ]


def fitted(row: Sequence[str], count: int) -> list[str]:
    """Exactly `count` cells: missing cells are empty, surplus ones are joined to the last so that none is lost."""
    if len(row) <= count:
        return [*row, *[""] * (count - len(row))]
    return [*row[: count - 1], " | ".join(row[count - 1 :])]


def callout_names() -> dict[str, str]:
    """The title of each kind of callout, in the language in use."""
    return {
        "note": _("Note"),
        "tip": _("Tip"),
        "important": _("Important"),
        "warning": _("Warning"),
        "caution": _("Caution"),
    }

"""Finds `@path` mentions of files, folders and URLs in a message, and ignores other at signs."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from gptchat.values import dataclass

_MENTION = re.compile(r'(?<![A-Za-z0-9._%+\-@＠/])[@＠](?:"([^"\n]+)"|“([^”\n]+)”|([^\s"“@＠`]+))')
"""An at sign, full-width or not, that is not part of an e-mail address, then a quoted or plain reference."""

CODE = re.compile(r"(`{3,}|~{3,})[^\n]*\n.*?(?:\n\1|\Z)|(`+)[^`].*?\2", re.DOTALL)
"""Code in backticks: a block between fences, or a span."""
_ENDING = ".,;:!?)]}>'\"，。；：！？、）】》」』”’…"
_FILES = (".txt", ".md", ".pdf", ".png", ".jpg", ".jpeg", ".gif", ".webp", ".csv", ".log", ".docx", ".xlsx")
"""Suffixes that only files have, so that a misspelt name is reported. Suffixes of code are excluded: `@app.py`
may be a decorator or a package."""
_EXPLICIT = ("./", "../", "~/", "/", ".\\", "..\\", "~\\")


@dataclass(frozen=True, slots=True)
class Mention:
    """A mention in a text, from the at sign at `start` up to `end`. `reference` is what `load` takes."""

    start: int
    end: int
    reference: str


def find_mentions(
    text: str, cwd: Path, at: Callable[[int], object] = lambda _start: True, servers: Sequence[str] = ()
) -> list[Mention]:
    """Find `@path`, `@"path with spaces"`, `@folder/` and `@https://...` in `text`, where `at(start)` is true.

    A plain word is a mention if such a file exists in `cwd`, so `@decorator`,
    `@someone` and `me@example.org` are unchanged; a word that is quoted, begins with `./`, `~/` or `/`, or has
    a file suffix (`notes.txt`) is always a mention. So is `@SERVER:uri` for one of `servers`. Code in backticks is
    unchanged. Never raises.
    """
    signs = [match for match in _MENTION.finditer(text) if at(match.start())]
    code = [match.span() for match in CODE.finditer(text)] if signs else []
    found = []
    for match in signs:
        if any(begin <= match.start() < end for begin, end in code):
            continue
        quoted = match[1] or match[2]
        if reference := quoted or _of_server(match[3], servers) or _plain(match[3], cwd):
            end = match.end() if quoted else match.start() + 1 + len(reference)
            found.append(Mention(match.start(), end, reference))
    return found


def bare(text: str, mentions: Sequence[Mention]) -> str:
    """`text` with the bare name in place of each of `mentions`."""
    for mention in reversed(mentions):
        text = text[: mention.start] + mention.reference + text[mention.end :]
    return text


def _of_server(written: str, servers: Sequence[str]) -> str:
    """The reference in `written` to a resource of one of `servers`, or empty."""
    server, colon, uri = written.partition(":")
    return written.rstrip(_ENDING) if colon and uri.strip(_ENDING) and server in servers else ""


def _plain(written: str, cwd: Path) -> str:
    """The part of `written` that is a reference: a URL, or the longest existing path; empty if there is none."""
    if re.match(r"https?://", written, re.IGNORECASE):
        return written.rstrip(_ENDING)
    for end in range(len(written), 0, -1):
        # Chinese text has no spaces, so a name may end where a non-ASCII character begins.
        cut_fits = end == len(written) or written[end] in _ENDING or not written[end].isascii()
        if cut_fits and _exists(written[:end], cwd):
            return written[:end]
    name = written.rstrip(_ENDING)
    return name if written.startswith(_EXPLICIT) or name.lower().endswith(_FILES) else ""


def _exists(name: str, cwd: Path) -> bool:
    if not name.strip("./\\~"):
        return name in ("./", "../", "~/")
    try:
        return (cwd / Path(name).expanduser()).exists()
    except (OSError, ValueError, RuntimeError):  # too long, a NUL, or an unknown home directory
        return False

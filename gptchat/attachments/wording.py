"""Formats attachments in a message: a text as a named code fence, an image as a content part."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from gptchat.core.attachments import Attachment
from gptchat.core.messages import Content, Part

_TAGS = {
    "bash": "sh bash zsh",
    "bat": "bat cmd",
    "c": "c h",
    "cpp": "cpp cc cxx hpp hh",
    "csharp": "cs",
    "css": "css",
    "csv": "csv tsv",
    "diff": "diff patch",
    "go": "go",
    "html": "html htm",
    "ini": "ini cfg conf",
    "java": "java",
    "javascript": "js mjs cjs",
    "json": "json jsonl",
    "jsx": "jsx",
    "kotlin": "kt kts",
    "latex": "tex",
    "lua": "lua",
    "makefile": "mk makefile",
    "markdown": "md markdown",
    "perl": "pl pm",
    "php": "php",
    "powershell": "ps1",
    "python": "py pyi pyw",
    "r": "r",
    "ruby": "rb",
    "rust": "rs",
    "scala": "scala",
    "sql": "sql",
    "swift": "swift",
    "toml": "toml",
    "tsx": "tsx",
    "typescript": "ts mts",
    "vue": "vue",
    "xml": "xml svg",
    "yaml": "yaml yml",
    "dockerfile": "dockerfile",
}
_TAG_OF = {suffix: tag for tag, suffixes in _TAGS.items() for suffix in suffixes.split()}
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029`]")


def language_of(name: str) -> str:
    """The code fence tag for a file name, by its suffix or whole name (`Makefile`); empty if unknown."""
    last = PurePosixPath(name.replace("\\", "/")).name.lower()
    return _TAG_OF.get(last.rpartition(".")[2], "")


def fenced(name: str, text: str, language: str = "") -> str:
    """`text` under `name`, in a code fence longer than any run of backticks in it."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    shown = _CONTROL.sub("?", name)
    end = "" if text.endswith("\n") else "\n"
    return f"`{shown}`:\n\n{fence}{language or 'text'}\n{text}{end}{fence}"


def compose(text: str, attachments: Sequence[Attachment]) -> Content:
    """The message content for `text` with `attachments`: a string, or a tuple of parts if there are images.

    The order is: `text`, the text attachments, the images.
    """
    blocks = [text.strip("\n")] if text.strip() else []
    blocks += [fenced(item.name, item.text, item.language) for item in attachments if item.kind == "text"]
    words = "\n\n".join(blocks)
    images = [item.part for item in attachments if item.kind == "image"]
    if not images:
        return words
    said: list[Part] = [{"type": "text", "text": words}] if words else []
    return (*said, *images)

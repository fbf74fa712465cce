"""Reads `.gitignore` files: which paths they leave out (gitignore(5))."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from gptchat.files import SMALL, read_regular
from gptchat.values import dataclass

NAME = ".gitignore"
_LONGEST = 1000
"""Characters of a pattern; a longer one is no path."""


@dataclass(frozen=True, slots=True)
class IgnoreRule:
    """One pattern, for paths below the folder of its file. `keeps`: it began with `!`."""

    pattern: re.Pattern[str]
    keeps: bool
    folders: bool
    """Whether it fits folders only."""


def rules_in(folder: Path) -> list[IgnoreRule]:
    """The rules of the file in `folder`; none if it is missing or cannot be read. Blocks."""
    try:
        text = read_regular(folder / NAME, SMALL).decode("utf-8", "replace")
    except (OSError, ValueError):
        return []
    return [rule for line in text.splitlines() if (rule := rule_of(line)) is not None]


def rule_of(line: str) -> IgnoreRule | None:
    """The rule in a line of such a file; None for a comment and for what can fit nothing."""
    line = re.sub(r"(?<!\\) +$", "", line.rstrip("\r\n"))
    keeps = line.startswith("!")
    line = line[keeps:]
    if not line or line.startswith("#") or len(line) > _LONGEST:
        return None
    folders = line.endswith("/")
    line = line.rstrip("/") if folders else line
    anchored = "/" in line
    line = line.lstrip("/")
    if not line:
        return None
    try:
        pattern = re.compile(("" if anchored else r"(?:.*/)?") + _translated(line), re.DOTALL)
    except re.error:
        return None
    return IgnoreRule(pattern, keeps, folders)


def ignored(path: str, is_folder: bool, rules: Sequence[tuple[str, Sequence[IgnoreRule]]]) -> bool:
    """Whether `path` is left out. `rules` are those of each folder above it, outermost first.

    Paths are relative to one root, with slashes; that of a folder of rules ends in one, and is empty for the root.
    """
    for base, own in reversed(rules):
        below = path[len(base) :]
        for rule in reversed(own):
            if (is_folder or not rule.folders) and rule.pattern.fullmatch(below):
                return not rule.keeps
    return False


def _translated(glob: str) -> str:
    """A regular expression for a pattern. Runs of stars are one, so that matching takes no exponential time."""
    parts: list[str] = []
    at = 0
    glob = re.sub(r"\*{3,}", "**", glob)
    glob = re.sub(r"(?:\*\*/)+", "**/", glob)
    while at < len(glob):
        if glob.startswith("**/", at) and (at == 0 or glob[at - 1] == "/"):
            parts.append("(?:.*/)?")
            at += 3
        elif glob.startswith("**", at):
            whole = at and glob[at - 1] == "/" and at + 2 == len(glob)
            parts.append(".*" if whole else "[^/]*")
            at += 2
        elif glob[at] == "*":
            parts.append("[^/]*")
            at += 1
        elif glob[at] == "?":
            parts.append("[^/]")
            at += 1
        elif glob[at] == "[" and (end := glob.find("]", at + 2)) > 0:
            inner = glob[at + 1 : end]
            negated = inner[:1] in "!^"
            escaped = re.sub(r"([\\\[\]^&~|])", r"\\\1", inner[negated:])
            parts.append(f"(?!/)[{'^' if negated else ''}{escaped}]")
            at = end + 1
        elif glob[at] == "\\" and at + 1 < len(glob):
            parts.append(re.escape(glob[at + 1]))
            at += 2
        else:
            parts.append(re.escape(glob[at]))
            at += 1
    return "".join(parts)

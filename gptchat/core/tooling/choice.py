"""Which tools are offered: what `tools.use`, `tools.deny` and `tools.only` say."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gptchat.core.tooling import Tool, ToolSpec

BUILTIN = "builtin"
"""The group of the tools that need no settings."""


def fits(pattern: str, spec: ToolSpec) -> bool:
    """Whether a name of `tools.allow`, `tools.ask` or `tools.deny` means the tool: its key, or its whole group.

    Its plain name does not do: another source may offer the same one.
    """
    return pattern in (spec.key, spec.group)


def names_of(use: str) -> list[str]:
    """The names that `tools.use` lists; empty for on, off and auto."""
    words = [word for word in re.split(r"[,\s]+", use.strip()) if word]
    return [] if len(words) == 1 and words[0].lower() in ("on", "off", "auto", "none") else words


def wants_group(use: str, group: str, groups: Sequence[str]) -> bool:
    """Whether the source `group` is needed at all; `groups` are all sources there are.

    A name that is no source's may be a tool of any.
    """
    mode = use.strip().lower()
    if not (names := names_of(use)):
        return mode == "on" or (mode not in ("off", "none") and group != BUILTIN)
    return any(name.partition("/")[0] == group or name.partition("/")[0] not in groups for name in names)


def offered(tools: Sequence[Tool], use: str, deny: Sequence[str] = ()) -> tuple[list[Tool], list[str]]:
    """The tools that `tools.use` offers, in their order, and the names in it that mean none."""
    allowed = [tool for tool in tools if not any(fits(one, tool.spec) for one in deny)]
    mode = use.strip().lower()
    if not (names := names_of(use)):
        if mode in ("off", "none"):
            return [], []
        return [tool for tool in allowed if mode == "on" or tool.spec.group != BUILTIN], []
    found = [tool for tool in allowed if any(_named(name, tool.spec) for name in names)]
    return found, [name for name in names if not any(_named(name, tool.spec) for tool in tools)]


def _named(name: str, spec: ToolSpec) -> bool:
    return name in (spec.name, spec.key, spec.group)

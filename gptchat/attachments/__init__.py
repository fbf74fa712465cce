"""Loads files, folders, URLs, images and command output as message attachments. All functions block."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gptchat.attachments.limits import Loaded, SizeLimits
from gptchat.attachments.loading import judge, load
from gptchat.attachments.mentions import Mention, bare, find_mentions
from gptchat.attachments.policy import Judgement, Policy
from gptchat.attachments.wording import compose, fenced
from gptchat.core.attachments import Attachment

if TYPE_CHECKING:
    from gptchat.attachments.shell import CommandOutput, run_command

__all__ = [
    "Attachment",
    "CommandOutput",
    "Judgement",
    "Loaded",
    "Mention",
    "Policy",
    "SizeLimits",
    "bare",
    "compose",
    "fenced",
    "find_mentions",
    "judge",
    "load",
    "run_command",
]


def __getattr__(name: str) -> Any:
    """Import `shell` on first use, because it imports `subprocess`, which is slow."""
    if name not in ("CommandOutput", "run_command"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from gptchat.attachments import shell as commands

    return getattr(commands, name)

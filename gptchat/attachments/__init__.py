"""Files, folders, addresses, images and the output of commands become parts of a message. All of it blocks."""

from __future__ import annotations

from gptchat.attachments.commands import CommandOutput, run_command
from gptchat.attachments.limits import Limits, Loaded
from gptchat.attachments.loading import load
from gptchat.attachments.mentions import expand_mentions
from gptchat.attachments.wording import compose, fenced
from gptchat.core.attachments import Attachment

__all__ = [
    "Attachment",
    "CommandOutput",
    "Limits",
    "Loaded",
    "compose",
    "expand_mentions",
    "fenced",
    "load",
    "run_command",
]

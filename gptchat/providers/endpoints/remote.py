"""The abilities of a provider to do work by itself, over OpenAI's API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gptchat.providers.endpoints.files import Sender


def remote_work(sender: Sender) -> dict[str, Any]:
    """The fields `files` and `tuning` of Abilities."""
    from gptchat.providers.endpoints.files import FileKeeping
    from gptchat.providers.endpoints.fine_tuning import FineTuning

    return {"files": FileKeeping(sender), "tuning": FineTuning(sender)}

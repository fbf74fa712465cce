"""The abilities of a provider to do work by itself, over OpenAI's API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from gptchat.providers.kinds import ABILITIES

if TYPE_CHECKING:
    from gptchat.config.endpoints import ProviderSettings
    from gptchat.providers.endpoints.files import Sender

    class Served(Sender, Protocol):
        """A sender that knows its settings."""

        @property
        def settings(self) -> ProviderSettings:
            """The settings of the provider."""


def remote_work(sender: Served) -> dict[str, Any]:
    """The fields `files`, `tuning` and `batches` of Abilities."""
    from gptchat.providers.endpoints.batches import Batches
    from gptchat.providers.endpoints.files import FileKeeping
    from gptchat.providers.endpoints.fine_tuning import FineTuning

    prefix = ABILITIES[sender.settings.kind].batch_prefix
    return {"files": FileKeeping(sender), "tuning": FineTuning(sender), "batches": Batches(sender, prefix)}

"""The wire APIs: translate a request to a payload, and server data to events, without any I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gptchat.errors import ConfigurationError
from gptchat.words import _

if TYPE_CHECKING:
    from gptchat.providers.wire.common import Wire


def wire_named(name: str) -> Wire:
    """The wire API named `chat`, `responses` or `completions`. Raises ConfigurationError for any other name."""
    from gptchat.providers.wire import chat, completions, responses

    wires: dict[str, Wire] = {wire.name: wire for wire in (chat.WIRE, responses.WIRE, completions.WIRE)}
    if name not in wires:
        raise ConfigurationError(
            _("there is no wire API “{name}”").format(name=name), hint=_("api is chat, responses or completions")
        )
    return wires[name]

"""What a typed place means: the name of a provider in any spelling, an address, or neither."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from gptchat import vendors
from gptchat.config.parse import unknown_name
from gptchat.errors import ConfigurationError
from gptchat.providers import registry
from gptchat.redaction import looks_like_key
from gptchat.words import _

if TYPE_CHECKING:
    from gptchat.config.endpoints import ProviderSettings
    from gptchat.config.settings import Settings


def is_place(typed: str) -> bool:
    """Whether `typed` is a provider's name, an address or a key, rather than a slip at a letter."""
    known = vendors.named(typed) is not None or vendors.ended(typed) is not None
    return known or "://" in typed or looks_like_key(typed)


def known(typed: str, settings: Settings) -> ProviderSettings | None:
    """The provider that `typed` names, one of the settings or a ready-made one; None for an address.

    Raises ConfigurationError for a key, a service that has ended, and a single word that names nothing.
    """
    if "://" not in typed and looks_like_key(typed):
        raise ConfigurationError(
            _("that looks like a key"), hint=_("choose whose key it is first; then it is asked for, hidden")
        )
    if typed in settings.names("providers") or vendors.named(typed) is not None:
        return settings.provider(typed)
    word = not re.search(r"[.:/\s]", typed)  # `litellm:4000` is an address
    if vendors.ended(typed) is not None or (word and not vendors.is_loopback(typed)):
        raise unknown_name("providers", typed, settings.provider_names())
    return None


def free_name(address: str, settings: Settings) -> tuple[str, set[str]]:
    """A short name for a server, and the names that are others' already. A server that has a name keeps it."""
    names = set(registry.names())
    here = [one.name for one in settings.own_providers() if one.base_url == address and one.name not in names]
    taken = (names | set(settings.names("providers"))) - set(here)
    host = urlsplit(address).hostname or "server"
    short = "local" if vendors.is_loopback(address) else host.replace("api.", "").split(".")[0]
    numbered = (f"{short}-{n}" for n in range(2, len(taken) + 3))
    return next(name for name in (*here, short, *numbered) if name not in taken), taken

"""Gets and checks a provider's key before it is sent."""

from __future__ import annotations

from collections.abc import Callable

from gptchat.config.endpoints import ProviderSettings
from gptchat.errors import ConfigurationError
from gptchat.redaction import register
from gptchat.words import _

KeySource = Callable[[], str] | str | None
"""A key, or a function that finds it, called when it is needed and again after it was refused."""


def resolve(source: KeySource, settings: ProviderSettings) -> str:
    """The key, without quotes, white space and `Bearer`; empty if the provider needs none.

    Registers the key for redaction. Raises ConfigurationError if a required key is missing, or if it has
    characters other than visible ASCII; the message never contains the key.
    """
    key = (source() if callable(source) else source) or ""
    key = key.strip().strip("\"'").strip()
    if key.lower().startswith("bearer "):
        key = key[7:].strip()
    if not key:
        if settings.keyless:
            return ""
        raise ConfigurationError(_("no key for {who}").format(who=settings.name), hint=key_hint(settings))
    for position, character in enumerate(key, 1):
        if not "!" <= character <= "~":
            raise ConfigurationError(
                _("the key for {who} has a character that no key has, {code}, at position {position}").format(
                    who=settings.name, code=f"U+{ord(character):04X}", position=position
                ),
                hint=_("copy the key again and give it with /key set"),
            )
    register(key)
    return key


def key_hint(settings: ProviderSettings) -> str:
    """A sentence for the user on how to give this provider a key."""
    if settings.api_key_env:
        return _("set the environment variable {name}, or give the key with /key set").format(
            name=settings.api_key_env
        )
    return _("give the key with /key set")

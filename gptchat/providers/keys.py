"""A key on its way to the wire: where it comes from, whether it can travel, and what to say when there is none."""

from __future__ import annotations

from collections.abc import Callable

from gptchat.config.endpoints import ProviderSettings
from gptchat.errors import ConfigurationError
from gptchat.redaction import register
from gptchat.words import _

KeySource = Callable[[], str] | str | None
"""A key, or something that finds it when it is needed (and again after it was refused)."""


def resolve(source: KeySource, settings: ProviderSettings) -> str:
    """The key, cleaned of what a paste brings along; empty where a request without one makes sense.

    Raises `ConfigurationError` where there is no key, or where it cannot be a key. The key is never shown.
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
    """How to give this provider a key."""
    if settings.api_key_env:
        return _("set the environment variable {name}, or give the key with /key set").format(
            name=settings.api_key_env
        )
    return _("give the key with /key set")

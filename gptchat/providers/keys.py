"""Gets and checks a provider's key before it is sent."""

from __future__ import annotations

import os
from collections.abc import Callable

from gptchat import vendors
from gptchat.config.endpoints import ProviderSettings
from gptchat.config.keys import Key, stored_in, variables_of
from gptchat.errors import ConfigurationError
from gptchat.redaction import register
from gptchat.words import _

KeySource = Callable[[], "Key | str | None"] | str | None
"""A key, or a function that finds it, called when it is needed and again after it was refused."""


def resolve(source: KeySource, settings: ProviderSettings) -> Key:
    """The key, without quotes, white space and `Bearer`, and where it came from; empty if the provider needs none.

    Registers the key for redaction. Raises ConfigurationError if a required key is missing, or if it has
    characters other than visible ASCII; the message never contains the key.
    """
    found = (source() if callable(source) else source) or ""
    key, origin = (found.value, found.source) if isinstance(found, Key) else (found, "")
    key = key.strip().strip("\"'").strip()
    if key.lower().startswith("bearer "):
        key = key[7:].strip()
    if not key:
        if settings.keyless:
            return Key("", "")
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
    return Key(key, origin)


def refused_hint(settings: ProviderSettings, origin: str) -> str:
    """A sentence for the user on what to do about a refused key from `origin` (`Key.source`)."""
    place = stored_in(origin)
    if not origin:
        told = key_hint(settings)
    elif place == "variable":
        told = _("it came from the variable {name}: correct or unset it there; it goes before a key of /key set")
    elif place == "command":
        told = _("it came from {name}: see what the command prints")
    elif place == "stored":
        told = _("it was kept by /key set: give the right one with /key set {provider}")
    else:
        told = _("it came from the file {name}: put the right key there")
    told = told.format(name=origin, provider=settings.name)
    vendor = vendors.get(settings.name)
    kin = [one.name for one in vendors.table().values() if vendor is not None and _share_keys(one, vendor)]
    if kin:
        told += _("; if it belongs to {names}, choose that with /provider").format(names=_(" or ").join(kin))
    return told


def _share_keys(one: vendors.Vendor, other: vendors.Vendor) -> bool:
    """Whether two ready-made providers read the same variable and take different keys."""
    return one.name != other.name and bool({*one.keys} & {*other.keys})


def key_hint(settings: ProviderSettings) -> str:
    """A sentence for the user on how to give this provider a key."""
    if settings.api_key_env and settings.api_key_env not in variables_of(settings, os.environ):
        return _("OPENAI_API_TYPE says that {name} is Azure's: unset it, or choose azure with -p").format(
            name=settings.api_key_env
        )
    if settings.api_key_env:
        return _("set the environment variable {name}, or give the key with /key set").format(
            name=settings.api_key_env
        )
    return _("give the key with /key set")

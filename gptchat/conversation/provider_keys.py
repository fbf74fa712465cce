"""API keys of the current user: lookup, storage and removal, per user or shared on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gptchat.config import keys
from gptchat.config.endpoints import ProviderSettings
from gptchat.errors import ConfigurationError
from gptchat.storage.users import slug
from gptchat.words import _


class ProviderKeys:
    """Keys by provider. `environ` is the environment in which keys are looked up."""

    def __init__(self, data_dir: Path, environ: Mapping[str, str]) -> None:
        self._data_dir = data_dir
        self._environ = environ
        self._user = ""
        self._changes = 0
        self._held: dict[str, str] = {}
        """Keys by provider that were typed in this run and go before all others; they are on no disk."""

    def use(self, user: str) -> None:
        """Use the keys of `user` from now on."""
        self._user = user
        self._held.clear()

    @property
    def user(self) -> str:
        """The name of whoever is chatting."""
        return self._user

    @property
    def state(self) -> tuple[str, int]:
        """A value that changes whenever another key may be found, so that open providers are replaced."""
        return self._user, self._changes

    def find(self, provider: ProviderSettings) -> keys.Key | None:
        """The user's key for `provider`, or the shared one. Raises ConfigurationError."""
        if held := self._held.get(provider.name):
            return keys.Key(held, "")
        return keys.find_key(provider, self._data_dir, self._environ, user=self._slug())

    def missing(self, provider: ProviderSettings) -> bool:
        """Whether `provider` needs a key and none can be found."""
        return not provider.keyless and self.find(provider) is None

    def unused(self, provider: ProviderSettings) -> bool:
        """Whether requests to `provider` go without a key, as those to a local server do."""
        try:
            return provider.keyless and self.find(provider) is None
        except ConfigurationError:  # a key is configured but not available now
            return False

    def variable(self, provider: ProviderSettings) -> str:
        """The environment variable from which the user's own programs read the key; empty if no key is sent."""
        return "" if self.unused(provider) else keys.variable_for(provider, self._environ)

    def kept_in(self, provider: ProviderSettings) -> str:
        """Where the key of `provider` is kept; empty if it is in an environment variable. Runs no command."""
        if any(self._environ.get(name, "").strip() for name in keys.variables_of(provider, self._environ)):
            return ""
        if provider.api_key_command:
            return "api_key_command"
        return provider.api_key_file or _("its own store")

    def exposed(self, provider: ProviderSettings) -> list[str]:
        """Warnings about key files of `provider` that other users of this machine can read."""
        return keys.exposed_files(provider, self._data_dir, self._environ)

    def hold(self, provider: ProviderSettings, key: str) -> None:
        """Use `key` from now on, without storing it. Raises ConfigurationError for what cannot be a key."""
        self._held[provider.name] = keys.clean_key(key)
        self._changes += 1

    def drop(self, provider: ProviderSettings) -> None:
        """Forget a key that was held; what is stored stays."""
        if self._held.pop(provider.name, None) is not None:
            self._changes += 1

    def keep(self, provider: ProviderSettings, *, shared: bool = False) -> tuple[str, str]:
        """Store the key that is held, as `store` does; two empty strings if none is.

        Returns its location, and the place that goes first in the next run, if there is one.
        Raises ConfigurationError.
        """
        held = self._held.get(provider.name)
        if held is None:
            return "", ""
        where = self.store(provider, held, shared=shared)
        found = self.find(provider)
        if found is None or found.value == held:
            return where, ""
        self.hold(provider, held)
        return where, found.source

    def store(self, provider: ProviderSettings, key: str, *, shared: bool = False) -> str:
        """Store a key for this user, or `shared` for all; return its location. Raises ConfigurationError."""
        where = keys.store_key(provider.name, key, self._data_dir, "" if shared else self._slug())
        self._held.pop(provider.name, None)
        self._changes += 1
        return where

    def forget(self, provider: ProviderSettings) -> list[str]:
        """Remove the user's key and the shared one from gptchat's own storage; return the locations."""
        self.drop(provider)
        places = keys.forget_key(provider.name, self._data_dir, self._slug())
        places += keys.forget_key(provider.name, self._data_dir)
        self._changes += 1
        return places

    def _slug(self) -> str:
        return slug(self._user) if self._user else ""

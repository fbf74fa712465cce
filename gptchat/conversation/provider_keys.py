"""The keys of whoever is chatting: found, stored and forgotten for one person, or for all of this machine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gptchat.config import keys
from gptchat.config.endpoints import ProviderSettings
from gptchat.errors import ConfigurationError
from gptchat.storage.users import slug


class ProviderKeys:
    """Keys by provider. `environ` is the environment that keys may stand in."""

    def __init__(self, data_dir: Path, environ: Mapping[str, str]) -> None:
        self._data_dir = data_dir
        self._environ = environ
        self._user = ""
        self._changes = 0

    def use(self, user: str) -> None:
        """Let the keys be those of `user` from now on."""
        self._user = user

    @property
    def state(self) -> tuple[str, int]:
        """Changes whenever another key may be found: a provider that was opened before has an old one."""
        return self._user, self._changes

    def find(self, provider: ProviderSettings) -> keys.Key | None:
        """The person's key for `provider`, or the one all share. Raises ConfigurationError."""
        return keys.find_key(provider, self._data_dir, self._environ, user=self._slug())

    def value(self, provider: ProviderSettings) -> str:
        """The key itself; empty where there is none. Raises ConfigurationError."""
        found = self.find(provider)
        return found.value if found else ""

    def missing(self, provider: ProviderSettings) -> bool:
        """Whether `provider` needs a key and none can be found."""
        return not provider.keyless and self.find(provider) is None

    def unused(self, provider: ProviderSettings) -> bool:
        """Whether requests to `provider` go without a key, as those to a local server do."""
        try:
            return provider.keyless and self.find(provider) is None
        except ConfigurationError:  # there is to be one, though it cannot be had now
            return False

    def variable(self, provider: ProviderSettings) -> str:
        """The variable that a program of the person's own reads the key from; empty where no key is sent."""
        return "" if self.unused(provider) else keys.variable_for(provider, self._environ)

    def exposed(self, provider: ProviderSettings) -> list[str]:
        """What to tell of each file for the key of `provider` that other people of this machine can read."""
        return keys.exposed_files(provider, self._data_dir, self._environ)

    def store(self, provider: ProviderSettings, key: str, *, shared: bool = False) -> str:
        """Keep a key for this person (or for all); returns where it is. Raises ConfigurationError."""
        where = keys.store_key(provider.name, key, self._data_dir, "" if shared else self._slug())
        self._changes += 1
        return where

    def forget(self, provider: ProviderSettings) -> list[str]:
        """Remove this person's key, and the one all share, from where gptchat keeps keys; the places it was in."""
        places = keys.forget_key(provider.name, self._data_dir, self._slug())
        places += keys.forget_key(provider.name, self._data_dir)
        self._changes += 1
        return places

    def _slug(self) -> str:
        return slug(self._user) if self._user else ""

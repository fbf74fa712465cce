"""The effective settings of the current user and session, and the operations that change them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gptchat.config import schema
from gptchat.config.endpoints import ProviderSettings
from gptchat.config.paths import Paths
from gptchat.config.settings import Settings
from gptchat.conversation.people import speak
from gptchat.core.session import Session
from gptchat.core.typed.template import fill, uses
from gptchat.errors import StorageError
from gptchat.manager import SessionManager
from gptchat.storage import users
from gptchat.words import _


class Profile:
    """Opens sessions under their settings, and saves the user's changes.

    `incognito` keeps changes for this run alone. `system` is the system prompt of the command line.
    """

    def __init__(
        self,
        settings: Settings,
        manager: SessionManager,
        paths: Paths,
        environ: Mapping[str, str],
        *,
        incognito: bool,
        system: str | None,
    ) -> None:
        self._settings = settings
        self._manager = manager
        self._paths = paths
        self._environ = environ
        self._incognito = incognito
        self._system = system
        self._user = ""

    def use(self, user: str) -> None:
        """Switch to `user`, whose settings are in effect already, in a new session."""
        self._user = user
        self.begin_session()

    def renamed(self, user: str) -> None:
        """Go on for the same user, who is called `user` now, in the same session: their files have moved."""
        for session in (self._manager.session, *self._manager.store.waiting()):
            if session.user == self._user:
                session.user = user
        self._user = user

    def begin_session(
        self, *, title: str | None = None, settings: Mapping[str, Any] | None = None, kind: str = ""
    ) -> Session:
        """Open a new session under the effective settings, or with `settings` of its own."""
        self._drop_chat_settings()
        self._settings.replace_layer("session", settings or {})
        if settings is None and self._system is not None:
            self._put("system", self._system)
        return self._manager.begin(self._user, self._session_settings(), title=title, kind=kind)

    def open_session(self, session_id: str) -> Session:
        """Open a saved session under its own settings. Raises StorageError."""
        session = self._manager.open(self._user, session_id)
        self._drop_chat_settings()
        self._settings.replace_layer("session", session.settings)
        return session

    def change(self, key: str, value: Any) -> str:
        """Set `key` for this run, for the user and, if it is a session setting, for the session.

        Returns a sentence if it could not be saved, else an empty string.
        """
        self._settings.set("set", key, value)
        if key == "ui.lang":
            speak(self._settings, self._environ)
        setting = schema.find(key)
        if setting is not None and setting.scope == "chat":
            self.change_session(key, value)
        return self._save({key: value})

    def unset(self, key: str) -> str:
        """Remove `key` from this run's, the session's and the user's settings. Returns what `change` does."""
        self._settings.unset("set", key)
        if self._settings.unset("session", key):
            self._record({key: None})
        warning = self._save({key: None})
        if key == "ui.lang":
            speak(self._settings, self._environ)
        return warning

    def change_session(self, key: str, value: Any) -> None:
        """Set `key` for the open session only."""
        self._put(key, value)
        changes = {key: value}
        if key == "provider":
            changes["model"] = self._settings.layer("session").get("model")
        self._record(changes)

    def use_preset(self, name: str, values: Mapping[str, str]) -> None:
        """Use the preset `name` (empty: none) in the open session, with `values` for its variables."""
        self.change_session("preset", name)
        if values:
            self.change_session("vars", {**self._settings.layer("session").get("vars", {}), **values})

    def save_preset(self, name: str, bundle: Mapping[str, Any]) -> str:
        """Save `bundle` as the user's preset `name` in place of an earlier one. Returns what `change` does."""
        gone = dict.fromkeys(self._preset_keys(name))
        return self._save({**gone, **{f"presets.{name}.{key}": value for key, value in bundle.items()}})

    def remove_preset(self, name: str) -> str:
        """Remove the user's own preset `name`. Returns what `change` does."""
        return self._save(dict.fromkeys(self._preset_keys(name)))

    def _preset_keys(self, name: str) -> list[str]:
        return [key for key in self._settings.layer("user") if key.startswith(f"presets.{name}.")]

    def change_provider(self, chosen: ProviderSettings) -> str:
        """Switch to the provider `chosen` and its own model. Returns what `change` does."""
        warning = self.change("provider", chosen.name)
        for layer in ("set", "session", "user"):
            self._settings.unset(layer, "model")
        self._record({"provider": chosen.name, "model": None})
        return warning or self._save({"model": None})

    def _drop_chat_settings(self) -> None:
        """Drop session settings changed with `/set`: they are saved in the session they were made in."""
        for key in self._settings.layer("set"):
            if (setting := schema.find(key)) and setting.scope == "chat":
                self._settings.unset("set", key)

    def _session_settings(self) -> dict[str, Any]:
        """The settings that a new session stores, so that it can be resumed under them."""
        kept = self._settings.layer("session")
        for key in ("provider", "model", "system", "preset", *schema.PARAMETERS):
            if self._settings.source(key).layer not in ("default", "file", "environment") and key not in kept:
                kept[key] = self._settings.get(key)
        if name := self._settings.template():
            # The text has variables: the preset fills it, and the text as it is now stands in once that is gone.
            text, values = self._settings.chat.system, self._settings.variables()
            used = {key: value for key, value in values.items() if uses(text, key)}
            kept.pop("preset", None)
            kept |= {"system": fill(text, used), "preset": name, **({"vars": used} if used else {})}
        elif "preset" in kept and kept.get("system") == self._settings.chat.system:
            kept["system"] = kept.pop("system")  # the last key wins, so the preset's own prompt does not return
        return _plain(kept)

    def _put(self, key: str, value: Any) -> None:
        """Make `value` effective in the open session, overriding flags, presets and earlier `/set`."""
        self._settings.set("session", key, value)
        if self._settings.get(key) != value:
            self._settings.set("set", key, value)

    def _record(self, changes: Mapping[str, Any]) -> None:
        """Store `changes` in the open session."""
        session = self._manager.session
        if session.messages:
            self._manager.record({"type": "settings", "settings": _plain(changes)})
        else:  # an empty session is not on disk yet
            self._manager.begin(self._user, self._session_settings(), title=session.title, kind=session.kind)

    def _save(self, changes: Mapping[str, Any]) -> str:
        """Save `changes` as the user's own settings; None removes a key."""
        for key, value in changes.items():
            if value is None:
                self._settings.unset("user", key)
            else:
                self._settings.set("user", key, value)
        if self._incognito:
            return ""
        try:
            users.write_settings(self._paths.data_dir, self._user, _plain(self._settings.layer("user")))
        except StorageError as error:
            return _("it holds for this run, but could not be saved: {why}").format(why=error.message)
        return ""


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """`values` with tuples as lists, for JSON."""
    return {key: list(value) if isinstance(value, tuple) else value for key, value in values.items()}

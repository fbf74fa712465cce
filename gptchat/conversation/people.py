"""The users of this machine: who has sessions here, and who is current."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from gptchat import notices, words
from gptchat.errors import StorageError, UsageError
from gptchat.storage import users
from gptchat.words import _

if TYPE_CHECKING:
    from pathlib import Path

    from gptchat.config.settings import Settings


class People:
    """Lists the users below `data_dir` and switches between them, each with their own settings.

    With `incognito`, no folder is created and no user is remembered for the next run.
    """

    def __init__(self, data_dir: Path, settings: Settings, environ: Mapping[str, str], *, incognito: bool) -> None:
        self._data_dir = data_dir
        self._settings = settings
        self._environ = environ
        self._incognito = incognito
        self._followers: list[Callable[[str], object]] = []
        self.current = ""
        """Who is chatting; empty before the first `switch`."""

    def names(self) -> list[str]:
        """All users with a folder, sorted by name, and the current one. Reads the disk."""
        names = [user.name for user in users.list_users(self._data_dir)]
        current = self.current
        return names if current in names or not current else sorted([*names, current], key=str.casefold)

    def find(self, name: str) -> str | None:
        """The known user of that name; case is ignored if that leaves exactly one match."""
        names = self.names()
        if name in names:
            return name
        alike = [known for known in names if known.casefold() == name.casefold()]
        return alike[0] if len(alike) == 1 else None

    def switch(self, name: str, *, remember: bool = True) -> None:
        """Switch to the user `name`, in a new session under their settings.

        `remember` stores them as the default user of the next run. Raises UsageError and StorageError.
        """
        if self._incognito:
            user = users.read_user(self._data_dir, users.validate_name(name))
        else:
            user = users.ensure_user(self._data_dir, name)
            if remember:
                try:
                    users.write_state(self._data_dir, user=user.name)
                except StorageError as error:  # the next start asks for the login name's user again
                    notices.tell(error.message)
        self.current = user.name
        self._settings.replace_layer("user", user.settings)
        self._settings.replace_layer("set", {})
        speak(self._settings, self._environ)
        for follower in self._followers:
            follower(user.name)

    def follow(self, follower: Callable[[str], object]) -> None:
        """Call `follower` with the name of whoever is chatting: now, and after each `switch`."""
        self._followers.append(follower)
        follower(self.current)


def speak(settings: Settings, environ: Mapping[str, str]) -> None:
    """Use the language of the settings in force; where they leave it open, that of the environment."""
    name = settings.ui.lang
    words.choose(name if name in words.LANGUAGES else words.detect(environ))


def first_user(named: str | None, environ: Mapping[str, str], data_dir: Path) -> str:
    """The user of a new run: `named`, else GPTCHAT_USER, the last user, the login name."""
    if named is not None:
        return named  # an empty one is refused later: it must not become whoever was here last
    if asked := environ.get("GPTCHAT_USER"):
        return asked
    last = users.read_state(data_dir).get("user")
    try:
        return users.validate_name(last) if isinstance(last, str) and last else _login_name()
    except UsageError as error:
        notices.tell(_("the last user is not known: {reason}").format(reason=error.message))
        return _login_name()


def _login_name() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # no such user in the system's list, as in some containers
        return "me"

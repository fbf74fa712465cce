"""The users of this machine: who has sessions here, and who is current."""

from __future__ import annotations

from pathlib import Path

from gptchat.conversation.outgoing import Outbox
from gptchat.conversation.profile import Profile
from gptchat.conversation.provider_keys import ProviderKeys
from gptchat.storage import users


class People:
    """Lists the users below `data_dir` and switches between them.

    With `incognito`, no folder is created and no user is remembered for the next run.
    """

    def __init__(
        self, data_dir: Path, profile: Profile, keys: ProviderKeys, outbox: Outbox, *, incognito: bool
    ) -> None:
        self._data_dir = data_dir
        self._profile = profile
        self._keys = keys
        self._outbox = outbox
        self._incognito = incognito
        self._current = ""

    def names(self) -> list[str]:
        """All users with a folder, sorted by name, and the current one. Reads the disk."""
        names = [user.name for user in users.list_users(self._data_dir)]
        current = self._current
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
                users.write_state(self._data_dir, user=user.name)
        self._current = user.name
        self._outbox.attached.clear()  # one user's attachments must not be sent under another's name
        self._keys.use(user.name)
        self._profile.use(user.name, user.settings)

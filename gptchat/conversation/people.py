"""The users of this machine: who has sessions here, and who is current."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from gptchat import notices, words
from gptchat.config.settings import read_settings
from gptchat.errors import ConfigurationError, StorageError, UsageError
from gptchat.files import hold_folder
from gptchat.storage import users
from gptchat.values import dataclass
from gptchat.words import _

if TYPE_CHECKING:
    from pathlib import Path

    from gptchat.config.flags import Options
    from gptchat.config.paths import Paths
    from gptchat.config.settings import Settings
    from gptchat.storage.removal.people import Removed

IN_TRASH = "trash."
"""Begins the name under which keys of a removed person are kept. A slug has no dot, so it is nobody's."""


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How this run was asked to behave, apart from the settings."""

    incognito: bool = False
    """Nothing is saved."""
    unattended: bool = False
    """Nobody can answer a question."""
    system: str | None = None
    """The system prompt of the command line."""
    create_user: bool = True
    """Whether a name that nobody has makes a new person."""


class People:
    """The users below `data_dir`: switches between them, each with their own settings, renames and removes them.

    `cache_dir` is the folder of the cache. With `incognito`, no folder is created and no user is remembered for
    the next run. While somebody is chatting their folder is held, so that another program does not move it.
    """

    _held: int | None = None
    """Descriptor of the folder of whoever is chatting."""

    def __init__(
        self,
        data_dir: Path,
        settings: Settings,
        environ: Mapping[str, str],
        *,
        cache_dir: Path | None = None,
        incognito: bool,
    ) -> None:
        self._data_dir = data_dir
        self._cache_dir = cache_dir
        self._settings = settings
        self._environ = environ
        self._incognito = incognito
        self._followers: list[tuple[Callable[[str], object], Callable[[str], object]]] = []
        self.current = ""
        """Who is chatting; empty before the first `switch`."""
        self.made = False
        """Whether `begin` made a person beside others, who may be a slip of the keys."""

    def names(self) -> list[str]:
        """All users with a folder, sorted by name, and the current one. Reads the disk."""
        names = [user.name for user in users.list_users(self._data_dir)]
        current = self.current
        return names if current in names or not current else sorted([*names, current], key=str.casefold)

    def find(self, name: str) -> str | None:
        """The known user of that name; case is ignored if that leaves exactly one match."""
        return _match(name, self.names())

    def require(self, name: str) -> str:
        """The known user of that name, as `find`. Raises UsageError that names the nearest."""
        if (known := self.find(name)) is not None:
            return known
        raise unknown(name, self.names())

    def switch(self, name: str, *, remember: bool = True) -> None:
        """Switch to the user `name`, in a new session under their settings.

        `remember` stores them as the default user of the next run. Raises UsageError and StorageError.
        """
        if self._incognito:
            user = users.read_user(self._data_dir, users.validate_name(name, new=self.find(name) is None))
        else:
            user = users.ensure_user(self._data_dir, name)
            if remember:
                try:
                    users.write_state(self._data_dir, user=user.name)
                except StorageError as error:  # the next start asks for the login name's user again
                    notices.tell(error.message)
        self.current = user.name
        self._hold()
        self._settings.replace_layer("user", user.settings)
        self._settings.replace_layer("set", {})
        speak(self._settings, self._environ)
        for follower, _renamed in self._followers:
            follower(user.name)

    def begin(self, named: str | None, *, create: bool, remember: bool) -> None:
        """Switch to the user of a new run: `named`, else GPTCHAT_USER, the last one, the login name.

        Who was named for this run alone does not become the last user. Without `create`, a name that nobody has is
        refused, but for that of GPTCHAT_USER where nobody is here yet. Raises UsageError and StorageError.
        """
        variable = self._environ.get("GPTCHAT_USER", "")
        name = self.unnamed() if named is None else named
        names = self.names()
        known = _match(name, names) or _match(users.validate_name(name), names)
        for_this_run = named is not None or variable != ""
        if known is None and not create and (named is not None or (variable and names)):
            error = unknown(name, names)
            hint = _("{hint}; --create-user makes a new person").format(hint=error.hint)
            raise UsageError(error.message, hint=hint)
        self.made = known is None and for_this_run and bool(names) and not self._incognito
        self.switch(known or name, remember=remember and not for_this_run)

    def unnamed(self) -> str:
        """The user of a run that names none: GPTCHAT_USER, else the last one, else the login name."""
        if asked := self._environ.get("GPTCHAT_USER"):
            return asked
        last = users.read_state(self._data_dir).get("user")
        try:
            return users.validate_name(last, new=False) if isinstance(last, str) and last else _login_name()
        except UsageError as error:
            notices.tell(_("the last user is not known: {reason}").format(reason=error.message))
            return _login_name()

    def follow(self, follower: Callable[[str], object], *, renamed: Callable[[str], object] | None = None) -> None:
        """Call `follower` with the name of whoever is chatting: now, and after each `switch`.

        Where the same person goes on under another name, `renamed` is called with it instead; it may be left out
        if that makes no difference.
        """
        self._followers.append((follower, renamed or follower))
        follower(self.current)

    def rename(self, old: str, new: str) -> str:
        """Give the user `old` the name `new`, with all that is theirs; returns it as stored.

        Raises UsageError if nobody is called `old`, somebody is called `new`, or `old` is chatting in another
        window; also ConfigurationError and StorageError.
        """
        old, new = self.require(old), users.validate_name(new)
        taken = self.find(new)
        if new == old or taken not in (None, old):
            raise UsageError(
                _("there is a {name} already").format(name=taken or new), hint=_("choose another name")
            )
        self._moving(old)
        from gptchat.storage.removal import people as folders

        try:
            with self._moving_keys(users.slug(old), users.slug(new)):
                folders.rename(self._data_dir, old, new)
            if old == self.current:
                self.current = new
        finally:
            self._hold()
        folders.forget_cache(self._cache_dir)
        folders.forget_documents(self._cache_dir, users.slug(old))
        if users.read_state(self._data_dir).get("user") == old:
            users.write_state(self._data_dir, user=new)
        if self.current == new:
            for _follower, renamed in self._followers:
                renamed(new)
        return new

    def remove(self, name: str) -> Removed:
        """Move the user `name` to the trash, with all that is theirs. Raises as `rename` does."""
        name = self.require(name)
        self._moving(name)
        from gptchat.storage.removal import people as folders

        gone = folders.remove(self._data_dir, name)
        try:
            self._move_keys(users.slug(name), IN_TRASH + gone.folder)
        except ConfigurationError:
            folders.restore(self._data_dir, gone)
            raise
        folders.forget_cache(self._cache_dir)
        folders.forget_documents(self._cache_dir, users.slug(name))
        if users.read_state(self._data_dir).get("user") == name:
            users.write_state(self._data_dir, user=None)
        return gone

    def removed(self) -> Sequence[Removed]:
        """The users in the trash, sorted by name. Reads the disk."""
        from gptchat.storage.removal import people as folders

        return folders.removed(self._data_dir)

    def restore(self, gone: Removed) -> None:
        """Bring a user back from the trash, with all that is theirs. Raises as `rename` does."""
        from gptchat.storage.removal import people as folders

        folders.check_free(self._data_dir, gone)
        with self._moving_keys(IN_TRASH + gone.folder, users.slug(gone.name)):
            folders.restore(self._data_dir, gone)

    def erase(self, gone: Removed) -> None:
        """Remove a user in the trash for good, keys and cache too. Raises ConfigurationError and StorageError."""
        from gptchat.storage.removal import people as folders

        self._move_keys(IN_TRASH + gone.folder, "")
        folders.erase(self._data_dir, self._cache_dir, gone.folder)

    def leave(self) -> None:
        """Let go of the folder of whoever is chatting; called when the program ends."""
        if self._held is not None:
            held, self._held = self._held, None
            os.close(held)

    def __del__(self) -> None:
        self.leave()

    def _hold(self) -> None:
        self.leave()
        try:
            self._held = hold_folder(users.user_folder(self._data_dir, self.current))
        except BlockingIOError:  # another program is moving it this moment
            raise StorageError(
                _("{name} is being renamed or removed in another window").format(name=self.current),
                hint=_("try again in a moment"),
            ) from None

    def _moving(self, name: str) -> None:
        """Check that nobody else chats as `name`, whose folder is to be moved. Raises UsageError."""
        if name == self.current:
            self.leave()
        try:
            held = hold_folder(users.user_folder(self._data_dir, name), alone=True)
        except BlockingIOError:
            self._hold()
            raise UsageError(
                _("{name} is chatting in another window").format(name=name), hint=_("leave the chat there first")
            ) from None
        if held is not None:
            os.close(held)

    @contextmanager
    def _moving_keys(self, user: str, other: str) -> Iterator[None]:
        """Move keys from slug to slug; back again if the block raises StorageError."""
        self._move_keys(user, other)
        try:
            yield
        except StorageError:
            self._move_keys(other, user)
            raise

    def _move_keys(self, user: str, other: str) -> None:
        from gptchat.config.credentials import move_keys

        move_keys(self._data_dir, user, other, self._settings.provider_names())


def unknown(name: str, names: Sequence[str]) -> UsageError:
    """The error for a `name` that is none of `names`, with the nearest of these as its hint."""
    from difflib import get_close_matches

    folded = {known.casefold(): known for known in names}
    near = [folded[key] for key in get_close_matches(name.casefold(), folded, n=3, cutoff=0.5)]
    hint = _("did you mean {names}?").format(names=_(", ").join(near)) if near else _("/users lists everybody")
    return UsageError(_("nobody here is called {name}").format(name=name), hint=hint)


def _match(name: str, names: Sequence[str]) -> str | None:
    if name in names:
        return name
    alike = [known for known in names if known.casefold() == name.casefold()]
    return alike[0] if len(alike) == 1 else None


def speak(settings: Settings, environ: Mapping[str, str]) -> None:
    """Use the language of the settings in force; where they leave it open, that of the environment."""
    name = settings.ui.lang
    words.choose(name if name in words.LANGUAGES else words.detect(environ))


def _login_name() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # no such user in the system's list, as in some containers
        return "me"


def settings_of(options: Options, environ: Mapping[str, str], paths: Paths) -> Settings:
    """The settings of a run, presets aside. Raises ConfigurationError."""
    from gptchat.providers import registry as providers

    settings = read_settings(paths, environ, builtin=providers.builtin, builtin_names=providers.names())
    settings.use_options(options, presets=False)
    if name := options.values.get("provider"):
        settings.provider(name)  # an unknown name is refused here, with the nearest
    return settings

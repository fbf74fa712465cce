"""Where a place is, and a whole run with it: repository, encryption, and each of the people asked for."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from gptchat.errors import StorageError, UsageError
from gptchat.storage.os_errors import storage_error
from gptchat.storage.users import user_folder
from gptchat.sync import memory as memories
from gptchat.sync.local import Machine, now
from gptchat.sync.place import SyncPlace
from gptchat.sync.report import SyncReport
from gptchat.sync.repository import Rejected, Repository, clone_folder, is_address, is_bare
from gptchat.sync.run import SyncRun, synchronise
from gptchat.sync.sealing import AgeSealing, key_files, open_sealing
from gptchat.values import dataclass
from gptchat.words import _

_PUSHES = 6
"""How often a push is tried that others are faster with."""


@dataclass(frozen=True, slots=True)
class Target:
    """A place: `name` is how it is remembered; `root` is its folder here, of `repository` if it is in git."""

    name: str
    root: Path
    repository: Repository | None = None


def find_target(text: str, git: bool, data: Path, user: str, environ: Mapping[str, str]) -> Target:
    """The place that `text` names; with `git`, a repository. A missing folder is created if its parent is there.

    Raises UsageError if it cannot be a place.
    """
    if is_address(text) or (git and not (Path(text).expanduser() / ".git").exists()):
        if text.startswith("-") or not is_address(text):
            raise UsageError(
                _("{place} is no git repository").format(place=text),
                hint=_("usage: {usage}").format(usage="/sync git ADDRESS"),
            )
        bare = Path(text).expanduser()
        address = str(bare.absolute()) if is_bare(bare) else text
        root = clone_folder(user_folder(data, user) / "sync", address)
        return Target(address, root, Repository(root, address, environ))
    root = Path(text).expanduser().absolute()
    real, ours = Path(*root.parts).resolve(), data.resolve()
    if real == ours or ours in real.parents or (real in (ours / "users").parents and (real / "users").exists()):
        raise UsageError(
            _("{place} is where gptchat keeps its own data").format(place=root), hint=_("choose another folder")
        )
    if not root.is_dir():
        if root.exists() or not root.parent.is_dir():
            raise UsageError(
                _("there is no folder {path}").format(path=root), hint=_("make it first, or choose another")
            )
        try:
            root.mkdir()
        except OSError as error:
            raise storage_error(error, root) from error
    repository = Repository(root, "", environ) if (root / ".git").exists() else None
    return Target(str(root), root, repository)


class Synchroniser:
    """Runs for the people `users` with one place; `cache` is the folder of the cache."""

    def __init__(self, data: Path, cache: Path | None, target: Target) -> None:
        self._data = data
        self._cache = cache
        self.target = target

    def ready(self, user: str, passphrase: str = "", *, encrypt: bool = False) -> AgeSealing | None:
        """Fetch a repository, and open the encryption of the place. Raises PassphraseNeeded and other errors."""
        if self.target.repository is not None:
            self.target.repository.pull()
        memory = memories.load(self._data, user)
        known = memory.identities.setdefault(self.target.name, [])
        before = len(known)
        sealing = open_sealing(self.target.root, known, passphrase, create=encrypt)
        if len(known) != before:
            memory.save()
        return sealing

    def encrypted(self) -> bool:
        """Whether the place is encrypted."""
        return bool(key_files(self.target.root))

    def run(
        self,
        users: Sequence[str],
        sealing: AgeSealing | None,
        *,
        open_id: str = "",
        seconds: float | None = None,
        progress: Callable[[int, int], None] = lambda _done, _total: None,
        clock: Callable[[], str] = now,
    ) -> dict[str, SyncReport]:
        """Synchronise `users`, the first of whom has the session `open_id` open. Raises GptchatError."""
        deadline = time.monotonic() + seconds if seconds is not None else None
        reports = {user: SyncReport() for user in users}
        for _attempt in range(_PUSHES):
            for number, user in enumerate(users):
                place = SyncPlace(self.target.root, user, sealing)
                run = SyncRun(
                    Machine(self._data, self._cache, user), place, memories.load(self._data, user),
                    self.target.name, open_id=open_id if number == 0 else "", deadline=deadline,
                    progress=progress, clock=clock,
                )  # fmt: skip
                reports[user] = reports[user].plus(synchronise(run, self._data))
            if self.target.repository is None:
                return reports
            try:
                self.target.repository.push()
                return reports
            except Rejected:
                self.target.repository.pull()
        raise StorageError(
            _("other machines push to the repository all the time"), hint=_("nothing is lost; try again later")
        )

"""Encryption of a place in the `age` format, through pyrage (the extra `sync`).

`PLACE/gptchat/key.age` holds an identity, encrypted with the passphrase; every other file is encrypted to it. So
the passphrase, which is slow to try by design, is needed once on each machine: it then remembers the identity,
beside sessions that are no more secret. Names of files tell the ids of sessions and the names of people.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from types import ModuleType

from gptchat.errors import ConfigurationError, StorageError, UsageError
from gptchat.files import make_folder, read_regular, replacing, write_all
from gptchat.storage.os_errors import storage_error
from gptchat.sync.place import FOLDER, SEALED
from gptchat.words import _

VARIABLE = "GPTCHAT_SYNC_PASSPHRASE"
COMMAND_VARIABLE = "GPTCHAT_SYNC_PASSPHRASE_COMMAND"
_LARGEST_KEY = 64_000


class PassphraseNeeded(UsageError):
    """The place is encrypted, and this machine does not know its identity yet."""


class AgeSealing:
    """Seals to `identities`, each as text (`AGE-SECRET-KEY-...`), and opens what was sealed to any of them."""

    suffix = SEALED

    def __init__(self, identities: Sequence[str]) -> None:
        self._age = _pyrage()
        self._identities = [self._age.x25519.Identity.from_str(text) for text in dict.fromkeys(identities)]

    def seal(self, data: bytes) -> bytes:
        """`data`, encrypted."""
        sealed: bytes = self._age.encrypt(data, [identity.to_public() for identity in self._identities])
        return sealed

    def open(self, data: bytes) -> bytes:
        """The contents of an encrypted file. Raises StorageError if it is none, or not for this place."""
        try:
            opened: bytes = self._age.decrypt(data, self._identities)
        except self._age.DecryptError:
            raise StorageError(_("it cannot be decrypted: it is damaged, or of another place")) from None
        return opened


def key_files(root: Path) -> list[Path]:
    """The files with identities; more than one if two machines encrypted the place at once."""
    return sorted(path for path in (root / FOLDER).glob("key*.age") if path.is_file() and not path.is_symlink())


def open_sealing(
    root: Path, remembered: list[str], passphrase: str = "", *, create: bool = False
) -> AgeSealing | None:
    """How the files of the place `root` are encrypted; None if they are not.

    `remembered` are words `DIGEST IDENTITY` of this machine, to which new ones are added. With `create` the place
    becomes encrypted with `passphrase`. Raises PassphraseNeeded if that is empty and needed, ConfigurationError
    without pyrage, UsageError for a wrong passphrase, StorageError.
    """
    files = key_files(root)
    if not files and not create:
        if remembered or any((root / FOLDER).glob(f"users/*/sessions/*{SEALED}")):
            raise StorageError(
                _("the place is encrypted, and its file {file} is missing").format(file=f"{FOLDER}/key.age"),
                hint=_("wait until the service has brought it; /sync PLACE --encrypt writes it again"),
            )
        return None
    age = _pyrage()
    if not files:
        if not passphrase:
            raise PassphraseNeeded(_("the place needs a passphrase"), hint=_passphrase_hint())
        identity = remembered[0].partition(" ")[2] if remembered else str(age.x25519.Identity.generate())
        key: bytes = age.passphrase.encrypt(identity.encode(), passphrase)
        _write_key(root, key)
        remembered.append(f"{_digest(key)} {identity}")
        files = key_files(root)
    known = dict(word.split(" ", 1) for word in remembered)
    for path in files:
        try:
            data = read_regular(path, _LARGEST_KEY)
        except OSError as error:
            raise storage_error(error, path) from error
        digest = _digest(data)
        if digest in known:
            continue
        if not passphrase:
            raise PassphraseNeeded(_("the place is encrypted"), hint=_passphrase_hint())
        try:
            known[digest] = age.passphrase.decrypt(data, passphrase).decode()
            AgeSealing([known[digest]])
        except (age.DecryptError, age.IdentityError, UnicodeDecodeError):
            raise UsageError(
                _("the passphrase does not open the place"), hint=_("it is the one of the machine that came first")
            ) from None
        remembered.append(f"{digest} {known[digest]}")
    return AgeSealing(list(known.values()))


def _digest(data: bytes) -> str:
    return sha256(data).hexdigest()[:16]


def _write_key(root: Path, data: bytes) -> None:
    path = root / FOLDER / f"key{SEALED}"
    try:
        make_folder(path.parent)
        with replacing(path, own=False) as file:
            write_all(file.fileno(), data)
    except OSError as error:
        raise storage_error(error, path) from error


def _passphrase_hint() -> str:
    return _("set {variable}, or {command} to a command that prints it").format(
        variable=VARIABLE, command=COMMAND_VARIABLE
    )


def _pyrage() -> ModuleType:
    try:
        return importlib.import_module("pyrage")
    except ImportError:
        raise ConfigurationError(
            _("an encrypted place needs the extra “sync”"), hint="pip install 'gptchat[sync]'"
        ) from None

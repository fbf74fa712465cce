"""What may be attached: files and addresses freely, once a person agrees, only at their express word, or never."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Sequence
from fnmatch import fnmatchcase
from itertools import pairwise
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from gptchat.values import dataclass
from gptchat.words import _

Freedom = Literal["free", "ask", "guarded", "denied"]
"""`ask`: unless the person named it expressly. `guarded`: always asked about. `denied`: never attached."""

_FOLDERS = frozenset(
    (".ssh", ".aws", ".gnupg", ".azure", ".kube", ".docker", ".gcloud", ".password-store", "keyrings")
)
_FILES = frozenset(
    (
        *(".netrc", "_netrc", ".pgpass", ".my.cnf", ".npmrc", ".pypirc", ".git-credentials", ".htpasswd", ".env"),
        *(".envrc", ".vault-token", ".bash_history", ".zsh_history", ".python_history", ".psql_history"),
        *("credentials", "credentials.json", "credentials.toml", "client_secret.json", "secrets.toml"),
        *("secrets.yaml", "secrets.yml", "login.keychain-db", "key4.db"),
        *("logins.json", "cookies.sqlite", "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519"),
    )
)
_SUFFIXES = (".kdbx", ".p12", ".pfx", ".jks", ".keystore", ".ppk", ".keychain")
_SAMPLES = (".example", ".sample", ".template", ".dist", ".pub")
_KEY = re.compile(
    rb"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?:[ \t\r]*\n|\\[rn]){1,4}"
    rb"(?:[A-Za-z-]{1,40}: [^\n]{0,200}\n|[ \t\r]*\n){0,9}[ \t]*[A-Za-z0-9+/=]{32}"
    rb"|AGE-SECRET-KEY-1[0-9A-Z]{50}|^PuTTY-User-Key-File-",
    re.MULTILINE,
)
"""A private key with its contents, which a text about keys does not have."""

_KEY_WORDS = (b"PRIVATE KEY", b"AGE-SECRET-KEY", b"PuTTY-User-Key")
_LOOK = 1_000_000
"""Bytes of a file that are searched for a private key."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What may be done with a reference. `target` is what it is in full, `reason` why it is not free.

    `always` is the pattern that lets everything of its folder or host go from now on; empty where there is none.
    """

    freedom: Freedom
    target: str
    reason: str = ""
    always: str = ""
    private: bool = False
    """Whether it is an address of a private network."""


class Policy:
    """Judges references. `allow` and `deny` are patterns of the settings, `own` what belongs to gptchat itself.

    What lies in `folder` (default: the working folder) is free. What is guarded is unlocked by its exact path in
    `allow`, not by a pattern.
    """

    def __init__(
        self,
        allow: Sequence[str] = (),
        deny: Sequence[str] = (),
        *,
        folder: Path | None = None,
        own: Sequence[Path] = (),
    ) -> None:
        self._allow = allow
        self._deny = deny
        self._folder = Path(os.path.realpath(folder or Path.cwd()))
        self._own = [Path(os.path.realpath(path)) for path in own]

    def address(self, address: str) -> Judgement:
        """Judge an http(s) address. Resolves its host's name, which blocks."""
        from gptchat.net.private_hosts import private_address

        try:
            host = urlsplit(address).hostname or ""
            place = urlsplit(address).netloc.rpartition("@")[2]
        except ValueError:  # fetching it says what is wrong
            return Judgement("free", address)
        if pattern := next((one for one in self._deny if address_fits(one, address, host)), ""):
            return Judgement("denied", address, _denied(pattern))
        private = private_address(host)
        if not private or any(address_fits(one, address, host) for one in self._allow):
            return Judgement("free", address, private=bool(private))
        reason = _("an address of a private network ({address})").format(address=private)
        return Judgement("ask", address, reason, f"{urlsplit(address).scheme}://{place}/*", private=True)

    def file(self, path: Path) -> Judgement:
        """Judge a file or folder, with every link in `path` resolved. One that does not exist is free."""
        real = Path(os.path.realpath(path))
        target = str(real)
        if pattern := self._denies(path, real):
            return Judgement("denied", target, _denied(pattern))
        if any(one == target or str(Path(one).expanduser()) == target for one in self._allow):
            return Judgement("free", target)
        if reason := self.guarded(real) or _key_in(real):
            return Judgement("guarded", target, reason)
        if self._is_inside(real) or any(path_fits(one, real) for one in self._allow):
            return Judgement("free", target)
        try:
            folder = real if stat.S_ISDIR(real.stat().st_mode) else real.parent
        except (OSError, ValueError):  # reading it says what is wrong
            return Judgement("free", target)
        return Judgement("ask", target, _("outside the working folder"), f"{folder.as_posix().rstrip('/')}/**")

    def leaves_out(self, path: Path, data: bytes) -> Literal["", "denied", "secret"]:
        """Why a file of an attached folder is left out, by its path and its contents; empty if it is not."""
        real = Path(os.path.realpath(path))
        if self._denies(path, real):
            return "denied"
        return "secret" if self.guarded(real) or _holds_key(data) else ""

    def guarded(self, real: Path) -> str:
        """Why the resolved path `real` is never attached unasked, as translated text; empty if it may be."""
        if any(real == own or own in real.parents for own in self._own):
            return _("it holds gptchat's own data")
        names = [part.lower() for part in real.parts]
        last = names[-1] if names else ""
        if _FOLDERS.intersection(names) or (".config", "gcloud") in pairwise(names):
            return _("its folder holds keys and passwords")
        if last.endswith(_SAMPLES):
            return ""
        system = names[1:] in (["etc", "shadow"], ["etc", "gshadow"])
        system = system or (names[1:2] == ["proc"] and last == "environ")
        known = system or last in _FILES or last.startswith(".env.") or last.endswith(_SUFFIXES)
        return _("such a file holds keys or passwords") if known else ""

    def _denies(self, path: Path, real: Path) -> str:
        named = Path(os.path.abspath(path))  # noqa: PTH100 - links stay as they are named
        return next((one for one in self._deny if path_fits(one, real) or path_fits(one, named)), "")

    def _is_inside(self, real: Path) -> bool:
        """Whether `real` lies in the working folder. In a home folder or at the root, hidden things do not."""
        if real != self._folder and self._folder not in real.parents:
            return False
        wide = self._folder in (Path(self._folder.anchor), Path(os.path.realpath(Path.home())))
        return not wide or not any(part.startswith(".") for part in real.relative_to(self._folder).parts)


def path_fits(pattern: str, path: Path) -> bool:
    """Whether the absolute `path` is what `pattern` means: `*.pem`, `secrets/**`, `~/notes/**`, or a path.

    A relative pattern fits at any depth, and `*` any characters, slashes too. `folder/**` is the folder as well.
    """
    if "://" in pattern:
        return False
    text = path.as_posix()
    wanted = Path(pattern).expanduser().as_posix() if pattern.startswith("~") else pattern
    base = wanted.removesuffix("/**").rstrip("/")
    if not Path(wanted).is_absolute():
        return any(fnmatchcase(text, f"*/{one}") for one in (wanted, base, f"{base}/*"))
    return any(fnmatchcase(text, one) for one in (wanted, base, f"{base}/*" if wanted.endswith("/**") else wanted))


def address_fits(pattern: str, address: str, host: str) -> bool:
    """Whether `address` is what `pattern` means: `http://10.0.0.1:8000/*`, or a host such as `*.corp.example`."""
    if "://" in pattern:
        return fnmatchcase(address, pattern) or fnmatchcase(f"{address}/", pattern)
    return "/" not in pattern and fnmatchcase(host.lower(), pattern.lower())


def _denied(pattern: str) -> str:
    return _("the setting attach.deny says no ({pattern})").format(pattern=pattern)


def _holds_key(data: bytes) -> bool:
    # Looking for plain words first is many times quicker.
    return any(word in data for word in _KEY_WORDS) and _KEY.search(data) is not None


def _key_in(real: Path) -> str:
    """Why a file may not go unasked by what it holds; empty if it may, or is no regular file."""
    try:
        if not stat.S_ISREG(real.stat().st_mode):
            return ""
        with real.open("rb") as file:
            found = _holds_key(file.read(_LOOK))
    except (OSError, ValueError):
        return ""
    return _("it holds a private key") if found else ""

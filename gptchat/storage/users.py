"""Users: maps names in any script to safe folders below `users/`, and reads and writes their settings."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from gptchat.errors import UsageError
from gptchat.files import UnfitFile, make_folder, put_aside, put_aside_dangling, read_private, write_file
from gptchat.redaction import looks_like_key
from gptchat.storage.os_errors import storage_error
from gptchat.values import dataclass, field
from gptchat.words import _

LONGEST_NAME = 64
"""Characters."""
LONGEST_SLUG = 200
"""Bytes; file systems allow 255, and file name suffixes need some of them."""

_SAFE = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789_-")
_RESERVED = frozenset(("con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))))
"""Names that Windows reserves for devices, in any folder."""

# Invisible and direction-changing characters: with them, two different names could look the same.
_TRICKS = frozenset(
    "\u034f\u061c\u115f\u1160\u180e\u200b\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\u3164\ufeff\uffa0"
)


@dataclass(frozen=True, slots=True)
class User:
    """A user, who has a folder of their own. `sessions` is the number of their saved sessions."""

    name: str
    slug: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    sessions: int = 0


def validate_name(name: str, *, new: bool = True) -> str:
    """`name` in stored form: NFC, without surrounding white space. Raises UsageError if it is not allowed.

    A `new` name may not look like a key; who has such a name already keeps their sessions.
    """
    if not name.isascii():
        import unicodedata

        name = unicodedata.normalize("NFC", name)
    name = name.strip()
    hint = _("choose another name")
    if not name:
        raise UsageError(_("a user's name may not be empty"), hint=hint)
    if len(name) > LONGEST_NAME:
        message = _("a user's name may have {limit} characters at most, this one has {length}")
        raise UsageError(message.format(limit=LONGEST_NAME, length=len(name)), hint=hint)
    if any(char < " " or "\x7f" <= char <= "\x9f" or "\ud800" <= char <= "\udfff" for char in name):
        raise UsageError(_("a user's name may not hold control characters"), hint=hint)
    if any(char in _TRICKS or 0xE0000 <= ord(char) <= 0xE007F for char in name):
        raise UsageError(_("a user's name may not hold invisible or direction-changing characters"), hint=hint)
    if new and looks_like_key(name):
        from gptchat.config.key_text import require_name  # not needed by a start

        require_name(name)
    if len(slug(name)) > LONGEST_SLUG:
        raise UsageError(_("the name is too long for the name of a folder"), hint=_("choose a shorter name"))
    return name


def slug(name: str) -> str:
    """The folder name of the user `name`: the name itself if it matches `[a-z0-9_-]{1,64}`, else percent-encoded.

    Two names never share a slug, even on a file system that ignores case: a plain name has no `%`, and all
    other characters, including capitals and `%` itself, are encoded as bytes.
    """
    data = name.encode("utf-8", "surrogatepass")
    if 0 < len(name) <= 64 and _SAFE.issuperset(data) and name not in _RESERVED:
        return name
    encoded = "".join(chr(byte) if byte in _SAFE else f"%{byte:02X}" for byte in data)
    if encoded == name and data:  # a name that Windows reserves
        return f"%{data[0]:02X}{encoded[1:]}"
    return encoded


def user_folder(data: Path, user: str) -> Path:
    """The folder with all data of `user`, below the data folder `data`."""
    return data / "users" / slug(user)


def sessions_folder(data: Path, user: str) -> Path:
    """The folder with the journals of `user`."""
    return data / "users" / slug(user) / "sessions"


def input_history(data: Path, user: str) -> Path:
    """The path of the input history of `user`. Creates its folder; never raises if that fails."""
    folder = user_folder(data, user)
    try:
        make_folder(folder)
    except OSError:  # writing the history will raise the error
        pass
    return folder / "input_history"


def ensure_user(data: Path, name: str) -> User:
    """The user `name`; creates their folder if it is missing. Raises UsageError for a bad name, StorageError."""
    name = validate_name(name, new=False)
    path = user_folder(data, name) / "user.json"
    user = read_user(data, name)
    try:
        known = path.exists()
    except OSError as error:
        raise storage_error(error, path) from error
    if not known:
        validate_name(name)
        _write(path, {"v": 1, "name": name, "settings": {}})
    return user


def read_user(data: Path, name: str) -> User:
    """The user `name` from their `user.json`, or without settings if it is missing or damaged.

    A damaged file is renamed to `user.json.damaged`.
    """
    document = _read(user_folder(data, name) / "user.json")
    settings = document.get("settings")
    return User(name, slug(name), settings if isinstance(settings, dict) else {})


def write_settings(data: Path, name: str, settings: Mapping[str, Any]) -> None:
    """Replace the settings of the user `name`; other fields of their `user.json` stay. Raises StorageError."""
    path = user_folder(data, name) / "user.json"
    _write(path, {"name": name, "settings": dict(settings)})


def list_users(data: Path, where: str = "users", slug_of: Callable[[str], str] = str) -> list[User]:
    """All users who have a folder, sorted by name; empty if the data folder cannot be read.

    `where` is the folder below `data` that they are in, and `slug_of` gives the slug of a folder's name there;
    `slug` of the result is the folder's name.
    """
    users = []
    try:
        entries = [entry for entry in os.scandir(data / where) if entry.is_dir()]
    except OSError:
        return []
    for entry in entries:
        document = _read(Path(entry.path) / "user.json")
        name, settings = document.get("name"), document.get("settings")
        if not isinstance(name, str) or slug(name) != slug_of(entry.name) or not _is_name(name):
            name = _unslug(slug_of(entry.name))
        if name is not None:
            count = _count(Path(entry.path) / "sessions")
            users.append(User(name, entry.name, settings if isinstance(settings, dict) else {}, count))
    return sorted(users, key=lambda user: user.name.casefold())


def read_state(data: Path) -> dict[str, Any]:
    """The state kept between runs (`user`: the last user's name); empty if it cannot be read."""
    return _read(data / "state.json")


def write_state(data: Path, **changes: object) -> None:
    """Merge `changes` into the state kept between runs. Raises StorageError."""
    _write(data / "state.json", changes)


def _is_name(name: str) -> bool:
    """Whether a user can have this name."""
    try:
        return validate_name(name) == name
    except UsageError:
        return False


def _unslug(folder: str) -> str | None:
    """The user name whose slug is `folder`; None if it is no slug."""
    from urllib.parse import unquote

    try:
        name = unquote(folder, errors="strict")
    except UnicodeDecodeError:
        return None
    return name if slug(name) == folder and _is_name(name) else None


def _count(folder: Path) -> int:
    try:
        return sum(1 for name in os.listdir(folder) if name.endswith(".jsonl"))  # noqa: PTH208 - thousands of names
    except OSError:
        return 0


def _read(path: Path, *, writing: bool = False) -> dict[str, Any]:
    """The JSON object in `path`; empty if there is none. What can never be read is set aside as `*.damaged`.

    Before `writing`, what cannot be read for the moment raises OSError, so that it is not lost.
    """
    try:
        document = json.loads(read_private(path).decode("utf-8-sig"))
        if isinstance(document, dict):
            return document
        put_aside(path, ValueError())
    except FileNotFoundError:
        put_aside_dangling(path)
    except (UnfitFile, PermissionError, ValueError, RecursionError) as error:
        put_aside(path, error)
    except OSError:
        if writing:
            raise
    return {}


def _write(path: Path, changes: Mapping[str, Any]) -> None:
    """Merge `changes` into the JSON object in `path`. Raises StorageError."""
    try:
        before = _read(path, writing=True)
        document = {"v": 1, **before, **changes}
        if document == before:
            return
        make_folder(path.parent)
        text = json.dumps(document, ensure_ascii=False, indent=2) + "\n"
        write_file(path, text.encode("utf-8", "backslashreplace"))
    except OSError as error:
        raise storage_error(error, path) from error

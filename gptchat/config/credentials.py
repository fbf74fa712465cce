"""Stored API keys: in the system keyring if available, else in `credentials.json`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, cast

from gptchat import redaction, words
from gptchat.config.key_text import clean_key
from gptchat.config.private_files import decode, locked, write_private
from gptchat.errors import ConfigurationError
from gptchat.files import UnfitFile, put_aside, put_aside_dangling, read_private
from gptchat.words import _

SERVICE = "gptchat"


def credentials_file(data_dir: Path) -> Path:
    """The file that holds keys if there is no keyring."""
    return data_dir / "credentials.json"


def stored_key(provider: str, data_dir: Path, user: str = "") -> tuple[str, str]:
    """The stored key of a provider and its place ("keyring" or the file); two empty strings if there is none.

    `user` is a user's slug: his own key is looked for first, in both places, then the one all share.
    Raises ConfigurationError for a file that cannot be read.
    """
    saved = _read(credentials_file(data_dir))
    for owner in dict.fromkeys((user, "")):
        value = _keyring("get_password", SERVICE, _account(provider, owner))
        if isinstance(value, str) and value:
            redaction.register(value)
            return value, "keyring"
        value = _keys(saved, owner).get(provider)
        if isinstance(value, str) and value:
            redaction.register(value)
            return value, str(credentials_file(data_dir))
    return "", ""


def store_key(provider: str, key: str, data_dir: Path, user: str = "") -> str:
    """Store a key, in the keyring if there is one, for the user slug `user` or for all. Returns the place.

    Raises ConfigurationError for a key that cannot be one, or a file that cannot be written.
    """
    key = clean_key(key)
    path, account = credentials_file(data_dir), _account(provider, user)
    _keyring("set_password", SERVICE, account, key)
    if _keyring("get_password", SERVICE, account) == key:  # a keyring may take a key and keep nothing
        _forget_in_file(provider, path, user)  # else an older key would stay behind in plain text
        return "keyring"

    def add(data: dict[str, Any]) -> bool:
        _keys(data, user, make=True)[provider] = key
        return True

    _change(path, add)
    return str(path)


def forget_key(provider: str, data_dir: Path, user: str = "") -> list[str]:
    """Remove the stored key of a user or, without one, of all; the places it was removed from.

    Raises ConfigurationError for a file that cannot be read or written.
    """
    places = []
    account = _account(provider, user)
    if _keyring("get_password", SERVICE, account) and _keyring("delete_password", SERVICE, account) is not False:
        places.append("keyring")
    path = credentials_file(data_dir)
    if _forget_in_file(provider, path, user):
        places.append(str(path))
    return places


def move_keys(data_dir: Path, user: str, other: str, providers: Iterable[str]) -> None:
    """Give the keys of the user slug `user` to `other`; an empty `other` removes them.

    The keyring is asked about each of `providers`, as it does not list its entries. Raises ConfigurationError.
    """
    refused: dict[str, str] = {}
    for provider in providers:
        value = _keyring("get_password", SERVICE, _account(provider, user))
        if isinstance(value, str) and value:
            if other:
                _keyring("set_password", SERVICE, _account(provider, other), value)
                if _keyring("get_password", SERVICE, _account(provider, other)) != value:
                    refused[provider] = value  # it goes to the file, as a new key would
            _keyring("delete_password", SERVICE, _account(provider, user))

    def move(data: dict[str, Any]) -> bool:
        keys = {**_keys(data, user), **refused}
        data.get("users", {}).pop(user, None)
        if keys and other:
            _keys(data, other, make=True).update(keys)
        return bool(keys)

    path = credentials_file(data_dir)
    if refused or path.exists():
        _change(path, move)


def _account(provider: str, user: str) -> str:
    """The keyring's name of an entry. A slug has no slash, so the two cannot be confused."""
    return f"{user}/{provider}" if user else provider


def _keyring(action: str, *arguments: str) -> object:
    """Call the system keyring. Returns False if there is none, or if it is locked or broken."""
    try:
        import keyring
    except ImportError:
        return False
    try:
        call = cast("Callable[..., object]", getattr(keyring, action))
        return call(*arguments)
    except Exception:  # backends raise what they like; without a keyring the file serves
        return False


def _forget_in_file(provider: str, path: Path, user: str) -> bool:
    """Remove a key from the file; whether it was there."""

    def remove(data: dict[str, Any]) -> bool:
        return _keys(data, user).pop(provider, None) is not None

    return path.exists() and _change(path, remove)


def _change(path: Path, change: Callable[[dict[str, Any]], bool]) -> bool:
    """Read, change and write the file under its lock; it is written only if `change` returns true."""
    with locked(path):
        data = _read(path)
        changed = change(data)
        if changed:
            text = json.dumps({"v": 1, **data}, ensure_ascii=False, indent=2) + "\n"
            write_private(path, text.encode("utf-8", "backslashreplace").decode())
        return changed


def _keys(data: dict[str, Any], user: str, *, make: bool = False) -> dict[str, Any]:
    """The keys of one user by provider, or those of all; `make` puts the missing tables in place."""
    holder = data
    for name in ("users", user) if user else ("keys",):
        inner = holder.get(name)
        if not isinstance(inner, dict):
            inner = {}
            if make:
                holder[name] = inner
        holder = inner
    return holder


def _read(path: Path) -> dict[str, Any]:
    """The content of the file; empty if there is none. What cannot be understood is set aside and told.

    Raises ConfigurationError for a file that may not be read.
    """
    try:
        data = json.loads(decode(read_private(path)))
    except FileNotFoundError:
        put_aside_dangling(path)
        return {}
    except UnfitFile as error:
        put_aside(path, error)
        return {}
    except OSError as error:
        raise ConfigurationError(
            _("cannot read {file}: {reason}").format(file=path, reason=words.reason(error)),
            hint=_("check that it belongs to you"),
        ) from None
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict) or not all(isinstance(data.get(name, {}), dict) for name in ("keys", "users")):
        put_aside(path, ValueError())
        return {}
    return data

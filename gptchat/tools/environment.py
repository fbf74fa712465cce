"""What a program that is started for a tool gets to know: a list of environment variables, and its folder."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from gptchat.config.sources import resolve

_KEPT = (
    *("PATH", "HOME", "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "LC_MESSAGES", "TZ", "USER", "LOGNAME", "SHELL"),
    *("TMPDIR", "TEMP", "TMP", "TERM", "VIRTUAL_ENV", "SSL_CERT_FILE", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"),
    *("SYSTEMROOT", "SYSTEMDRIVE", "COMSPEC", "PATHEXT", "APPDATA", "LOCALAPPDATA", "PROGRAMFILES", "USERPROFILE"),
    *("USERNAME", "COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG"),
)
"""Keys and tokens are in others, and addresses of proxies may hold a login: who needs those names them."""


def environment(own: Mapping[str, str]) -> dict[str, str]:
    """The environment of a program, with the variables that the settings name.

    Raises ConfigurationError for a reference to a variable that is not set.
    """
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return kept | {name: resolve(value, os.environ.get) for name, value in own.items()}


def place(path: str, folder: str) -> Path:
    """A path of the settings in full, seen from the settings file's `folder`."""
    return Path(folder) / Path(path).expanduser()

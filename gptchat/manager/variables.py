"""Values that variables of presets and own commands have by themselves, and what is told where one has none."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path, PurePath

from gptchat.errors import UsageError
from gptchat.words import _

AUTOMATIC = ("date", "time", "cwd", "user", "os", "shell")
"""Variables that are filled without being given: nothing among them is secret."""

_SYSTEMS = {"linux": "Linux", "darwin": "macOS", "win32": "Windows"}


def automatic(user: str) -> dict[str, str]:
    """The values of `AUTOMATIC` now, by name; `user` is whoever is chatting. Local time, ISO 8601."""
    now = datetime.now().astimezone()
    try:
        folder = str(Path.cwd())
    except OSError:  # it was removed
        folder = ""
    shell = os.environ.get("SHELL") or os.environ.get("COMSPEC") or ""
    return {
        "date": f"{now:%Y-%m-%d}",
        "time": f"{now:%H:%M}",
        "cwd": folder,
        "user": user,
        "os": _SYSTEMS.get(sys.platform, sys.platform),
        "shell": PurePath(shell).name,
    }


def missing_values(preset: str, names: Sequence[str]) -> UsageError:
    """The error for variables of the preset in force that have no value."""
    listed = _(", ").join(f"{{{name}}}" for name in names)
    return UsageError(
        _("the preset {name} needs a value for {variables}").format(name=preset, variables=listed),
        hint=_("/preset {name} asks for it; from the shell: --var {variable}=VALUE").format(
            name=preset, variable=names[0]
        ),
    )

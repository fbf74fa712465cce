"""Removes what killed programs left behind in the folders of this program."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from gptchat import files

if TYPE_CHECKING:
    from pathlib import Path

    from gptchat.config.paths import Paths


def sweep(paths: Paths) -> list[Path]:
    """Remove the temporary files that no living process writes; returns them. Blocks; never raises OSError."""
    data = paths.data_dir
    folders = [data, paths.cache_dir]
    try:
        people = [data / "users" / entry.name for entry in os.scandir(data / "users") if entry.is_dir()]
    except OSError:
        people = []
    folders += [folder for person in people for folder in (person, person / "files")]
    # Other programs' files may be beside the settings.
    return files.sweep(folders) + files.sweep([paths.config_file.parent], [paths.config_file.name])

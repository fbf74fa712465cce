"""Locations of settings, data and cache: from options, else the environment, else the platform's defaults."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from gptchat.values import dataclass
from gptchat.words import _

APPLICATION = "gptchat"
_XDG = {
    "config": ("XDG_CONFIG_HOME", ".config"),
    "data": ("XDG_DATA_HOME", ".local/share"),
    "cache": ("XDG_CACHE_HOME", ".cache"),
}
"""For each place, the variable and the default below the home folder (XDG Base Directory Specification)."""


@dataclass(frozen=True, slots=True)
class Paths:
    """The three places the program touches. None of them need exist.

    `chosen` says that the settings file was named by a flag or a variable, so that its absence is told.
    """

    config_file: Path
    data_dir: Path
    cache_dir: Path
    chosen: bool = False

    def own(self) -> list[Path]:
        """What belongs to gptchat itself, and is never attached or read by a tool."""
        return [self.data_dir, self.cache_dir, self.config_file]

    def absent(self) -> str:
        """A sentence if the named settings file does not exist; otherwise an empty string."""
        if not self.chosen or self.config_file.exists():
            return ""
        return _("there is no settings file {file} yet; the defaults hold").format(file=self.config_file)


def find_paths(environ: Mapping[str, str], *, config: str = "", data_dir: str = "") -> Paths:
    """The places to use. `config` and `data_dir` are the flags' values, empty where not given.

    A data folder of one's own brings its cache along (`<data>/cache`), so that the folder stands alone.
    """
    named_config = config or environ.get("GPTCHAT_CONFIG", "")
    named_data = data_dir or environ.get("GPTCHAT_DATA_DIR", "")
    config_file = _path(named_config) if named_config else _platform("config") / "config.toml"
    data = _path(named_data) if named_data else _platform("data")
    cache = data / "cache" if named_data else _platform("cache")
    return Paths(config_file, data, cache, chosen=bool(named_config))


def debug_log(data_dir: Path) -> Path:
    """The log file of `--debug` runs."""
    return data_dir / "debug.log"


def _path(text: str) -> Path:
    """A path as a person writes it: `~` is home; made absolute, for the working folder may change."""
    return Path(text).expanduser().absolute()


def _platform(which: str) -> Path:
    """The platform's own folder of one sort: XDG on Linux, Library on macOS, AppData on Windows."""
    home = os.environ.get("HOME", "")
    if sys.platform == "linux" and home.startswith("/") and "ANDROID_ROOT" not in os.environ:
        # What platformdirs says there, without the 8 ms that it takes to load.
        variable, usual = _XDG[which]
        named = os.environ.get(variable, "")
        return Path(named if named.startswith("/") else f"{home}/{usual}") / APPLICATION

    import platformdirs

    folders = {
        "config": platformdirs.user_config_path,
        "data": platformdirs.user_data_path,
        "cache": platformdirs.user_cache_path,
    }
    # Not a roaming folder, and no author's folder above it, on Windows.
    return folders[which](APPLICATION, appauthor=False)

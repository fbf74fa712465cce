"""Where settings, data and cache are: flags first, then the environment, then the platform's places."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from gptchat.words import _

APPLICATION = "gptchat"


class Paths(NamedTuple):
    """The three places the program touches. None of them need exist.

    `chosen` says that the settings file was named by a flag or a variable, so that its absence is told.
    """

    config_file: Path
    data_dir: Path
    cache_dir: Path
    chosen: bool = False

    def absent(self) -> str:
        """What to tell where the settings file that was named is not there (yet, or for a slip); else empty."""
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


def _path(text: str) -> Path:
    """A path as a person writes it: `~` is home; made absolute, for the working folder may change."""
    return Path(text).expanduser().absolute()


def _platform(which: str) -> Path:
    """The platform's own folder of one sort: XDG on Linux, Library on macOS, AppData on Windows."""
    import platformdirs  # waits here: a run with both places named does not need it

    folders = {
        "config": platformdirs.user_config_path,
        "data": platformdirs.user_data_path,
        "cache": platformdirs.user_cache_path,
    }
    # Not a roaming folder, and no author's folder above it, on Windows.
    return folders[which](APPLICATION, appauthor=False)

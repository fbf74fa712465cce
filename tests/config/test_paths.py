"""Where settings and data are, and what reading them costs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import platformdirs
import pytest

from gptchat.config.paths import find_paths


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"XDG_CONFIG_HOME": "/somewhere", "XDG_DATA_HOME": "/else where/", "XDG_CACHE_HOME": "/~"},
        {"XDG_CONFIG_HOME": "relative", "XDG_DATA_HOME": "~/data", "XDG_CACHE_HOME": " "},
        {"HOME": "relative"},
    ],
)
def test_the_platforms_places_by_default(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Without flags and variables, the folders are the platform's own, as platformdirs has them."""
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    paths = find_paths({})
    assert paths.config_file == Path(platformdirs.user_config_dir("gptchat", appauthor=False)) / "config.toml"
    assert paths.data_dir == Path(platformdirs.user_data_dir("gptchat", appauthor=False))
    assert paths.cache_dir == Path(platformdirs.user_cache_dir("gptchat", appauthor=False))
    assert not paths.chosen


def test_flags_go_before_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A flag wins over its variable; `~` is home; relative paths do not move with the program."""
    environ = {"GPTCHAT_CONFIG": "~/c.toml", "GPTCHAT_DATA_DIR": "data"}
    monkeypatch.chdir(tmp_path)
    paths = find_paths(environ)
    assert paths.config_file == Path.home() / "c.toml"
    assert paths.data_dir == tmp_path / "data"
    assert paths.chosen
    paths = find_paths(environ, config="d.toml", data_dir=str(tmp_path / "other"))
    assert paths.config_file == tmp_path / "d.toml"
    assert paths.data_dir == tmp_path / "other"


def test_a_data_folder_of_ones_own_stands_alone(tmp_path: Path) -> None:
    """With `--data-dir`, the cache is in that folder too: nothing is left elsewhere."""
    paths = find_paths({}, data_dir=str(tmp_path))
    assert paths.cache_dir.is_relative_to(tmp_path)


def test_settings_load_nothing_heavy() -> None:
    """Reading settings loads no other floor and none of the modules that are slow to import."""
    code = """
import sys
import gptchat.config.settings, gptchat.config.parse, gptchat.config.keys, gptchat.config.write
heavy = {"openai", "rich", "prompt_toolkit", "tiktoken", "tomllib", "tomlkit", "platformdirs", "asyncio",
         "subprocess", "difflib", "configparser", "keyring", "httpx2"}
print(sorted(heavy & set(sys.modules)))
print(sorted(name for name in sys.modules if name.startswith("gptchat.") and name.count(".") == 1))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded, rooms = done.stdout.splitlines()
    assert loaded == "[]"
    assert rooms == str(
        [
            "gptchat.config",
            "gptchat.errors",
            "gptchat.files",
            "gptchat.leaving",
            "gptchat.notices",
            "gptchat.redaction",
            "gptchat.values",
            "gptchat.vendors",
            "gptchat.words",
        ]
    )

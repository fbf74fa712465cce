"""What several of these tests use: built-in providers as a program would have them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gptchat.config.endpoints import ProviderSettings
from gptchat.config.paths import Paths
from gptchat.config.settings import Settings, read_settings

BUILTIN = {
    "openai": ProviderSettings("openai", "openai", model="gpt-a"),
    "azure": ProviderSettings("azure", "azure"),
    "demo": ProviderSettings("demo", "demo", model="eliza", key_optional=True),
}


def settings_of(text: str, folder: Path, environ: Mapping[str, str] | None = None) -> Settings:
    """The settings of a file with this text, under this environment."""
    path = folder / "config.toml"
    path.write_text(text, encoding="utf-8")
    paths = Paths(path, folder / "data", folder / "cache")
    return read_settings(paths, environ or {}, builtin=BUILTIN.get, builtin_names=tuple(BUILTIN))

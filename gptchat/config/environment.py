"""What the environment's variables say about settings, and the provider they suggest."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gptchat.config import schema

SETTINGS_VARIABLES = {
    f"providers.{setting.builtin}.{setting.key}" if setting.builtin else setting.key: setting.variable
    for setting in (*schema.SETTINGS.values(), *schema.TABLES["providers"].values())
    if setting.variable
}
"""Setting to variable. The SDK's own apply to the built-in providers `openai` and `azure`."""

KEY_VARIABLES: Mapping[str, tuple[str, ...]] = {
    "openai": ("OPENAI_API_KEY",),
    "azure": ("AZURE_OPENAI_API_KEY", "AZURE_OPENAI_KEY"),
    "gptplus": ("GPTPLUS_APP_KEY",),
}
"""The variables that hold a key, by the provider's kind. A `compatible` provider has none unless it names one:
OpenAI's key is not handed to somebody else's server."""


def from_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Setting to value for every variable that is set and not empty."""
    found = {key: environ.get(variable, "").strip() for key, variable in SETTINGS_VARIABLES.items()}
    return {key: value for key, value in found.items() if value}


def suggested_provider(environ: Mapping[str, str]) -> tuple[str, str]:
    """The provider whose key is at hand, and the variable or file that says so; two empty texts for none."""
    for variable in KEY_VARIABLES["openai"]:
        if environ.get(variable, "").strip():
            return "openai", variable
    if environ.get("AZURE_OPENAI_ENDPOINT", "").strip():
        for variable in KEY_VARIABLES["azure"]:
            if environ.get(variable, "").strip():
                return "azure", variable
    path = openai_file(environ)
    return ("openai", str(path)) if path else ("", "")


def openai_file(environ: Mapping[str, str]) -> Path | None:
    """`~/.openai/config`, in which OpenAI's own tools look for a key; None if it does not exist."""
    home = environ.get("HOME") or environ.get("USERPROFILE")
    path = Path(home, ".openai", "config") if home else None
    return path if path is not None and path.is_file() else None

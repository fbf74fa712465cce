"""`config.example.toml`, written from the schema: `python -m gptchat.config.example > config.example.toml`."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

from gptchat.config import schema
from gptchat.config.setting import Setting

_TOP = """\
# The settings of gptchat, every one with its default.
#
# Copy what you want to change into config.toml (`gptchat /config` says where it is), or copy this whole file:
# as it stands it changes nothing. A line that begins with "#" and no space is a setting that is not set; take
# the "#" away to set it. Texts stand in quotation marks. The same keys work for one run (`-o temperature=0.2`)
# and in the chat (`/set temperature 0.2`).
#
# Stronger goes before weaker: this file < a user's own < environment < the session's < flags < /set.
# Keys (sk-...) do not belong here: `/key` stores one safely, or name a place under [providers.NAME].
"""

_SECTIONS = {
    "": "The conversation. What is not set is left to the model.",
    "context": "What is sent of a long conversation.",
    "ui": "What the program looks like.",
    "docs": "Collections of documents that a message asks.",
    "input": "What a message may do besides being sent.",
    "attach": "What may leave this machine besides what lies in the working folder and public addresses.",
    "search": "What /search --meaning works with.",
    "budget": "Money.",
    "tools": "Which tools a model may call, and when you are asked.",
    "network": "How requests travel. Times are seconds.",
}

_TABLES = """\
# Providers: named endpoints, used with `provider = "NAME"`, `-p NAME` or `/provider NAME`.
# The README lists the ready-made ones: openai, azure, deepseek, qwen, moonshot, gemini, ollama, demo, ...
# They need a table only to change something.

#[providers.openai]
#api_key_env = "OPENAI_API_KEY"

#[providers.azure-work]
#kind = "azure"
#endpoint = "https://example.openai.azure.com"
#api_version = "2024-10-21"
#deployment = "gpt-4o"
#api_key_env = "WORK_API_KEY"

#[providers.ollama]
#kind = "compatible"
#base_url = "http://localhost:11434/v1"
#model = "qwen3"
#key_optional = true

# Everything a provider can have. A key is looked for in this order: api_key_env (if not named: OPENAI_API_KEY for
# openai, AZURE_OPENAI_API_KEY for azure), api_key_command, api_key_file, the system keyring, credentials.json.
"""

_PRESETS = '# Presets: used with `preset = "NAME"`, `--preset NAME` or `/preset NAME`.\n'
_MODELS = "# Models: what the catalogue does not know, or your own prices. A name with a dot is quoted.\n"

_TOOLS = """\
# Tools: Python functions of a file, a command, or the operations of an OpenAPI document. Files are found from this
# file's folder. Each table has one of python, command, openapi. Nothing changes or runs before you agree.
"""
_SERVERS = """\
# MCP servers: programs that offer tools, prompts and resources (with the extra: pip install 'gptchat[mcp]').
# A server gets PATH, HOME, LANG and their like from the environment, and what `env` names.
"""


def example() -> str:
    """The text of the example file."""
    parts = [_TOP]
    for section, heading in _SECTIONS.items():
        settings = {
            key.rpartition(".")[2]: setting
            for key, setting in schema.SETTINGS.items()
            if key.rpartition(".")[0] == section
        }
        header = f"[{section}]\n" if section else ""
        parts.append(f"# {heading}\n{header}{_lines(settings)}")
    parts.append(_TABLES)
    parts.append(_named("providers.everything", schema.TABLES["providers"]))
    parts.append(_PRESETS)
    shown = {"system": "Translate what I write into Chinese.", "model": "gpt-6.1-terra"}
    parts.append(_named("presets.translator", schema.TABLES["presets"], shown))
    parts.append(_MODELS)
    parts.append(_named('models."my-model"', schema.TABLES["models"]))
    parts.append(_TOOLS)
    parts.append(_named("tools.everything", schema.TABLES["tools"]))
    parts.append(_SERVERS)
    parts.append(_named("mcp.my-server", schema.TABLES["mcp"]))
    return "\n".join(parts)


def _lines(settings: Mapping[str, Setting]) -> str:
    """Each setting with its default and its reason; one that is not set by default as a comment."""
    assignments = {
        key: f"#{key} = {_toml(setting.example)}"
        if setting.default is None
        else f"{key} = {_toml(setting.default)}"
        for key, setting in settings.items()
    }
    return _explained(assignments, settings)


def _named(header: str, settings: Mapping[str, Setting], values: Mapping[str, Any] | None = None) -> str:
    """A user-defined table as a comment: every possible field with an example."""
    examples = {
        key: setting.example if setting.example is not None else setting.default
        for key, setting in settings.items()
    }
    shown = {**examples, **(values or {})}
    return f"#[{header}]\n" + _explained({key: f"#{key} = {_toml(shown[key])}" for key in settings}, settings)


def _explained(assignments: Mapping[str, str], settings: Mapping[str, Setting]) -> str:
    """The assignments in a column, each with its purpose and its choices, if any."""
    width = max(map(len, assignments.values()))
    lines = []
    for key, assignment in assignments.items():
        setting = settings[key]
        why = setting.sentence
        if setting.choices:
            why = f"{why} ({', '.join(setting.choices)})"
        elif setting.low is not None and setting.high is not None and setting.high <= 1000:
            why = f"{why} ({setting.low:g} to {setting.high:g})"
        lines.append(f"{assignment:<{width}}  # {why}\n")
    return "".join(lines)


def _toml(value: Any) -> str:
    """A value as TOML writes it. JSON's texts, numbers, lists and true/false are TOML's too."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(key)} = {_toml(item)}" for key, item in value.items()) + "}"
    return json.dumps(value, ensure_ascii=False)


if __name__ == "__main__":
    sys.stdout.buffer.write(example().encode())

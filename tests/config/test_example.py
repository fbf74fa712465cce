"""The example file: complete, true, and usable as it stands."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from gptchat.config import schema
from gptchat.config.example import example
from gptchat.config.load import parse
from gptchat.config.settings import Settings
from tests.config.support import settings_of

FILE = Path(__file__).parents[2] / "config.example.toml"
TEXT = FILE.read_text(encoding="utf-8")
UNCOMMENTED = re.sub(r"(?m)^#(?=\S)", "", TEXT)


def test_it_parses_to_exactly_the_defaults() -> None:
    """Every setting that has a default stands in the example with it, and nothing else is set."""
    expected = {key: setting.default for key, setting in schema.SETTINGS.items() if setting.default is not None}
    assert parse(TEXT, FILE).values == expected


def test_it_names_every_key() -> None:
    """With its comments taken away, the example has every setting there is, in a file that is valid."""
    values = parse(UNCOMMENTED, FILE).values
    expected = set(schema.SETTINGS)
    expected |= {f"providers.everything.{field}" for field in schema.TABLES["providers"]}
    expected |= {f"presets.translator.{field}" for field in schema.TABLES["presets"]}
    expected |= {f"models.my-model.{field}" for field in schema.TABLES["models"]}
    expected |= {f"tools.everything.{field}" for field in schema.TABLES["tools"]}
    expected |= {f"mcp.my-server.{field}" for field in schema.TABLES["mcp"]}
    assert expected <= set(values)


def test_every_key_has_its_reason() -> None:
    """Behind every setting, set or not, stands what it is for."""
    for line in TEXT.splitlines():
        if re.match(r"#?[a-z_]+ = ", line) and not re.search(r"  # \S", line):
            assert line in EXPLAINED_ABOVE
    assert tomllib.loads(TEXT)


EXPLAINED_ABOVE = {
    '#api_key_env = "OPENAI_API_KEY"',
    '#kind = "azure"',
    '#endpoint = "https://example.openai.azure.com"',
    '#api_version = "2024-10-21"',
    '#deployment = "gpt-4o"',
    '#api_key_env = "WORK_API_KEY"',
    '#kind = "compatible"',
    '#base_url = "http://localhost:11434/v1"',
    '#model = "qwen3"',
    "#key_optional = true",
}
"""The short examples of providers, whose keys are explained in the table of everything."""


def test_it_is_what_the_schema_says() -> None:
    """The example in the repository is the one the program would write: no setting was forgotten."""
    assert example() == TEXT


def test_copied_whole_it_changes_nothing(tmp_path: Path) -> None:
    """With the example as one's settings file, every value is as without a file, keys at hand included."""
    for environ in ({}, {"OPENAI_API_KEY": "sk-1"}):
        copied, bare = settings_of(TEXT, tmp_path, environ), Settings(environ=environ)
        assert {key: copied.get(key) for key in schema.SETTINGS} == {key: bare.get(key) for key in schema.SETTINGS}
        assert copied.parameters() == {}
        assert copied.model() == ("gpt-a" if environ else "")

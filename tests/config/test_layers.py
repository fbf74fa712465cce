"""Which layer wins, and what a value says of where it came from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from gptchat.config import schema
from gptchat.config.settings import LAYERS, Layer, Provenance, Settings
from gptchat.errors import ConfigurationError, UsageError
from tests.config.support import BUILTIN, settings_of

SETTABLE = st.sampled_from(LAYERS[1:])
TEMPERATURE = st.integers(0, 20).map(lambda tenth: tenth / 10)


@examples(max_examples=100)
@given(st.dictionaries(SETTABLE, TEMPERATURE))
def test_the_highest_layer_wins(chosen: dict[Layer, float]) -> None:
    """Whatever is set where, the value and its source are those of the highest layer that sets it."""
    settings = Settings()
    for layer, value in chosen.items():
        settings.set(layer, "temperature", value)
    top = max(chosen, key=LAYERS.index, default=LAYERS[0])
    assert settings.get("temperature") == chosen.get(top)
    assert settings.source("temperature").layer == top


@examples(max_examples=100)
@given(st.dictionaries(SETTABLE, TEMPERATURE, min_size=1), st.data())
def test_unsetting_uncovers_the_layer_below(chosen: dict[Layer, float], data: st.DataObject) -> None:
    """Taking a value away leaves exactly what would be there had it never been set."""
    removed = data.draw(st.sampled_from(sorted(chosen)))
    settings, other = Settings(), Settings()
    for layer, value in chosen.items():
        settings.set(layer, "temperature", value)
        if layer != removed:
            other.set(layer, "temperature", value)
    assert settings.unset(removed, "temperature")
    assert not settings.unset(removed, "temperature")
    assert settings.get("temperature") == other.get("temperature")
    assert settings.source("temperature") == other.source("temperature")


@examples(max_examples=60)
@given(st.dictionaries(st.sampled_from(("temperature", "top_p", "ui.vi", "model")), st.none(), max_size=4))
def test_a_setting_never_moves_another(keys: dict[str, None]) -> None:
    """Setting some keys leaves every other key at its default."""
    values: dict[str, Any] = {"temperature": 1.5, "top_p": 0.5, "ui.vi": True, "model": "x"}
    settings = Settings()
    for key in keys:
        settings.set("set", key, values[key])
    for key, setting in schema.SETTINGS.items():
        assert settings.get(key) == (values[key] if key in keys else setting.default)


def test_a_value_from_the_file_names_its_line(tmp_path: Path) -> None:
    """`/config` says the file and the line a value came from, past texts of several lines."""
    text = 'model = "m"\nsystem = """one\n[ui]\nvi = true\n"""\n\n[ui]\n  theme = "dark" # mine\n'
    settings = settings_of(text, tmp_path)
    assert settings.source("ui.theme") == Provenance("file", f"{tmp_path / 'config.toml'}:8")
    assert settings.source("system") == Provenance("file", f"{tmp_path / 'config.toml'}:2")
    assert str(settings.source("model")) == f"settings file ({tmp_path / 'config.toml'}:1)"
    assert settings.ui.vi is False


def test_a_value_from_the_environment_names_its_variable(tmp_path: Path) -> None:
    """A variable goes before the file and is named as the source; an empty one counts as not set."""
    settings = settings_of('model = "m"', tmp_path, {"GPTCHAT_MODEL": "n", "GPTCHAT_PROVIDER": " "})
    assert settings.get("model") == "n"
    assert settings.source("model") == Provenance("environment", "GPTCHAT_MODEL")
    assert settings.source("provider").layer == "default"


def test_the_sdks_variables_reach_the_built_in_providers(tmp_path: Path) -> None:
    """OPENAI_BASE_URL and its kin set the built-in openai, AZURE_OPENAI_ENDPOINT the built-in azure, no other."""
    environ = {
        "OPENAI_BASE_URL": "http://one/v1",
        "OPENAI_ORG_ID": "org",
        "OPENAI_PROJECT_ID": "proj",
        "AZURE_OPENAI_ENDPOINT": "http://two",
        "OPENAI_API_VERSION": "2024-10-21",
    }
    settings = settings_of('[providers.other]\nkind = "openai"', tmp_path, environ)
    openai, azure, other = (settings.provider(name) for name in ("openai", "azure", "other"))
    assert (openai.base_url, openai.organization, openai.project) == ("http://one/v1", "org", "proj")
    assert openai.model == "gpt-a"
    assert (azure.endpoint, azure.api_version) == ("http://two", "2024-10-21")
    assert (other.base_url, other.organization) == ("", "")


@pytest.mark.parametrize(
    ("environ", "expected", "detail"),
    [
        ({}, "", ""),
        ({"OPENAI_API_KEY": "sk-1"}, "openai", "OPENAI_API_KEY"),
        ({"AZURE_OPENAI_API_KEY": "k"}, "", ""),
        ({"AZURE_OPENAI_API_KEY": "k", "AZURE_OPENAI_ENDPOINT": "e"}, "azure", "AZURE_OPENAI_API_KEY"),
        ({"AZURE_OPENAI_KEY": "k", "AZURE_OPENAI_ENDPOINT": "e"}, "azure", "AZURE_OPENAI_KEY"),
        (
            {"OPENAI_API_KEY": "s", "AZURE_OPENAI_KEY": "k", "AZURE_OPENAI_ENDPOINT": "e"},
            "openai",
            "OPENAI_API_KEY",
        ),
    ],
)
def test_the_keys_at_hand_choose_a_provider(
    environ: dict[str, str], expected: str, detail: str, tmp_path: Path
) -> None:
    """With no provider chosen, the one whose key is in the environment is used; a choice of one's own wins."""
    for text in ("", 'provider = ""'):
        settings = settings_of(text, tmp_path, environ)
        assert settings.get("provider") == expected
        assert settings.source("provider").detail == detail or not expected
    settings.set("flag", "provider", "demo")
    assert settings.get("provider") == "demo"


def test_a_user_and_a_session_bring_their_own_and_take_it_away(tmp_path: Path) -> None:
    """Changing the user or the session replaces what the one before had set, and nothing else."""
    settings = settings_of("temperature = 0.1", tmp_path)
    settings.replace_layer("user", {"ui": {"theme": "dark"}, "temperature": 0.2}, "ann")
    settings.replace_layer("session", {"temperature": 0.3})
    assert (settings.get("ui.theme"), settings.get("temperature")) == ("dark", 0.3)
    assert settings.source("ui.theme") == Provenance("user", "ann")
    settings.replace_layer("session", {})
    assert settings.get("temperature") == 0.2
    settings.replace_layer("user", {})
    assert (settings.get("ui.theme"), settings.get("temperature")) == ("auto", 0.1)


def test_what_a_users_file_has_wrong_is_left_out_and_named() -> None:
    """A value that this version does not understand never keeps a person from their sessions."""
    settings = Settings()
    settings.replace_layer("user", {"ui.theme": "plaid", "colour": "red", "temperature": 1, "preset": "gone"})
    assert settings.ignored == ["ui.theme", "colour", "preset"]
    assert settings.layer("user") == {"temperature": 1.0}
    settings.replace_layer("user", {})
    assert settings.ignored == []


def test_a_session_from_elsewhere_cannot_redirect_a_key() -> None:
    """A session's own settings reach the conversation alone: no address, command, proxy or budget."""
    settings = Settings(BUILTIN.get, tuple(BUILTIN))
    hostile = {
        "providers": {"openai": {"base_url": "http://evil", "api_key_command": "touch /tmp/x"}},
        "network.proxy": "http://evil",
        "budget.daily": 0,
        "temperature": 0.4,
    }
    settings.replace_layer("session", hostile)
    assert settings.layer("session") == {"temperature": 0.4}
    assert settings.provider("openai") == BUILTIN["openai"]
    assert settings.network.proxy == ""
    with pytest.raises(UsageError, match=r"network\.proxy does not belong to a session"):
        settings.set("session", "network.proxy", "http://evil")


def test_flags_are_refused_where_they_make_no_sense() -> None:
    """A wrong flag is an error, and leaves what was there as it was."""
    settings = Settings()
    settings.set("flag", "temperature", 1.0)
    with pytest.raises(UsageError, match="temperature is a number from 0 to 2, not 3"):
        settings.replace_layer("flag", {"temperature": 3})
    with pytest.raises(ConfigurationError, match="unknown preset nobody"):
        settings.replace_layer("flag", {"preset": "nobody"})
    with pytest.raises(UsageError, match='unknown setting "temprature"') as caught:
        settings.set("set", "temprature", 1)
    assert caught.value.hint == "did you mean temperature?"
    assert settings.layer("flag") == {"temperature": 1.0}

"""What the program asks the settings for: providers, models, presets, parameters, the list of `/config`."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, asdict
from pathlib import Path

import pytest

from gptchat import words
from gptchat.config import schema
from gptchat.config.endpoints import NetworkSettings, ProviderSettings
from gptchat.config.paths import Paths
from gptchat.config.settings import Settings, read_settings
from gptchat.errors import ConfigurationError
from gptchat.terminal.output import theme
from tests.config.support import BUILTIN, settings_of

PRESET = '[presets.translator]\nsystem = "Translate."\ntemperature = 0.2\n'


def test_a_provider_is_the_built_in_one_under_the_persons_table(tmp_path: Path) -> None:
    """A table changes what it names; the rest of a built-in provider stays."""
    settings = settings_of('[providers.openai]\napi = "responses"\nheaders = {A = "b"}', tmp_path)
    assert settings.provider("openai") == ProviderSettings(
        "openai", "openai", model="gpt-a", api="responses", headers={"A": "b"}
    )
    assert settings.get("providers.openai.model") == "gpt-a"
    assert settings.provider_names() == ["openai", "azure", "demo"]


@pytest.mark.parametrize(
    ("table", "kind"),
    [('base_url = "http://x"', "compatible"), ('endpoint = "http://x"', "azure"), ('kind = "openai"', "openai")],
)
def test_a_kind_is_understood_from_the_address(table: str, kind: str, tmp_path: Path) -> None:
    """A provider with an address needs no kind: an endpoint is Azure's, a base_url a compatible server's."""
    assert settings_of(f"[providers.mine]\n{table}", tmp_path).provider("mine").kind == kind


def test_a_provider_without_kind_and_address_is_refused(tmp_path: Path) -> None:
    """A table that says neither what nor where is an error that says what to add."""
    settings = settings_of('[providers.mine]\nmodel = "m"', tmp_path)
    with pytest.raises(ConfigurationError, match="neither a kind nor an address") as caught:
        settings.provider("mine")
    assert caught.value.hint == "in [providers.mine], set kind, base_url"


def test_an_unknown_provider_is_answered_with_the_nearest(tmp_path: Path) -> None:
    """A misspelt provider is told with the one that was meant; with none chosen, all are listed."""
    settings = settings_of("", tmp_path)
    with pytest.raises(ConfigurationError, match="unknown provider opanai") as caught:
        settings.provider("opanai")
    assert caught.value.hint == "did you mean openai?"
    settings.replace_layer("file", {"provider": "opanai"}, "c.toml:1")
    with pytest.raises(ConfigurationError, match=r"unknown provider opanai, from: .*c\.toml:1"):
        settings.provider()
    settings.unset("file", "provider")
    with pytest.raises(ConfigurationError, match="no provider is chosen") as caught:
        settings.provider()
    assert (
        caught.value.hint
        == "open gptchat in a terminal to choose, set a key such as OPENAI_API_KEY, or try --provider demo"
    )


def test_a_model_belongs_to_the_provider_it_was_set_with(tmp_path: Path) -> None:
    """A flag that names another provider brings that provider's model, not the file's, which it does not have."""
    settings = settings_of(
        'provider = "openai"\nmodel = "gpt-b"\n[providers.bare]\nbase_url = "http://x"', tmp_path
    )
    assert settings.model() == "gpt-b"
    settings.set("flag", "provider", "demo")
    assert settings.model() == "eliza"
    settings.set("flag", "provider", "openai")
    assert settings.model() == "gpt-b"
    settings.set("flag", "provider", "bare")
    assert settings.model() == "gpt-b", "a provider without a model of its own takes the one there is"
    settings.set("flag", "model", "gpt-c")
    assert settings.model() == "gpt-c"


def test_azures_model_is_its_deployment(tmp_path: Path) -> None:
    """An Azure provider's deployment is the model where no other is named."""
    text = 'provider = "work"\n[providers.work]\nkind = "azure"\nendpoint = "http://x"\ndeployment = "d"'
    settings = settings_of(text, tmp_path)
    assert settings.model() == "d"
    settings.set("set", "model", "e")
    assert settings.model() == "e"


def test_choosing_a_provider_in_the_chat_drops_the_model_chosen_before(tmp_path: Path) -> None:
    """`/model x`, then `/provider demo`: x was meant for the provider before."""
    settings = settings_of('provider = "openai"', tmp_path)
    settings.set("set", "model", "x")
    settings.set("set", "provider", "openai")
    assert settings.model() == "x"
    settings.set("set", "provider", "demo")
    assert settings.model() == "eliza"
    settings.set("set", "model", "y")
    assert settings.model() == "y"


def test_a_preset_goes_before_the_files_general_values(tmp_path: Path) -> None:
    """In the file, the chosen preset is more particular than the values at the top; its source names it."""
    settings = settings_of(
        f'preset = "translator"\nsystem = ""\ntemperature = 1.0\ntop_p = 0.9\n{PRESET}', tmp_path
    )
    assert settings.get("system") == "Translate."
    assert settings.parameters() == {"temperature": 0.2, "top_p": 0.9}
    assert settings.source("system").detail == "preset translator"


def test_a_single_flag_goes_before_the_preset_named_beside_it(tmp_path: Path) -> None:
    """`--preset translator -o temperature=0.9` means 0.9, in whatever order they stand."""
    settings = settings_of(PRESET, tmp_path)
    settings.replace_layer("flag", {"temperature": 0.9, "preset": "translator"})
    assert (settings.get("system"), settings.get("temperature")) == ("Translate.", 0.9)


def test_a_preset_that_is_not_there_is_told_with_its_place(tmp_path: Path) -> None:
    """A misspelt preset in the file is an error that names the file, the line and the nearest preset."""
    with pytest.raises(ConfigurationError, match=r"unknown preset translater, from: .*config\.toml:1") as caught:
        settings_of(f'preset = "translater"\n{PRESET}', tmp_path)
    assert caught.value.hint == "did you mean translator?"


def test_in_the_chat_the_later_word_wins(tmp_path: Path) -> None:
    """`/set temperature 1` after `/preset` holds; a preset chosen after it holds instead; `none` ends it."""
    settings = settings_of(f"temperature = 0.5\n{PRESET}", tmp_path)
    settings.set("set", "preset", "translator")
    settings.set("set", "temperature", 1.0)
    assert settings.get("temperature") == 1.0
    settings.set("set", "preset", "translator")
    assert settings.get("temperature") == 0.2
    settings.unset("set", "temperature")
    settings.set("flag", "preset", "translator")
    settings.set("set", "preset", "")
    assert (settings.get("temperature"), settings.get("system")) == (0.5, "")


def test_a_preset_below_yields_to_values_of_higher_layers(tmp_path: Path) -> None:
    """A preset of the file is a value of the file: a flag goes before it."""
    settings = settings_of(f'preset = "translator"\n{PRESET}', tmp_path)
    settings.set("flag", "temperature", 1.9)
    assert settings.parameters() == {"temperature": 1.9}
    assert settings.preset("translator") == {"system": "Translate.", "temperature": 0.2}
    assert settings.names("presets") == ["translator"]


def test_parameters_hold_only_what_was_set(tmp_path: Path) -> None:
    """Nothing is sent that nobody asked for; lists are lists, as JSON has them."""
    settings = settings_of('stop = ["a", "b"]\nn = 2\n[ui]\nvi = true', tmp_path)
    assert settings.parameters() == {"stop": ["a", "b"], "n": 2}
    settings.set("set", "n", None)
    assert settings.parameters() == {"stop": ["a", "b"]}


def test_the_network_is_typed_and_its_defaults_agree() -> None:
    """Without a word in the settings the network is as its declaration says."""
    settings = Settings()
    assert settings.network == NetworkSettings()
    settings.set("set", "network.connect_timeout", 3)
    assert settings.network == NetworkSettings(connect_timeout=3.0)


def test_facts_on_models_with_dots_in_their_names(tmp_path: Path) -> None:
    """`[models."gpt-4.1"]` is found by its name, with only what stands there."""
    settings = settings_of('[models."gpt-4.1"]\ncontext = 5\ninput = 1', tmp_path)
    assert settings.model_facts("gpt-4.1").given() == {"context": 5, "input": 1.0}
    assert settings.model_facts("gpt-4").given() == {}
    assert settings.get("models.gpt-4.1.context") == 5


def test_config_lists_every_setting_with_its_source_and_no_secret(tmp_path: Path) -> None:
    """`/config` names every key; headers show their names alone."""
    text = '[providers.x]\nkind = "openai"\nheaders = {Authorization = "Bearer very-secret-indeed"}'
    settings = settings_of(text, tmp_path)
    items = {item.key: item for item in settings.items()}
    assert list(items)[: len(schema.SETTINGS)] == list(schema.SETTINGS)
    assert items["providers.x.headers"].shown == "Authorization = ****"
    assert "secret" not in "".join(item.shown for item in items.values())
    few = [item.key for item in settings.items(everything=False)]
    assert few == ["provider", "providers.x.headers", "providers.x.kind"]


def test_every_setting_is_read_as_a_frozen_value() -> None:
    """What code reads is what `/set` shows, in a value that nothing changes; the next reading sees a change."""
    settings = Settings(BUILTIN.get, tuple(BUILTIN), {"OPENAI_API_KEY": "sk-1"})
    top = {**asdict(settings.chat), **asdict(settings.group(schema.Parameters)), "mcp_files": ()}
    tables = {
        "context": asdict(settings.context),
        "ui": asdict(settings.ui),
        "input": asdict(settings.input),
        "attach": asdict(settings.attach),
        "docs": asdict(settings.docs),
        "search": asdict(settings.search),
        "budget": asdict(settings.budget),
        "tools": asdict(settings.tools),
        "network": asdict(settings.network),
    }
    read = top | {f"{table}.{key}": value for table, values in tables.items() for key, value in values.items()}
    assert read == {key: settings.get(key) for key in schema.SETTINGS}
    assert settings.chat.provider == "openai", "the key at hand"
    before = settings.ui
    with pytest.raises(FrozenInstanceError):
        before.theme = "dark"  # type: ignore[misc] # that it is refused is what is tested
    settings.set("set", "ui.theme", "dark")
    assert (before.theme, settings.ui.theme) == ("auto", "dark")
    settings.replace_layer("flag", {"ui.vi": True})
    assert settings.ui.vi is True
    settings.unset("set", "ui.theme")
    assert settings.ui.theme == "auto"


def test_languages_and_themes_are_those_that_there_are() -> None:
    """`ui.lang` and `ui.theme` offer exactly the languages with a catalogue and the themes with a palette."""
    assert schema.SETTINGS["ui.lang"].choices == ("auto", *words.LANGUAGES)
    assert set(schema.SETTINGS["ui.theme"].choices) == set(theme.NAMES)


def test_the_only_provider_of_the_file_is_meant(tmp_path: Path) -> None:
    """A settings file that describes one provider and names none means that one."""
    file = tmp_path / "config.toml"
    file.write_text('[providers.home]\nbase_url = "http://localhost:1/v1"\n', encoding="utf-8")
    settings = read_settings(Paths(file, tmp_path, tmp_path), {}, builtin_names=["openai"])
    assert settings.provider().name == "home"
    file.write_text('[providers.openai]\norganization = "org-1"\n', encoding="utf-8")
    settings = read_settings(Paths(file, tmp_path, tmp_path), {}, builtin_names=["openai"])
    assert settings.chat.provider == ""

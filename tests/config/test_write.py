"""Changing `config.toml`: what the person wrote stays."""

from __future__ import annotations

import stat
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from gptchat.config.endpoints import ProviderSettings
from gptchat.config.keys import store_key
from gptchat.config.load import load
from gptchat.config.private_files import write_private
from gptchat.config.write import write_provider, write_value
from gptchat.errors import ConfigurationError, UsageError

MINE = """\
# My settings
provider = "openai"   # the usual one
model = "gpt-b"

[ui]  # how it looks
vi = true

# at work
[providers.work]
kind = "azure" # theirs
endpoint = "https://old"
"""


def test_comments_and_layout_stay(tmp_path: Path) -> None:
    """Changing and adding values touches those lines alone."""
    path = tmp_path / "config.toml"
    path.write_text(MINE)
    write_value(path, "ui.vi", False)
    write_value(path, "temperature", 0.5)
    write_value(path, "providers.work.endpoint", "https://new")
    assert path.read_text() == MINE.replace("vi = true", "vi = false").replace("//old", "//new").replace(
        'model = "gpt-b"\n', 'model = "gpt-b"\ntemperature = 0.5\n'
    )


def test_removing_a_value(tmp_path: Path) -> None:
    """None takes the line away; taking away what is not there changes nothing."""
    path = tmp_path / "config.toml"
    path.write_text(MINE)
    write_value(path, "model", None)
    write_value(path, "network.proxy", None)
    write_value(path, "providers.none.model", None)
    assert path.read_text() == MINE.replace('model = "gpt-b"\n', "")


def test_the_first_provider_makes_the_file(tmp_path: Path) -> None:
    """With no file, the first choice writes one: its provider, in use, and nothing that is not set."""
    path = tmp_path / "new" / "config.toml"
    write_provider(path, ProviderSettings("local", "compatible", base_url="http://x/v1", key_optional=True))
    values = dict(load(path).values)
    assert values == {
        "provider": "local",
        "providers.local.kind": "compatible",
        "providers.local.base_url": "http://x/v1",
        "providers.local.key_optional": True,
    }
    if sys.platform != "win32":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_another_provider_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    """Making another provider the default drops the model, which was the other one's; its table keeps the rest."""
    path = tmp_path / "config.toml"
    path.write_text(MINE)
    write_provider(path, ProviderSettings("work", "azure", deployment="d", headers={"X": "y"}))
    text = path.read_text()
    values = load(path).values
    assert (values["provider"], values["providers.work.endpoint"]) == ("work", "https://old")
    assert (values["providers.work.deployment"], values["providers.work.headers"]) == ("d", {"X": "y"})
    assert "model" not in values
    assert "# the usual one" in text
    write_provider(path, ProviderSettings("openai", "openai"), make_default=False)
    assert load(path).values["provider"] == "work"


def test_a_wrong_value_is_never_written(tmp_path: Path) -> None:
    """A value out of range, an unknown key or a file that is broken leaves the file as it was."""
    path = tmp_path / "config.toml"
    path.write_text(MINE)
    with pytest.raises(UsageError, match="temperature is a number from 0 to 2, not 5"):
        write_value(path, "temperature", 5)
    with pytest.raises(UsageError, match="a key is not kept in the settings"):
        write_value(path, "providers.openai.api_key", "sk-x")
    assert path.read_text() == MINE
    path.write_text("model = ")
    with pytest.raises(ConfigurationError, match="line 1: not valid TOML"):
        write_value(path, "temperature", 1)
    assert path.read_text() == "model = "


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")
def test_a_link_is_followed(tmp_path: Path) -> None:
    """Settings that are a link into a folder of one's own stay a link, and the file there is changed."""
    (tmp_path / "dotfiles").mkdir()
    real, link = tmp_path / "dotfiles" / "gptchat.toml", tmp_path / "config.toml"
    real.write_text(MINE)
    link.symlink_to(real)
    write_value(link, "ui.vi", False)
    assert link.is_symlink()
    assert "vi = false" in real.read_text()


def test_a_file_that_cannot_be_had_is_told(tmp_path: Path) -> None:
    """Where nothing can be read or written, the error names the file and what to check."""
    (tmp_path / "file").write_text("")
    for action in (
        lambda: write_value(tmp_path / "file" / "config.toml", "temperature", 1),
        lambda: write_private(tmp_path / "file" / "config.toml", ""),
        lambda: store_key("openai", "some-key-kept", tmp_path / "file"),
    ):
        with pytest.raises(ConfigurationError, match=r"cannot (read|write) .*file") as caught:
            action()
        assert caught.value.hint


SCATTERED = """\
ui.raw = true # dotted
[providers.one]
kind = "openai"
[network]
max_retries = 1 # few
[providers.two]
kind = "demo"
[models."gpt-4.1"]
context = 5 # small
[presets."键"]
temperature = 0.1
"""
INLINE = """\
providers = {one = {kind = "openai"}} # in one line
models = {"gpt-4.1" = {context = 5}}
ui = {raw = true} # too
"""


def test_tables_in_one_line_take_further_ones(tmp_path: Path) -> None:
    """A provider is added also where the file has all of them on one line."""
    path = tmp_path / "config.toml"
    path.write_text(INLINE)
    write_value(path, "providers.two.kind", "demo")
    assert load(path).values["providers.two.kind"] == "demo"
    assert path.read_text().splitlines()[0].endswith('{kind = "demo"}} # in one line')


CHANGES: dict[str, st.SearchStrategy[Any]] = {
    "temperature": st.one_of(st.none(), st.floats(0, 2)),
    "system": st.text(st.characters(codec="utf-8")),
    "stop": st.lists(st.text(st.characters(codec="utf-8"), min_size=1), min_size=1).map(tuple),
    "logit_bias": st.dictionaries(st.integers(0, 9).map(str), st.integers(-100, 100)),
    "ui.vi": st.one_of(st.none(), st.booleans()),
    "network.max_retries": st.one_of(st.none(), st.integers(0, 100)),
    "providers.a b.base_url": st.text(st.characters(codec="utf-8")),
    "models.gpt-4.1.context": st.one_of(st.none(), st.integers(1, 10**9)),
    "presets.键.temperature": st.one_of(st.none(), st.floats(0, 2)),
}


@examples(max_examples=60, deadline=None)
@given(
    st.lists(
        st.sampled_from(sorted(CHANGES)).flatmap(lambda key: st.tuples(st.just(key), CHANGES[key])), max_size=5
    ),
    st.sampled_from(["", MINE, MINE.replace("\n", "\r\n"), "\ufeff" + MINE, SCATTERED, INLINE]),
)
def test_what_is_written_is_what_is_read(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[str, Any]], text: str
) -> None:
    """Any change to any file gives a valid file with exactly that change, and every comment still there."""
    path = tmp_path_factory.mktemp("write") / "config.toml"
    path.write_bytes(text.encode())
    expected = dict(load(path).values)
    for key, value in changes:
        write_value(path, key, value)
        expected[key] = value
        if value is None:
            del expected[key]
    assert load(path).values == expected
    written = path.read_bytes().decode()
    for comment in (
        "# My settings",
        "# the usual one",
        "# how it looks",
        "# at work",
        "# theirs",
        "# in one line",
    ):
        assert (comment in written) == (comment in text)

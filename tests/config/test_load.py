"""Reading `config.toml`: what is understood, and how each fault is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from gptchat import notices, redaction
from gptchat.config.load import line_of, load, parse
from gptchat.errors import ConfigurationError

FILE = Path("c.toml")

FAULTS = {
    "tempraure = 1": ("c.toml, line 1: unknown setting tempraure", "did you mean temperature?"),
    '\n\ntheme = "dark"': ("c.toml, line 3: unknown setting theme", "did you mean ui.theme?"),
    '[ui]\nvi = true\nmodel = "m"': (
        "c.toml, line 3: unknown setting ui.model",
        "model stands at the top of the file, before the first [table]",
    ),
    "[ui]\nthem = 1": ("c.toml, line 2: unknown setting ui.them", "did you mean ui.theme?"),
    'reasoning_effort = "low"': ("c.toml, line 1: unknown setting reasoning_effort", "did you mean effort?"),
    "enable_thinking = false": ("c.toml, line 1: unknown setting enable_thinking", "did you mean thinking?"),
    '[providers.x]\nurl = "u"': (
        "c.toml, line 2: unknown setting providers.x.url",
        "did you mean providers.x.base_url?",
    ),
    "[models.gpt-4.1]\ncontext = 3": (
        "c.toml, line 1: unknown setting models.gpt-4.1",
        'a name with a dot is quoted: [models."gpt-4.1"]',
    ),
    "[provider.x]\nkind = 'azure'": (
        "c.toml, line 1: provider is a text, not {'x': {'kind': 'azure'}}",
        "a table of your own is written [providers.NAME]",
    ),
    "[providers]\nopenai = 3": (
        "c.toml, line 2: [providers] holds tables only",
        "begin one with a line such as [providers.NAME]",
    ),
    "presets = 3": (
        "c.toml, line 1: [presets] holds tables only",
        "begin one with a line such as [presets.NAME]",
    ),
    "ui = 3": ("c.toml, line 1: unknown setting ui", "it is a table: begin it with [ui]"),
    "temperature = 3": (
        "c.toml, line 1: temperature is a number from 0 to 2, not 3",
        "Lower is steadier, higher more varied",
    ),
    'temperature = "hot"': (
        'c.toml, line 1: temperature is a number from 0 to 2, not "hot"',
        "Lower is steadier, higher more varied",
    ),
    "temperature = nan": (
        "c.toml, line 1: temperature is a number from 0 to 2, not nan",
        "Lower is steadier, higher more varied",
    ),
    "n = true": ("c.toml, line 1: n is a whole number from 1 to 8, not true", "How many replies to choose from"),
    "max_tokens = 1.5": (
        "c.toml, line 1: max_tokens is a whole number, 1 or more, not 1.5",
        "The longest reply, in tokens",
    ),
    "[ui]\ntheme = 'plaid'": (
        'c.toml, line 2: ui.theme is one of auto, dark, light, mono, not "plaid"',
        "Colours; auto asks the terminal for its background",
    ),
    "stop = ['a', '']": (
        "c.toml, line 1: stop is a text or a list of texts, not ['a', '']",
        "Where the reply ends, if it comes to say this",
    ),
    "logit_bias = {word = 3}": (
        "c.toml, line 1: logit_bias is a table of token ids, each with a number from -100 to 100, not {'word': 3}",
        "Makes single tokens likelier (up to 100) or rarer (down to -100)",
    ),
    "model = gpt-5": ("c.toml, line 1: not valid TOML (Invalid value)", "put the text in quotation marks"),
    "[ui]\nvi = True": (
        "c.toml, line 2: not valid TOML (Invalid value)",
        "write true or false; leave the line out for nothing",
    ),
    'model = "a"\nmodel = "b"': (
        "c.toml, line 2: not valid TOML (Cannot overwrite a value)",
        "the same key or table stands twice; keep one",
    ),
    '[network]\nca_file = "C:\\Users\\ann.pem"': (
        "c.toml, line 2: not valid TOML (Invalid hex value)",
        "a path with backslashes goes in single quotes: 'C:\\Users\\ann'",
    ),
    "stop = ['a',\n'b'": (
        "c.toml, line 2: not valid TOML (Unclosed array)",
        "TOML is written: name = value, texts in quotation marks",
    ),
    '[provders.x]\nkind = "demo"': (
        "c.toml, line 1: unknown setting provders",
        "did you mean providers or provider?",
    ),
    "[contxt]\nmax_turns = 3": ("c.toml, line 1: unknown setting contxt", "did you mean context?"),
    '\n[netwrok]\nproxy = "p"': ("c.toml, line 2: unknown setting netwrok", "did you mean network?"),
    '[UI]\ntheme = "dark"': ("c.toml, line 1: unknown setting UI", "did you mean ui?"),
    'base_url = "u"': ("c.toml, line 1: unknown setting base_url", "did you mean providers.NAME.base_url?"),
    'api_base = "u"': ("c.toml, line 1: unknown setting api_base", "did you mean providers.NAME.base_url?"),
    "temp = 1": ("c.toml, line 1: unknown setting temp", "did you mean temperature?"),
    "seed = " + "9" * 5000: ("c.toml: a number has too many digits", ""),
    "stop = " + "[" * 5000: ("c.toml: too deeply nested", ""),
    "zzzzzz = 1": (
        "c.toml, line 1: unknown setting zzzzzz",
        "every setting stands in config.example.toml, and /set lists them",
    ),
}


@pytest.mark.parametrize("text", FAULTS)
def test_each_fault_names_file_line_and_remedy(text: str) -> None:
    """A wrong settings file is told with its name, the line, what was expected and what to do."""
    with pytest.raises(ConfigurationError) as caught:
        parse(text, FILE)
    assert (caught.value.message, caught.value.hint) == FAULTS[text]


def test_a_key_in_the_settings_file_is_refused_and_masked() -> None:
    """A key written into the file is neither used nor shown, and the error says where keys belong."""
    with pytest.raises(ConfigurationError, match="keys are not kept in the settings file") as caught:
        parse('[providers.openai]\napi_key = "planted-in-the-file-123"', FILE)
    assert "api_key_command" in caught.value.hint
    assert "planted" not in caught.value.message + caught.value.hint
    assert "planted" not in redaction.redact("echo planted-in-the-file-123")


def test_secrets_in_headers_and_addresses_are_masked_from_then_on() -> None:
    """A token in a header or query parameter of the file is masked in whatever is shown later."""
    headers = '{Authorization = "Bearer header-secret-77"}'
    parse(f'[providers.x]\nheaders = {headers}\nquery = {{apikey = "query-secret-77"}}', FILE)
    assert "secret" not in redaction.redact("got header-secret-77 and query-secret-77")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_files_as_any_editor_saves_them(encoding: str, newline: str, tmp_path: Path) -> None:
    """A byte-order mark, UTF-16 and Windows' line ends make no difference."""
    path = tmp_path / "config.toml"
    path.write_bytes(f'system = "你好"{newline}[ui]{newline}vi = true{newline}'.encode(encoding))
    assert load(path).values == {"system": "你好", "ui.vi": True}
    assert load(path).where("ui.vi") == f"{path}:3"


def test_bytes_that_are_no_text_are_told_with_their_line(tmp_path: Path) -> None:
    """A file in a legacy encoding is an error that names the line."""
    path = tmp_path / "config.toml"
    path.write_bytes('model = "m"\nsystem = "你好"'.encode("gb18030"))
    with pytest.raises(ConfigurationError, match="line 2: not UTF-8"):
        load(path)


def test_no_file_is_no_error(tmp_path: Path) -> None:
    """Without a settings file the defaults hold; so with something that is no file, which is named."""
    assert load(tmp_path / "none.toml").values == {}
    notices.forget()
    assert load(tmp_path).values == {}
    assert str(tmp_path) in notices.take()[0]


KEYS = st.lists(
    st.one_of(st.sampled_from(["a", "b-c", "gpt-4.1", "x y", "键"]), st.text(max_size=4).filter(str.isprintable)),
    min_size=1,
    max_size=4,
    unique=True,
)
VALUES = st.sampled_from(
    ["1", '"[x]"', '"""\n[ui]\na = 1\n"""', "[\n 1,\n 2,\n]", "{ b = 1, c = [2] }", "'''\n'''"]
)


@examples(max_examples=100, deadline=None)
@given(st.lists(st.tuples(KEYS, VALUES), min_size=1, max_size=5), st.booleans())
def test_every_value_is_found_on_its_line(entries: list[tuple[list[str], str]], spaced: bool) -> None:
    """Whatever stands above it (texts of several lines, arrays, comments), a key's line is the one it is on."""
    text, expected = "# heading = 1\n\n", {}
    for number, (keys, value) in enumerate(entries):
        table = f"t{number}"
        text += f"[{table}]  # [x]\n" + ("\n# a = 1\n" if spaced else "")
        for key in keys:
            expected[table, key] = text.count("\n") + 1
            quoted = "".join(f"\\U{ord(character):08x}" for character in key)
            text += f'  "{quoted}" = {value}\n'
    for place, line in expected.items():
        assert line_of(text, place) == line

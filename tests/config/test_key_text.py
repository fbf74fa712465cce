"""Keys as people paste and store them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from gptchat import redaction
from gptchat.config.key_text import clean_key, key_in
from gptchat.errors import ConfigurationError

KEY = "sk-proj-Ab_c-123456789=="

PASTES = [
    "{}",
    "  {}\n",
    '"{}"',
    "'{}'",
    "“{}”",
    "`{}`",
    "export OPENAI_API_KEY={}",
    'export OPENAI_API_KEY="{}";',
    "OPENAI_API_KEY={}",
    "OPENAI_API_KEY = '{}'",
    "set AZURE_OPENAI_API_KEY={}",
    'setx OPENAI_API_KEY "{}"',
    '$env:OPENAI_API_KEY = "{}"',
    "api_key: {}",
    'api_key: "{}",',
    "Authorization: Bearer {}",
    "Bearer {}",
    "\ufeff{}\u200b",
    "\x1b[200~{}\x1b[201~",
]


@pytest.mark.parametrize("paste", PASTES)
def test_what_surrounds_a_pasted_key_is_taken_away(paste: str) -> None:
    """A key copied with quotes, spaces, `export NAME=` or a header's name works."""
    assert clean_key(paste.format(KEY)) == KEY


@examples(max_examples=200)
@given(st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="\"'`;,=:"), min_size=1))
def test_a_clean_key_stays_as_it_is(key: str) -> None:
    """A key that has nothing around it is never changed, and any spaces in it came from the paste."""
    assert clean_key(key) == key
    assert clean_key(clean_key(f" {key[:3]} \r\n\t{key[3:]} ")) == key


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("sk-abcé-12345", 'character 7 of the key, "é" (U+00E9), belongs to no key'),
        ("键sk-abcdefgh", 'character 1 of the key, "键" (U+952E), belongs to no key'),
        ("sk-abcdefgh\x07", "character 12 of the key, U+0007, belongs to no key"),
        (" \n", "the key is empty"),
        ("export OPENAI_API_KEY=", "the key is empty"),
    ],
)
def test_a_character_no_key_has_is_refused_with_its_position(key: str, message: str) -> None:
    """A key that could not be sent is refused before, saying where the wrong character is, and not shown."""
    with pytest.raises(ConfigurationError) as caught:
        clean_key(key)
    assert caught.value.message == message
    assert caught.value.hint


def test_a_cleaned_key_is_masked_everywhere() -> None:
    """From the moment a key is read, no text shows it, even when it is refused."""
    clean_key("quite-another-secret-1")
    with pytest.raises(ConfigurationError):
        clean_key("refused-sécret-number-2")
    assert "another" not in redaction.redact("x quite-another-secret-1 y")
    assert "number" not in redaction.redact("x refused-sécret-number-2 y")


@pytest.mark.parametrize(
    "text",
    [
        KEY,
        f"# my key\n\n{KEY}\n",
        f"{KEY}\nlogin: ann\nurl: example.com\n",
        f'{{"api_key": "{KEY}"}}',
        f'{{"api": "{KEY}"}}',
        f'{{"model": "gpt-4", "key": "{KEY}"}}',
        f'{{\n "accessToken": "{KEY}"\n}}',
        f"[default]\napi_key = {KEY}\n",
        f"# the file of the old client\n[other]\napi_key = no\n[default]\napi_key={KEY}\n",
        f"api_key = {KEY}\norganization = org\n",
    ],
)
def test_every_form_of_a_key_file_is_read(text: str) -> None:
    """Plain text, JSON with api_key, api or key, and `[default] api_key` all give the key."""
    assert key_in(text) == KEY


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the key is empty"),
        ("{not json", "it begins like JSON but is not"),
        ('{"password": "x"}', "its JSON has no key"),
        ('{"api_key": 5}', "its JSON has no key"),
        ("[other]\napi_key = x", "it has no api_key in [default]"),
    ],
)
def test_a_file_without_a_key_says_what_is_missing(text: str, message: str) -> None:
    """A key file that holds no key is told with what was expected of it."""
    with pytest.raises(ConfigurationError) as caught:
        key_in(text)
    assert caught.value.message == message

"""What a person may type as a setting's value, and what is offered and explained to him."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from gptchat import redaction
from gptchat.config import schema
from gptchat.config.parse import (
    check,
    complete_key,
    complete_value,
    nearest,
    parse_assignment,
    parse_setting,
    parse_value,
    show_value,
)
from gptchat.config.setting import Setting
from gptchat.errors import UsageError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("temperature=0.2", 0.2),
        ("temperature = 1", 1.0),
        ("temperature=0,5", 0.5),
        ("temperature=none", None),
        ("max_tokens=4_000", 4000),
        ("max_tokens=1e3", 1000),
        ("ui.vi=yes", True),
        ("ui.vi=OFF", False),
        ("ui.theme=Dark", "dark"),
        ("effort=none", "none"),
        ("effort=unset", None),
        ("model=gpt-6.1-terra", "gpt-6.1-terra"),
        ("system=a = b, {c}", "a = b, {c}"),
        ("system=", ""),
        ("stop=###", "###"),
        ("stop=[DONE", "[DONE"),
        ('stop=["a", "b"]', ("a", "b")),
        ("fallback=azure, local", ("azure", "local")),
        ('fallback=["azure"]', ("azure",)),
        ('logit_bias={"50256": -100}', {"50256": -100}),
        ("seed=-3", -3),
        ("providers.work.endpoint=https://e", "https://e"),
        ("models.gpt-4.1.context=8192", 8192),
        ('providers.x.extra_body={"top_k": 40}', {"top_k": 40}),
        ("moderation=both", "both"),
    ],
)
def test_what_a_person_types_is_understood(text: str, value: object) -> None:
    """`-o KEY=VALUE` takes numbers, words, lists and JSON in the forms people write them."""
    assert parse_assignment(text) == (text.partition("=")[0].strip(), value)


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("temperature=3", 'temperature is a number from 0 to 2, not "3"', "Lower is steadier, higher more varied"),
        (
            "temperature=inf",
            'temperature is a number from 0 to 2, not "inf"',
            "Lower is steadier, higher more varied",
        ),
        ("n=1.5", 'n is a whole number from 1 to 8, not "1.5"', "How many replies to choose from"),
        ("ui.vi=maybe", 'ui.vi is true or false, not "maybe"', "Edit lines with vi's keys instead of Emacs's"),
        (
            "effort=huge",
            'effort is one of none, minimal, low, medium, high, xhigh, max, not "huge"',
            "How long a reasoning model thinks",
        ),
        (
            'logit_bias={"1": 200}',
            'logit_bias is a table of token ids, each with a number from -100 to 100, not "{"1": 200}"',
            "Makes single tokens likelier (up to 100) or rarer (down to -100)",
        ),
        ("temprature=1", 'unknown setting "temprature"', "did you mean temperature?"),
        ("lang=zh", 'unknown setting "lang"', "did you mean ui.lang?"),
        ("temperature", '"temperature" is not KEY=VALUE', "for example: -o temperature=0.2"),
        ("=3", '"=3" is not KEY=VALUE', "for example: -o temperature=0.2"),
    ],
)
def test_what_cannot_be_is_refused_with_its_range(text: str, message: str, hint: str) -> None:
    """A wrong value is told with what the setting takes and what it is for; a wrong key with the nearest."""
    with pytest.raises(UsageError) as caught:
        parse_assignment(text)
    assert (caught.value.message, caught.value.hint) == (message, hint)


def test_a_key_typed_in_the_wrong_place_is_not_shown_again() -> None:
    """A pasted key never comes back in an error."""
    with pytest.raises(UsageError) as caught:
        parse_setting("temperature", "sk-proj-abcdefghijklmnop")
    assert "abcdefgh" not in caught.value.message
    with pytest.raises(UsageError, match="a key is not kept in the settings") as caught:
        parse_assignment("providers.openai.api_key=a-key-with-no-known-shape")
    assert caught.value.hint == "give it with /key, or in its variable"
    assert "shape" not in redaction.redact("it was a-key-with-no-known-shape")


def values_of(setting: Setting) -> st.SearchStrategy[Any]:
    """Any value that a setting takes."""
    if setting.choices:
        return st.sampled_from(setting.choices)
    texts = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1)
    whole = st.integers(int(setting.low or 0), int(min(setting.high or 10**9, 10**9)))
    strategies: dict[str, st.SearchStrategy[Any]] = {
        "text": texts.filter(lambda text: text.lower() not in ("none", "null", "unset", "default")),
        "flag": st.booleans(),
        "integer": whole,
        "number": st.floats(setting.low or 0, min(setting.high or 1e9, 1e9)).map(lambda value: value + 0.0),
        "list": st.lists(texts).map(tuple),
        "stop": st.lists(texts).map(tuple),
        "bias": st.dictionaries(st.integers(0, 10**6).map(str), st.integers(-100, 100)),
        "texts": st.dictionaries(texts, texts),
        "object": st.dictionaries(texts, st.one_of(st.none(), st.booleans(), st.integers(), texts)),
    }
    return strategies[setting.type]


ALL = [*schema.SETTINGS.values(), *schema.TABLES["providers"].values(), *schema.TABLES["models"].values()]


@examples(max_examples=300)
@given(st.sampled_from(ALL), st.data())
def test_what_is_shown_can_be_typed_again(setting: Setting, data: st.DataObject) -> None:
    """The text that `/set` shows for a value means that value again, for every setting."""
    value = data.draw(values_of(setting))
    assert check(setting, value) == value
    assert parse_value(setting, show_value(value)) == value


@examples(max_examples=300)
@given(st.sampled_from(ALL), st.text())
def test_any_text_is_a_value_or_a_plain_refusal(setting: Setting, text: str) -> None:
    """Whatever is typed gives a value within the setting's range or an error that says what it takes."""
    refusal, value = "", None
    try:
        value = parse_value(setting, text)
    except ValueError as error:
        refusal = str(error)
    if refusal:
        assert refusal == setting.meaning
    else:
        assert check(setting, value) == value


def test_completion_offers_keys_and_values() -> None:
    """Tab completes keys, the person's own tables too, and the values a setting can take."""
    assert complete_key("temp") == ["temperature"]
    assert complete_key("ui.th") == ["ui.theme"]
    assert complete_key("providers.work.end", {"providers": ["work"]}) == ["providers.work.endpoint"]
    assert complete_value("ui.theme", "d") == ["dark"]
    assert complete_value("ui.vi") == ["true", "false"]
    assert complete_value("nothing") == complete_value("model") == []


@pytest.mark.parametrize("key", [*schema.SETTINGS])
def test_a_slip_of_the_finger_finds_the_setting(key: str) -> None:
    """Leaving out one letter of a longer key still finds it."""
    if len(key) > 5:
        assert key in nearest(key[:2] + key[3:])


def test_every_setting_explains_itself() -> None:
    """Each setting has a sentence, a meaning and a default that it takes itself, or none."""
    for setting in ALL:
        assert setting.summary
        assert not setting.summary.endswith(".")
        assert setting.meaning
        assert check(setting, setting.default) == setting.default
        if setting.default is None:
            assert check(setting, setting.example) is not None

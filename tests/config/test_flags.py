"""The command line: every declared option arrives where it is declared to, and nothing else does."""

from __future__ import annotations

from typing import Any

import pytest

from gptchat.config import schema
from gptchat.config.flags import Declared, Options, declared, parse
from gptchat.errors import UsageError

OPTIONS = list(declared())


def given(option: Declared) -> tuple[list[str], Any]:
    """What to type after the option's name, and the value that this means."""
    if option.type is bool:
        return [], not option.flag.name.startswith("--no-")
    text = (option.flag.choices or ("some text",))[-1]
    return [text], (text,) if option.type is tuple else text


def value(options: Options, target: str) -> Any:
    """What the command line says for an option's target; a setting that it does not name is None."""
    return options.values.get(target) if target in schema.SETTINGS else getattr(options, target)


@pytest.mark.parametrize(
    ("option", "name"), [(option, name) for option in OPTIONS for name in option.names], ids=lambda part: str(part)
)
def test_every_option_arrives_at_its_target(option: Declared, name: str) -> None:
    """By each of its names, before the prompt and behind it, an option sets its own target and no other."""
    words, expected = given(option)
    for argv in ([name, *words, "hi there"], ["hi there", name, *words]):
        options = parse(argv)
        assert value(options, option.target) == expected
        assert options.prompt == "hi there"
        for other in OPTIONS:
            if other.target != option.target:
                assert value(options, other.target) == value(Options(), other.target)


def test_no_option_is_declared_twice() -> None:
    """Names and targets are each used once, and what sets a setting takes its values as they are typed."""
    names = [name for option in OPTIONS for name in option.names]
    targets = [option.target for option in OPTIONS]
    assert len(set(names)) == len(names)
    assert len(set(targets)) == len(targets)
    for key, setting in schema.SETTINGS.items():
        assert setting.flag is None or (key in targets and setting.type in ("text", "flag"))


def test_an_option_with_an_empty_value_sets_no_setting() -> None:
    """A script's unset variable (`-m "$MODEL"`) leaves the setting as it is; an empty session is refused."""
    assert parse(["-m", "", "-p", "", "hi"]).values == {}
    assert parse(["-u", "", "hi"]).user == ""
    with pytest.raises(UsageError, match="-s/--session needs a value"):
        parse(["-s", " ", "hi"])


def test_a_wrong_choice_is_told_with_the_right_ones() -> None:
    """An option with choices names its own."""
    with pytest.raises(UsageError, match="--lang takes one of en, zh"):
        parse(["--lang", "xx"])

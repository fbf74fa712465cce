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
    text = (*option.flag.choices, "some text")[0]
    return [text], (text,) if option.type is tuple else text


def value(options: Options, option: Declared) -> Any:
    """What the command line says for an option; a setting that it does not name is None."""
    return options.values.get(option.target) if option.of_setting else getattr(options, option.target)


@pytest.mark.parametrize(
    ("option", "name"), [(option, name) for option in OPTIONS for name in option.names], ids=lambda part: str(part)
)
def test_every_option_arrives_at_its_target(option: Declared, name: str) -> None:
    """By each of its names, before the prompt and behind it, an option sets its own target and no other."""
    words, expected = given(option)
    for argv in ([name, *words, "hi there"], ["hi there", name, *words]):
        options = parse(argv)
        assert value(options, option) == expected
        assert options.prompt == "hi there"
        for other in OPTIONS:
            if other != option:
                assert value(options, other) == value(Options(), other)


def test_no_option_is_declared_twice() -> None:
    """Names and targets are each used once, and what sets a setting takes its values as they are typed."""
    names = [name for option in OPTIONS for name in option.names]
    targets = [(option.target, option.of_setting) for option in OPTIONS]
    assert len(set(names)) == len(names)
    assert len(set(targets)) == len(targets)
    for key, setting in schema.SETTINGS.items():
        assert setting.flag is None or ((key, True) in targets and setting.type in ("text", "flag"))


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["-ubob", "hi"], Options("hi", user="bob")),
        (["-u=bob", "--attach=a", "-ab", "hi"], Options("hi", user="bob", attachments=("a", "b"))),
        (["-cs", "REF", "hi"], Options("hi", latest=True, session="REF")),
        (["-csREF", "and", "-5", "-", "- this"], Options("and -5 - - this", latest=True, session="REF")),
        (["what is", "--", "--json", "-x"], Options("what is --json -x")),
        (["/delete", "--forever", "--json", "3"], Options("/delete --forever 3", json=True)),
    ],
)
def test_options_are_written_as_everywhere(argv: list[str], expected: Options) -> None:
    """A value may stand behind its option or in it, short ones together; what is no option is the prompt."""
    options = parse(argv)
    assert options.prompt == expected.prompt
    assert [value(options, option) for option in OPTIONS] == [value(expected, option) for option in OPTIONS]


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--json=1"], "--json takes no value"),
        (["-cx"], "-c/--continue takes no value"),
        (["-u"], "-u/--user needs a value"),
        (["-u", "--json"], "-u/--user needs a value"),
        (["-u", "--", "bob"], "-u/--user needs a value"),
        (["--frob", "hi"], "unknown option --frob"),
        (["--prov", "demo"], "unknown option --prov"),
        (["--forever", "/delete", "3"], "unknown option --forever"),
        (["--lang", "xx"], "--lang takes one of en, zh"),
    ],
)
def test_what_cannot_be_understood_is_refused(argv: list[str], message: str) -> None:
    """A wrong option is named, with what it takes; nothing is guessed from the beginning of a name."""
    with pytest.raises(UsageError) as caught:
        parse(argv)
    assert (caught.value.message, caught.value.hint) == (message, "gptchat --help shows every option")


def test_an_option_with_an_empty_value_sets_no_setting() -> None:
    """A script's unset variable (`-m "$MODEL"`) leaves the setting as it is; an empty session is refused."""
    assert parse(["-m", "", "-p", "", "hi"]).values == {}
    assert parse(["-u", "", "hi"]).user == ""
    with pytest.raises(UsageError, match="-s/--session needs a value"):
        parse(["-s", " ", "hi"])


def test_the_help_lists_every_option(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """`--help` has a line for each declared option, in their order, with what it is for, and fits the terminal."""
    monkeypatch.setenv("COLUMNS", "120")
    with pytest.raises(SystemExit) as left:
        parse(["--frob", "--help"])
    assert left.value.code == 0
    lines = capsys.readouterr().out.splitlines()
    shown = [line.split("  ")[1] for line in lines if line.startswith("  -")]
    assert shown == [*(option.usage for option in OPTIONS), "--version", "-h, --help"]
    for option in OPTIONS:
        assert any(option.usage in line and line.endswith(option.flag.summary) for line in lines)
    monkeypatch.setenv("COLUMNS", "60")
    with pytest.raises(SystemExit):
        parse(["-h"])
    options = capsys.readouterr().out.partition("options:")[2].splitlines()
    assert max(map(len, options)) <= 60

"""The README tells the truth: its commands are the program's, and its first two shell lines do all the set-up."""

from __future__ import annotations

import re
from pathlib import Path

from gptchat.commands.program import registry
from gptchat.commands.registry import FAMILIES
from gptchat.config.flags import declared

README = Path(__file__).parents[1] / "README.md"
_MARK = re.compile(r"(<!-- (commands|options): .*? -->\n)(.*?)(<!-- end -->)", re.DOTALL)


def commands() -> str:
    """The table of commands, in reading order."""
    rows = ["| command | what it does |", "| --- | --- |"]
    for family in FAMILIES:
        for command in registry().commands:
            if command.family == family:
                aliases = "".join(f" (`/{alias}`)" for alias in command.aliases)
                usage = command.usage.replace("|", "\\|")
                rows.append(f"| `{usage}`{aliases} | {command.summary} |")
    return "\n".join(rows) + "\n"


def options() -> str:
    """The table of the command line's options, in the order of `--help`."""
    rows = ["| option | what it does |", "| --- | --- |"]
    for option in declared():
        usage = option.usage.replace("|", "\\|")
        rows.append(f"| `{usage}` | {option.flag.sentence} |")
    return "\n".join(rows) + "\n"


def _written(text: str) -> str:
    """The README with its tables made from the declarations."""
    tables = {"commands": commands, "options": options}
    return _MARK.sub(lambda found: found[1] + tables[found[2]]() + found[4], text)


def test_the_readme_lists_every_command_and_option() -> None:
    """What the README says of the commands and the options is what these say of themselves."""
    text = README.read_text(encoding="utf-8")
    assert [found[2] for found in _MARK.finditer(text)] == ["options", "commands"]
    assert text == _written(text)


def test_two_commands_do_all_the_set_up() -> None:
    """The first two shell blocks under Quick start are one line each: one opens the chat, one runs the tests."""
    section = README.read_text(encoding="utf-8").split("## Quick start")[1].split("\n## ")[0]
    blocks = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    assert [block.count("\n") for block in blocks] == [1, 1]
    assert blocks[0].rstrip().endswith("gptchat")
    assert "pytest" in blocks[1]


def test_every_command_explains_itself() -> None:
    """Each command has a summary, an example that it understands itself, and a family that help shows."""
    known = registry()
    for command in known.commands:
        assert command.summary, command.name
        assert command.examples, command.name
        assert command.family in FAMILIES, command.name
        for example, _note in command.examples:
            parsed = known.parse(example)
            assert getattr(parsed, "command", None) is command, example


if __name__ == "__main__":
    README.write_text(_written(README.read_text(encoding="utf-8")), encoding="utf-8")

"""The README tells the truth: its commands are the program's, and its first two shell lines do all the set-up."""

from __future__ import annotations

import re
from pathlib import Path

from gptchat.commands.program import registry
from gptchat.commands.registry import FAMILIES

README = Path(__file__).parents[1] / "README.md"
_BEGIN = "<!-- commands: made from the declarations by `python -m tests.test_readme` -->\n"
_END = "<!-- end of commands -->"


def table() -> str:
    """The table of commands, in reading order."""
    rows = ["| command | what it does |", "| --- | --- |"]
    for family in FAMILIES:
        for command in registry().commands:
            if command.family == family:
                aliases = "".join(f" (`/{alias}`)" for alias in command.aliases)
                usage = command.usage.replace("|", "\\|")
                rows.append(f"| `{usage}`{aliases} | {command.summary} |")
    return "\n".join(rows) + "\n"


def _parts() -> tuple[str, str, str]:
    before, rest = README.read_text(encoding="utf-8").split(_BEGIN)
    inside, after = rest.split(_END)
    return before, inside, after


def test_the_readme_lists_every_command() -> None:
    """What the README says of the commands is what the commands say of themselves."""
    assert _parts()[1] == table()


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
    before, _inside, after = _parts()
    README.write_text(before + _BEGIN + table() + _END + after, encoding="utf-8")

"""The README tells the truth: its commands are the program's, and its first two shell lines do all the set-up."""

from __future__ import annotations

import re
from pathlib import Path

from gptchat.commands.program import registry
from gptchat.commands.registry import FAMILIES
from readme import MARK, updated

README = Path(__file__).parents[1] / "README.md"


def test_the_readme_lists_every_command_and_option() -> None:
    """What the README says of keys, commands, options and providers is what these say of themselves."""
    text = README.read_text(encoding="utf-8")
    assert [found[2] for found in MARK.finditer(text)] == ["keys", "options", "providers", "commands"]
    assert text == updated(text)


def test_two_commands_do_all_the_set_up() -> None:
    """The first two shell blocks under Quick start are one line each: one opens the chat, one runs the tests.

    Below them stand the other ways in.
    """
    section = README.read_text(encoding="utf-8").split("## Quick start")[1].split("\n## ")[0]
    blocks = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    assert [block.count("\n") for block in blocks] == [1, 1]
    assert blocks[0].rstrip().endswith("gptchat")
    assert "pytest" in blocks[1]
    below = section.rpartition("```")[2]
    assert all(way in below for way in ("git clone ", "uv tool install ", "pipx install "))


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

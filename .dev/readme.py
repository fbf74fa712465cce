"""The README's table of commands: `python .dev/readme.py` makes it anew from the commands' declarations."""

from __future__ import annotations

from pathlib import Path

from gptchat.commands.program import registry
from gptchat.commands.registry import FAMILIES

README = Path(__file__).parents[1] / "README.md"
_BEGIN = "<!-- commands: made from the declarations by `python .dev/readme.py` -->\n"
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


def updated(text: str) -> str:
    """The README's `text` with the table as it should be."""
    before, rest = text.split(_BEGIN)
    return before + _BEGIN + table() + _END + rest.split(_END)[1]


if __name__ == "__main__":
    README.write_text(updated(README.read_text(encoding="utf-8")), encoding="utf-8")

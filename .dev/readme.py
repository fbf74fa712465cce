"""The README's tables: `python .dev/readme.py` makes them anew from declarations and the table of vendors."""

from __future__ import annotations

import re
from pathlib import Path

from gptchat import vendors
from gptchat.commands.input import KEYS
from gptchat.commands.program import registry
from gptchat.commands.registry import FAMILIES
from gptchat.config.flags import declared

README = Path(__file__).parents[1] / "README.md"
MARK = re.compile(r"(<!-- (keys|commands|options|providers): .*? -->\n)(.*?)(<!-- end -->)", re.DOTALL)


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


_SURE = {"vendor docs": "", "third party": "", "unverified": " *"}


def providers() -> str:
    """The table of ready-made providers, in the order of the table of vendors."""
    rows = ["| name | what it is | key | also called |", "| --- | --- | --- | --- |"]
    for vendor in vendors.table().values():
        keys = ", ".join(f"`{key}`" for key in vendor.keys[:1])
        title = vendor.en if vendor.zh == vendor.en else f"{vendor.en} · {vendor.zh}"
        also = ", ".join(vendor.aliases[:4])
        rows.append(f"| `{vendor.name}` | {title}{_SURE[vendor.sure]} | {keys} | {also} |")
    return "\n".join(rows) + "\n"


def keys() -> str:
    """The table of keys, as `/help all` has them."""
    rows = ["| key | what it does |", "| --- | --- |", *(f"| {key} | {meaning} |" for key, meaning in KEYS)]
    return "\n".join(rows) + "\n"


def updated(text: str) -> str:
    """The README's `text` with its tables as they should be."""
    tables = {"keys": keys, "commands": commands, "options": options, "providers": providers}
    return MARK.sub(lambda found: found[1] + tables[found[2]]() + found[4], text)


if __name__ == "__main__":
    README.write_text(updated(README.read_text(encoding="utf-8")), encoding="utf-8")

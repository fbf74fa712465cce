"""A file that is there already is replaced only when the person says so."""

from __future__ import annotations

from pathlib import Path

from gptchat.commands.effects import Ask, Show, Text
from gptchat.words import _


def may_replace(path: Path) -> Ask:
    """The question whether the file `path` may be replaced; only the answer `y` means yes."""
    return Ask(
        _("{path} exists; replace it?").format(path=path),
        choices=(("y", _("yes")), ("n", _("no"))),
        default="n",
    )


def nothing_written() -> Show:
    """What is said when it may not."""
    return Show([Text(_("nothing was written"), "quiet")], {"file": None})

"""A file that is there already is replaced only when the person says so."""

from __future__ import annotations

from pathlib import Path

from gptchat.commands.effects import Ask, Show, Text
from gptchat.commands.workspace import Workspace
from gptchat.errors import UsageError
from gptchat.words import _


def may_replace(path: Path) -> Ask:
    """The question whether the file `path` may be replaced; only the answer `y` means yes."""
    return Ask(
        _("{path} exists; replace it?").format(path=path),
        choices=(("y", _("yes")), ("n", _("no"))),
        default="n",
    )


def nothing_written(ws: Workspace, path: Path) -> Show:
    """What is said when it may not. Raises UsageError in a run of one command, which must not seem to succeed."""
    if ws.run.unattended:
        raise UsageError(
            _("{path} exists already").format(path=path), hint=_("remove it first, or name another file")
        )
    return Show([Text(_("nothing was written"), "quiet")], {"file": None})

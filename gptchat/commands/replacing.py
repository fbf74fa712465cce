"""A file that is there already is replaced only when the person says so."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gptchat.commands.effects import Ask, Show, Text
from gptchat.errors import UsageError
from gptchat.words import _

if TYPE_CHECKING:
    from gptchat.conversation.services import RunOptions


def may_replace(path: Path) -> Ask:
    """The question whether the file `path` may be replaced; only the answer `y` means yes."""
    return Ask(
        _("{path} exists; replace it?").format(path=path),
        choices=(("y", _("yes")), ("n", _("no"))),
        default="n",
    )


def nothing_written(run: RunOptions, path: Path) -> Show:
    """What is said when it may not. Raises UsageError in a run of one command, which must not seem to succeed."""
    if run.unattended:
        raise UsageError(
            _("{path} exists already").format(path=path), hint=_("remove it first, or name another file")
        )
    return Show([Text(_("nothing was written"), "quiet")], {"file": None})

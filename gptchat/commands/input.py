"""The input family: attachments and the editor for the next message."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gptchat.commands.effects import Attach, Draft, Edit, Effects, Show, Text
from gptchat.commands.registry import Argument, Call, Command
from gptchat.errors import UsageError
from gptchat.words import _

if TYPE_CHECKING:
    from gptchat.conversation.outgoing import Outbox


async def attach(call: Call, outbox: Outbox) -> Effects:
    """Attach a file, folder or address to the next message."""
    if call.get("file") != "none":
        yield Attach(call.get("file"))
        return
    if not outbox.attached:
        raise UsageError(_("nothing is attached"))
    outbox.attached.clear()
    yield Show([Text(_("nothing goes with the next message any more"), "good")], {"attached": []})


async def editor(call: Call) -> Effects:
    """Write the next message in the editor."""
    text = yield Edit("")
    if text:
        yield Draft(text.rstrip("\n"), "editor")


COMMANDS = (
    Command(
        "attach",
        "input",
        "Attach a file, a folder or an address to the next message",
        attach,
        (Argument("file", "file", required=True, rest=True),),
        examples=(
            ("/attach notes.txt", ""),
            ("/attach photo.png", "for models that see"),
            ("/attach none", "takes back what waits"),
        ),
        brief="a file or address",
    ),
    Command(
        "editor",
        "input",
        "Write the next message in your editor",
        editor,
        examples=(("/editor", "$VISUAL or $EDITOR; also Ctrl-X Ctrl-E"),),
    ),
)

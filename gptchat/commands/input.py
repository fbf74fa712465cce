"""The input family: attachments, and the editor for the next message; and the keys and signs, for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gptchat.commands.effects import Attach, Draft, Edit, Effects, Show, Text
from gptchat.commands.registry import Argument, Call, Command
from gptchat.errors import UsageError
from gptchat.words import N_, _

if TYPE_CHECKING:
    from gptchat.conversation.outgoing import Outbox

KEYS = (
    ("Enter", N_("send")),
    ("Alt-Enter, Ctrl-J", N_("a new line")),
    ("Esc, Ctrl-C", N_("stop a reply and keep it; Ctrl-C clears a draft, and Up brings it back")),
    ("Up, Down, Ctrl-R", N_("recall what you typed")),
    ("Tab", N_("complete commands, their arguments, and @PATH")),
    ("Alt-B, Alt-F", N_("a word back, a word on")),
    ("Alt-Backspace, Ctrl-W, Alt-D", N_("delete the word before the cursor, or after it")),
    ("Alt-Left, Alt-Right", N_("on an empty line: the other answers")),
    ("Ctrl-O", N_("on an empty line: the last call of a tool with its whole result")),
    ("Ctrl-X Ctrl-E", N_("write in your editor")),
    ("Ctrl-L, Ctrl-Z", N_("clear the screen, suspend")),
    ("Ctrl-D", N_("leave, on an empty line; Ctrl-C twice does, too")),
)
"""The keys of the prompt, as they are named, and what they do, English source."""

SIGNS = (
    ("!COMMAND", N_("run it and offer its output")),
    ("@PATH", N_("attach that file to the message")),
    ("#NAME", N_("ask that collection of documents")),
    ("//TEXT", N_("send /TEXT to the model")),
    ("commands/NAME.md", N_("beside the settings file: your own command /NAME")),
)
"""What acts in a line that was typed."""


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
    ),
    Command(
        "editor",
        "input",
        "Write the next message in your editor",
        editor,
        examples=(("/editor", "$VISUAL or $EDITOR; also Ctrl-X Ctrl-E"),),
    ),
)

"""The input family: what goes with the next message besides what is typed."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

from gptchat.commands.effects import Attach, Draft, Edit, Effect
from gptchat.commands.registry import Argument, Call, Command
from gptchat.commands.workspace import Workspace

Effects = AsyncGenerator[Effect, Any]


async def attach(ws: Workspace, call: Call) -> Effects:
    """Attach a file, folder or address to the next message."""
    yield Attach(call.get("file"))


async def editor(ws: Workspace, call: Call) -> Effects:
    """Write the next message in the editor."""
    text = yield Edit("")
    if text:
        yield Draft(text.rstrip("\n"))


COMMANDS = (
    Command(
        "attach",
        "input",
        "Attach a file, a folder or an address to the next message",
        attach,
        (Argument("file", "file", required=True, rest=True),),
        examples=(("/attach notes.txt", ""), ("/attach photo.png", "for models that see")),
    ),
    Command(
        "editor",
        "input",
        "Write the next message in your editor",
        editor,
        examples=(("/editor", "$VISUAL or $EDITOR; also Ctrl-X Ctrl-E"),),
    ),
)

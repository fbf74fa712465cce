"""Presets and own commands on the screen: asked for, completed, sent as text, and shown."""

from __future__ import annotations

from tests.chat.home import Home
from tests.presets.test_own_commands import write
from tests.support.server import Server


def test_the_chat_begins_with_what_the_preset_needs(home: Home, server: Server) -> None:
    """Where a preset lacks a value the chat asks for it first; an own command is sent as text."""
    home.connect(server.url)
    home.configure(home.config.read_text() + '[presets.tr]\nsystem = "Speak {language}."\n')
    write(home.config.parent, hi="!echo Say hi to {args}, @hi.txt")
    (home.folder / "hi.txt").write_text("WRONG")
    with home.chat("--preset", "tr", ready="a value for {language}?") as screen:
        screen.send("Latin\r")
        screen.wait_for("preset tr is in use")
        screen.wait_for("Speak Latin.")
        screen.send("/hi all of you\r")
        screen.wait_for("You said: !echo Say hi to all of you, @hi.txt")
        screen.wait_for("alice ›")
    (request,) = [one for one in server.requests if one.target.endswith("/chat/completions")]
    assert [message["content"] for message in request.json["messages"]] == [
        "Speak Latin.",
        "!echo Say hi to all of you, @hi.txt",
    ]

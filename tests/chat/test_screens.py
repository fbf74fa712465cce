"""The screens themselves: every command's, in both languages, at every width; and the terminal afterwards."""

from __future__ import annotations

import re

import pytest

from gptchat.core.width import cells
from tests.chat.home import Home, ready, say
from tests.support.screen import Screen
from tests.support.server import Server

COMMANDS = (
    "/help", "/help key", "/status", "/context", "/sessions", "/users", "/models", "/usage", "/history",
    "/config", "/provider", "/set ui.theme", "/tokens 你好", "/nope",
)  # fmt: skip


@pytest.mark.parametrize(
    ("language", "columns", "rows"),
    [("zh", 80, 24), ("zh", 200, 50), ("en", 80, 24), ("en", 40, 12), ("en", 20, 24)],
)
def test_every_command_fits_the_screen(home: Home, server: Server, language: str, columns: int, rows: int) -> None:
    """What commands show is folded at the width by us, never cut or broken by the terminal, tables aligned."""
    home.connect(server.url)
    with home.chat("--lang", language, columns=columns, rows=rows) as screen:
        ready(screen)
        say(screen, "你好 hello", "hello")
        for command in COMMANDS:
            screen.send(f"\x15{command}\r")
            screen.wait_for(lambda: screen.cursor[1] >= 8 and screen.lines[screen.cursor[0]].startswith("alice ›"))
        screen.send("\x15")
        ready(screen)
        screen.send("\x04")
        assert screen.wait_for_exit() == 0
        # A line of ours that was too long would reach the last column; ours end one before it.
        full = [line for line in screen.transcript if cells(line) >= columns]
        assert [line for line in full if not line.startswith("alice")] == []
        assert "Traceback" not in "\n".join(screen.transcript)
        if columns >= 80:
            assert_aligned(screen)
        if language == "zh":
            shown = "\n".join(screen.transcript)
            assert "没有 /nope 这个命令" in shown
            assert not re.search(r"(?m)^(Sessions|Turns|About)$", shown)


def assert_aligned(screen: Screen) -> None:
    """The summaries of `/help`'s first family begin in one column."""
    starts = set()
    for line in screen.transcript:
        if match := re.match(r"  /(?:new|sessions|resume|rename|export|import) [\[A-Z\] ]+?  +(?=\S)", line):
            starts.add(cells(match[0]))
    assert len(starts) == 1


def test_plain_terminals(home: Home, server: Server) -> None:
    """Without colour no colour is sent; a dumb terminal gets no escape sequence at all, and chats all the same."""
    home.connect(server.url)
    with home.chat(environment={"NO_COLOR": "1"}) as screen:
        say(screen, "**hello**", "You said: hello")
        assert not re.search(rb"\x1b\[[0-9;]*(3[0-9]|4[0-9]|9[0-7])m", screen.raw)
        screen.send("\x04")
        screen.wait_for_exit()
    with home.chat(environment={"TERM": "dumb"}) as screen:
        screen.send("**hello**\r")
        screen.wait_for("You said: hello")
        screen.wait_for(lambda: screen.lines[screen.cursor[0]] == "alice ›")
        screen.send("/status\r")
        screen.wait_for("spent here")
        screen.send("/exit\r")
        assert screen.wait_for_exit() == 0
        assert b"\x1b" not in screen.raw


def test_the_terminal_is_left_as_it_was(home: Home, server: Server) -> None:
    """Whatever way one leaves, echo, line mode, pasting and the cursor are as the shell had them."""
    home.connect(server.url)
    with Screen.spawn(["cat"], cwd=home.folder) as shell:
        before = shell.modes()
    with home.chat() as screen:
        ready(screen)
        assert screen.modes() != before
        say(screen, "hello", "You said: hello")
        screen.send("/exit\r")
        assert screen.wait_for_exit() == 0
        assert screen.modes()[:4] == before[:4]
        assert screen.raw.rfind(b"\x1b[?2004l") > screen.raw.rfind(b"\x1b[?2004h")
        assert screen.raw.rfind(b"\x1b[?25h") > screen.raw.rfind(b"\x1b[?25l")

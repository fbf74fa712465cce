"""The screens themselves: every command's, in both languages, at every width; and the terminal afterwards."""

from __future__ import annotations

import re
from functools import partial

import pytest

from gptchat.commands.program import registry
from gptchat.core.width import cells
from tests.chat.home import Home, ready, say
from tests.support.screen import Screen
from tests.support.server import Server

COMMANDS = (
    "/help", "/help all", "/help key", "/status", "/context", "/sessions", "/users", "/models", "/usage",
    "/history", "/config", "/provider", "/set ui.theme", "/tokens 你好", "/nope",
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

        def prompts() -> int:
            return sum(line.startswith("alice ›") for line in screen.transcript)

        def returned(before: int) -> bool:
            row, column = screen.cursor
            return prompts() > before and column >= 8 and screen.lines[row].startswith("alice ›")

        for command in COMMANDS:
            before = prompts()
            screen.send(f"\x15{command}\r")
            screen.wait_for(partial(returned, before))
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


@pytest.mark.parametrize("language", ["en", "zh"])
def test_help_fits_one_screen(home: Home, language: str) -> None:
    """`/help` and the prompt below it fit a screen of 80 columns and 24 rows; every command is in `/help all`."""
    home.configure('provider = "demo"')
    with home.chat("--lang", language, columns=80, rows=24) as screen:
        ready(screen)
        say(screen, "/help", "/help all")
        assert screen.lines[0].startswith("alice › /help")
        assert not any("/retry" in line and "/edit" in line for line in screen.lines)
    shown = home.ask("--lang", language, "/help", "all").stdout
    names = [f"/{command.name}" for command in registry().commands]
    assert [name for name in names if not re.search(rf"(?m)^  {name}(?![\w-])", shown)] == []


def test_one_blank_line_follows_every_output(home: Home, server: Server) -> None:
    """Between what a command, an error, a notice or a reply prints and the next prompt stands one blank line."""
    home.connect(server.url)
    with home.chat(rows=200) as screen:
        say(screen, "hello", "You said: hello")
        for command in (
            *COMMANDS,
            "/undo",
            "/redo",
            "/retry",
            "/versions 1",
            "/pin",
            "/raw",
            "/json",
            "!true",
            "n",
        ):
            screen.send(f"\x15{command}\r")
            ready(screen) if command != "!true" else screen.wait_for("send this with your next message?")
        lines = "\n".join(screen.lines).rstrip().split("\n")
        prompts = [number for number, line in enumerate(lines) if re.match(r"alice ›(?: [/!]|\Z)", line)]
        for number in prompts[1:]:
            assert lines[number - 1] == "", lines[number - 2 : number + 1]
            assert lines[number - 2] != "", lines[number - 3 : number + 1]


def assert_aligned(screen: Screen) -> None:
    """The summaries of the first family in `/help all` begin in one column."""
    starts = set()
    for line in screen.transcript:
        if match := re.match(
            r"  /(?:new|sessions|resume|rename|export|import) (?=[\[A-Z])[\[A-Z\] ]+?  +(?=\S)", line
        ):
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

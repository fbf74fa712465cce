"""How the prompt treats the terminal, and what happens to a draft when the program ends."""

from __future__ import annotations

import signal
import stat
from pathlib import Path

import pytest

from tests.support.screen import Screen
from tests.terminal_input.prompts import PROGRAM, read, start


@pytest.mark.parametrize("ending", ["kill", "hang up", "terminate"])
def test_an_unsent_draft_comes_back(tmp_path: Path, ending: str) -> None:
    """A draft comes back at the next start, whether the program was killed or the terminal was lost."""
    numbers = {"kill": signal.SIGKILL, "hang up": signal.SIGHUP, "terminate": signal.SIGTERM}
    with start(tmp_path) as terminal:
        terminal.send("half a thought")
        terminal.wait_for("half a thought")
        if ending == "kill":
            terminal.wait_for((tmp_path / "draft").exists)
        terminal.kill(numbers[ending])
        terminal.wait_for_exit()
    assert stat.S_IMODE((tmp_path / "draft").stat().st_mode) == 0o600
    with start(tmp_path) as terminal:
        terminal.wait_for("alice › half a thought\nyour unsent draft is back")
        terminal.send("!\r")
        read(terminal, "half a thought!")
        assert not (tmp_path / "draft").exists()


def test_a_lost_terminal_saves_the_draft(tmp_path: Path) -> None:
    """When the window is closed, the draft is saved."""
    terminal = start(tmp_path)
    terminal.send("closed window")
    terminal.wait_for("closed window")
    terminal.hang_up()
    assert (tmp_path / "draft").read_text() == "closed window"


@pytest.mark.parametrize("last", ["\x04", "crash\r"])
def test_the_terminal_is_left_as_it_was(tmp_path: Path, last: str) -> None:
    """Leaving, by Ctrl-D or by an error, gives the terminal back as it was: modes, paste marks, cursor."""
    with Screen.python([*PROGRAM, str(tmp_path)]) as terminal:
        before = terminal.modes()
        terminal.wait_for("alice ›")
        terminal.wait_for(lambda: terminal.modes() != before)
        terminal.send(last)
        terminal.wait_for_exit()
        assert terminal.modes() == before
        assert terminal.raw.rfind(b"\x1b[?2004l") > terminal.raw.rfind(b"\x1b[?2004h")
        assert terminal.raw.rfind(b"\x1b[?25h") >= terminal.raw.rfind(b"\x1b[?25l")
        assert b"\x1b[?1000h" not in terminal.raw  # the mouse is the terminal's
        assert b"\x1b[6n" not in terminal.raw


def test_suspending_and_coming_back(tmp_path: Path) -> None:
    """Ctrl-Z gives the terminal to the shell in its ordinary mode; `fg` brings the draft back."""
    shell = ["-m", "tests.terminal_input.program_shell", *PROGRAM, str(tmp_path)]
    with Screen.python(shell) as terminal:
        terminal.wait_for("alice ›")
        terminal.send("half\x1a")
        terminal.wait_for("shell: stopped, echo on")
        terminal.send("fg\n")
        terminal.wait_for(lambda: terminal.text.rstrip().endswith("toolbar 80"))
        terminal.send(" done\r")
        read(terminal, "half done")


def test_no_colour_when_asked(tmp_path: Path) -> None:
    """With NO_COLOR no colour is written."""
    with start(tmp_path, NO_COLOR="1") as terminal:
        terminal.send("colour me\r")
        read(terminal, "colour me")
        terminal.send("col/")
        terminal.wait_for("col/")
        assert b"\x1b[0;3" not in terminal.raw
        assert b"38;5" not in terminal.raw


def test_a_dumb_terminal(tmp_path: Path) -> None:
    """On a terminal that can draw nothing, lines are read without a single escape sequence."""
    with start(tmp_path, TERM="dumb") as terminal:
        terminal.send("plainx\x7f\n")
        terminal.wait_for('read "plain"\nalice ›')
        terminal.send("\x03")
        terminal.wait_for("press Ctrl-C again")
        terminal.send("more\n")
        read(terminal, "more")
        terminal.send("\x04")
        assert terminal.wait_for_exit() == 0
        assert b"\x1b" not in terminal.raw

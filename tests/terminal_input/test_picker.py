"""Choosing a session and answering questions, in a pseudo-terminal."""

from __future__ import annotations

import asyncio
import io
import sys

import pytest
from prompt_toolkit.data_structures import Size
from prompt_toolkit.input import create_pipe_input

from gptchat.terminal.columns.output import ColumnOutput
from gptchat.terminal.input.keyboard import quiet
from gptchat.terminal.input.picker import Picker
from tests.support.screen import Screen


def start(what: str, text: str = "", **environment: str) -> Screen:
    """The test program, asking."""
    return Screen.python(["-m", "tests.terminal_input.program_picker", what, text], environment=environment)


def test_typing_searches_and_enter_opens() -> None:
    """The list follows what is typed, the chosen session's last turns are shown, and Enter opens it."""
    with start("pick") as terminal:
        terminal.wait_for("› session 0 会议")
        terminal.wait_for("assistant: well")
        terminal.send("777")
        terminal.wait_for("› session 777 会议")
        terminal.wait_for("user: about id777")
        terminal.send("\x1b[B\x1b[B\x1b[A")
        terminal.wait_for("user: about id1777")
        terminal.send("\r")
        terminal.wait_for('answer "id1777"')
        assert "会议" not in terminal.text


def test_it_begins_with_a_search() -> None:
    """Words given beforehand are searched for at once, and can be changed."""
    with start("pick", "12") as terminal:
        terminal.wait_for("› session 12 会议")
        terminal.send("\x7f\x7f9999")
        terminal.wait_for("› session 9999 会议")
        terminal.send("x")
        terminal.wait_for("no session fits")


def test_pages_and_ends() -> None:
    """Page keys move through thousands of sessions."""
    with start("pick") as terminal:
        terminal.wait_for("› session 0 会议")
        terminal.send("\x1b[6~")
        terminal.wait_for("› session 10 会议")
        terminal.send("\x1b[1;5F")
        terminal.wait_for("› session 9999 会议")


@pytest.mark.parametrize("key", ["\x1b", "\x03"])
def test_going_back(key: str) -> None:
    """Esc and Ctrl-C go back without a choice."""
    with start("pick") as terminal:
        terminal.wait_for("› session 0 会议")
        terminal.send(key)
        terminal.wait_for("answer null")


def test_pastes_are_marked_after_the_list() -> None:
    """A paste right after a choice is marked as one: the list leaves the terminal as it was."""

    async def marked() -> str:
        stream = io.StringIO()
        output = ColumnOutput(stream, lambda: Size(24, 80), term="xterm-256color", enable_cpr=False)
        with create_pipe_input() as keyboard, quiet(keyboard, output):
            keyboard.send_text("\x1b")
            async with asyncio.timeout(20):
                await Picker(lambda _text: (), str, keyboard=keyboard, output=output).pick()
            return stream.getvalue()

    shown = asyncio.run(marked())
    assert shown.rfind("\x1b[?2004h") > shown.rfind("\x1b[?2004l") > 0


@pytest.mark.parametrize(("keys", "answer"), [("\r", '"n"'), ("Y\r", '"y"'), ("no\r", '"n"'), ("\x1b", "null")])
def test_a_choice(keys: str, answer: str) -> None:
    """A choice is shown with its meanings; Enter alone takes the default, Esc none."""
    with start("choose") as terminal:
        terminal.wait_for("y  yes, delete it")
        terminal.wait_for("› [n]")
        terminal.send(keys)
        terminal.wait_for(f"answer {answer}")


@pytest.mark.parametrize("key", ["\x12", "\x13"])
def test_a_question_is_not_left_for_a_search(key: str) -> None:
    """Ctrl-R and Ctrl-S do nothing in a question, which has no history: the next Enter answers it."""
    with start("choose") as terminal:
        terminal.wait_for("› [n]")
        terminal.send(f"{key}y\r")
        terminal.wait_for('answer "y"')
        assert "search" not in terminal.text


def test_a_wrong_choice_is_asked_again() -> None:
    """An answer that is no choice is not taken for one."""
    with start("choose") as terminal:
        terminal.wait_for("› [n]")
        terminal.send("perhaps\r")
        terminal.wait_for("please answer one of y, n\n› [n]")
        terminal.send("y\r")
        terminal.wait_for('answer "y"')


def test_a_long_question_in_a_narrow_terminal() -> None:
    """A question and its choices are folded to the width, so that every word of them can be read."""
    arguments = ["-m", "tests.terminal_input.program_picker", "long"]
    with Screen.python(arguments, columns=30) as terminal:
        terminal.wait_for("› [n]")
        shown = " ".join(terminal.text.split())
    assert "the window is 100 % full; let the model sum up the older turns? y yes" in shown
    assert "n no, the oldest turns will be left out from now on ›" in shown


@pytest.mark.parametrize("term", ["xterm", "dumb"])
def test_a_secret_is_never_shown(term: str) -> None:
    """A secret is read without one of its letters being shown, on a dumb terminal too."""
    with start("secret", TERM=term) as terminal:
        terminal.wait_for("Key:")
        terminal.send("hunter2")
        terminal.send("x\x7f\r")
        terminal.wait_for('answer "hunter2"')
        assert bytes(terminal.raw).count(b"hunter") == 1


@pytest.mark.parametrize(
    ("keys", "answer"), [("\r", '"n"'), ("Yes\r", '"y"'), ("是\r", '"y"'), ("ｙ\r", '"y"'), ("\x03", "null")]
)
def test_choosing_in_words(keys: str, answer: str) -> None:
    """A choice is understood as a key, as a plain word of either language, and in full-width letters."""
    with start("choose") as terminal:
        terminal.wait_for("› [n]")
        terminal.send(keys)
        terminal.wait_for(f"answer {answer}")


def test_a_quick_enter_takes_what_was_typed() -> None:
    """Words and Enter typed faster than the search open the first session that fits the words, not another."""
    with start("pick") as terminal:
        terminal.wait_for("› session 0 会议")
        terminal.send("777\r")
        terminal.wait_for('answer "id777"')


def test_choosing_on_a_dumb_terminal() -> None:
    """Where nothing can be drawn, the first sessions are numbered."""
    with start("pick", "77", TERM="dumb") as terminal:
        terminal.wait_for("2   session 177 会议")
        terminal.send("2\n")
        terminal.wait_for('answer "id177"')


def test_an_editor_between_prompts() -> None:
    """A text taken to the editor comes back as it was left there; the editor finds an ordinary terminal."""
    script = "import sys, termios; path = sys.argv[-1]; echo = termios.tcgetattr(0)[3] & termios.ECHO"
    script += "; open(path, 'w').write('edited ' + str(bool(echo)))"
    with start("edit", VISUAL=f'{sys.executable} -c "{script}"') as terminal:
        terminal.wait_for('answer "edited True"')

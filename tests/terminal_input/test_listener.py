"""Typing while a reply streams, in a pseudo-terminal."""

from __future__ import annotations

import json
import random
import re
import string
from collections.abc import Iterator

import pytest

from tests.support.screen import Screen


@pytest.fixture
def terminal() -> Iterator[Screen]:
    """A program in the middle of a long reply."""
    with Screen.python(["-m", "tests.terminal_input.program_listener", "4000"], columns=300, rows=60) as terminal:
        terminal.wait_for("alice ›")
        terminal.send("go\r")
        terminal.wait_for("word3")
        yield terminal


def drafted(terminal: Screen, text: str, column: int | None = None) -> None:
    """Wait until the program says that `text` is the draft."""
    place = len(text) if column is None else column
    terminal.wait_for(f"draft {place} {json.dumps(text)}")


def test_two_hundred_typed_characters_become_the_next_draft(terminal: Screen) -> None:
    """What is typed during a reply is never echoed into it, and arrives whole and in order in the next prompt."""
    letters = "".join(random.Random(7).choices(string.ascii_letters + string.digits, k=200))
    for start in range(0, 200, 7):
        terminal.send(letters[start : start + 7])
    drafted(terminal, letters)
    terminal.send("\x03")
    terminal.wait_for(f"alice › {letters}")
    streamed = [line for line in terminal.text.split("\n") if "word" in line and "draft" not in line]
    assert all(word.startswith("word") for line in streamed for word in line.split())


@pytest.mark.parametrize("key", ["\x1b", "\x03"])
def test_a_reply_is_stopped(terminal: Screen, key: str) -> None:
    """Esc and Ctrl-C stop the reply."""
    terminal.send(key)
    terminal.wait_for("stopped")


@pytest.mark.parametrize("keys", ["\x1b[A", "\x1b[1;5C", "\x1bOP", "\x1b[99~", "\x1b[I", "\x1b\x7f"])
def test_other_keys_do_not_stop_it(terminal: Screen, keys: str) -> None:
    """Arrows, Alt keys, function keys and reports of the terminal neither stop the reply nor spoil the draft."""
    terminal.send(keys)
    terminal.send("ok")
    drafted(terminal, "ok")
    assert "stopped" not in terminal.text


def test_a_character_is_typed_with_alt_too(terminal: Screen) -> None:
    """Alt with a character that means nothing types it, as at the prompt, and does not stop the reply."""
    terminal.send("\x1bx")
    terminal.send("\x1b/ok")
    drafted(terminal, "x/ok")
    assert "stopped" not in terminal.text


@pytest.mark.parametrize("half", ["\x1b[", "\x1b[1;", "\x1bO", "\x1b]11;"])
def test_half_a_sequence_costs_no_key(terminal: Screen, half: str) -> None:
    """What follows half an escape sequence is typed whole, and what follows a paste without an end, too."""
    terminal.send(half + "zu")
    terminal.wait_for(lambda: re.search(r'draft \d "O?zu"', terminal.text))
    terminal.send("\x15\x1b[200~a\nb")
    drafted(terminal, "a↵b")
    terminal.send("c")
    drafted(terminal, "a↵bc")
    assert "stopped" not in terminal.text


def test_a_slow_escape_sequence_is_still_one(terminal: Screen) -> None:
    """A sequence that arrives in two pieces, as over a slow line, is not taken for Esc."""
    terminal.send("\x1b")
    terminal.send("[A")
    terminal.send("ok")
    drafted(terminal, "ok")
    assert "stopped" not in terminal.text


def test_enter_queues_and_up_takes_back(terminal: Screen) -> None:
    """Enter queues a message; Up on an empty draft takes the last one back to be edited."""
    terminal.send("one\r")
    terminal.wait_for('queued ["one"]')
    terminal.send("two\r")
    terminal.wait_for('queued ["one", "two"]')
    terminal.send("\x1b[A")
    terminal.wait_for('queued ["one"]')
    drafted(terminal, "two")
    terminal.send("!\r")
    terminal.wait_for('queued ["one", "two!"]')
    terminal.send("\x1b")
    terminal.wait_for('sent "one"')


def test_a_paste_is_one_draft(terminal: Screen) -> None:
    """A paste during a reply is not sent line by line; a long one is folded, and queued whole."""
    terminal.paste("a\nb")
    drafted(terminal, "a↵b")
    terminal.send("\x15\x7f\x7f")
    terminal.paste("x\n" * 39 + "y")
    drafted(terminal, "[pasted 40 lines]")
    terminal.send("\r")
    terminal.wait_for(json.dumps("x\n" * 39 + "y"))


def test_editing_keys(terminal: Screen) -> None:
    """The usual keys edit the draft, wide characters as one."""
    terminal.send("你好 world")
    drafted(terminal, "你好 world")
    terminal.send("\x17\x7f\x7f")
    drafted(terminal, "你")
    terminal.send("a\nb\x01c\x1b[D\x1b[D")
    drafted(terminal, "你a↵cb", 2)


def test_a_new_line_does_not_queue(terminal: Screen) -> None:
    """Alt-Enter during a reply is a new line of the draft."""
    terminal.send("a\x1b\rb")
    drafted(terminal, "a↵b")


def test_the_terminal_is_left_as_it_was_after_an_error() -> None:
    """An error beside a reply leaves a terminal that echoes again."""
    with Screen.python(["-m", "tests.terminal_input.program_listener", "5"]) as terminal:
        before = terminal.modes()
        terminal.wait_for("alice ›")
        terminal.send("go\r")
        terminal.wait_for("done")
        terminal.send("crash\r")
        assert terminal.wait_for_exit() == 1
        assert terminal.modes() == before


def test_suspending_during_a_reply() -> None:
    """Ctrl-Z stops the program during a reply too, and `fg` goes on listening."""
    shell = ["-m", "tests.terminal_input.program_shell", "-m", "tests.terminal_input.program_listener", "4000"]
    with Screen.python(shell, columns=300, rows=60) as terminal:
        terminal.wait_for("alice ›")
        terminal.send("go\r")
        terminal.wait_for("word3")
        terminal.send("half\x1a")
        terminal.wait_for("shell: stopped, echo on")
        terminal.send("fg\n")
        drafted(terminal, "half")
        terminal.send(" done")
        drafted(terminal, "half done")


def test_nothing_typed_between_reply_and_prompt_is_lost() -> None:
    """Keys that fall into the moments around the end of a reply are in the next prompt, in order."""
    letters = string.ascii_lowercase * 8
    with Screen.python(["-m", "tests.terminal_input.program_listener", "40"], columns=300, rows=60) as terminal:
        terminal.wait_for("alice ›")
        terminal.send("go\r")
        terminal.wait_for("word3")
        for letter in letters:  # longer than the reply takes
            terminal.send(letter)
            terminal.read(0.002)
        terminal.wait_for(f"alice › {letters}")


def test_a_dumb_terminal_queues_lines() -> None:
    """Where nothing can be drawn, a line typed during a reply is queued when it is ended."""
    program = ["-m", "tests.terminal_input.program_listener", "200"]
    with Screen.python(program, columns=200, environment={"TERM": "dumb"}) as terminal:
        terminal.wait_for("alice ›")
        terminal.send("go\n")
        terminal.wait_for("word3")
        terminal.send("next one\n")
        terminal.wait_for('queued ["next one"]')
        terminal.wait_for('sent "next one"')
        terminal.send("\x03")
        terminal.wait_for("stopped")


def test_a_line_typed_ahead_waits_its_turn() -> None:
    """A line typed during a reply waits for its end, and the line begun then stands in the next prompt."""
    with Screen.python(["-m", "tests.terminal_input.program_listener", "60"], columns=200, rows=40) as terminal:
        terminal.wait_for("alice ›")
        terminal.send("first\r")
        terminal.wait_for('sent "first"')
        terminal.send("second\r")
        terminal.wait_for('queued ["second"]')
        terminal.send("third")
        terminal.wait_for('sent "second"')
        terminal.wait_for("alice › third")

"""No key is lost at the prompt, whatever came before it; words end where readline ends them; vi says its mode."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptchat.terminal.columns.words import word_end, word_start
from tests.support.screen import Screen
from tests.terminal_input.prompts import read, start

BEFORE = {
    "Esc": "\x1b",
    "Esc twice": "\x1b\x1b",
    "half an arrow": "\x1b[",
    "half a Ctrl-arrow": "\x1b[1;",
    "half a report": "\x1b[?62",
    "half a colour": "\x1b]11;",
    "a focus report": "\x1b[I\x1b[O",
    "a key that is not known": "\x1b[99~",
    "a colour": "\x1b]11;rgb:1e1e/1e1e/1e1e\x1b\\",
    "the terminal's kind": "\x1b[?62;22c\x1b[>41;380;0c",
    "a mark": "\x00",
    "an empty paste": "\x1b[200~\x1b[201~",
    "the end of a paste": "\x1b[201~",
}


def pause(terminal: Screen, seconds: float) -> None:
    """Let time pass, as between two keys of a person, while the screen is read."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        terminal.read(left)


@pytest.mark.parametrize("mode", ["emacs", "vi"])
def test_no_key_is_lost_after_another(tmp_path: Path, mode: str) -> None:
    """After Esc, a broken sequence, a report or a paste all that is typed is read, at once and after a moment."""
    with start(tmp_path, mode, columns=140) as terminal:
        for wait in (0.0, 0.2):
            for number, before in enumerate(BEFORE.values()):
                text = f"/zu {number}.{wait}"
                terminal.send(before)
                pause(terminal, wait)
                terminal.send(text + "\r")
                read(terminal, text)


def test_a_paste_without_an_end_costs_no_key(tmp_path: Path) -> None:
    """What a paste brought stands in the draft though its end never came; what is typed then is typed."""
    with start(tmp_path) as terminal:
        terminal.send("\x1b[200~one\rtwo")
        terminal.wait_for("two")
        terminal.send("!")
        terminal.wait_for("two!")
        terminal.send("\r")
        read(terminal, "one\ntwo!")
        terminal.send("\x1b[200~half")
        terminal.wait_for("alice › half")
        terminal.send(" the rest\rof it\x1b[201~")  # a paste over a slow line: its line ends send nothing
        terminal.wait_for("of it")
        terminal.send("\r")
        read(terminal, "half the rest\nof it")


def test_escape_delays_no_key(tmp_path: Path) -> None:
    """A key after Esc is on the screen at once: nothing waits for what Esc could begin."""
    with start(tmp_path) as terminal:
        terminal.send("\x1b")
        pause(terminal, 0.15)
        begun = time.monotonic()
        terminal.send("x")
        terminal.wait_for("alice › x")
        assert time.monotonic() - begun < 0.5  # the bindings of prompt_toolkit alone would wait a second


@pytest.mark.parametrize("key", ["\x1b\x7f", "\x17"])
def test_words_are_deleted_as_in_readline(tmp_path: Path, key: str) -> None:
    """Alt-Backspace and Ctrl-W stop at punctuation, Chinese too; Ctrl-Y brings back all that went in one go."""
    with start(tmp_path) as terminal:
        terminal.send("你好世界，今天天气不错。再见")
        terminal.wait_for("再见")
        for left in ("你好世界，今天天气不错。", "你好世界，", ""):
            terminal.send(key)
            terminal.wait_for(f"alice › {left}\ntoolbar" if left else "alice ›\ntoolbar")
        terminal.send("\x19!\r")
        read(terminal, "你好世界，今天天气不错。再见!")


def test_words_are_crossed_as_in_readline(tmp_path: Path) -> None:
    """Alt-B, Alt-F, Alt-D, and Ctrl with the arrows go from word to word across any punctuation."""
    with start(tmp_path) as terminal:
        terminal.send("你好，世界（hello-world）再见")
        terminal.send("\x1bb\x1bb1")  # before `world`
        terminal.send("\x1b[1;5D\x1bb\x1bb\x1bb\x1bf2")
        terminal.send("\x1b[1;5C3\x01\x1bd\r")
        read(terminal, "，世界3（hello-1world）再见")


@given(st.text(st.sampled_from("ab你界é，。,. -_/（）\n1"), max_size=20), st.integers(0, 20))
def test_words_are_runs_of_letters_and_digits(text: str, at: int) -> None:
    """From any place a word back begins at a letter or digit, and a word on ends behind one."""
    at = min(at, len(text))
    start_, end = word_start(text, at), word_end(text, at)
    assert 0 <= start_ <= at <= end <= len(text)
    inside = [index for index, letter in enumerate(text) if letter.isalnum()]
    before = [index for index in inside if index < at]
    assert start_ == 0 or (text[start_].isalnum() and not text[start_ - 1].isalnum())
    assert not before or all(text[index].isalnum() for index in range(start_, before[-1] + 1))
    after = [index for index in inside if index >= at]
    assert not after or all(text[index].isalnum() for index in range(after[0], end))


def test_vi_says_its_mode_and_begins_a_command(tmp_path: Path) -> None:
    """The line below names the mode; in normal mode `/`, `!` and the text of an input method begin a line."""
    with start(tmp_path, "vi") as terminal:
        terminal.wait_for("INSERT · toolbar 71")
        terminal.send("\x1b")
        terminal.wait_for("NORMAL · toolbar 71")
        for text in ("/model x", "!ls", "你好"):
            terminal.send("\x1b")
            terminal.wait_for("NORMAL ·")
            terminal.send(text)
            terminal.wait_for("INSERT ·")
            terminal.send("\r")
            read(terminal, text)
        terminal.send("abc\x1bV")
        terminal.wait_for("VISUAL ·")


@pytest.mark.parametrize("mode", ["emacs", "vi", "vi normal"])
def test_versions_are_a_key_away(tmp_path: Path, mode: str) -> None:
    """Alt-Left and Alt-Right on an empty line ask for the other answers, with vi's keys too, in both modes."""
    with start(tmp_path, mode.split()[0]) as terminal:
        for key, way in (("\x1b[1;3D", "previous"), ("\x1b\x1b[C", "next")):
            if mode == "vi normal":
                terminal.send("\x1b")
                terminal.wait_for("NORMAL ·")
            terminal.send(key)
            read(terminal, f"/versions {way}")

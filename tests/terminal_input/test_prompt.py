"""The prompt as a person sees it, in a pseudo-terminal."""

from __future__ import annotations

import asyncio
import io
import json
import stat
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from prompt_toolkit.data_structures import Point, Size
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.layout.screen import Char
from prompt_toolkit.layout.screen import Screen as ScreenBuffer
from prompt_toolkit.utils import get_cwidth

from gptchat.terminal.columns.output import ColumnOutput
from gptchat.terminal.input.prompt import Prompt
from gptchat.terminal.output.layout import rows_more
from tests.support.screen import Screen
from tests.terminal_input.prompts import read, start


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Screen]:
    """A prompt that has just appeared."""
    with start(tmp_path) as terminal:
        yield terminal


@pytest.mark.parametrize("new_line", ["\x1b\r", "\n", "\x1b[13;2u", "\x1b[27;2;13~"])
def test_a_new_line_does_not_send(terminal: Screen, new_line: str) -> None:
    """Alt-Enter, Ctrl-J and Shift-Enter begin a new line, and Enter sends all of them at once."""
    terminal.send(f"one{new_line}two")
    terminal.wait_for("two")
    terminal.send("\r")
    read(terminal, "one\ntwo")


@pytest.mark.parametrize("line_end", ["\r", "\n", "\r\n"])
def test_a_short_paste_is_one_draft(terminal: Screen, line_end: str) -> None:
    """A paste of a few lines stands in the draft as it is, is not sent by its line ends, and can be edited."""
    terminal.paste("a\nb\nc", line_end)
    terminal.wait_for("c")
    assert "read" not in terminal.text
    terminal.send("!\r")
    read(terminal, "a\nb\nc!")


def test_nothing_hides_in_a_paste(terminal: Screen) -> None:
    """What would turn the reading order or stay unseen in a paste shows as a sign, and is sent as it is."""
    pasted = "a\u202eb\u200bc\U000e0041d 👩\u200d🍳"
    terminal.paste(pasted)
    terminal.wait_for("alice › a\ufffdb\ufffdc\ufffdd 👩")
    terminal.send("\r")
    read(terminal, pasted)


def test_a_long_paste_is_shown_folded_and_sent_whole(terminal: Screen) -> None:
    """A paste of many lines is shown as its number of lines and is sent whole, with what is typed around it."""
    pasted = "\n".join(f"line {number}" for number in range(214))
    terminal.send("see ")
    terminal.paste(pasted)
    terminal.wait_for("alice › see [pasted 214 lines]")
    terminal.send(" [pasted 214 lines]\r")
    terminal.wait_for(f"{len('see ' + pasted + ' [pasted 214 lines]')} characters")


def test_a_folded_paste_goes_with_one_backspace(terminal: Screen) -> None:
    """A folded paste is crossed and deleted by one key, like a letter."""
    terminal.send("ab")
    terminal.paste("\n".join("x" * 50))
    terminal.wait_for("ab[pasted 50 lines]")
    terminal.send("c\x1b[D\x7f")
    terminal.wait_for(lambda: "pasted" not in terminal.text)
    terminal.send("\r")
    read(terminal, "abc")


def test_a_megabyte_paste_arrives_whole(terminal: Screen) -> None:
    """A paste of a megabyte is taken, and the keys after it are too."""
    terminal.paste("0123456789abcde\n" * 65536)
    terminal.wait_for("[pasted 65536 lines]")
    terminal.send("end\r")
    terminal.wait_for(f"{2**20 + 3} characters")


def test_characters_are_deleted_whole(terminal: Screen) -> None:
    """Wide characters, flags and emoji of several parts are deleted by one Backspace each."""
    terminal.send("你好👨‍👩‍👧🇨🇳")
    terminal.send("\x7f\x7f\x7f!\r")
    read(terminal, "你!")


def test_the_cursor_stands_at_the_caret(terminal: Screen) -> None:
    """The terminal's own cursor is where the next character goes, so that input methods open there."""
    terminal.send("你好x\x1b[D")
    terminal.wait_for(lambda: terminal.cursor == (0, len("alice › ") + 4))


def test_recall_by_arrows_and_search(terminal: Screen) -> None:
    """Up brings back what was sent, a draft of several lines included, and Ctrl-R searches it."""
    for line in ("first words", "second\nline", "third"):
        terminal.send(line.replace("\n", "\x1b\r") + "\r")
        read(terminal, line)
    terminal.send("dra\x1b[A")
    terminal.wait_for("alice › third")
    terminal.send("\x1b[A")
    terminal.wait_for("alice › second\n        line")
    terminal.send("\x1b[B\x1b[B")
    terminal.wait_for("alice › dra")
    terminal.send("\x03\x0c")
    terminal.wait_for(lambda: "third" not in terminal.text)
    terminal.send("\x12fir")
    terminal.wait_for("alice › first words")
    terminal.send("\r\r")
    read(terminal, "first words")


def test_history_lasts_and_is_private(tmp_path: Path) -> None:
    """What was sent comes back in the next run; the file is the user's alone."""
    with start(tmp_path) as terminal:
        terminal.send("remember me\r")
        read(terminal, "remember me")
    assert stat.S_IMODE((tmp_path / "input_history").stat().st_mode) == 0o600
    with start(tmp_path) as terminal:
        terminal.send("\x1b[A!\r")
        read(terminal, "remember me!")


def test_control_c_clears_and_up_brings_back(terminal: Screen) -> None:
    """Ctrl-C on a draft clears it, and Up brings it back."""
    terminal.send("do not lose me")
    terminal.wait_for("lose me")
    terminal.send("\x03")
    terminal.wait_for(lambda: "lose me" not in terminal.text)
    terminal.send("\x1b[A")
    terminal.wait_for("alice › do not lose me")


def test_control_c_twice_leaves(terminal: Screen) -> None:
    """Ctrl-C on an empty line tells how to leave, typing takes that back, and a second Ctrl-C in a row leaves."""
    terminal.send("\x03")
    terminal.wait_for("press Ctrl-C again")
    terminal.send("x\x7f\x03")
    terminal.wait_for("press Ctrl-C again")
    terminal.send("\x03")
    terminal.wait_for("left")
    assert terminal.wait_for_exit() == 0


def test_control_d_leaves_only_an_empty_line(terminal: Screen) -> None:
    """Ctrl-D deletes a character in a draft, and leaves on an empty line."""
    terminal.send("ab\x01\x04\r")
    read(terminal, "b")
    terminal.send("\x04")
    assert terminal.wait_for_exit() == 0


def test_control_l_clears_the_screen(terminal: Screen) -> None:
    """Ctrl-L clears the screen and keeps the draft."""
    terminal.send("noise\r")
    read(terminal, "noise")
    terminal.send("kept\x0c")
    terminal.wait_for(lambda: terminal.text.startswith("alice › kept") and "noise" not in terminal.text)


def test_empty_lines_are_not_sent(terminal: Screen) -> None:
    """Enter on an empty line does nothing."""
    terminal.send("\r \r")
    terminal.send("x\r")
    read(terminal, " x")
    assert terminal.text.count("read") == 1


def test_the_editor_gets_the_whole_draft(tmp_path: Path) -> None:
    """Ctrl-X Ctrl-E opens the draft in $VISUAL, pastes unfolded, and takes back what was written."""
    script = tmp_path / "my editor.py"
    script.write_text(
        "import sys, pathlib\n"
        "path = pathlib.Path(sys.argv[-1])\n"
        "lines = path.read_text().splitlines()\n"
        "path.write_text(f'{path.suffix} {len(lines)} {lines[0]}\\n')\n"
    )
    with start(tmp_path, VISUAL=f"{sys.executable} '{script}'") as terminal:
        terminal.send("first\n")
        terminal.paste("y\n" * 29)
        terminal.wait_for("[pasted 29 lines]")
        terminal.send("\x18\x05")
        terminal.wait_for("alice › .md 30 first")
        terminal.send("\r")
        read(terminal, ".md 30 first")


def test_a_missing_editor_is_said(tmp_path: Path) -> None:
    """Where the editor does not exist, the prompt says so and what to do, and the draft stays."""
    with start(tmp_path, columns=140, VISUAL="no-such-editor-here") as terminal:
        terminal.send("kept\x18\x05")
        terminal.wait_for("no-such-editor-here of VISUAL was not found")
        terminal.wait_for("alice › kept")


def test_keys_of_vi(tmp_path: Path) -> None:
    """With vi keys, Esc leaves insertion at once and `0`, `x` and `A` edit."""
    with start(tmp_path, "vi") as terminal:
        terminal.send("abc")
        terminal.wait_for("abc")
        terminal.send("\x1b")
        terminal.wait_for(lambda: terminal.cursor[1] == len("alice › ") + 2)
        terminal.send("0xA!\r")
        read(terminal, "bc!")


def test_the_editor_opens_with_the_keys_of_vi_too(tmp_path: Path) -> None:
    """Ctrl-X Ctrl-E opens the editor with vi keys as well, while inserting and after Esc, where `v` does too."""
    script = tmp_path / "editor.py"
    script.write_text(
        "import sys, pathlib\npath = pathlib.Path(sys.argv[-1])\npath.write_text(path.read_text() + '+')\n"
    )
    with start(tmp_path, "vi", VISUAL=f"{sys.executable} '{script}'") as terminal:
        terminal.send("abc\x18\x05")
        terminal.wait_for("alice › abc+")
        terminal.send("\x1b")
        terminal.wait_for(lambda: terminal.cursor[1] == len("alice › ") + 3)
        terminal.send("\x18\x05")
        terminal.wait_for("alice › abc++")
        terminal.send("v")
        terminal.wait_for("alice › abc+++")


def test_commands_are_offered_with_their_summaries(terminal: Screen) -> None:
    """A slash opens the list of commands with a line on each; Tab chooses, Enter then only closes the list."""
    terminal.send("/mdl")
    terminal.wait_for("Choose the model")
    terminal.send("\t")
    terminal.wait_for("alice › /model")
    terminal.send("\r")
    terminal.wait_for(lambda: "List the models" not in terminal.text)
    terminal.send("gpt6t\t\r\r")
    read(terminal, "/model gpt-6.1-terra")


def test_escape_closes_the_list_at_once(terminal: Screen) -> None:
    """Esc closes the list of completions, takes back what was chosen in it, and leaves the draft."""
    terminal.send("/mo")
    terminal.wait_for("List the models")
    terminal.send("\t\t")
    terminal.wait_for("alice › /models")
    terminal.send("\x1b")
    terminal.wait_for(lambda: "List the models" not in terminal.text)
    terminal.wait_for("alice › /mo\ntoolbar")


def test_the_list_follows_a_deletion(terminal: Screen) -> None:
    """The list of completions is right after Backspace too."""
    terminal.send("/res")
    terminal.wait_for("Open a saved session")
    terminal.send("\x7f\x7f\x7f")
    terminal.wait_for("Attach a file")


def test_paths_in_a_message(tmp_path: Path) -> None:
    """`@` in a message offers files and folders, in quotes where a name has blanks."""
    (tmp_path / "notes with blanks.txt").touch()
    (tmp_path / "folder").mkdir()
    with start(tmp_path, columns=160) as terminal:
        terminal.send(f"read @{tmp_path}/not")
        terminal.wait_for("notes with blanks.txt")
        terminal.send("\t\r\r")
        wanted = json.dumps(f'read @"{tmp_path}/notes with blanks.txt"')
        terminal.wait_for(f"read {wanted}")


def test_a_suggestion_from_history(terminal: Screen) -> None:
    """The rest of an earlier line is shown behind the cursor, and the right arrow takes it."""
    terminal.send("explain monads to me\r")
    read(terminal, "explain monads to me")
    terminal.send("exp")
    terminal.wait_for("alice › explain monads to me\ntoolbar")
    assert terminal.cursor[1] == len("alice › exp")
    terminal.send("\x1b[C\r")
    terminal.wait_for(lambda: terminal.text.count('read "explain monads to me"') == 2)


def test_the_toolbar_follows_the_window(terminal: Screen) -> None:
    """The toolbar stands under the draft and is drawn for the new width when the window is resized."""
    terminal.wait_for("alice ›\ntoolbar 80")
    terminal.resize(20, 60)
    terminal.wait_for("toolbar 60")


def test_tabs_look_like_tabs(terminal: Screen) -> None:
    """A pasted tab is shown as blanks and sent as a tab."""
    terminal.paste("a\tb")
    terminal.wait_for("alice › a   b")
    terminal.send("\r")
    read(terminal, "a\tb")


def test_the_list_finds_room_at_the_bottom(tmp_path: Path) -> None:
    """At the bottom of the screen the list of commands is shown whole, and what stood above is not damaged."""
    with start(tmp_path) as terminal:
        for number in range(12):
            terminal.send(f"line {number}\r")
            read(terminal, f"line {number}")
        terminal.send("/mo")
        terminal.wait_for("List the models")
        terminal.send("\x15")
        terminal.wait_for(lambda: "List the models" not in terminal.text)
        terminal.send("end\r")
        read(terminal, "end")
        lines = [line for line in terminal.transcript if line.startswith("read")]
        assert lines == [f'read "line {number}"' for number in range(12)] + ['read "end"']


def test_the_toolbar_counts_along(tmp_path: Path) -> None:
    """The share of the window in the toolbar follows what is typed and pasted."""
    with start(tmp_path, "count") as terminal:
        terminal.wait_for("0% 0/100")
        terminal.send("three short words")
        terminal.wait_for("3% 3/100")
        terminal.paste(" more\n" * 30)
        terminal.wait_for("33% 33/100")
        terminal.send("\x03")
        terminal.wait_for("0% 0/100")


@pytest.mark.parametrize(
    ("rows", "cursor", "columns", "more"),
    [
        (["alice › a draft"], (15, 0), 40, 0),
        (["alice › a draft of some length"], (30, 0), 20, 1),
        (["alice › a draft of some length"], (30, 0), 15, 1),  # behind the last character of a full row
        (["alice › a draft of some length"], (9, 0), 20, 0),  # the cursor stands in its first row
        (["alice › a draft of", "        two longer lines"], (24, 1), 10, 3),
        (["用户 › 一二三四五六七"], (21, 0), 12, 1),
    ],
)
def test_a_draft_wrapped_anew_is_found_again(
    rows: list[str], cursor: tuple[int, int], columns: int, more: int
) -> None:
    """When the window becomes narrower, the prompt knows how far the terminal's own wrapping moved it down."""
    screen = ScreenBuffer()
    for number, row in enumerate(rows):
        x = 0
        for character in row:
            screen.data_buffer[number][x] = Char(character)
            x += get_cwidth(character)
    assert rows_more(screen, Point(*cursor), columns) == more


def test_a_redraw_from_another_thread() -> None:
    """The prompt is redrawn in its own thread: in another one it could end in the midst of it."""
    drawn: list[int] = []

    async def ask() -> None:
        output = ColumnOutput(io.StringIO(), lambda: Size(24, 80), term="xterm-256color", enable_cpr=False)
        with create_pipe_input() as keyboard:
            prompt = Prompt(message=lambda: "› ", keyboard=keyboard, output=output)
            app = prompt._session.app
            original = app.invalidate

            def invalidate() -> None:
                drawn.append(threading.get_ident())
                original()

            app.invalidate = invalidate  # type: ignore[method-assign]
            reading = asyncio.ensure_future(prompt.read())
            while app.loop is None:
                await asyncio.sleep(0.01)
            await asyncio.to_thread(prompt.refresh)
            keyboard.send_text("x\r")
            await reading

    asyncio.run(ask())
    assert set(drawn) == {threading.get_ident()}

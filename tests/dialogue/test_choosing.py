"""The list of the dialogue: every row can be reached in each way that its hint names."""

from __future__ import annotations

import asyncio
import io

import pyte
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from prompt_toolkit.data_structures import Size
from prompt_toolkit.input import create_pipe_input

from gptchat.leaving import LeaveRequested
from gptchat.terminal.columns.output import ColumnOutput
from gptchat.terminal.connect.choosing import Choosing

ROWS = [
    ("1", "ollama on this machine"),
    ("2", "a key"),
    ("d", "the demo"),
    ("o", "OpenAI"),
    ("c", "another service"),
]
KEYS = [key for key, _meaning in ROWS]
UP, DOWN, ENTER = "\x1b[A", "\x1b[B", "\r"


def choose(*typed: str, columns: int = 80, rows: int = 24, shows: str = "") -> str | None:
    """The answer to these keys. The last of them are pressed once `shows` is on the screen."""

    async def answer() -> str | None:
        stream, screen = io.StringIO(), pyte.Screen(columns, rows)
        output = ColumnOutput(stream, lambda: Size(rows, columns), term="xterm-256color", enable_cpr=False)
        with create_pipe_input() as keyboard:
            choosing = Choosing(
                ROWS, "the hint", keyboard=keyboard, output=output, free=lambda text: text in ("qwen", "//x")
            )
            running = asyncio.ensure_future(choosing.choose())
            for keys in typed[:-1]:
                keyboard.send_text(keys)
            async with asyncio.timeout(20):
                while shows not in "\n".join(screen.display):
                    await asyncio.sleep(0.01)
                    screen.reset()
                    pyte.Stream(screen).feed(stream.getvalue())
                keyboard.send_text(typed[-1])
                return await running

    return asyncio.run(answer())


@given(st.lists(st.sampled_from([UP, DOWN, "\t", "\x10", "\x0e"]), max_size=12))
@examples(max_examples=25, deadline=None)
def test_arrows_go_through_the_rows_and_around(moves: list[str]) -> None:
    """Enter takes the row that the arrow keys have marked; the first follows the last."""
    at = sum(-1 if move in (UP, "\x10") else 1 for move in moves) % len(ROWS)
    assert choose(*moves, ENTER) == KEYS[at]


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("way", ["{}", "{} ", "{}".upper()])
def test_letters_and_numbers(key: str, way: str) -> None:
    """Each row's letter or number takes it, as does its meaning."""
    assert choose(way.format(key), ENTER) == key
    assert choose(key.upper(), ENTER) == key
    assert choose(dict(ROWS)[key], ENTER) == key


@pytest.mark.parametrize(("typed", "key"), [("１", "1"), ("ｄ", "d")])
def test_full_width_keys(typed: str, key: str) -> None:
    """Letters and digits of Chinese input methods are the same keys."""
    assert choose(typed, ENTER) == key


@pytest.mark.parametrize("keys", ["\x1b", "\x03", "q", "q\r"])
def test_leaving(keys: str) -> None:
    """Esc, Ctrl-C and q leave the list, q without Enter too."""
    assert choose(keys) is None
    assert choose(DOWN, keys) is None


@pytest.mark.parametrize("keys", ["\x04", "/exit\r", "／exit\r"])
def test_leaving_the_program(keys: str) -> None:
    """Ctrl-D and /exit leave the program, as they do everywhere."""
    with pytest.raises(LeaveRequested):
        choose(DOWN, keys)


def test_a_name_that_begins_with_q() -> None:
    """q does not leave if more follows: a name is accepted as it is typed."""
    assert choose("q", "wen", ENTER) == "qwen"


@pytest.mark.parametrize("key", ["?", "？"])
def test_an_explanation(key: str) -> None:
    """A question mark asks for the explanation, unless it stands in a text."""
    assert choose(key) == "?"


def test_a_slip_is_told() -> None:
    """An answer that is none is told with the answers that there are, and can be corrected."""
    assert choose("x", ENTER, "\x7fd\r", shows="please answer one of 1, 2, d, o, c") == "d"


def test_an_arrow_takes_back_what_was_typed() -> None:
    """After an arrow key the marked row counts, and not the letter that was typed before."""
    assert choose("d", DOWN, ENTER) == "o"


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (200, 50), (24, 8), (12, 6)])
def test_small_windows(columns: int, rows: int) -> None:
    """In a low or narrow window the marked row is still shown, and Enter takes it."""
    assert choose(UP, ENTER, columns=columns, rows=rows, shows="› c") == "c"


def test_the_terminal_is_gone() -> None:
    """Where the terminal is gone the program is left, as from every question."""

    async def answer() -> None:
        with create_pipe_input() as keyboard:
            output = ColumnOutput(io.StringIO(), lambda: Size(24, 80), term="xterm-256color", enable_cpr=False)
            running = asyncio.ensure_future(Choosing(ROWS, "", keyboard=keyboard, output=output).choose())
            await asyncio.sleep(0.1)
            keyboard.close()
            async with asyncio.timeout(20):
                await running

    with pytest.raises(LeaveRequested):
        asyncio.run(answer())

"""Keys as a terminal sends them."""

from __future__ import annotations

import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st
from prompt_toolkit.input.vt100_parser import Vt100Parser
from prompt_toolkit.key_binding.key_processor import KeyPress, _Flush
from prompt_toolkit.keys import Keys

from gptchat.terminal.input.keyboard import grouped
from gptchat.terminal.input.posix_keyboard import KeyParser

PIECES = [
    "a", "你", "/", "\x1b", "\x1b[A", "\x1b[200~", "\x1b[201~", "\r", "\n", "\x1b[20", "0~", "1~", "paste " * 5,
    "\x1b[I", "\x1b[O", "\x1b[?1;2c", "\x1b[", "\x1bO", "\x1b]11;rgb:0/0/0\x1b\\", "\x1b]1", "\x7f", "\x1bb",
]  # fmt: skip
TYPED = ["a", "你", "/", "?", "z", "1", " "]
HALVES = ["\x1b[", "\x1b[1;", "\x1b[?62", "\x1b[20", "\x1bO", "\x1b]", "\x1b]11;r", "\x1b\x1b["]


def parsed(chunks: list[str]) -> list[KeyPress]:
    """The keys of a stream that arrives in `chunks` and then stops for long."""
    keys: list[KeyPress] = []
    parser = KeyParser(keys.append)
    for chunk in chunks:
        parser.feed(chunk)
    parser.flush()
    parser.give_up()
    return keys


@given(st.lists(st.sampled_from(PIECES), max_size=12), st.data())
def test_keys_are_the_same_however_they_arrive(pieces: list[str], data: st.DataObject) -> None:
    """A paste is one key whole, and every other key itself, wherever the stream is cut."""
    stream = "".join(pieces)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    chunks = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert parsed(chunks) == parsed([stream])


@given(st.lists(st.sampled_from([*TYPED, "\r", "\x7f", "\x01", "\x1b[A", "\x1b[1;3D", "\x1bOH", "\x1b[3~"])))
def test_known_keys_are_those_of_the_library(pieces: list[str]) -> None:
    """What a terminal sends for a key is that key, with prompt_toolkit's own parser as the witness."""
    expected: list[KeyPress] = []
    Vt100Parser(expected.append).feed("".join(pieces))
    assert parsed(["".join(pieces)]) == expected


@given(st.sampled_from(HALVES), st.lists(st.sampled_from(["你", "/", "z", " "]), min_size=1))
def test_half_a_sequence_takes_no_key_with_it(half: str, typed: list[str]) -> None:
    """What is typed after a control sequence that broke off arrives whole, after a moment and at once."""
    keys: list[KeyPress] = []
    parser = KeyParser(keys.append)
    parser.feed(half)
    parser.flush()
    parser.feed("".join(typed))
    assert [press.data for press in keys if press.data in TYPED] == typed
    if half[-1] not in "O]":  # Alt-O and Alt-], which are typed, too
        assert [press.data for press in parsed([half + "".join(typed)]) if press.data in TYPED] == typed


@given(st.lists(st.sampled_from(["\x1b[I", "\x1b[O", "\x1b[?62;22c", "\x1b[99~", "\x1b]11;rgb:ff/ff/ff\x07"])))
def test_reports_of_the_terminal_are_no_keys(reports: list[str]) -> None:
    """Reports of the focus, of colours and of the terminal's kind type nothing and press nothing."""
    assert parsed(["".join(reports)]) == []


def test_escape_acts_at_once_and_alt_is_one_key() -> None:
    """A lone ESC is told from one that belongs to the next key, so that nothing waits for what may follow."""
    escape = KeyPress(Keys.Escape, "\x1b")
    keys: list[KeyPress] = []
    parser = KeyParser(keys.append)
    parser.feed("\x1b")
    assert keys == []
    assert parser.patience is not None
    parser.flush()
    assert keys == [escape, _Flush]
    parser.feed("/")
    assert keys[2:] == [KeyPress("/", "/")]
    assert parsed(["\x1bb"]) == [escape, KeyPress("b", "b")]
    assert grouped([escape, _Flush, KeyPress("/", "/")]) == [(escape, False), (KeyPress("/", "/"), False)]
    assert grouped([escape, KeyPress("b", "b"), escape]) == [(KeyPress("b", "b"), True), (escape, False)]


def test_only_what_a_prompt_needs_is_loaded() -> None:
    """The prompt does not wait for the libraries that draw Markdown, talk to servers or count tokens."""
    code = "import sys, gptchat.terminal.input.prompt as _; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert "prompt_toolkit" in loaded
    assert not {"rich", "openai", "tiktoken", "pygments", "httpx2", "sqlite3"} & set(loaded)

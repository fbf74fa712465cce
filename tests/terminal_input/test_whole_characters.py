"""Editing by whole characters in the prompt, in both modes, and where its text stands."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prompt_toolkit.utils import get_cwidth

from gptchat.core.safe import marked
from gptchat.core.width import cells
from gptchat.terminal.columns import graphemes
from gptchat.terminal.columns.layout import stood
from gptchat.terminal.columns.standins import WIDEST, is_settled, spans, stand_in, stands_for
from tests.engines.prompting import MESSAGE, Bench, run
from tests.engines.pyte_engine import Pyte
from tests.engines.test_prompt_line import DELETE, DOWN, END, ERASE, HOME, LEFT, RIGHT, UP, squeezed

PARTS = [
    "a",
    " ",
    "漢",
    "é",
    "e\u0301",
    "⚠️",
    "1️⃣",
    "👍🏽",
    "👨‍👩‍👧",
    "हि",
    "न्दी",
    "क्षि",
    "नि",
    "한",
    "น้ำ",
    "ש\u05c1",
    "ខ្មែ",
]
TEXTS = st.lists(
    st.sampled_from([*PARTS, "\u0301", "\u200d", "\ufe0f", "ि", "🇩🇪", "\x01", "\n"]), max_size=20
).map("".join)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("a⚠️", "a"), ("1️⃣", ""), ("👍🏽", ""), ("x👨‍👩‍👧", "x"), ("🇩🇪🇫🇷", "🇩🇪"), ("🏴󠁧󠁢󠁥󠁮󠁧󠁿", ""),
        ("❤\ufe0e", ""), ("❤️‍🔥", ""), ("\u1112\u1161\u11ab", "\u1112\u1161"),
        ("e\u0301", "e"), ("हि", "ह"), ("क्ष", "क्"), ("क्‍ष", "क्"), ("น้ำ", "น้"),
        ("한", ""), ("漢", ""), ("a\n", "a"), ("", ""),
    ],
)  # fmt: skip
def test_what_backspace_deletes(text: str, left: str) -> None:
    """Backspace deletes an emoji whole, and of a letter with marks what was typed last."""
    assert text[: graphemes.erased(text, len(text))] == left


@given(TEXTS)
def test_a_text_is_the_sum_of_its_spans(text: str) -> None:
    """Whatever a text is cut into to be drawn, nothing is lost, and each part has its stand-in."""
    at = 0
    for span in spans(text):
        source = text[at : at + span.length]
        assert span.drawn in (source, " " + source)
        assert 1 <= span.width <= WIDEST or span.plain
        if not span.plain:
            assert stands_for(stand_in(span)) == span
            assert get_cwidth(stand_in(span)) == span.width >= cells(source)
        at += span.length
    assert at == len(text)


@given(TEXTS, st.integers(0, 40))
def test_the_cursor_stands_between_characters(text: str, column: int) -> None:
    """A line with stand-ins has a place for every position of the cursor, in the same order."""
    line = text.replace("\n", " ")
    column = min(column, len(line))
    fragments, starts = stood([("", line[:3]), ("bold", line[3:])], {column})
    if starts:
        assert len(starts) == len(line) + 1
        assert all(one <= two for one, two in itertools.pairwise(starts))
        assert starts[-1] == sum(len(fragment[1]) for fragment in fragments)
        if graphemes.inside(line, column) is None and 0 < column < len(line):
            assert starts[column - 1] < starts[column]


def test_plain_text_is_left_alone() -> None:
    """Text on whose widths terminals agree costs nothing: it goes to prompt_toolkit as it is."""
    for text in ("abc", "Größe", "漢字かな한글", "→ │ ✗ • ⠋ “x”…", "שלום", "الله"):
        assert is_settled(text)
        assert [span.plain for span in spans(text)] == [True]


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        ("⚠️b" + LEFT + LEFT + "a", "a⚠️b"),
        ("⚠️b" + "\x02\x02\x06" + "a", "⚠️ab"),  # Ctrl-B, Ctrl-F
        ("हिन" + LEFT * 2 + "\x1b[3~", "न"),
        ("a👍🏽b" + HOME + RIGHT + "\x04", "ab"),  # Ctrl-D
        ("a👍🏽" + "\x14", "👍🏽a"),  # Ctrl-T
        ("xहिy" + LEFT + "\x14" + "!", "xyहि!"),
        ("cafe\u0301 ok" + HOME + "\x1bf" + "!", "cafe\u0301! ok"),  # Alt-F
        ("1️⃣2\n3" + UP + "!", "!1️⃣2\n3"),
        ("12\n⚠️" + UP + DOWN + "!", "12\n⚠️!"),
    ],
)
def test_emacs_keys(keys: str, text: str) -> None:
    """The usual keys move over and delete whole characters."""
    run(lambda bench: check(bench, keys, text))


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        ("a⚠️b" + "\x1b" + "hx", "ab"),
        ("a⚠️b" + "\x1b" + "X", "ab"),
        ("a⚠️b" + "\x1b" + "0lx", "ab"),
        ("a⚠️b" + "\x1b" + "0lrx", "axb"),
        ("a⚠️b" + "\x1b" + "hsx", "axb"),
        ("aहि" + "\x1b" + "lllx", "a"),
        ("aहि👍🏽b" + "\x1b" + "02lx", "aहिb"),
        ("aहि👍🏽b" + "\x1b" + "0l2x", "ab"),
        ("aहि" + "\x1b" + "0$p", "aहि"),
    ],
)
def test_vi_keys(keys: str, text: str) -> None:
    """In vi mode a whole character is a character to h, l, x, X, s, r and counts."""
    run(lambda bench: check(bench, keys, text), vi=True)


def check(bench: Bench, keys: str, text: str) -> None:
    """Press `keys`; the prompt then holds `text`."""
    bench.type(keys)
    assert bench.buffer.text == text


CONTROLS = ["\x17", "\x15", "\x0b", "\x19", "\x14", "\x1bb", "\x1bf", "\x1bd", "\x1f", "\n"]
KEYS = [ERASE, DELETE, LEFT, RIGHT, UP, DOWN, HOME, END, *CONTROLS]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from([*PARTS, *PARTS, *KEYS]), max_size=30), st.sampled_from([20, 33]))
def test_any_editing_is_shown(keys: list[str], columns: int) -> None:
    """After any sequence of keys the screen shows the draft as it would be sent, and the cursor in it."""
    engine = Pyte()

    def use(bench: Bench) -> None:
        for number, key in enumerate(keys):
            bench.type(key)
            if number % 4 and number + 1 < len(keys):
                continue
            shown = engine.show(bench.written, columns, 40)
            assert squeezed("".join(shown.rows)) == squeezed(MESSAGE + marked(bench.buffer.text))
            assert shown.cursor == bench.cursor

    run(use, columns, rows=40)

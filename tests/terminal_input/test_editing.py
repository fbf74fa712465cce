"""The line editor for typing during a reply, and what counts as one character."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptchat.core.width import cells
from gptchat.terminal.columns import graphemes
from gptchat.terminal.input.editing import LineEditor, footer

CHARACTERS = ["a", "你", "é", "é", "👨‍👩‍👧", "🇨🇳", "👍🏽", "❤️", "\n", " "]
KEYS = [
    "delete_before", "delete_after", "delete_word_before", "delete_word_after", "delete_to_start",
    "delete_to_end", "left", "right", "word_left", "word_right", "home", "end",
]  # fmt: skip


@given(st.lists(st.sampled_from(CHARACTERS), max_size=12))
def test_backspace_removes_what_a_person_sees_as_one(parts: list[str]) -> None:
    """Backspace takes one visible character at a time, whatever it is made of."""
    editor = LineEditor()
    for part in parts:
        editor.insert(part)
    for count in range(len(parts), 0, -1):
        assert editor.text == "".join(parts[:count])
        editor.delete_before()
    assert editor.text == ""


@given(st.text(max_size=30))
def test_crossing_forwards_and_backwards_visits_the_same_places(text: str) -> None:
    """The cursor never stands inside a character, from whichever side it comes."""
    forwards, place = [0], 0
    while place < len(text):
        following = graphemes.following(text, place)
        assert following > place
        place = following
        forwards.append(place)
    for before, after in itertools.pairwise(forwards):
        assert graphemes.previous(text, after) == before


@given(st.lists(st.sampled_from([*CHARACTERS, *KEYS]), max_size=40))
def test_the_cursor_stays_in_the_draft(keys: list[str]) -> None:
    """No sequence of keys puts the cursor outside the draft."""
    editor = LineEditor()
    for key in keys:
        if key in KEYS:
            getattr(editor, key)()
        else:
            editor.insert(key)
        assert 0 <= editor.cursor <= len(editor.text)


@pytest.mark.parametrize(
    ("keys", "text", "cursor"),
    [
        (["delete_word_before"], "git commit ", 11),
        (["delete_word_before", "delete_word_before"], "git ", 4),
        (["home", "word_right"], "git commit now", 3),
        (["word_left", "delete_to_end"], "git commit ", 11),
        (["word_left", "delete_to_start"], "now", 0),
        (["home", "delete_word_after", "delete_after"], "commit now", 0),
    ],
)
def test_words_and_lines(keys: list[str], text: str, cursor: int) -> None:
    """Words and lines are crossed and deleted as in a shell."""
    editor = LineEditor()
    editor.put("git commit now")
    for key in keys:
        getattr(editor, key)()
    assert (editor.text, editor.cursor) == (text, cursor)


SEEN = ["a", "b", "你", "e\u0301", "👨‍👩‍👧", "🇨🇳", "👍🏽", "❤️", "हि", "न्दी", "한", " "]


@given(st.lists(st.sampled_from(SEEN), max_size=60), st.integers(0, 120), st.integers(12, 40))
def test_the_footer_fits_and_shows_the_cursor(parts: list[str], column: int, width: int) -> None:
    """However long the draft, its line fits the window, in whole characters, with the cursor's place in it."""
    text = "".join(parts)
    column = min(column, len(text))
    shown, cell = footer(text, column, width)
    assert cells(shown) <= width
    assert 0 <= cell < width
    if cells(text) < width:
        assert shown == text
    start = column if graphemes.inside(text, column) is None else graphemes.previous(text, column)
    visible = shown.removeprefix("…").removesuffix("…")

    def shows(before: str) -> bool:
        """Whether `visible` is the text around the cursor, `before` of it on its left."""
        whole = graphemes.inside(text, start - len(before)) is None
        return whole and text[:start].endswith(before) and text[start:].startswith(visible[len(before) :])

    left = cell - shown.startswith("…")
    assert any(cells(visible[:at]) == left and shows(visible[:at]) for at in range(len(visible) + 1))


@pytest.mark.parametrize(
    ("text", "left"),
    [("go हिन्दी", "go "), ("cafe\u0301", ""), ("ok ⚠️", "ok "), ("a 👍🏽👍🏽", "a "), ("ภาษาไทย น้ำ", "ภาษาไทย ")],
)
def test_a_word_is_deleted_with_its_marks(text: str, left: str) -> None:
    """Ctrl-W takes a word whole, whatever marks its letters carry."""
    editor = LineEditor()
    editor.put(text)
    editor.delete_word_before()
    assert editor.text == left

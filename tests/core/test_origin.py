"""Where text came from, and what a sign in it may do therefore."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptchat.core.origin import (
    ORIGINS,
    TABLE,
    Origin,
    Part,
    Sourced,
    decide,
    joined,
    table,
    whole,
)

FOREIGN = tuple(origin for origin in ORIGINS if origin not in ("typed", "completed"))

EXPECTED = """
            shell       attach      command     collection
typed       act         act         act         act
completed   act         act         act         act
pasted      ask         text        ask         text
piped       text        text        text        text
argument    text        ask         ask         ask
recalled    ask         ask         ask         ask
draft       ask         ask         ask         ask
editor      ask         ask         ask         ask
message     text        text        text        text
command     text        text        text        text
model       text        text        text        text
"""


def test_the_table_of_origins_and_signs() -> None:
    """Each sign acts only where it was typed or completed; from anywhere else it is asked about, or is text."""
    print("\n" + table())
    assert table().strip("\n") == EXPECTED.strip("\n")
    for origin in FOREIGN:
        assert "act" not in TABLE[origin].values()


@pytest.mark.parametrize("origin", ORIGINS)
def test_a_shell_command_is_one_typed_line(origin: Origin) -> None:
    """Only what was typed as one line runs in the shell; several lines are a message, wherever they came from."""
    line = whole("!touch x", origin)
    assert decide(line, "shell") == TABLE[origin]["shell"]
    assert decide(whole("!a\n!b", origin), "shell") == "text"
    assert decide(joined("", [Sourced("!echo "), whole("x", origin)]), "shell") == (
        "act" if origin in ("typed", "completed") else "ask"
    )


def test_a_picture_is_no_shell_command() -> None:
    """A line of Markdown that begins with a picture is a message, and a test of the shell in brackets is none."""
    for picture in ("![build](https://x/b.svg)", "![build][badge]", "![](x) and more"):
        assert decide(Sourced(picture), "shell") == "text"
    assert decide(Sourced("![ -f a ] && echo b"), "shell") == "act"


@pytest.mark.parametrize("origin", FOREIGN)
def test_a_command_that_only_shows_something_may_come_from_elsewhere(origin: Origin) -> None:
    """A single line with a harmless command acts where others are asked about; several lines never do."""
    asked = TABLE[origin]["command"] == "ask"
    assert decide(whole("/help", origin), "command", harmless=True) == ("act" if asked else "text")
    assert decide(whole("/help\nme", origin), "command", harmless=True) == "text"
    assert decide(Sourced("/system be\nbrief"), "command") == "act"


def test_signs_keep_their_origin_beside_each_other() -> None:
    """In a draft of typed and pasted pieces the typed signs act, and those of the paste do not."""
    text = joined("", [Sourced("see @a and "), whole("@b", "pasted"), Sourced(" and @c")])
    verdicts = [decide(text, "attach", index) for index, character in enumerate(text.text) if character == "@"]
    assert verdicts == ["act", "text", "act"]


_ALPHABET = st.text("ab@!\n", max_size=6)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 40), st.integers(0, 6), _ALPHABET, st.sampled_from(["typed", "pasted", "editor"])
        ),
        max_size=12,
    )
)
def test_edits_move_the_origins_with_the_text(edits: list[tuple[int, int, str, Origin]]) -> None:
    """After any edits each character is of the origin of the edit that put it there."""
    entry, origins = Sourced(""), list[Origin]()
    for at, deleted, text, origin in edits:
        start = min(at, len(entry.text))
        end = min(start + deleted, len(entry.text))
        after = entry.text[:start] + text + entry.text[end:]
        origins[start:end] = [origin] * len(text)
        entry = entry.replaced(start, end, whole(text, origin))
        assert entry.text == after
        assert [entry.at(index) for index in range(len(after))] == origins
        assert all(part.start < part.end for part in entry.parts)
        assert entry.parts == tuple(sorted(entry.parts, key=lambda part: part.start))


@given(st.text("ab", max_size=8), st.integers(0, 8), _ALPHABET)
def test_an_insertion_is_found_by_the_cursor(before: str, at: int, text: str) -> None:
    """What is inserted into a paste of the same letters is found exactly, since the cursor stands behind it."""
    at = min(at, len(before))
    entry = whole(before, "pasted").edited(before[:at] + text + before[at:], at + len(text), "typed")
    assert entry == whole(before, "pasted").replaced(at, at, Sourced(text))


def test_pieces_are_cut_and_joined() -> None:
    """A piece of a text, and a text of several pieces, know where they came from."""
    entry = joined("\n", [Sourced("a"), whole("bcd", "pasted"), Sourced("")])
    assert entry == Sourced("a\nbcd\n", (Part(2, 5, "pasted"),))
    assert entry.cut(3) == Sourced("cd\n", (Part(0, 2, "pasted"),))
    assert entry.within(0, 2) == []
    assert entry.within(0, 3) == ["pasted"]

"""Reasoning inside of a reply is told apart however the reply is cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptchat.core.thinking import ThinkSplitter


def split(pieces: list[str]) -> tuple[str, str]:
    """The reasoning and the text of `pieces`."""
    splitter = ThinkSplitter()
    found = [part for piece in pieces for part in splitter.feed(piece)] + splitter.finish()
    assert all(text for _, text in found)
    reasoning = "".join(text for kind, text in found if kind == "reasoning")
    return reasoning, "".join(text for kind, text in found if kind == "text")


CASES = [
    ("<think>\nwhy\n</think>\n\nThe answer", ("why", "The answer")),
    ("\n<thinking>a <b> c</thinking>x", ("a <b> c", "x")),
    ("<think></think>x", ("", "x")),
    ("<think>never closed", ("never closed", "")),
    ("No tag </think> at all", ("", "No tag </think> at all")),
    ("Later <think>x</think>", ("", "Later <think>x</think>")),
    ("<thin air", ("", "<thin air")),
    ("<think>a</think>b<think>c</think>", ("a\n\nc", "b")),
    ("<think>a < b </thi then</think>x", ("a < b </thi then", "x")),
    ("<", ("", "<")),
    ("", ("", "")),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_an_opening_think_block_is_reasoning(text: str, expected: tuple[str, str]) -> None:
    """What a reply writes between think tags at its very beginning is reasoning; everything else is text."""
    assert split([text]) == expected
    assert split(list(text)) == expected


@given(st.sampled_from(CASES), st.lists(st.integers(1, 5), min_size=40, max_size=40))
def test_cuts_make_no_difference(case: tuple[str, tuple[str, str]], sizes: list[int]) -> None:
    """Tags split across pieces are recognised all the same."""
    text, expected = case
    pieces: list[str] = []
    for size in sizes:
        pieces.append(text[:size])
        text = text[size:]
    assert split([*pieces, text]) == expected

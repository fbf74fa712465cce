"""Reasoning inside of a reply is told apart however the reply is cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptchat.core.thinking import ThinkSplitter


def split(pieces: list[str], closer: str = "", *, complete: bool = True) -> tuple[str, str]:
    """The reasoning and the text of `pieces`, corrections carried out."""
    splitter = ThinkSplitter(closer)
    found = [part for piece in pieces for part in splitter.feed(piece)] + splitter.finish(complete=complete)
    assert all(text for _, text in found)
    reasoning = text = ""
    for kind, piece in found:
        match kind:
            case "reasoning":
                reasoning += piece
            case "text":
                text += piece
            case "was_reasoning":
                reasoning, text = "\n\n".join(filter(None, (reasoning, text.strip()))), ""
            case "was_text":
                assert reasoning.endswith(piece)
                reasoning, text = reasoning.removesuffix(piece).rstrip(), text + piece
    return reasoning, text


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
    ("Let me think.\n</think>\n\nThe answer is 4.", ("Let me think.", "The answer is 4.")),
    ("So it is 4.</think>The answer", ("So it is 4.", "The answer")),
    ("Only thoughts.\n</think>", ("Only thoughts.", "")),
    ("</think>\n\nx", ("", "x")),
    ("`</think>` ends it\nyes", ("", "`</think>` ends it\nyes")),
    ('The "</think>" tag', ("", 'The "</think>" tag')),
    ("```xml\n</think>\n```\nx", ("", "```xml\n</think>\n```\nx")),
    ("a\n```\ncode\n```\nb\n</think>\nc", ("a\n```\ncode\n```\nb", "c")),
    ("<think>I say `</think>` when done</think>x", ("I say `</think>` when done", "x")),
    ("<think>a<think>b</think>c</think>d", ("a<think>b\n\nc", "d")),
    ("One.\n<think>\nhm\n</think>\nTwo.", ("hm", "One.\nTwo.")),
    ("One.\n<think>\nnever closed", ("", "One.\n<think>\nnever closed")),
    ("<THINK>a</Think>b", ("a", "b")),
    ("◁think▷a◁/think▷b", ("a", "b")),
    ("<seed:think>a</seed:think>b", ("a", "b")),
    ("[THINK]a[/THINK]b [1] [link](x)", ("a", "b [1] [link](x)")),
    ("<reasoning>a</reasoning>b", ("a", "b")),
    ("<|begin_of_thought|>a<|end_of_thought|>\n<|begin_of_solution|>\nb<|end_of_solution|>", ("a", "b")),
    ("<", ("", "<")),
    ("", ("", "")),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_an_opening_think_block_is_reasoning(text: str, expected: tuple[str, str]) -> None:
    """Between think tags is reasoning, also where the first is missing; a tag that is only named is text."""
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


@pytest.mark.parametrize(
    ("text", "complete", "expected"),
    [
        ("hm\n</think>\n\n4", True, ("hm", "4")),
        ("<think>hm</think>4", True, ("hm", "4")),
        ("no thoughts today", True, ("", "no thoughts today")),
        ("broken off", False, ("broken off", "")),
    ],
)
def test_a_model_that_never_opens_is_known(text: str, complete: bool, expected: tuple[str, str]) -> None:
    """Of a model that closes its reasoning without opening it, what comes first is reasoning as it streams."""
    assert split(list(text), "</think>", complete=complete) == expected
    assert ThinkSplitter("</think>").feed("hm ")[:1] in ([("reasoning", "hm")], [])


@given(
    st.lists(
        st.sampled_from(["<think>", "</think>", "`", "\n", " ", "a", ".", '"', "```\n", "[THINK]", "<"]),
        max_size=12,
    ),
    st.lists(st.integers(1, 9), max_size=20),
)
def test_any_text_splits_alike_however_it_is_cut(parts: list[str], sizes: list[int]) -> None:
    """The chunking of a reply changes nothing of what is reasoning and what is text."""
    text = "".join(parts)
    pieces, left = [], text
    for size in sizes:
        pieces.append(left[:size])
        left = left[size:]
    assert split([*pieces, left]) == split([text]) == split(list(text))

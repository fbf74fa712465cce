"""Rules of cutting a text into pieces, and of taking answers out of their wrapping."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptchat.conversation.rewriting.pieces import pieces, unwrapped

texts = st.text(st.sampled_from("ab .!?。！ \n\t"), max_size=120)


@given(texts, st.integers(1, 40))
def test_the_pieces_are_the_text(text: str, most: int) -> None:
    """Put together with the white space between them, the pieces are the text, whatever their size."""
    assert "".join(piece.text + piece.after for piece in pieces(text, len, most)) == text


@given(st.lists(st.text("abc", min_size=1, max_size=9), min_size=1, max_size=30), st.integers(9, 60))
def test_no_piece_is_too_large(words: list[str], most: int) -> None:
    """What can be cut between words is never larger than asked for, by what its words take."""
    for piece in pieces(" ".join(words), lambda part: len(part.replace(" ", "")), most):
        assert len(piece.text.replace(" ", "")) <= most


def test_paragraphs_stay_whole_where_they_fit() -> None:
    """A text is cut between paragraphs before it is cut at lines, at sentences and between words."""
    text = "One one.\nTwo two.\n\nThree three. Four four."
    assert [piece.text for piece in pieces(text, len, 24)] == ["One one.\nTwo two.", "Three three. Four four."]
    cut = [piece.text for piece in pieces(text, len, 14)]
    assert cut == ["One one.", "Two two.", "Three three.", "Four four."]


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ("fine", "fine"),
        ("```\nfine\n```", "fine"),
        ("```markdown\nfine\n\nmore\n```", "fine\n\nmore"),
        ("<text>\nfine\n</text>", "fine"),
        ("<text>\n```\nfine\n```\n</text>", "fine"),
        ("```\na\n```\nand\n```\nb\n```", "```\na\n```\nand\n```\nb\n```"),
        ("```md\na\n```py\nb\n```\nc\n```", "a\n```py\nb\n```\nc"),
    ],
)
def test_wrapping_is_taken_off(answer: str, text: str) -> None:
    """A fence or marks that a model puts around the whole answer are not part of the text."""
    assert unwrapped(answer, "plain") == text


def test_a_fence_of_the_text_stays() -> None:
    """A text that is itself one fenced block keeps its fence."""
    assert unwrapped("```py\nx = 1\n```", "```py\nx=1\n```") == "```py\nx = 1\n```"

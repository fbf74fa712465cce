"""Folded pastes as values."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gptchat.terminal.input.folding import Folding

texts = st.text(alphabet=st.sampled_from("ab \n[]你\U00100000\U00100001"), max_size=60)


@given(st.lists(st.tuples(texts, texts), max_size=6))
def test_what_is_folded_comes_back_whole(parts: list[tuple[str, str]]) -> None:
    """Whatever is pasted between whatever is typed, the message sent is exactly both, in order."""
    folding = Folding(lines=3, characters=20)
    draft = "".join(folding.fold(typed) + folding.fold(pasted) for typed, pasted in parts)
    assert folding.unfold(draft) == "".join(typed + pasted for typed, pasted in parts)


@given(texts)
def test_a_recalled_draft_is_the_same_message(text: str) -> None:
    """A draft that comes back folded from the history or a file is sent as it was written."""
    folding = Folding(lines=2, characters=5)
    folding.fold("x" * 100)
    assert folding.unfold(folding.recall(text)) == text


def test_words_that_look_folded_are_words() -> None:
    """The words `[pasted 214 lines]` typed by hand are sent as they are."""
    folding = Folding()
    folding.fold("x\n" * 214)
    assert folding.unfold("[pasted 214 lines]") == "[pasted 214 lines]"


def test_what_is_shown() -> None:
    """A fold tells the lines of a paste, or its characters where it is one long line."""
    folding = Folding()
    assert folding.shown("see " + folding.fold("x\n" * 214)) == "see [pasted 214 lines]"
    assert folding.shown(folding.fold("x" * 9000)) == "[pasted 9000 characters]"
    assert folding.shown(folding.fold("short\npaste")) == "short\npaste"


def test_a_long_recalled_draft_keeps_its_first_line() -> None:
    """A long message from the history is recognised by its first line."""
    folding = Folding()
    assert folding.shown(folding.recall("explain this:\n" + "x\n" * 100)) == "explain this:\n[pasted 100 lines]"

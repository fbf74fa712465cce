"""Folding older turns into a summary."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from gptchat.core.compaction import INSTRUCTION, fold
from gptchat.core.messages import Message
from tests.core.test_context import cost, paths, talk

ROOM = 5_000


def test_newest_turns_stay() -> None:
    """The two newest turns are never folded; all before them are, in one request."""
    request = fold(talk(6), cost, ROOM)
    assert request is not None
    assert request.until == "m8"
    assert request.turns == 4
    assert request.complete
    assert [message.role for message in request.messages] == ["system", "user"]
    assert request.messages[1].text.count("User: ") == 4


def test_nothing_to_fold() -> None:
    """A conversation of two turns has nothing to fold, nor has an empty one."""
    assert fold(talk(2), cost, ROOM) is None
    assert fold([], cost, ROOM) is None


def test_earlier_summary_goes_into_the_new_one() -> None:
    """A second folding begins after the first and hands its summary on."""
    request = fold(talk(6), cost, ROOM, summary="They met in Oslo", until="m4")
    assert request is not None
    assert request.turns == 2
    assert "They met in Oslo" in request.messages[1].text


def test_hint_is_passed_on() -> None:
    """What the person wants kept is asked of the model."""
    request = fold(talk(4), cost, ROOM, hint="keep the {prices}")
    assert request is not None
    assert "keep the {prices}" in request.messages[0].text


def test_too_much_at_once() -> None:
    """What does not fit one request is folded as far as it does, and says that more is left."""
    base = cost(Message("system", INSTRUCTION))
    request = fold(talk(20), cost, base + 200)
    assert request is not None
    assert 0 < request.turns < 18
    assert not request.complete
    assert request.tokens <= base + 200


def test_one_endless_turn() -> None:
    """A turn longer than the window is folded with its middle cut out rather than not at all."""
    path = [
        Message("user", "begin " + "x" * 90_000 + " end", id="m1"),
        Message("assistant", "ok", id="m2"),
        *talk(2),
    ]
    request = fold(path, cost, ROOM)
    assert request is not None
    assert request.until == "m2"
    assert request.tokens <= ROOM
    assert "begin" in request.messages[1].text
    assert " end" in request.messages[1].text


@settings(max_examples=200)
@given(paths(), st.integers(0, 3_000), st.integers(0, 4))
def test_any_conversation(path: list[Message], budget: int, keep: int) -> None:
    """A folding fits its budget, ends where a turn ends, and leaves the newest turns as they are."""
    request = fold(path, cost, budget, keep=keep)
    if request is None:
        return
    assert sum(map(cost, request.messages)) == request.tokens <= budget
    at = next(i for i, message in enumerate(path) if message.id == request.until) + 1
    assert at == len(path) or path[at].role == "user"
    assert sum(message.role == "user" for message in path[at:]) >= min(keep, len(path))

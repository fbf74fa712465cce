"""A plan becomes a request: what is joined is counted once, in the part of the plan that it belongs to."""

from __future__ import annotations

from gptchat.core.context import Limits, plan
from gptchat.core.messages import Message
from gptchat.manager.request import count_joined, split_system


def _path(*roles: str) -> list[Message]:
    return [Message(role, "words", id=f"m{number}") for number, role in enumerate(roles)]


def test_each_message_joined_to_the_one_before_saves_its_frame() -> None:
    """Two questions in a row go as one message, three save twice as much, and one alone saves nothing."""
    for roles, joined in (
        (("user",), 0),
        (("user", "assistant", "user"), 0),
        (("user", "user"), 1),
        (("user", "user", "user"), 2),
        (("user", "user", "assistant", "user", "user", "user"), 3),
    ):
        planned = plan(_path(*roles), lambda _message: 10, Limits(1000))
        assert count_joined(planned, 4).tokens == planned.tokens - 4 * joined
        assert count_joined(planned, 0) is planned


def test_a_pinned_message_that_is_joined_saves_among_the_pins() -> None:
    """What a pinned question saves is taken from the pins, so that the parts of a plan stay what they are."""
    path = _path("user", "assistant", "user", "assistant", "user")
    planned = plan(path, lambda _message: 10, Limits(25), pins=["m0"])
    assert [message.id for message in planned.messages] == ["m0", "m4"]
    joined = count_joined(planned, 4)
    assert (joined.pinned_tokens, joined.turn_tokens) == (planned.pinned_tokens - 4, planned.turn_tokens)


def test_an_empty_message_between_joins_its_neighbours() -> None:
    """A reply that holds nothing is not sent, so that the questions around it go as one."""
    path = [Message("user", "a"), Message("assistant", ""), Message("user", "b")]
    planned = plan(path, lambda _message: 10, Limits(1000))
    assert count_joined(planned, 4).tokens == planned.tokens - 4


def test_a_prompt_that_a_session_carries_stands_for_the_setting() -> None:
    """A system message at the head of a session is its prompt, unless the person has set another; it goes once."""
    path = [Message("system", "Be brief"), Message("user", "hello")]
    assert split_system(path, "") == ("Be brief", path[1:])
    assert split_system(path, "Be kind") == ("Be kind", path[1:])
    assert split_system([Message("developer", "Be brief"), *path[1:]], "") == ("Be brief", path[1:])
    assert split_system(path[1:], "Be kind") == ("Be kind", path[1:])
    assert split_system([], "Be kind") == ("Be kind", [])

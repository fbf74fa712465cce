"""Texts that the server's own tokenizer counted: only what the template adds is left to learn.

The server here counts by cl100k_base and a ChatML-like template whose shares differ by role.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gptchat.core.messages import Message
from gptchat.tokens import vocabulary
from gptchat.tokens.counter import Counter
from tests.tokens.test_experience import MODEL, counted, tokens, writing


@pytest.fixture(autouse=True, scope="module")
def _loaded() -> None:
    assert vocabulary.load("cl100k_base")


@dataclass(frozen=True)
class Template:
    """What a server adds to each role's messages, and to a request."""

    system: int = 5
    user: int = 4
    assistant: int = 7
    request: int = 11

    def reported(self, messages: Sequence[Message]) -> int:
        """The prompt tokens of a request."""
        shares = {"system": self.system, "user": self.user, "assistant": self.assistant}
        return sum(tokens(one.text) + shares[one.role] for one in messages) + self.request


def tell(counter: Counter, messages: Sequence[Message]) -> None:
    """Have the server's tokenizer count what is not known."""
    for text in counter.untold(MODEL, messages):
        counter.told(MODEL, text, tokens(text))


def converse(counter: Counter, template: Template, turns: int, seed: int = 0) -> list[int]:
    """How far each turn of a conversation was counted off, from what the server then reported."""
    chance = random.Random(seed)
    path = [Message("system", "Be brief")]
    off = []
    for _turn in range(turns):
        path.append(Message("user", writing(chance)))
        tell(counter, path)
        ours, theirs = counted(counter, path), template.reported(path)
        off.append(ours - theirs)
        counter.learn(MODEL, ours, theirs, path)
        path.append(Message("assistant", writing(chance)))
    return off


@given(
    system=st.integers(0, 20),
    user=st.integers(0, 20),
    assistant=st.integers(0, 20),
    request=st.integers(0, 60),
    seed=st.integers(0, 99),
)
@settings(max_examples=30, deadline=None)
def test_any_template_is_known_after_three_turns(
    system: int, user: int, assistant: int, request: int, seed: int
) -> None:
    """Whatever the template adds, from the fourth turn on every request is off by two tokens at most."""
    off = converse(Counter(), Template(system, user, assistant, request), 12, seed)
    assert max(map(abs, off[3:])) <= 2


def test_the_template_is_kept_and_the_texts_are_not() -> None:
    """The next run knows the template at once, and asks for the texts again."""
    kept: dict[str, object] = {}

    def save(data: Mapping[str, object]) -> None:
        kept.update(data)

    first = Counter(save=save)
    converse(first, Template(), 4)
    second = Counter(calibration=kept)
    assert second.untold(MODEL, [Message("user", "hello"), Message("assistant", "hi")]) == ["hi", "hello"]
    assert abs(converse(second, Template(), 1, seed=1)[0]) <= 1


def test_another_template_under_the_name() -> None:
    """When another template answers under the same name, it is learnt anew within three turns."""
    counter = Counter()
    converse(counter, Template(), 6)
    off = converse(counter, Template(user=12, assistant=19, request=40), 6, seed=1)
    assert abs(off[0]) > 10
    assert max(map(abs, off[3:])) <= 2


def test_another_tokenizer_under_the_name() -> None:
    """Counts of texts that cannot be true of a report are given up, and the estimate follows the reports."""
    counter = Counter()
    path = [Message("user", writing(random.Random(1)))]
    for text in counter.untold(MODEL, path):
        counter.told(MODEL, text, tokens(text) * 9)
    reported = Template().reported(path)
    counter.learn(MODEL, counted(counter, path), reported, path)
    assert counter.untold(MODEL, path) == [path[0].text]
    assert abs(counted(counter, path) - reported) <= 2


def test_what_is_not_asked_for() -> None:
    """Only plain texts are asked for, each once, and none of a model whose encoding and format are published."""
    picture = Message("user", [{"type": "text", "text": "see"}])
    path = [Message("user", "a"), Message("assistant", ""), picture, Message("user", "b"), Message("user", "a")]
    counter = Counter()
    assert counter.untold(MODEL, path) == ["a", "b"]
    counter.told(MODEL, "a", 1)
    assert counter.untold(MODEL, path) == ["b"]
    assert counter.untold("gpt-4o", path) == []


def test_two_of_the_persons_sent_as_one() -> None:
    """What sending two messages as one saves is told once the template is known, and is nothing before."""
    counter = Counter()
    assert counter.joining(MODEL) == 0
    converse(counter, Template(user=9), 6)
    assert 0 < counter.joining(MODEL) <= 64


def test_a_count_that_was_told_is_shown() -> None:
    """A text the server has counted is counted so everywhere, and stays marked as learnt, not published."""
    counter = Counter()
    counter.told(MODEL, "antidisestablishmentarianism", 17)
    assert counter.count("antidisestablishmentarianism", MODEL) == 17
    assert not counter.exact(MODEL)


@pytest.mark.parametrize(
    "weights", [5, "x", None, {}, [], [1.0], [1.0, "x", 1.0, 1.0], [1e300, 1, 1, 1], [None] * 4]
)
def test_what_was_kept_of_a_template_may_be_anything(weights: object) -> None:
    """A damaged memory of a server's template is left out, and the chat begins as if nothing were known."""
    counter = Counter(calibration={MODEL: {"frame": {"weights": weights}}})
    counter.told(MODEL, "hello", 3)
    fresh = Counter()
    fresh.told(MODEL, "hello", 3)
    asked = Message("user", "hello")
    assert counter.message(asked, MODEL) == fresh.message(asked, MODEL)
    assert counter.overhead(MODEL) == fresh.overhead(MODEL)

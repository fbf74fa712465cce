"""What a server has counted is known, and only what is new is estimated.

The server here counts by cl100k_base and a ChatML-like template, neither of which the counter knows of.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from gptchat.core.context import Limits, plan
from gptchat.core.messages import Message, Usage
from gptchat.tokens import vocabulary
from gptchat.tokens.counter import Counter
from tests.tokens.test_estimate import CHINESE, ENGLISH

MODEL = "some-model"
CODE = "for i in range(10):\n    total += items[i].price * 1.19\n    print(f'{i:>3} {total:.2f}')\n"


@pytest.fixture(autouse=True, scope="module")
def _loaded() -> None:
    assert vocabulary.load("cl100k_base")


def tokens(text: str) -> int:
    """Tokens of a text by the server's tokenizer."""
    return vocabulary.count(text, "cl100k_base")


def server(messages: Sequence[Message]) -> int:
    """The server's prompt tokens: 5 for each message's frame, 11 for the request's."""
    return sum(tokens(message.text) + 5 for message in messages) + 11


def counted(counter: Counter, messages: Sequence[Message]) -> int:
    """Our count of the same request."""
    return sum(map(counter.counting(MODEL), messages)) + counter.overhead(MODEL)


def writing(chance: random.Random) -> str:
    """A piece of English, Chinese or code, another each time."""
    text = chance.choice([ENGLISH, CHINESE, CODE])
    start = chance.randrange(len(text) // 2)
    return f"{chance.randrange(1000)} {text[start : start + chance.randrange(10, 200)]}"


def answer(text: str, prompt: int) -> Message:
    """A reply with the usage that the server reports of it."""
    written = tokens(text) + 1
    return Message("assistant", text, finish_reason="stop", usage=Usage(prompt, written, prompt + written))


def test_what_was_sent_is_known() -> None:
    """A request that was reported is counted as reported from then on, whatever its writing."""
    counter = Counter()
    path = [Message("system", "Be brief"), Message("user", CHINESE), Message("assistant", CODE)]
    path.append(Message("user", ENGLISH))
    before = counted(counter, path)
    reported = server(path)
    assert abs(before - reported) > 5
    counter.learn(MODEL, before, reported, path)
    assert abs(counted(counter, path) - reported) <= 1


def test_a_reply_is_known_as_it_was_written() -> None:
    """A reply counts what the server said it wrote, before any request holds it; reasoning is taken off."""
    counter = Counter()
    path = [Message("user", ENGLISH)]
    reported = server(path)
    reply = answer(CHINESE, reported)
    counter.learn(MODEL, counted(counter, path), reported, path, reply)
    share = counter.message(Message("assistant", ""), MODEL)
    assert abs(counter.message(reply, MODEL) - tokens(CHINESE) - share) <= 1

    thought = Message(
        "assistant",
        CODE,
        reasoning=CODE * 3,
        usage=Usage(reported, tokens(CODE) * 4, 0),
    )
    counter.learn(MODEL, counted(counter, path), reported, path, thought)
    assert counter.message(thought, MODEL) == pytest.approx(tokens(CODE) + share, rel=0.1)


@pytest.mark.parametrize("seed", range(3))
def test_sixty_turns_in_a_small_window(seed: int) -> None:
    """Sixty turns in a window of 1,024 tokens never overflow, and nearly all of the window is used."""
    chance = random.Random(seed)
    counter = Counter()
    path: list[Message] = []
    largest = 0
    for turn in range(60):
        path.append(Message("user", writing(chance), id=f"m{2 * turn + 1}"))
        limits = Limits(window=1024, reserve=64)
        request = plan(
            path,
            counter.counting(MODEL),
            limits,
            system="Be brief",
            pins=["m1"],
            overhead=counter.overhead(MODEL),
        )
        assert request.fits
        assert request.messages[0].id == "m1"
        reported = server(request.everything())
        assert reported <= 1024
        largest = max(largest, reported)
        reply = answer(writing(chance), reported)
        counter.learn(MODEL, request.tokens, reported, request.everything(), reply)
        path.append(Message("assistant", reply.text, id=f"m{2 * turn + 2}"))
    assert largest > 0.85 * (1024 - 64)


def test_another_server_under_the_name() -> None:
    """When a server begins to count quite otherwise, as after a change of model, the counts follow it."""
    counter = Counter()
    path = [Message("user", ENGLISH)]
    for factor in (1, 1, 5, 5):
        path.append(Message("assistant", f"{len(path)} {CHINESE}"))
        path.append(Message("user", f"{len(path)} {ENGLISH}"))
        reported = server(path) * factor
        counter.learn(MODEL, counted(counter, path), reported, path)
    assert counted(counter, path) == pytest.approx(server(path) * 5, rel=0.05)


def test_a_refusal_teaches_enough_to_plan_again() -> None:
    """A refusal that tells limit and size of the request makes the very next plan fit the server's window."""
    chance = random.Random(7)
    counter = Counter()
    path = [Message("assistant" if i % 2 else "user", writing(chance), id=f"m{i}") for i in range(101)]
    limit = 900

    def dear(messages: Sequence[Message]) -> int:
        return server(messages) * 3  # a tokenizer so coarse that the estimate is a third

    first = plan(path, counter.counting(MODEL), Limits(limit), overhead=counter.overhead(MODEL))
    requested = dear(first.everything())
    assert first.fits
    assert requested > limit
    counter.learn(MODEL, first.tokens, requested, first.everything())
    second = plan(path, counter.counting(MODEL), Limits(limit), overhead=counter.overhead(MODEL))
    assert second.fits
    assert 0.6 * limit < dear(second.everything()) <= limit

"""How far off a text of 5,000 words is counted after 1, 3 and 10 turns, as a table (`pytest -s` prints it).

The scripted server counts by a vocabulary that the counter does not know of, and its template adds a constant to
each request or to each message. `hi`: the mean of some conversations that begin with a greeting and go on with a
long text; `chat`: the mean of some with questions and answers of a line or a few, which tell less of a
vocabulary, so that more is allowed after the third. All texts are from any place of the same source.
"""

from __future__ import annotations

from functools import cache
from typing import ClassVar

import pytest

from gptchat.tokens import vocabulary
from tests.benchmarks.bench_tokens import LONG, ScriptedServer, chat, errors, writings

CONSTANTS = (0, 5, 22, 60)
TURNS = (1, 3, 10)
GREETINGS = 3
CHATS = 12
PLACES = 20
"""How many places of the source the measured text is from, as the questions and answers are from any."""


@cache
def sources() -> dict[str, str]:
    """English, Chinese and code."""
    assert vocabulary.load("o200k_base")
    return writings()


class Server(ScriptedServer):
    """A scripted server that remembers what it has counted, whatever its template."""

    counted: ClassVar[dict[str, int]] = {}

    def text(self, text: str) -> int:
        """Tokens of a text alone."""
        if text not in self.counted:
            self.counted[text] = super().text(text)
        return self.counted[text]


def server(constant: int, per: str) -> ScriptedServer:
    """A server whose template adds `constant` to each request, or to each message."""
    return Server(1.0, constant if per == "request" else 3, share=4 if per == "request" else constant)


def greeting(writing: str, source: str, seed: int) -> list[tuple[str, str]]:
    """ "hi", a long text, and what follows."""
    at = (len(source) - LONG[writing]) * seed // GREETINGS
    opening = [("hi", "Hello! How can I help you today?"), (source[at : at + LONG[writing]], "I have read it.")]
    return [*opening, ("thanks", "You are welcome."), *chat(writing, source, seed)[:7]]


@pytest.mark.parametrize("per", ["request", "message"])
@pytest.mark.parametrize("writing", sorted(LONG))
def test_a_long_text_is_counted_within_three_percent_after_three_turns(writing: str, per: str) -> None:
    """A text of 5,000 words is counted within 10 % after the first report and 3 % after the third.

    So it is whatever the server's template adds to each request or message.
    """
    source = sources()[writing]
    step = len(source) // PLACES
    text = "\n".join(source[at * step : at * step + LONG[writing] // PLACES] for at in range(PLACES))
    assert len(text.split()) > 4000 or writing == "chinese"
    begun = [greeting(writing, source, seed) for seed in range(GREETINGS)]
    chats = [chat(writing, source, seed) for seed in range(CHATS)]
    for constant in CONSTANTS:
        hi = [errors(server(constant, per), turns, text) for turns in begun]
        talk = [errors(server(constant, per), turns, text) for turns in chats]
        begins = [sum(abs(one[turn - 1]) for one in hi) / GREETINGS for turn in TURNS]
        means = [sum(abs(one[turn - 1]) for one in talk) / CHATS for turn in TURNS]
        shown = "".join(f"{error:>7.1%}" for error in (*begins, *means))
        print(f"\n{writing:8}{constant:>3} per {per:8} hi, chat after {TURNS}:{shown}", end="")
        assert all(error <= most for error, most in zip(begins, (0.1, 0.03, 0.03), strict=True))
        assert all(error <= most for error, most in zip(means, (0.11, 0.06, 0.03), strict=True))

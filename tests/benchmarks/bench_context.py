"""How long planning a turn takes in a session of 10,000 messages. Run: python -m tests.benchmarks.bench_context"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from gptchat.core.context import ContextPlan, Limits, plan
from gptchat.core.messages import Message
from gptchat.tokens.counter import Counter

MESSAGES = 10_000
_WORDS = "The quick brown fox jumps over the lazy dog, while 我们 count its tokens; x = f(y[0]) + 3.14\n"


def session() -> list[Message]:
    """10,000 messages of 90 to 900 characters, each its own text."""
    return [
        Message(
            "user" if i % 2 == 0 else "assistant",
            f"{i}: " + _WORDS * (1 + i % 10),
            id=f"m{i + 1}",
            extra={"turn": f"t{i}"} if i % 2 else {},
        )
        for i in range(MESSAGES)
    ]


def best(work: Callable[[], object], rounds: int) -> float:
    """The shortest of `rounds` runs, in milliseconds."""
    times = []
    for _ in range(rounds):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return min(times) * 1000


def planned(messages: list[Message], counter: Counter, model: str, window: int) -> ContextPlan:
    """A plan with a system prompt and two pins."""
    limits = Limits(window, reserve=1024)
    return plan(messages, counter.counting(model), limits, system="Be brief", pins=["m1", "m5001"])


def uncounted(messages: list[Message], model: str, window: int) -> ContextPlan:
    """The same by a counter that has seen none of the messages."""
    return planned(messages, Counter(), model, window)


def main() -> None:
    """Print a line for each model and window, with and without cached counts."""
    path = session()
    for model in ("gpt-6.1-terra", "qwen3-max"):
        counter = Counter()
        begin = time.perf_counter()
        counter.load(model)
        print(f"{model}: loaded in {(time.perf_counter() - begin) * 1000:.0f} ms, by {counter.encoding(model)}")
        cached = [replace(message, tokens=counter.measure(message, model)) for message in path]
        for window in (8_192, 128_000, 10_000_000):
            warm = best(partial(planned, cached, counter, model, window), 9)
            cold = best(partial(uncounted, path, model, window), 2)
            sent = len(planned(cached, counter, model, window).messages)
            print(f"  window {window:>10,}: {sent:>6} sent; cached {warm:6.2f} ms; counting all {cold:6.0f} ms")


if __name__ == "__main__":
    main()

"""How long completion takes over 10,000 session titles and 500 models, per key; prints milliseconds."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Sequence

from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document

from gptchat.commands.effects import Effects
from gptchat.commands.registry import Argument, Call, Command, Registry
from gptchat.terminal.completing.place import Candidate
from gptchat.terminal.input.completion import ChatCompleter

WORDS = "rust async trip kyoto budget report draft tax azure proxy window tokens".split()  # noqa: SIM905 - readable
WORDS += ["会议", "纪要", "翻译", "合同", "学习", "计划"]
LINES = (
    "/resume kyoto tax 99",
    "/resume 翻译 计划",
    "/resume zzzz",
    "/resume rsas",
    "/model gpt51",
    "/model azure",
)


async def run(_call: Call) -> Effects:
    """Never called here."""
    return
    yield


class Many:
    """10,000 sessions and 500 models, as lists in memory."""

    def __init__(self) -> None:
        random.seed(1)
        self.sessions = [
            Candidate(f"{' '.join(random.choices(WORDS, k=6))} {number}", meta="2 days ago · 14 turns")
            for number in range(10_000)
        ]
        self.models = [
            Candidate(f"gpt-{number % 7}.{number % 10}-{random.choice(WORDS)}-{number}") for number in range(500)
        ]

    def of(self, kind: str, text: str, call: Call) -> Sequence[Candidate]:
        """All of a kind."""
        return self.sessions if kind == "session" else self.models


def main() -> None:
    """Type several lines, a key at a time."""
    registry = Registry(
        [
            Command("resume", "sessions", "Open a saved session", run, (Argument("ref", "session", rest=True),)),
            Command("model", "model", "Choose the model", run, (Argument("name", "model"),)),
        ]
    )
    completer = ChatCompleter(registry, Many())
    for line in LINES:
        start = line.index(" ") + 1
        times = []
        for end in range(start, len(line) + 1):
            for _round in range(5):
                begun = time.perf_counter()
                found = list(completer.get_completions(Document(line[:end]), CompleteEvent()))
                times.append((time.perf_counter() - begun) * 1000)
        median, worst = statistics.median(times), max(times)
        print(f"{line:24} median {median:6.1f} ms  worst {worst:6.1f} ms  ({len(found)} offered at the end)")


if __name__ == "__main__":
    main()

"""How far off a long text is counted after a few reports. Run: python -m tests.benchmarks.bench_tokens

The scripted server counts by o200k_base times a factor (a vocabulary of its own) and adds a constant to each
request. The counter knows neither. `chat`: twenty conversations of ordinary messages in the writing of the long
text, the mean of how far off it is counted; `hi`: one of greetings, which tell hardly anything of a vocabulary.
"""

from __future__ import annotations

import random
import re
import textwrap
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from pydoc_data import topics

import gptchat
from gptchat.core.messages import Message, Usage
from gptchat.tokens import vocabulary
from gptchat.tokens.counter import Counter

MODEL = "some-model"
CONSTANTS = (0, 5, 22, 60)
FACTORS = (0.8, 1.0, 1.3)
TURNS = (1, 3, 10)
CONVERSATIONS = 20
LONG = {"english": 30_000, "chinese": 10_000, "code": 40_000}
"""Characters of the long text: about 5,000 words."""
_PACKAGE = Path(gptchat.__file__).parent
_LIBRARY = (
    *("argparse.py", "difflib.py", "textwrap.py", "json/decoder.py", "shutil.py", "tarfile.py", "configparser.py"),
    *("inspect.py", "decimal.py", "ast.py"),
)
"""Modules of Python's library of which the code is taken."""


def writings() -> dict[str, str]:
    """English, Chinese and code: Python's manual, this program's translations, Python's library."""
    catalogue = (_PACKAGE / "locale/zh/LC_MESSAGES/gptchat.po").read_text(encoding="utf-8")
    library = Path(textwrap.__file__).parent  # it stays the same while this program changes
    code = "\n".join((library / name).read_text(encoding="utf-8") for name in _LIBRARY)
    return {
        "english": " ".join(str(topics.topics[name]) for name in sorted(topics.topics))[:200_000],
        "chinese": "。".join(re.findall(r'^msgstr "([^"]*[\u4e00-\u9fff][^"]*)"$', catalogue, re.MULTILINE)),
        "code": code,
    }


class ScriptedServer:
    """Counts tokens as a server with its own vocabulary and template does."""

    def __init__(self, factor: float, constant: int, share: int = 4) -> None:
        self._factor, self._constant, self._share = factor, constant, share

    def text(self, text: str) -> int:
        """Tokens of a text alone."""
        return max(round(vocabulary.count(text, "o200k_base") * self._factor), 1)

    def prompt(self, messages: Sequence[Message]) -> int:
        """Tokens of a request."""
        return sum(self.text(one.text) + self._share for one in messages) + self._constant


def errors(server: ScriptedServer, turns: Sequence[tuple[str, str]], text: str) -> list[float]:
    """How far off `text` is counted after each of `turns`, as a share of what the server counts."""
    counter, path, off = Counter(), list[Message](), []
    for question, answer in turns:
        path.append(Message("user", question))
        counted = sum(map(counter.counting(MODEL), path)) + counter.overhead(MODEL)
        reported, written = server.prompt(path), server.text(answer) + 1
        usage = Usage(reported, written, reported + written)
        path.append(Message("assistant", answer, finish_reason="stop", usage=usage))
        counter.learn(MODEL, counted, reported, path[:-1], path[-1])
        off.append(counter.count(text, MODEL) / server.text(text) - 1)
    return off


def chat(writing: str, source: str, seed: int) -> list[tuple[str, str]]:
    """Ten questions and answers of ordinary length from places of `source` that `seed` chooses."""
    chance = random.Random(seed)
    shorter = 2 if writing == "chinese" else 1
    turns = []
    for _turn in range(max(TURNS)):
        start = chance.randrange(len(source) - 1200)
        middle = start + chance.randrange(20, 200) // shorter
        turns.append((source[start:middle], source[middle : middle + chance.randrange(100, 1000) // shorter]))
    return turns


def main() -> None:
    """Print the table and, below it, the mean and the largest error of each kind of conversation."""
    vocabulary.load("o200k_base")
    greetings = [[("hi", "Hello! How can I help you today?")] * max(TURNS)]
    print(f"{'after reports':24}" + "".join(f"{f'{name} {n}':>9}" for name in ("chat", "hi") for n in TURNS))
    columns: dict[tuple[str, int], list[float]] = {}
    for (writing, source), factor, constant in product(writings().items(), FACTORS, CONSTANTS):
        text = source[: LONG[writing]]
        server = ScriptedServer(factor, constant)
        chats = [chat(writing, source, seed) for seed in range(CONVERSATIONS)]
        row = ""
        for name, conversations in (("chat", chats), ("hi", greetings)):
            off = [errors(server, turns, text) for turns in conversations]
            for number in TURNS:
                mean = sum(abs(one[number - 1]) for one in off) / len(off)
                columns.setdefault((name, number), []).append(mean)
                row += f"{mean:>9.1%}"
        print(f"{writing:8}{factor:>7}{constant:>9}{row}")
    for label, of in (("mean", lambda column: sum(column) / len(column)), ("largest", max)):
        print(f"{label:24}" + "".join(f"{of(column):>9.1%}" for column in columns.values()))


if __name__ == "__main__":
    main()

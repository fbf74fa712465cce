"""What painting a streamed reply costs: CPU seconds and bytes to the terminal, the painter alone.

Run by hand: `python -m tests.benchmarks.bench_rendering`. The text is mixed Markdown in pieces of a token
each; time is simulated, so that the frames are those of a real stream while the CPU is the painter's own.
"""

from __future__ import annotations

import random
import time

from gptchat.terminal.output.capabilities import Terminal
from gptchat.terminal.output.painter import Painter
from gptchat.terminal.output.theme import Theme

_PROSE = (
    "The **event loop** runs one task at a time, and `await` gives it back to the others. "
    "A future that nobody awaits is lost; see [the manual](https://docs.python.org/3/library/asyncio.html). "
)
_SECTION = (
    "## Section {n}\n\n" + _PROSE * 3 + "\n\n- first point, with *emphasis*\n- second point\n  - nested, `code`\n"
    "- third\n\n```python\nasync def fetch(url: str, *, retries: int = 3) -> bytes:\n"
    "    for attempt in range(retries):\n        try:\n            return await get(url, timeout=10)  # seconds\n"
    '        except OSError as error:\n            print(f"{{attempt}}: {{error}}")\n'
    "    raise TimeoutError(url)\n```\n\n"
    "| option | meaning | default |\n|---|---|--:|\n| `retries` | how often to try again | 3 |\n"
    "| `timeout` | seconds to wait for an answer | 10 |\n\n> A note: 中文也可以，**“重点”**在这里。\n\n"
)


def tokens(count: int) -> list[str]:
    """`count` pieces of mixed Markdown, about four and a half characters each."""
    chance = random.Random(1)
    text = "".join(_SECTION.format(n=n) for n in range(count // 150 + 1))
    pieces: list[str] = []
    at = 0
    while len(pieces) < count:
        size = chance.randint(2, 7)
        pieces.append(text[at : at + size])
        at = (at + size) % max(len(text) - 8, 1)
    return pieces


def paint(pieces: list[str], rate: float) -> tuple[float, int, int]:
    """CPU seconds, bytes written and characters of the text, for `pieces` at `rate` a second."""
    now = 0.0
    written: list[str] = []
    painter = Painter(
        written.append,
        size=lambda: (100, 40),
        theme=Theme("dark"),
        terminal=Terminal(depth="256"),
        clock=lambda: now,
    )
    painter.set_footer([[("> ", "prompt")]], (0, 2))
    begin = time.process_time()
    due = 0.0
    for piece in pieces:
        painter.feed(piece)
        wait = painter.frame()
        due = now + (wait if wait is not None else 1.0)
        arrival = now + 1 / rate
        while due < arrival:
            now = due
            wait = painter.frame()
            due = now + max(wait if wait is not None else 1.0, 0.001)
        now = arrival
    painter.finish("4,000 tokens · 45 tok/s")
    return time.process_time() - begin, len("".join(written).encode()), sum(map(len, pieces))


def main() -> None:
    """Print the figures."""
    paint(tokens(300), 1e4)  # imports and caches
    runs = {}
    for name, count, rate in (
        ("4,000 tokens, as fast as they come", 4000, 13_000.0),
        ("16,000 tokens, as fast as they come", 16000, 13_000.0),
        ("2,000 tokens at 200 a second", 2000, 200.0),
    ):
        runs[name] = min(paint(tokens(count), rate) for _ in range(3))
        cpu, size, characters = runs[name]
        print(
            f"{name}: {cpu:.3f} s CPU, {size / 1000:.1f} kB to the terminal for {characters / 1000:.1f} kB of text"
        )
    few, many, _ = runs.values()
    print(f"16,000 tokens cost {many[0] / few[0]:.2f} times 4,000")


if __name__ == "__main__":
    main()

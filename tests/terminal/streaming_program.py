"""A small program that streams a reply of numbered lines to its terminal, for tests in a real one.

python -m tests.terminal.streaming_program SECONDS COUNT
"""

from __future__ import annotations

import sys
import time

from gptchat.terminal.output.capabilities import Terminal, size
from gptchat.terminal.output.painter import Painter
from gptchat.terminal.output.theme import Theme


def reply(count: int) -> str:
    """Paragraphs, a list, code, a quote and a table, with `count` marks `<M0>` in them."""
    blocks: list[str] = []
    for number in range(count):
        mark = f"`<M{number}>`"
        match number % 5:
            case 0:
                blocks.append(f"{mark} " + "some words of a paragraph " * 5)
            case 1:
                blocks.append(f"- {mark} an item\n- another\n  - with a nested one")
            case 2:
                blocks.append(f"```python\nx = '{mark}'\ny = 2\n```")
            case 3:
                blocks.append(f"> {mark} is quoted, and " + "so on " * 10)
            case _:
                blocks.append(f"| a | b |\n|---|---|\n| {mark} | cell |\n| x | y |")
    return "\n\n".join(blocks)


def main() -> None:
    """Stream, with a draft below, and say so at the end."""
    seconds, count = float(sys.argv[1]), int(sys.argv[2])
    sys.stdout.write("".join(f"a line before, {number}\n" for number in range(12)))

    def write(text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()

    painter = Painter(
        write, size=lambda: size(sys.stdout), theme=Theme("dark"), terminal=Terminal.detect(sys.stdout)
    )
    painter.set_footer([[("> ", "prompt"), ("draft", "text")]], (0, 7))
    text = reply(count)
    begin = time.monotonic()
    fed = 0
    while fed < len(text):
        due = int(len(text) * min((time.monotonic() - begin) / max(seconds, 0.001), 1.0))
        painter.feed(text[fed:due])
        fed = max(due, fed)
        painter.frame()
        time.sleep(0.005)
    painter.finish("the end")


if __name__ == "__main__":
    main()

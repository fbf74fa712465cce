"""Replies of any shape are drawn in bounded steps, alike however they arrive, and Esc is answered meanwhile."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gptchat.attachments.shell import run_command
from gptchat.core.events import TextDelta, TurnEvent
from gptchat.terminal.markdown.lines import plain
from gptchat.terminal.markdown.stream import MarkdownStream, render_lines
from gptchat.terminal.output.capabilities import Terminal
from gptchat.terminal.output.painter import Painter
from gptchat.terminal.output.theme import Theme
from gptchat.terminal.turn import paint

THEME = Theme("dark")
SHAPES = {
    "a paragraph": "some words " * 4000,
    "a word": "a" * 40_000,
    "pictures": "![" * 20_000,
    "links": "[a](" * 10_000,
    "short lines": "a\n" * 8000,
    "an item": "- " + "b c " * 6000,
    "an item's lines": "- a\n" + "  b c d e f g\n" * 2000,
    "a quote": "> a\n" + "> b c d e f g\n" * 2000,
    "nested lists": "1. " * 3000,
    "maths": "$$\n" + "a+b\n" * 3000,
    "html": "<div>\n" + "text\n" * 3000,
    "indented": "    code\n" * 3000,
    "code in one line": "```python\nx = '" + "a" * 40_000 + "'\n```\n",
    "a wide table": "|" + "a|" * 5000 + "\n|" + "-|" * 5000 + "\n|" + "b|" * 5000 + "\n",
    "marks on a letter": "e" + "\u0301" * 20_000,
    "overrides": "a\u202e" * 8000,
    "joined emoji": "\U0001f468\u200d" * 8000,
    "blank lines": "a\n" + "\n" * 8000 + "b\n",
    "blank lines of a list": "- a\n" + "\n" * 8000 + "  b\n",
    "blank lines of a quote": "> a\n" + ">\n" * 8000 + "> b\n",
    "blank lines in code": "```\na\n" + "\n" * 300 + "b\n```\n",
    "a tab": "-\ta " + "b " * 10_000,
}


def drawn(text: str, size: int) -> list[str]:
    """The lines of `text`, which comes in pieces of `size` characters."""
    stream, lines = MarkdownStream(THEME), []
    for at in range(0, len(text), size):
        stream.feed(text[at : at + size])
        lines += stream.commit(60)
    return [plain(line).rstrip() for line in [*lines, *stream.finish(60)]]


@pytest.mark.parametrize("text", SHAPES.values(), ids=SHAPES)
def test_a_long_reply_looks_alike_however_it_comes(text: str) -> None:
    """What is too long for one piece is cut at the same places in one go, in a few pieces and in many."""
    whole = [plain(line).rstrip() for line in render_lines(text, 60, THEME)]
    assert drawn(text, len(text)) == whole
    assert drawn(text, 3001) == whole


REPEATED = ["word ", "**b** ", "`c` ", "[l](http://a.b) ", "\n", "- ", "\n\n", "    ", "> ", "长句子，", "x" * 900]
SHOWN_LONGER = ["\u202e" * 90, "🏳\u200d", "\n>\n>\n>\n>\n", "\n" * 6]
WORDS = st.sampled_from([*REPEATED, *SHOWN_LONGER])


@settings(max_examples=25, deadline=None)
@given(st.lists(WORDS, min_size=1, max_size=12), st.integers(500, 5000))
def test_any_long_reply_looks_alike_however_it_comes(words: list[str], size: int) -> None:
    """The same holds for whatever is repeated until it is long."""
    text = "".join(words) * (6000 // len("".join(words)) + 1)
    whole = [plain(line).rstrip() for line in render_lines(text, 60, THEME)]
    assert drawn(text, size) == whole


def test_nothing_of_a_long_paragraph_is_lost() -> None:
    """All words of a paragraph that was cut are there, in their order."""
    text = " ".join(map(str, range(5000)))
    assert " ".join(drawn(text, 777)).split() == text.split()


async def _reply(*texts: str) -> AsyncIterator[TurnEvent]:
    for text in texts:
        yield TextDelta(text)


def _painter(written: list[str]) -> Painter:
    return Painter(written.append, size=lambda: (80, 24), theme=THEME, terminal=Terminal(depth="256"))


def test_a_reply_that_comes_at_once_is_drawn_while_keys_are_read() -> None:
    """While a reply of a million characters is drawn, no key waits long, and all of it is drawn."""
    written: list[str] = []

    async def main() -> float:
        longest = 0.0
        painting = asyncio.ensure_future(paint(_reply("some words " * 20_000 + "the end"), _painter(written)))
        while not painting.done():
            began = time.perf_counter()
            await asyncio.sleep(0)
            longest = max(longest, time.perf_counter() - began)
        return longest

    assert asyncio.run(main()) < 1.0  # some hundredths, on a machine with nothing else to do
    assert "".join(written).count("words") >= 20_000
    assert "the end" in "".join(written)


@pytest.mark.parametrize("text", ["\n", " ", "\n" * 5000, "  \n\t\n", "\n" * 9000 + "the end"])
def test_a_reply_of_blank_lines_ends(text: str) -> None:
    """A reply that is blank, or begins so, ends like any other, and its blank beginning is not drawn."""
    written: list[str] = []

    async def main() -> None:
        await asyncio.wait_for(paint(_reply(*text[:20], text[20:]), _painter(written)), 20)

    asyncio.run(main())
    assert "".join(written).count("\n") < 10
    assert ("the end" in "".join(written)) == bool(text.strip())


def test_esc_ends_the_drawing_at_once() -> None:
    """What came and is not drawn yet is left out when the person stops, and a line says where it is."""
    written: list[str] = []

    async def main() -> float:
        painter = _painter(written)
        painting = asyncio.ensure_future(paint(_reply("![ a" * 2_000_000), painter))
        while not painter.behind:
            await asyncio.sleep(0)
        began = time.perf_counter()
        painter.skip()
        await painting
        return time.perf_counter() - began

    assert asyncio.run(main()) < 1.0
    assert "/history shows it" in "".join(written)


@pytest.mark.parametrize("piece", ["a", "a\\r", "\\033[", "\\033]", '{"a":1,'])
def test_output_of_one_line_is_read_in_linear_time(piece: str) -> None:
    """A command whose output has no line ends is shown at once, whatever it repeats."""
    began = time.monotonic()
    output = run_command(f"yes '{piece}' | head -c 99999 | tr -d '\\n'").output
    assert time.monotonic() - began < 5.0
    assert "\r" not in output

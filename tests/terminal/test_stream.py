"""Streaming Markdown: whatever the pieces, the reply reads as if it had come whole."""

from __future__ import annotations

import os
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gptchat.config.schema import UiSettings
from gptchat.terminal.markdown import Line, MarkdownStream, render_lines
from gptchat.terminal.markdown.lines import plain
from gptchat.terminal.output.theme import Theme
from tests.terminal.documents import document

THEME = Theme("dark")
READINGS = (UiSettings(), UiSettings(), UiSettings(linebreaks="join"), UiSettings(markdown="commonmark"))
DOCUMENTS = int(os.environ.get("GPTCHAT_TEST_DOCUMENTS", "150"))
"""How many documents the property is tried on; more by hand."""
LONGEST = 1000
"""Characters of a document that are used: a few very long ones would take most of the time, and show no more."""


def written(lines: list[Line]) -> list[Line]:
    """The lines without those that are blank, a quote's bars aside."""
    return [line for line in lines if plain(line).strip(" ▎")]


def streamed(pieces: list[str], width: int, *, tails: bool = False, ui: UiSettings | None = None) -> list[Line]:
    """What is committed when `pieces` come one by one."""
    stream = MarkdownStream(THEME, ui=ui)
    lines: list[Line] = []
    for piece in pieces:
        stream.feed(piece)
        lines += stream.commit(width)
        if tails:
            stream.tail(width)
    return lines + stream.finish(width)


def cut(text: str, chance: random.Random, longest: int) -> list[str]:
    """`text` in random pieces."""
    pieces: list[str] = []
    at = 0
    while at < len(text):
        size = chance.randint(1, longest)
        pieces.append(text[at : at + size])
        at += size
    return pieces


@pytest.mark.timeout(max(60, DOCUMENTS // 5))  # the count may be raised by hand
@settings(max_examples=DOCUMENTS, deadline=None)
@given(
    seed=st.integers(min_value=0, max_value=2**40),
    width=st.sampled_from([20, 40, 79]),
    ui=st.sampled_from(READINGS),
)
def test_a_streamed_reply_reads_as_the_whole_one(seed: int, width: int, ui: UiSettings) -> None:
    """However a reply is cut into pieces, what was printed in the end is what rendering it at once prints.

    With the rules of a conversation and without.
    """
    chance = random.Random(seed)
    text = document(chance)[:LONGEST]
    if text.count("[ref]") > 1:
        text = text.replace("[ref]", "ref")  # definitions after their use may stay literal
    whole = written(render_lines(text, width, THEME, ui=ui))
    assert written(streamed(cut(text, chance, 200), width, ui=ui)) == whole
    assert written(streamed(text.splitlines(keepends=True), width, ui=ui)) == whole


@pytest.mark.timeout(max(60, DOCUMENTS // 5))
@settings(max_examples=max(DOCUMENTS // 20, 10), deadline=None)
@given(seed=st.integers(min_value=0, max_value=2**40), ui=st.sampled_from(READINGS))
def test_every_prefix_of_a_reply_can_be_shown_and_extended(seed: int, ui: UiSettings) -> None:
    """After each single character the reply can be shown, and nothing printed by then is ever taken back."""
    chance = random.Random(seed)
    text = document(chance)[:400]
    if text.count("[ref]") > 1:
        text = text.replace("[ref]", "ref")
    whole = written(render_lines(text, 40, THEME, ui=ui))
    stream = MarkdownStream(THEME, ui=ui)
    printed: list[Line] = []
    for character in text:
        stream.feed(character)
        printed += written(stream.commit(40))
        stream.tail(40)
        assert printed == whole[: len(printed)]
    assert printed + written(stream.finish(40)) == whole


@pytest.mark.parametrize(
    ("kind", "make"),
    [
        ("code block", lambda n: "```python\n" + "\n".join(f"x{i} = {i}" for i in range(n)) + "\n```\n"),
        ("table", lambda n: "| a | b |\n|---|---|\n" + "\n".join(f"| x{i} | {i} |" for i in range(n)) + "\n"),
        ("list", lambda n: "\n".join(f"- x{i} item" for i in range(n)) + "\n"),
        (
            "nested code",
            lambda n: "1. a\n\n   ```\n" + "\n".join(f"   x{i} = {i}" for i in range(n)) + "\n   ```\n",
        ),
        ("quote", lambda n: "\n>\n".join(f"> x{i} said" for i in range(n)) + "\n"),
    ],
)
def test_what_must_be_read_again_stays_short(kind: str, make: object) -> None:
    """However long a block of code, a table, a list or a quote grows, only its last lines are read again."""
    assert callable(make)
    stream = MarkdownStream(THEME)
    longest = 0
    count = 0
    for line in make(600).splitlines(keepends=True):
        stream.feed(line)
        count += sum("x" in plain(one) for one in stream.commit(60))
        longest = max(longest, stream.pending)
    count += sum("x" in plain(one) for one in stream.finish(60))
    assert count == 600
    assert longest < 400, f"{kind}: {longest} characters pending"


@pytest.mark.parametrize(
    ("language", "code"),
    [
        (
            "yaml",
            "a: 1\nservices:\n  web:\n    ports:\n      - x: 1\n        y: 2\n    z: 3\nvolumes:\n  data: {}",
        ),
        (
            "yaml",
            "on:\n  push:\n    - a\njobs:\n  build:\n    steps:\n      - run: |\n          make\n        env: b",
        ),
        ("python", 'def f():\n    """one\n    two"""\n    return f"{x}"\n'),
    ],
)
def test_code_looks_the_same_whether_it_was_watched_or_not(language: str, code: str) -> None:
    """Showing each half-written line of code leaves no trace in how the lines after it are read."""
    text = f"```{language}\n{code}\n```\n"
    assert streamed(list(text), 60, tails=True) == render_lines(text, 60, THEME)


@pytest.mark.parametrize(
    "text",
    [
        "x\n\n``` a | b\n---|---\n```\n",
        "~~~|t\n-|-\n~~~\n",
        "# a | b\n---|---\n",
        "- \n- |a\n-|-\n",
        "1)\n2) a | b\n---|---\n",
    ],
)
def test_a_line_that_begins_another_block_heads_no_table(text: str) -> None:
    """A heading, an item or a code block with a `|` stays one, streamed or whole, whatever is below it."""
    whole = written(render_lines(text, 40, THEME))
    assert written(streamed(text.splitlines(keepends=True), 40)) == whole
    assert not any("┼" in plain(line) for line in whole)


def test_numbers_of_code_blocks_go_on_through_the_stream() -> None:
    """The code blocks of a reply are numbered from 1 in their order, those inside of lists too."""
    text = "```py\na\n```\n\n- x\n\n  ```\n  b\n  ```\n\n```sh\nc\n```\n"
    headings = [plain(line) for line in streamed(list(text), 40) if "·" in plain(line)]
    assert [heading[-1] for heading in headings] == ["1", "2", "3"]
    assert "py" in headings[0]
    assert "sh" in headings[2]


def test_a_definition_counts_for_later_paragraphs() -> None:
    """A link defined before its use is a link although its definition was printed long before."""
    text = "[manual]: https://example.com/m\n\nfirst\n\nsecond\n\nsee [manual] now\n"
    lines = streamed(list(text), 60)
    assert any(style.link == "https://example.com/m" for line in lines for _, style in line)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("some **bold te", ["some bold te"]),
        ("some **", ["some"]),
        ("the `code", ["the code"]),
        ("the `code` and **b", ["the code and b"]),
        ("Title\n-", ["Title"]),
        ("Title\n==", ["Title"]),
        ("text\n\n``", ["text"]),
        ("text\n\n##", ["text"]),
        ("- item\n-", ["• item"]),
        ("| a | b |\n|--", ["a │ b", "──┼──"]),
        ("2 * 3", ["2 * 3"]),
        ("```\nx = `a", ["x = `a"]),
        ("```\nx = [a", ["x = [a"]),
        ("| name | wh", ["name │ wh", "─────┼───"]),
        ("| name | what |\n", ["name │ what", "─────┼─────"]),
        ("|x|", ["x", "─"]),
        ("some text\n| a |", ["some text", "| a |"]),
        ("see [the paper](https://exam", ["see the paper"]),
        ("see [the pap", ["see the pap"]),
        ("- [x", []),
        ("as said [1", ["as said [1"]),
        ("a[0", ["a[0"]),
    ],
)
def test_marks_that_are_not_closed_yet_do_not_flicker(source: str, expected: list[str]) -> None:
    """While a line is being written, open bold looks bold and a mark alone is not shown yet."""
    stream = MarkdownStream(THEME)
    stream.feed(source)
    lines = stream.commit(60) + stream.tail(60)
    assert [plain(line) for line in lines if plain(line) and "╶" not in plain(line)] == expected

"""Documents are cut into pieces that make sense alone."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gptchat.knowledge.cutting import MOST, cut, weight

MARKDOWN = """# Garden

Intro.

## Tomatoes

{tomatoes}

```sh
# no heading
```

## Roses

{roses}
"""


def test_markdown_is_cut_at_headings() -> None:
    """A piece of Markdown is a section, and knows the headings above it; a comment in code is none."""
    words = "water them early in the morning " * 20
    pieces = cut(MARKDOWN.format(tomatoes=words, roses=words), "garden.md")
    assert [(piece.heading, piece.line) for piece in pieces] == [("Garden", 1), ("Garden › Roses", 13)]
    assert pieces[0].last == 11
    assert pieces[0].text.startswith("# Garden\n\nIntro.")


def test_small_sections_stay_together() -> None:
    """Sections of a few words become one piece, so that each piece says something."""
    text = "\n\n".join(f"## Part {n}\n\nA word." for n in range(5))
    assert len(cut(text, "a.md")) == 1


def test_underlined_titles_are_headings() -> None:
    """Titles of reStructuredText and Markdown's underlined ones are headings, with a line above them or not."""
    text = "=====\nTitle\n=====\n\n" + "word " * 300 + "\n\nPart\n----\n\n" + "more " * 300 + "\n"
    assert [piece.heading for piece in cut(text, "a.rst")] == ["Title", "Title › Part"]
    assert cut("a table\n\n| - |\n-----\n- one\n---\n", "a.md")


def test_code_is_cut_at_definitions() -> None:
    """A piece of code begins at a definition, with its decorators, and knows the class around it."""
    body = "".join(f"        value_{n} = compute(value_{n}, {n})\n" for n in range(20))
    text = f"import os\n\n\nclass Sky(Base):\n    def rain(self):\n{body}\n    @cached\n    def sun(self):\n{body}"
    pieces = cut(text, "sky.py")
    assert [piece.heading for piece in pieces][-1] == "class Sky(Base) › def sun(self)"
    assert pieces[-1].text.startswith("    @cached")


def test_long_lines_and_paragraphs_are_cut() -> None:
    """A file of one endless line, or of a paragraph without end, becomes pieces that fit."""
    assert all(weight(piece.text) <= MOST * 2 for piece in cut("x " * 20_000, "min.js"))
    assert all(weight(piece.text) <= MOST * 2 for piece in cut("长" * 3000, "a.txt"))
    pieces = cut("a line of words\n" * 2000, "log")
    assert len(pieces) > 10
    assert [piece.line for piece in pieces][:2] == [1, pieces[0].last + 1]


def test_pages_are_counted() -> None:
    """In a paged document each piece knows its page, and none goes over the end of one."""
    pieces = cut("first page\fsecond\n\npage\f\ffourth", paged=True)
    assert [(piece.page, piece.line) for piece in pieces] == [(1, 1), (2, 2), (4, 6)]


@given(st.lists(st.sampled_from(["", "# Head", "word " * 60, "def f():", "====", "```", "  - item", "正文" * 90])))
def test_nothing_is_lost(lines: list[str]) -> None:
    """Every line with text is in exactly one piece, at the line that the piece names."""
    for name in ("a.md", "a.py"):
        seen: list[int] = []
        for piece in cut("\n".join(lines), name):
            assert piece.text.split("\n") == lines[piece.line - 1 : piece.last]
            seen += range(piece.line, piece.last + 1)
        assert sorted(seen) == sorted(set(seen))
        assert {n for n, line in enumerate(lines, 1) if line.strip()} <= set(seen)

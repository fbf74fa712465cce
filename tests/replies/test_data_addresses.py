"""Data addresses are cut out of text however it arrives, and everything else stays."""

from __future__ import annotations

import base64
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptchat.core.replies.code_spans import CodeSpans
from gptchat.core.replies.data_addresses import Cut, DataCutter
from tests.replies.shapes import ADDRESS, BASE64

LONG = "QUJD" * 400
PIECES = [
    f"![x]({ADDRESS})",
    f'![a b](<{ADDRESS}> "title")',
    f"<img src='{ADDRESS}' width=3>",
    ADDRESS,
    f"`{ADDRESS}`",
    f'\n```html\n<img src="data:image/png;base64,{LONG}">\n```\n',
    f"![x](data:image/png;base64,{BASE64}\n",
    "![alt](https://example.com/a.png)",
    "<i>data</i>",
    "data: none",
    "data:image/png;base64,",
    " words, `code` and more! ",
    "\n\n",
    "!",
    "![",
    "<im",
    "datadata:",
    f"word{ADDRESS}",
    "word",
    "`",
    "```\n",
]


def cut(text: str, sizes: list[int]) -> list[str | tuple[str, str]]:
    """What comes out of `text` in pieces of `sizes`, the rest at once; adjacent text is joined."""
    cutter = DataCutter()
    found: list[str | Cut] = []
    for size in sizes:
        found += cutter.feed(text[:size])
        text = text[size:]
    found += [*cutter.feed(text), *cutter.finish()]
    joined: list[str | tuple[str, str]] = []
    for one in found:
        if isinstance(one, str) and joined and isinstance(joined[-1], str):
            joined[-1] += one
        else:
            joined.append(one if isinstance(one, str) else (one.label, one.source))
    return joined


@given(st.lists(st.sampled_from(PIECES), max_size=6), st.lists(st.integers(1, 400), max_size=30))
def test_cuts_make_no_difference_to_addresses(pieces: list[str], sizes: list[int]) -> None:
    """Any chunking gives the same text and the same cuts, and both together are what was received."""
    text = "".join(pieces)
    whole = cut(text, [])
    assert cut(text, sizes) == whole
    assert cut(text, [1] * len(text)) == whole
    assert "".join(one if isinstance(one, str) else one[1] for one in whole) == text


@given(st.text(alphabet="ab `~\n>-1.", max_size=60), st.lists(st.integers(1, 5), max_size=20))
def test_code_is_found_however_text_is_cut(text: str, sizes: list[int]) -> None:
    """Whether a place is code does not depend on how the text before it arrived."""
    whole, pieces = CodeSpans(), CodeSpans()
    whole.feed(text)
    for size in sizes:
        pieces.feed(text[:size])
        text = text[size:]
    pieces.feed(text)
    assert (whole.code, whole.fenced, whole.line_start) == (pieces.code, pieces.fenced, pieces.line_start)


@pytest.mark.parametrize("size", [1, 5, 4096])
def test_the_cost_is_linear(size: int) -> None:
    """Four times the data takes about four times as long, in one piece or in many."""

    def seconds(length: int) -> float:
        text = "![x](data:image/png;base64," + "A" * length + ") after"
        cutter = DataCutter()
        begun = time.process_time()
        for at in range(0, len(text), size):
            cutter.feed(text[at : at + size])
        cutter.finish()
        return time.process_time() - begun

    length = 20_000 * min(size, 200)
    small = min(seconds(length) for _ in range(3))
    large = min(seconds(4 * length) for _ in range(3))
    assert large < 12 * small + 0.02


def test_short_data_in_code_is_code() -> None:
    """An address in code stays what it is while it is short; of a long one the address alone is cut out."""
    short = f"`{base64.b64encode(b'abc').decode()}` and `data:image/gif;base64,R0lGODlhAQABAAAAACw=`"
    assert cut(short, []) == [short]
    address = f"data:image/png;base64,{LONG}"
    assert cut(f'```html\n<img src="{address}">\n```\n', []) == [
        '```html\n<img src="',
        ("▨ image (png, 1 kB) · 1", address),
        '">\n```\n',
    ]

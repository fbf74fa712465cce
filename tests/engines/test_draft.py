"""The draft below a reply that streams: shown as typed, with the cursor where its text ends."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gptchat.core.safe import clean
from gptchat.core.width import cells
from gptchat.terminal.input.editing import footer
from gptchat.terminal.output.painter import Painter
from tests.engines.engine import Engine
from tests.engines.engines import NAMES, require
from tests.engines.texts import DOCUMENTS
from tests.engines.written import COLUMNS, ROWS, painter_of

WHO = "ann › "


def type_to(painter: Painter, draft: str, column: int) -> None:
    """Show `draft` with the cursor after its first `column` characters, as the chat does."""
    before, after = clean(draft[:column]), clean(draft[column:])
    visible, at = footer(before + after, len(before), COLUMNS - 1 - cells(WHO))
    painter.set_footer([[(WHO, "prompt"), (visible, "text")]], (0, cells(WHO) + at))
    painter.frame()


def stops(draft: str) -> Iterator[int]:
    """The lengths of `draft` after each of its words."""
    yield from (at for at, character in enumerate(draft) if character == " " and at)
    yield len(draft)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("document", DOCUMENTS)
def test_the_cursor_stands_after_what_is_typed(engines: dict[str, Engine], document: str, name: str) -> None:
    """While a reply streams, the draft stands whole below it, and the cursor in its place, wherever it moves."""
    require(name)
    engine = engines[name]
    out: list[str] = []
    now = 0.0
    painter = painter_of(out, COLUMNS, lambda: now)
    painter.feed("A paragraph of the reply.\n\nAnd one that is not")
    painter.frame()
    draft = DOCUMENTS[document].items[-1]
    seen = []
    for column in range(1, len(draft) + 1):
        type_to(painter, draft[:column], column)
        if column in stops(draft):
            seen.append((draft[:column], column, "".join(out)))
    for column in stops(draft):
        type_to(painter, draft, column)
        seen.append((draft, column, "".join(out)))
    wrong = []
    for text, column, written in seen:
        shown = engine.show(written, COLUMNS, ROWS)
        row, at = shown.cursor
        alone = engine.show(WHO + text, COLUMNS, ROWS).rows[0]
        (expected,) = engine.widths([WHO + text[:column]])
        if (shown.rows[row], at) != (alone, expected):
            wrong.append(f"{shown.rows[row]!r}, {at} instead of {alone!r}, {expected}")
    assert not wrong, "\n".join(wrong)

"""Replies in many scripts x widths x ways of arriving x terminal engines: every word whole, in order, once.

By default a spread of widths is tried, `GPTCHAT_TEST_WIDTHS=all` tries each from 20 to 120: 404 cells for each
of the documents in each of the engines.
"""

from __future__ import annotations

import os

import pytest

from tests.engines.engine import Engine
from tests.engines.engines import NAMES, require
from tests.engines.reading import Reading
from tests.engines.texts import DOCUMENTS
from tests.engines.written import PIECES, REPLAYED, ROWS, WAYS, written

ALL = os.environ.get("GPTCHAT_TEST_WIDTHS") == "all"
SPREAD = (20, 24, 33, 40, 57, 80, 100, 120)
STEPS = dict(zip(WAYS, (4, 2, 1, 1), strict=True))
"""A character at a time paints hundreds of frames, so each document has a part of the widths, and all have all."""

# all widths take half a minute for a document in pyte
pytestmark = pytest.mark.timeout(600 if ALL else 60)


def widths(document: str, way: str) -> range | tuple[int, ...]:
    """The widths in which `document` is tried, arriving in that way."""
    return range(20, 121) if ALL else SPREAD[list(DOCUMENTS).index(document) % STEPS[way] :: STEPS[way]]


def told(engine: Engine, document: str, ways: tuple[str, ...]) -> str:
    """Which cells are wrong, and how the first of them are; empty if all are right."""
    reading = Reading(engine, DOCUMENTS[document])
    cells = [(way, columns) for way in ways for columns in widths(document, way)]
    wrong = []
    for way, columns in cells:
        shown = engine.show(written(DOCUMENTS[document].markdown, columns, way), columns, ROWS)
        wrong += [f"{way}, {columns} columns: {fault}" for fault in reading.faults(shown.rows, columns)[:1]]
    return "\n".join([f"{len(wrong)} of {len(cells)} cells:", *wrong[:8]]) if wrong else ""


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_streamed_reply_stands_whole_on_the_screen(engines: dict[str, Engine], document: str, name: str) -> None:
    """In each terminal, every word of a streamed reply stands whole on the screen, and bars of tables align."""
    require(name)
    wrong = told(engines[name], document, tuple(PIECES))
    assert not wrong, wrong


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_replayed_reply_stands_whole_on_the_screen(engines: dict[str, Engine], document: str, name: str) -> None:
    """In each terminal, every word of a replayed reply stands whole on the screen, and bars of tables align."""
    require(name)
    wrong = told(engines[name], document, (REPLAYED,))
    assert not wrong, wrong

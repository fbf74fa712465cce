"""Replies in many scripts x widths x ways of arriving x terminal engines: every word whole, in order, once.

A cell is a width and a way. For each document in each engine 16 cells are tried; with `GPTCHAT_TEST_WIDTHS=all`,
which takes each width from 20 to 120, 404.
"""

from __future__ import annotations

import os

import pytest

from tests.engines.engine import Engine
from tests.engines.engines import NAMES, require
from tests.engines.reading import Reading
from tests.engines.texts import DOCUMENTS
from tests.engines.written import COLUMNS, PIECES, REPLAYED, ROWS, WAYS, written, written_so_far

ALL = os.environ.get("GPTCHAT_TEST_WIDTHS") == "all"
SPREAD = (20, 24, 33, 40, 57, 80, 100, 120)
STEPS = dict(zip(WAYS, (4, 4, 2, 1), strict=True))
"""Small pieces make many frames, so a document is tried at every fourth width only, the next one at others."""

# all widths take half a minute for a document in pyte
pytestmark = pytest.mark.timeout(600 if ALL else 60)


def widths(document: str, way: str) -> range | tuple[int, ...]:
    """The widths in which `document` is tried, arriving in that way."""
    turn = list(DOCUMENTS).index(document) + WAYS.index(way)
    return range(20, 121) if ALL else SPREAD[turn % STEPS[way] :: STEPS[way]]


def told(engine: Engine, document: str, ways: tuple[str, ...]) -> str:
    """Which cells are wrong, and how the first of them are; empty if all are right."""
    reading = Reading(engine, DOCUMENTS[document])
    cells = [(way, columns) for way in ways for columns in widths(document, way)]
    wrong: list[str] = []
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
def test_a_reply_stands_whole_while_it_streams(engines: dict[str, Engine], document: str, name: str) -> None:
    """In each terminal, the words that have come stand whole on the screen before the reply has ended."""
    require(name)
    reading = Reading(engines[name], DOCUMENTS[document])
    wrong: list[str] = []
    for said, data in written_so_far(DOCUMENTS[document].paragraph):
        rows = engines[name].show(data, COLUMNS, ROWS).rows
        above = next(number for number, row in enumerate(rows) if "Esc stops" in row)
        wrong += filter(None, [reading.compare(said.split(), rows[:above], COLUMNS - 1)])
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_replayed_reply_stands_whole_on_the_screen(engines: dict[str, Engine], document: str, name: str) -> None:
    """In each terminal, every word of a replayed reply stands whole on the screen, and bars of tables align."""
    require(name)
    wrong = told(engines[name], document, (REPLAYED,))
    assert not wrong, wrong

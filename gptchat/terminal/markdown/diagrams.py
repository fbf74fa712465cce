"""Draws simple Mermaid diagrams with box-drawing characters: flow charts and sequence diagrams."""

from __future__ import annotations

import re

from gptchat.core.width import cells
from gptchat.terminal.markdown import flowcharts, layered, sequences
from gptchat.terminal.markdown.canvas import UndrawableError

MOST_LINES = 100
"""A longer source is shown as code."""
MOST_CHARACTERS = 8000
_FLOW_CHART = re.compile(r"(?:flowchart|graph)\b")
_COMMENT = re.compile(r"%%(?!\{)")


def too_long(source: str) -> bool:
    """Whether `source` is code because of its length alone; it then need not be held until its end."""
    return source.count("\n") > MOST_LINES or len(source) > MOST_CHARACTERS


def draw(source: str, width: int) -> list[str] | None:
    """The Mermaid diagram `source` as lines of at most `width` columns.

    None for what cannot be drawn completely and faithfully: kinds and statements that are not known, too many
    nodes, or too little room.
    """
    if too_long(source):
        return None
    lines = [line.strip() for line in source.split("\n")]
    lines = [line for line in lines if line and not _COMMENT.match(line)]
    if not lines:
        return None
    try:
        if lines[0] == "sequenceDiagram":
            rows = sequences.drawn(lines[1:])
            return rows if _fits(rows, width) else None
        if not _FLOW_CHART.match(lines[0]):
            return None
        chart = flowcharts.read(lines)
        directions = [True, False] if chart.across else [False]  # the direction is only a wish
        for across in directions:
            for fold in (40, 20, 12):
                rows = layered.drawn(chart, across=across, fold=fold)
                if _fits(rows, width):
                    return rows
    except UndrawableError:  # the source is shown instead
        return None
    return None


def _fits(rows: list[str], width: int) -> bool:
    return all(cells(row) <= width for row in rows)

"""Renders tables: cells are wrapped, never cut; in a too narrow window a table becomes a `header: value` list.

Only the header and the first rows determine the widths, so that later rows can be printed as they arrive.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gptchat.core.width import cells, clusters, sure
from gptchat.grammar.marks import Align, fitted
from gptchat.terminal.markdown.lines import STOP, Line, plain, trim, width_of, wrap
from gptchat.terminal.output.theme import Theme
from gptchat.values import dataclass

MEASURED_ROWS = 8
"""Number of rows after the header that determine the widths."""
_SEPARATOR = " │ "
_LEAST = 3
_WORD = 14
"""Columns reserved for a long word before it is wrapped."""

Inline = Callable[[str], Line]


@dataclass(frozen=True, slots=True)
class MarkdownTable:
    """The cells of a table as Markdown source. A row may have more or fewer cells than the header."""

    header: list[str]
    align: list[Align]
    rows: list[list[str]]


@dataclass(frozen=True, slots=True)
class Layout:
    """Column widths and alignments. `widths` is empty for a `header: value` list; `ruled`: lines between rows."""

    widths: tuple[int, ...]
    align: tuple[Align, ...]
    ruled: bool


def layout(table: MarkdownTable, width: int, inline: Inline) -> Layout:
    """The layout of `table` in `width` columns, from its header and its first `MEASURED_ROWS` rows."""
    count = len(table.header)
    measured = [
        [inline(cell) for cell in fitted(row, count)] for row in [table.header, *table.rows[:MEASURED_ROWS]]
    ]
    natural = [max(_natural(row[column]) for row in measured) for column in range(count)]
    least = [
        max(min(max(_longest_word(row[column]) for row in measured), _WORD), _LEAST) for column in range(count)
    ]
    least = [min(one, wish) for one, wish in zip(least, natural, strict=True)]
    align = tuple(table.align[:count])
    room = width - len(_SEPARATOR) * (count - 1)
    if sum(least) > room:
        return Layout((), align, ruled=False)
    widths = _share(natural, least, room)
    return Layout(tuple(widths), align, ruled=sum(natural) > room)


def header_lines(table: MarkdownTable, plan: Layout, width: int, inline: Inline, theme: Theme) -> list[Line]:
    """The lines of the header and the rule below it; none if the table is drawn as a list."""
    if not plan.widths:
        return []
    line_style = theme["table.line"]
    header = [[(text, style + theme["table.header"]) for text, style in inline(cell)] for cell in table.header]
    rule: Line = [("─┼─".join("─" * one for one in plan.widths), line_style)]
    return [*_row(header, plan, width, theme), rule]


def row_lines(
    table: MarkdownTable,
    row: Sequence[str],
    plan: Layout,
    width: int,
    inline: Inline,
    theme: Theme,
    *,
    first: bool,
) -> list[Line]:
    """The lines of one row. Unless `first`, a list begins with a blank line and a `ruled` table with a rule."""
    if not plan.widths:
        return ([] if first else [[]]) + _as_list(table.header, row, width, inline, theme)
    lines: list[Line] = []
    if plan.ruled and not first:
        lines.append([("─┼─".join("─" * one for one in plan.widths), theme["table.line"])])
    return lines + _row([inline(cell) for cell in fitted(row, len(plan.widths))], plan, width, theme)


def _row(row: Sequence[Line], plan: Layout, width: int, theme: Theme) -> list[Line]:
    """One row with each cell wrapped; a left-aligned last column may use the free space to its right."""
    last = len(plan.widths) - 1
    spare = width - sum(plan.widths) - len(_SEPARATOR) * last
    folded = [
        wrap(cell, one + (max(spare, 0) if index == last and plan.align[index] == "left" else 0))
        for index, (cell, one) in enumerate(zip(row, plan.widths, strict=True))
    ]
    lines: list[Line] = []
    for number in range(max(len(cell) for cell in folded)):
        line: Line = []
        for index, cell in enumerate(folded):
            piece = cell[number] if number < len(cell) else []
            gap = max(plan.widths[index] - width_of(piece), 0)
            left = gap if plan.align[index] == "right" else gap // 2 if plan.align[index] == "center" else 0
            line += [(" " * left, theme["text"]), *piece, (" " * (gap - left), theme["text"])]
            if index < last:
                if sure(plain(piece)) < len(plain(piece)):
                    line.append((STOP, theme["text"]))
                line.append((_SEPARATOR, theme["table.line"]))
        lines.append(trim(line))
    return lines


def _as_list(header: Sequence[str], row: Sequence[str], width: int, inline: Inline, theme: Theme) -> list[Line]:
    lines: list[Line] = []
    for name, cell in zip(header, fitted(row, len(header)), strict=True):
        label = [(text, style + theme["table.header"]) for text, style in inline(name)]
        value = inline(cell)
        lines += wrap([*label, (": " if plain(label).strip() else "", theme["table.line"]), *value], width)
    return lines


def _natural(cell: Line) -> int:
    return max(max(cells(part) for part in plain(cell).split("\n")), 1)


def _longest_word(cell: Line) -> int:
    """The columns that the longest word of `cell` needs; one of another script may be broken after six."""
    return max((cells(word) if word.isascii() else _least_part(word) for word in plain(cell).split()), default=1)


def _least_part(word: str) -> int:
    return max(min(cells(word), 6), *(width for _start, _end, width in clusters(word)))


def _share(natural: Sequence[int], least: Sequence[int], room: int) -> list[int]:
    """Widths with a sum of at most `room`: the natural widths, with the widest reduced first, down to `least`."""
    if sum(natural) <= room:
        return list(natural)
    low, high = 1, max(natural)
    while low < high:  # find the largest cap for which the sum fits
        cap = (low + high + 1) // 2
        if sum(max(min(wish, cap), one) for wish, one in zip(natural, least, strict=True)) <= room:
            low = cap
        else:
            high = cap - 1
    widths = [max(min(wish, low), one) for wish, one in zip(natural, least, strict=True)]
    spare = room - sum(widths)
    for index, wish in enumerate(natural):
        extra = min(spare, max(wish - widths[index], 0))
        if extra > 0:
            widths[index] += min(extra, 1)
            spare -= min(extra, 1)
    return widths

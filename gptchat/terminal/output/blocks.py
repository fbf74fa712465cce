"""Lays out the blocks that commands show. Imports no library, so that one-shot commands start fast."""

from __future__ import annotations

from collections.abc import Sequence

from gptchat.commands.effects import Bars, Block, Facts, Markdown, Marked, Meter, Sheet, Source, Table, Text, Tone
from gptchat.core.safe import clean, clean_line
from gptchat.core.width import cells, wrapped
from gptchat.redaction import redact

Fragment = tuple[str, str]
"""A text and the name of its look in the theme (`theme.LOOKS`)."""

LOOK_OF: dict[Tone, str] = {
    "plain": "text",
    "quiet": "hint",
    "good": "success",
    "warning": "notice",
    "error": "error",
    "title": "table.header",
}
_LINES = (Text, Marked)
"""Blocks that stand below each other without a blank line between them."""
_GAP = 2
_SHORTEST_BAR, _LONGEST_BAR = 8, 40
_NARROW = 12
"""Minimum width (cells) of a column that is shrunk to fit."""
_WORD = 32
"""Maximum width (cells) of a word, such as the name of a setting, that a shrunk column keeps whole."""


def lines_of(blocks: Sequence[Block], width: int | None) -> list[list[Fragment]]:
    """`blocks` as lines of fragments, wrapped to `width` columns; None (for a pipe) turns wrapping off."""
    lines: list[list[Fragment]] = []
    for index, block in enumerate(blocks):
        if index and not (isinstance(block, _LINES) and isinstance(blocks[index - 1], _LINES)):
            lines.append([])
        lines += _block(block, width)
    return lines


def _block(block: Block, width: int | None) -> list[list[Fragment]]:
    match block:
        case Text(text, tone):
            return [[(line, LOOK_OF[tone])] for line in _folded(_safe(text), width)]
        case Marked(mark, text, tone):
            room = None if width is None else width - cells(mark) - 1
            first, *rest = _folded(_safe(text), room)
            below = [[(" " * (cells(mark) + 1) + line, "text")] for line in rest]
            return [[(mark, LOOK_OF[tone]), (" " + first, "text")], *below]
        case Markdown(text) | Source(text):
            return [[(line, "text")] for line in clean(text).removesuffix("\n").split("\n")]
        case Table():
            return _table(block, width)
        case Facts():
            return _facts(block, width)
        case Meter():
            return _meter(block, width)
        case Sheet():
            return _sheet(block, width)
        case Bars():
            return _bars(block, width)


def _safe(text: str) -> str:
    """`text` of the program with secrets masked, and without what could act on a terminal."""
    return clean(redact(text))


def _safe_line(text: str) -> str:
    return clean_line(redact(text))


def _folded(text: str, width: int | None) -> list[str]:
    return text.split("\n") if width is None else wrapped(text, max(width, 1))


def _table(table: Table, width: int | None) -> list[list[Fragment]]:
    if width is not None:  # a pipe gets every column, for scripts that count them
        table = _filled(table)
    rows = [[_safe_line(cell) for cell in row] for row in table.rows]
    header = [_safe_line(column) for column in table.columns]
    widths = [max(cells(row[i]) for row in [header, *rows]) for i in range(len(header))]
    if width is not None:
        room = width - _GAP * (len(widths) - 1) - 2
        _shrink(widths, [_least(column) for column in zip(header, *rows, strict=True)], table.right, room)
        if sum(widths) > room:
            return _stacked(table, header, rows, width)
    lines: list[list[Fragment]] = []
    if any(header):
        lines += _row(header, widths, table.right, "  ", "table.header")
    for index, row in enumerate(rows):
        mark = "› " if index == table.marked else "  "
        lines += _row(row, widths, table.right, mark, "success" if index == table.marked else "text")
    return lines


def _filled(table: Table) -> Table:
    """The table without columns that are empty in every row."""
    kept = [i for i in range(len(table.columns)) if not table.rows or any(row[i] for row in table.rows)]
    return Table(
        [table.columns[i] for i in kept],
        [[row[i] for i in kept] for row in table.rows],
        frozenset(new for new, old in enumerate(kept) if old in table.right),
        table.marked,
    )


def _stacked(
    table: Table, header: Sequence[str], rows: Sequence[Sequence[str]], width: int
) -> list[list[Fragment]]:
    """The layout for columns that do not fit: a row's first cells on one line, the others named below."""
    lines: list[list[Fragment]] = []
    for index, row in enumerate(rows):
        look = "success" if index == table.marked else "text"
        named = next((i for i, column in enumerate(header) if column), 0)
        first = " ".join(cell for cell in row[: named + 1] if cell)
        for number, line in enumerate(wrapped(first, max(width - 2, 1))):
            mark = "› " if index == table.marked and number == 0 else "  "
            lines.append([(mark + line, look)])
        for column, cell in zip(header[named + 1 :], row[named + 1 :], strict=True):
            if cell:
                lines += [[("    " + line, "hint")] for line in wrapped(f"{column} {cell}", max(width - 4, 1))]
    return lines


def _least(column: Sequence[str]) -> int:
    """The width (cells) below which a column is not shrunk: names in it, such as `network.proxy`, stay whole."""
    lengths = (len(word) for cell in column for word in cell.split() if word.isascii())
    return max((length for length in lengths if _NARROW < length <= _WORD), default=_NARROW)


def _shrink(widths: list[int], least: Sequence[int], right: frozenset[int], room: int) -> None:
    """Narrow the widest columns in place until all fit in `room`; those in `right` (numbers) keep their width."""
    while sum(widths) > room:
        candidates = [i for i in range(len(widths)) if i not in right and widths[i] > least[i]]
        if not candidates:
            return
        widest = max(candidates, key=lambda i: widths[i])
        widths[widest] -= 1


def _row(
    row: Sequence[str], widths: Sequence[int], right: frozenset[int], mark: str, look: str
) -> list[list[Fragment]]:
    columns = [wrapped(cell, width) if width else [""] for cell, width in zip(row, widths, strict=True)]
    lines: list[list[Fragment]] = []
    for number in range(max(len(column) for column in columns)):
        line = mark if number == 0 else "  "
        for index, column in enumerate(columns):
            cell = column[number] if number < len(column) else ""
            blanks = " " * (widths[index] - cells(cell))
            line += (blanks + cell if index in right else cell + blanks) + " " * _GAP
        lines.append([(line.rstrip(), look)])
    return lines


def _facts(facts: Facts, width: int | None) -> list[list[Fragment]]:
    titles = _folded(_safe_line(facts.title), width) if facts.title else []
    return [[(line, "table.header")] for line in titles] + _pairs(facts.pairs, width, "toolbar.key")


def _pairs(pairs: Sequence[tuple[str, str]], width: int | None, look: str) -> list[list[Fragment]]:
    """Names in the look `look` and values beside them, each of which goes on below itself."""
    pairs = [(_safe_line(name), _safe(value)) for name, value in pairs]
    lines: list[list[Fragment]] = []
    left = max((cells(name) for name, _value in pairs), default=0)
    if width is not None and width - min(left, width // 2) - 4 < _NARROW:
        return _pairs_stacked(pairs, width, look)
    if width is not None:
        left = min(left, width // 2)
    for name, value in pairs:
        room = None if width is None else width - left - 4
        head = name + " " * max(left - cells(name), 0)
        for number, line in enumerate(_folded(value, room)):
            if number == 0 and cells(name) > left:
                room = cells(name) if width is None else max(width - 2, 1)
                lines += [[("  " + part, look)] for part in wrapped(name, room)]
                lines.append([(" " * (left + 4) + line, "text")])
            elif number == 0:
                lines.append([("  " + head, look), ("  " + line if line else "", "text")])
            else:
                lines.append([(" " * (left + 4) + line, "text")])
    return lines


def _pairs_stacked(pairs: Sequence[tuple[str, str]], width: int, look: str) -> list[list[Fragment]]:
    """The layout for names and values that do not fit side by side: each value below its name."""
    lines: list[list[Fragment]] = []
    for name, value in pairs:
        lines += [[("  " + line, look)] for line in wrapped(name, max(width - 2, 1))]
        lines += [[("    " + line, "text")] for line in _folded(value, max(width - 4, 1)) if line]
    return lines


def _sheet(sheet: Sheet, width: int | None) -> list[list[Fragment]]:
    """Sections in two columns of equal width if all of their lines fit, else below each other."""
    half = ((width or 0) - _GAP) // 2
    names = [cells(name) for _title, pairs in sheet.sections for name, _meaning in pairs]
    name = max(names, default=0)
    meaning = max((cells(text) for _title, pairs in sheet.sections for _name, text in pairs), default=0)
    if 2 + name + 2 + meaning > half:
        lines: list[list[Fragment]] = []
        for number, (title, pairs) in enumerate(sheet.sections):
            lines += [[]] if number else []
            lines += [[(line, "table.header")] for line in _folded(title, width)]
            lines += _pairs(pairs, width, "command")
        return lines
    columns = [_column(sheet.sections[:split], name) for split in range(len(sheet.sections) + 1)]
    rest = [_column(sheet.sections[split:], name) for split in range(len(sheet.sections) + 1)]
    left, right = min(zip(columns, rest, strict=True), key=lambda pair: max(len(pair[0]), len(pair[1])))
    rows = []
    for number in range(max(len(left), len(right))):
        line = list(left[number]) if number < len(left) else []
        if number < len(right):
            line.append((" " * (half + _GAP - sum(cells(text) for text, _look in line)), "text"))
            line += right[number]
        rows.append(line)
    return rows


def _column(sections: Sequence[tuple[str, Sequence[tuple[str, str]]]], name: int) -> list[list[Fragment]]:
    """The lines of one column, whose names take `name` columns."""
    lines: list[list[Fragment]] = []
    for title, pairs in sections:
        lines.append([(title, "table.header")])
        for one, meaning in pairs:
            lines.append([("  " + one + " " * (name - cells(one)), "command"), ("  " + meaning, "text")])
    return lines


_FILLS: dict[Tone, str] = {"plain": "▒", "quiet": "▓", "good": "█", "warning": "▞", "error": "█"}
_PARTS = {**LOOK_OF, "plain": "command"}
"""The look of a meter's part, and of its sign in the legend: white would be louder than what is used."""


def _length(size: float, total: float, columns: int) -> int:
    """The columns of a part of a bar: in proportion, and at least one unless the size is zero."""
    return max(round(size * columns / total), 1) if size > 0 else 0


def _bars(bars: Bars, width: int | None) -> list[list[Fragment]]:
    """Each row's label, bar and figures, aligned; without bars for a pipe and in a narrow window."""
    labels = [_safe_line(label) for label, _size, _figures in bars.rows]
    left = max(map(cells, labels), default=0)
    figures = [[_safe_line(text) for text in texts] for _label, _size, texts in bars.rows]
    widths = [max(map(cells, column)) for column in zip(*figures, strict=True)]
    if width is not None and _GAP + left + sum(one + _GAP for one in widths) > width:
        beside = [(" " * _GAP).join(filter(None, texts)) for texts in figures]
        return _pairs(list(zip(labels, beside, strict=True)), width, "toolbar.key")
    columns = min((width or 0) - left - sum(widths) - _GAP * (len(widths) + 2), _LONGEST_BAR)
    most = max((size for _label, size, _figures in bars.rows), default=0) or 1
    lines: list[list[Fragment]] = []
    for label, (_label, size, _figures), texts in zip(labels, bars.rows, figures, strict=True):
        line: list[Fragment] = [("  " + label + " " * (left - cells(label)), "toolbar.key")]
        if columns >= _SHORTEST_BAR:
            length = _length(size, most, columns)
            line.append(("  " + _FILLS["good"] * length + " " * (columns - length), LOOK_OF["good"]))
        line += [
            ("  " + " " * (one - cells(text)) + text, "text") for text, one in zip(texts, widths, strict=True)
        ]
        lines.append(line)
    return lines


def _meter(meter: Meter, width: int | None) -> list[list[Fragment]]:
    """A bar with parts in proportion to their sizes (at least one cell unless zero), and a legend."""
    columns = min(max((width or 80) - 4, 10), 64)
    total = max(meter.total, sum(size for _label, size, _tone in meter.parts), 1)
    bar: list[Fragment] = [("  ", "text")]
    used = 0
    for _label, size, tone in meter.parts:
        length = min(_length(size, total, columns), columns - used)
        used += length
        bar.append((_FILLS[tone] * length, _PARTS[tone]))
    bar.append(("░" * (columns - used), "hint"))
    legend: list[Fragment] = []
    lines = [bar]
    for label, size, tone in meter.parts:
        if not size:
            continue
        item = f" {_safe_line(label)} {size * 100 / total:.0f}%"
        used = sum(cells(text) for text, _look in legend)
        if legend and width is not None and used + 3 + cells(item) > width:
            lines.append(legend)
            legend = []
        legend += [("  ", "text"), (_FILLS[tone], _PARTS[tone]), (item, "hint")]
    return [*lines, legend] if legend else lines

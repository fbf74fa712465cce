"""Compares what stands on a screen with what a reply says: each word whole, in order, once, and nothing else."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import pairwise

from tests.engines.engine import Engine
from tests.engines.texts import AFTER, BEFORE, Document

_BAR, _CROSS, _LABEL = "│", "┼", "╶"
_RULE = re.compile(r"[─┼ ]+")
_INVISIBLE = re.compile("[\u200b\u200e\u200f\u00ad]|^\u200d+|\u200d+$")
"""Of no look of their own. A joiner at the end of a word is shown with the blank after it by some terminals."""
_LOOSE = re.compile("\u200d+(?=[\\x00-\x7f│┼])")
"""Joiners that would join the bar where the row is measured: tmux shows no more than 21 bytes of a cluster."""
_WITHOUT_BLANKS = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u1100-\u11ff\u2e80-\ua4cf\uac00-\ud7a3\uf900-\uffef]"
)
"""Scripts that may be wrapped inside of what stands between two blanks."""
_GOES_ON = re.compile("[\u1160-\u11ff\u200d\u0e33\u0eb3\uff9e\uff9f\U0001f3fb-\U0001f3ff]")
"""Continues a cluster, beside the marks."""


class Reading:
    """A document as a terminal shows its words.

    What the engine drops of a cluster even where the word stands alone is not the painter's fault.
    """

    def __init__(self, engine: Engine, document: Document) -> None:
        self._engine = engine
        self._document = document
        words = sorted(set(_words(document)))
        # the dot takes a joiner at the end of a word, so that the next word is not joined
        alone = engine.show("".join(f"{word} \u00b7\n" for word in words), 240, 5).rows
        self._shown = {word: _bare(row.split()[0]) for word, row in zip(words, alone, strict=False)}

    def faults(self, rows: Sequence[str], columns: int) -> list[str]:
        """What is wrong with `rows`, which a window of `columns` shows after the reply."""
        places = [[number for number, row in enumerate(rows) if row == mark] for mark in (BEFORE, AFTER)]
        if [len(found) for found in places] != [1, 1]:
            return [f"{BEFORE} and {AFTER} stand in the rows {places}"]
        begin, end = places[0][0], places[1][0]
        document, room = self._document, columns - 4
        above = [*document.heading.split(), *document.paragraph.split()]
        above += [word for item in document.items for word in ("•", *item.split())]
        below = [word for number, item in enumerate(document.items, 1) for word in (f"{number}.", *item.split())]
        below += [word for line in (*document.code, document.paragraph) for word in line.split()]
        found = [
            self.compare(above, rows[:begin], room),
            *self._table(rows[begin + 1 : end], columns),
            self.compare(below, [row for row in rows[end + 1 :] if not row.startswith(_LABEL)], room),
        ]
        return [fault for fault in found if fault]

    def _table(self, rows: Sequence[str], columns: int) -> list[str]:
        """The faults of the table, which is a grid, or in a narrow window a list of `header: value`."""
        header, *body = self._document.table
        if not any(_BAR in row for row in rows):
            said = [
                word
                for row in body
                for name, cell in zip(header, row, strict=True)
                for word in (*name.split()[:-1], name.split()[-1] + ":", *cell.split())
            ]
            return [self.compare(said, rows, columns - 4)]
        marked = [(row, [at for at, sign in enumerate(row) if sign in (_BAR, _CROSS)]) for row in rows if row]
        prefixes = [_LOOSE.sub("", row[:at]) for row, places in marked for at in places]
        widths = iter(self._engine.widths(prefixes))
        bars = [tuple(next(widths) for _ in places) for _, places in marked]
        if len(set(bars)) != 1 or len(bars[0]) != len(header) - 1:
            return [f"bars stand in the columns {sorted(set(bars))}"]
        edges = [-2, *bars[0], columns]
        rooms = [right - left - 3 for left, right in pairwise(edges)]
        cells = [re.split(_BAR, row) for row, _ in marked if not _RULE.fullmatch(row)]
        faults = []
        for column, room in enumerate(rooms):
            said = [word for row in self._document.table for word in row[column].split()]
            faults.append(self.compare(said, [row[column] for row in cells], room))
        return faults

    def compare(self, said: Sequence[str], rows: Sequence[str], room: int) -> str:
        """The first difference between the words `said` and those of `rows`; empty if there is none.

        A word may go on in the next row if it is wider than `room`, or its script is written without blanks.
        """
        # tmux loses a joiner at which one of its reads of the pane ends, and then the cluster may fit its 21 bytes
        lost = "\u200d" if self._engine.name == "tmux" else ""
        tokens = _tokens([row.replace(lost, "") for row in rows] if lost else rows)
        for word in said:
            rest = (self._shown.get(word) or _bare(word)).replace(lost or "\0", "")
            while rest:
                token, last = next(tokens, ("", False))
                if lost and token == _bare(word).replace(lost, ""):
                    rest = token
                if not token or not rest.startswith(token):
                    return f"{word} is shown as {token or 'nothing'}"
                rest = rest[len(token) :]
                if rest and not (last and _breaks(word, token[-1] + rest[0], room) and _begins(rest)):
                    return f"{word} is broken after {token}"
        extra = next(tokens, None)
        return f"{extra[0]} stands there too" if extra else ""


def _tokens(rows: Sequence[str]) -> Iterator[tuple[str, bool]]:
    """The words of the rows, and whether each is the last of its row."""
    for row in rows:
        words = [bare for word in row.split() if (bare := _bare(word))]
        for number, word in enumerate(words, 1):
            yield word, number == len(words)


def _bare(word: str) -> str:
    return _INVISIBLE.sub("", unicodedata.normalize("NFC", word))


def _breaks(word: str, around: str, room: int) -> bool:
    """Whether `word` may be wrapped between the two characters `around`, in `room` columns.

    No terminal needs more columns for a character than are counted here.
    """
    wide = [character for character in word if unicodedata.east_asian_width(character) in "WF"]
    most = len(word) + len(wide) + len(re.findall("[\U0001f1e6-\U0001f1ff]", word))
    return most > room or bool(_WITHOUT_BLANKS.search(around))


def _begins(rest: str) -> bool:
    """Whether `rest` begins with a new cluster."""
    return not (unicodedata.category(rest[0]).startswith("M") or _GOES_ON.match(rest))


def _words(document: Document) -> Iterator[str]:
    parts = [document.heading, document.paragraph, *document.items, *document.code]
    parts += [cell for row in document.table for cell in row] + [f"{name}:" for name in document.table[0]]
    for part in parts:
        yield from part.split()

"""Streams the elements of a large JSON array without loading all of it; skips invalid elements."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from typing import IO, Any

# Possessive quantifiers: a string that does not end in the window must fail without backtracking.
_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+"|[{}\[\]]|"', re.DOTALL)
_BETWEEN = re.compile(r"[\s,\x00\ufeff]*")
_STEP = 1 << 20
_LARGEST = 64 << 20
"""Characters of an element; a conversation of a thousand long messages has a tenth of that."""
_PATIENCE = 8
"""How many times the file may be read in vain: each of many elements that do not end is read to its end."""
_IN_A_ROW = 100
"""Invalid elements in a row before all up to the next beginning is skipped."""
_MARGIN = 100
"""Characters kept behind a search in vain, because a beginning may be cut there."""


class Garbled(ValueError):
    """An element that is not valid JSON. `at` is its approximate offset in the file, in characters."""

    def __init__(self, at: int, *, unfinished: bool = False, too_large: bool = False) -> None:
        super().__init__(at)
        self.at = at
        self.unfinished = unfinished
        """Whether the file ends inside the element."""
        self.too_large = too_large
        """Whether it is longer than what is read of one element."""


def elements(file: IO[bytes], resume: str) -> Iterator[Any]:
    """Yield the elements of the array in `file`; a Garbled instance replaces each invalid element.

    `resume` is a regular expression for the start of an element: after an invalid element, parsing resumes at
    its next match. The file may contain a single object instead of an array.
    """
    source = _Source(file)
    again = re.compile(resume)
    source.skip()
    if source.text[source.at : source.at + 1] == "[":
        source.at += 1
    in_vain = in_a_row = 0
    while True:
        source.skip()
        if source.at >= len(source.text) or source.text[source.at] == "]":
            return
        end = source.end_of_element()
        begin, stop = source.at, end or len(source.text)
        value: Any = None
        try:
            value = json.loads(source.text[begin:stop])
        except (ValueError, RecursionError):
            whole = end is not None
            value = Garbled(
                source.passed + begin,
                unfinished=not whole and source.done,
                too_large=not whole and not source.done,
            )
            in_vain, in_a_row = in_vain + stop - begin, in_a_row + 1
            if in_vain > (source.passed + len(source.text)) * _PATIENCE:
                end = None
            elif next_one := again.search(
                source.text, begin + 1, stop if in_a_row < _IN_A_ROW else len(source.text)
            ):
                end = next_one.start()
            elif not whole or in_a_row >= _IN_A_ROW:
                end = source.find(again)
        else:
            in_a_row = 0
        yield value
        if end is None:
            return
        source.at = max(end, source.at + 1)


class _Source:
    """A sliding window over the text of a file, extended as needed; `at` is the position in the window."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self.done = False
        """Whether all of the file is in the window or dropped."""
        self.text = ""
        self.at = 0
        self.passed = 0
        """Number of characters already dropped from the window."""

    def more(self, step: int = _STEP) -> bool:
        """Read up to `step` more bytes. Returns False at the end of the file."""
        if self.done:
            return False
        self.drop(self.at)
        data = self._file.read(step)
        self.done = not data
        self.text += self._decoder.decode(data, final=self.done)
        return True

    def skip(self) -> None:
        """Advance to the next character that is neither whitespace nor a comma."""
        while True:
            match = _BETWEEN.match(self.text, self.at)
            self.at = match.end() if match else self.at
            if self.at < len(self.text):
                return
            if not self.more():
                return

    def end_of_element(self) -> int | None:
        """The end of the element that starts at `at`; None if the file or the room for one ends first."""
        begin = at = self.at
        depth, step = 0, _STEP
        while True:
            for token in _TOKEN.finditer(self.text, at):
                what = token[0]
                if what == '"':
                    break  # the string extends beyond the window
                at = token.end()
                if what in "{[":
                    depth += 1
                elif what in "}]":
                    depth -= 1
                    if depth < 0:
                        return token.start()  # the end of the array
                if depth == 0:
                    return at
            if len(self.text) - begin > _LARGEST:
                return None
            at -= self.at
            if not self.more(step):
                return None
            begin = 0
            step *= 2  # a long string is rescanned from its start; doubling keeps this rare

    def find(self, pattern: re.Pattern[str]) -> int | None:
        """The place of the next match of `pattern` behind the window, which moves there; None if there is none."""
        while True:
            self.at = max(len(self.text) - _MARGIN, self.at)
            if not self.more():
                return None
            if match := pattern.search(self.text, self.at):
                return match.start()

    def drop(self, end: int) -> None:
        """Drop the text before `end` from the window."""
        if end > 0:
            self.text, self.passed, self.at = self.text[end:], self.passed + end, max(self.at - end, 0)

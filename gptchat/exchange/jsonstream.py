"""Streams the elements of a large JSON array without loading all of it; skips invalid elements."""

from __future__ import annotations

import codecs
import json
import re
import sys
from collections.abc import Iterator
from typing import IO, Any

# Possessive quantifiers: a string that does not end in the window must fail without backtracking.
_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+"|[{}\[\]]|"', re.DOTALL)
_BETWEEN = re.compile(r"[\s,\x00\ufeff]*")
_STEP = 1 << 20
_LARGEST = 64 << 20
"""Characters of an element; a conversation of a thousand long messages has a tenth of that."""
_IN_A_ROW = 100
"""Invalid elements in a row before all up to the next beginning is skipped."""
_MARGIN = 100
"""Characters kept behind a search in vain, because a beginning may be cut there."""


class Garbled(ValueError):
    """An element that is not valid JSON. `at` is its approximate offset in the file, in characters."""

    def __init__(self, at: int) -> None:
        super().__init__(at)
        self.at = at
        self.unfinished = False
        """Whether the file ends inside the element."""
        self.too_large = False
        """Whether it is longer than what is read of one element."""


def elements(file: IO[bytes], resume: str) -> Iterator[Any]:
    """Yield the elements of the array in `file`; a Garbled instance replaces each invalid element.

    `resume` is a regular expression for the start of an element: after an invalid element, parsing resumes at
    its next match. The file may contain a single object instead of an array.
    """
    source = _Source(file)
    again = re.compile(resume)
    source.skip()
    listed = source.text[source.at : source.at + 1] == "["
    if listed:
        source.at += 1
    in_a_row = 0
    while True:
        source.skip()
        if source.at >= len(source.text) or source.text[source.at] == "]":
            if listed and source.at >= len(source.text) and not in_a_row:  # cut between two elements
                cut = Garbled(source.passed + source.at)
                cut.unfinished = True
                yield cut
            return
        end = source.end_of_element()
        begin, stop = source.at, end or len(source.text)
        value = _value(source.text[begin:stop], source.passed + begin)
        in_a_row = in_a_row + 1 if isinstance(value, Garbled) else 0
        if end is None and isinstance(value, Garbled):
            value.unfinished, value.too_large = source.done, not source.done
            yield value
            if not again.match(source.text, begin) and (found := again.search(source.text, begin)):
                source.at = found.start()  # something else stands before one that does not end either
                continue
            for first, last in source.finished_within(again):
                yield _value(source.text[first:last], source.passed + first)
            end = source.find(again)
        else:
            if in_a_row:  # it may only seem to go so far
                far = stop if in_a_row < _IN_A_ROW else sys.maxsize
                found = again.search(source.text, begin + 1, far)
                end = found.start() if found else end if in_a_row < _IN_A_ROW else source.find(again)
            yield value
        if end is None:
            return
        source.at = max(end, source.at + 1)


def _value(text: str, at: int) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return Garbled(at)


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

    def finished_within(self, beginning: re.Pattern[str]) -> list[tuple[int, int]]:
        """Where whole objects that match `beginning` stand in the unfinished element at `at`, in no other one."""
        found: list[tuple[int, int]] = []
        opened: list[tuple[int, int]] = []
        """Place and depth of those that begin so and are not closed."""
        depth = 0
        for token in _TOKEN.finditer(self.text, self.at):
            if token[0] == '"':
                break  # the string is cut; each escaped quote in it would be searched to the end anew
            if token[0] in "{[":
                if beginning.match(self.text, token.start()):
                    opened.append((token.start(), depth))
                depth += 1
            elif token[0] in "}]":
                depth -= 1
                if opened and opened[-1][1] == depth:
                    first, _depth = opened.pop()
                    if token[0] == "]":
                        continue  # it closes no object
                    while found and found[-1][0] > first:
                        found.pop()
                    found.append((first, token.end()))
        return found

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

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


class Garbled(ValueError):
    """An element that is not valid JSON. `at` is its approximate offset in the file, in characters."""

    def __init__(self, at: int, *, unfinished: bool = False) -> None:
        super().__init__(at)
        self.at = at
        self.unfinished = unfinished
        """Whether the file ends inside the element."""


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
    while True:
        source.skip()
        if source.at >= len(source.text) or source.text[source.at] == "]":
            return
        begin = source.at
        end = source.end_of_element()
        value: Any = None
        try:
            value = json.loads(source.text[begin : end or len(source.text)])
        except (ValueError, RecursionError):
            value = Garbled(source.passed + begin, unfinished=end is None)
            next_one = again.search(source.text, begin + 1, end or len(source.text))
            end = next_one.start() if next_one else end
        yield value
        if end is None:
            return
        source.forget(max(end, begin + 1))


class _Source:
    """A sliding window over the text of a file, extended as needed; `at` is the position in the window."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._done = False
        self.text = ""
        self.at = 0
        self.passed = 0
        """Number of characters already dropped from the window."""

    def more(self, step: int = _STEP) -> bool:
        """Read up to `step` more bytes. Returns False at the end of the file."""
        if self._done:
            return False
        data = self._file.read(step)
        self._done = not data
        self.text += self._decoder.decode(data, final=self._done)
        return True

    def skip(self) -> None:
        """Advance to the next character that is neither whitespace nor a comma."""
        while True:
            match = _BETWEEN.match(self.text, self.at)
            self.at = match.end() if match else self.at
            if self.at < len(self.text) or not self.more():
                return

    def end_of_element(self) -> int | None:
        """The end of the element that starts at `at`; None if the file ends first."""
        at, depth, step = self.at, 0, _STEP
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
            if not self.more(step):
                return None
            step *= 2  # a long string is rescanned from its start; doubling keeps this rare

    def forget(self, end: int) -> None:
        """Drop the text before `end` from the window."""
        self.text, self.passed, self.at = self.text[end:], self.passed + end, 0

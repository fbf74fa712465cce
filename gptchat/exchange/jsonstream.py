"""The elements of a large JSON array, one after another, without holding the whole; broken ones are skipped."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from typing import IO, Any

# Possessive, since a string that does not end in the window must fail at once.
_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+"|[{}\[\]]|"', re.DOTALL)
_BETWEEN = re.compile(r"[\s,\x00\ufeff]*")
_STEP = 1 << 20


class Garbled(ValueError):
    """An element that is not JSON; `at` is about where it begins, in characters of the file."""

    def __init__(self, at: int, *, unfinished: bool = False) -> None:
        super().__init__(at)
        self.at = at
        self.unfinished = unfinished
        """The file ends before the element does."""


def elements(file: IO[bytes], resume: str) -> Iterator[Any]:
    """The elements of the array in `file`, or Garbled in the place of one that cannot be read.

    `resume` is a regular expression that the beginning of an element matches: where a broken one has
    swallowed the next, reading goes on there. The file may hold one object instead of an array.
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
    """The text of a file in a window that grows as needed; `at` is the place in it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._done = False
        self.text = ""
        self.at = 0
        self.passed = 0
        """How many characters have left the window."""

    def more(self, step: int = _STEP) -> bool:
        """Read on; false at the end of the file."""
        if self._done:
            return False
        data = self._file.read(step)
        self._done = not data
        self.text += self._decoder.decode(data, final=self._done)
        return True

    def skip(self) -> None:
        """Go to the next character that is neither blank nor comma."""
        while True:
            match = _BETWEEN.match(self.text, self.at)
            self.at = match.end() if match else self.at
            if self.at < len(self.text) or not self.more():
                return

    def end_of_element(self) -> int | None:
        """Where the element that begins here ends; None where the file ends first."""
        at, depth, step = self.at, 0, _STEP
        while True:
            for token in _TOKEN.finditer(self.text, at):
                what = token[0]
                if what == '"':
                    break  # the string goes on beyond the window
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
            step *= 2  # a long string is looked at again from its beginning, but not often

    def forget(self, end: int) -> None:
        """Drop what was read up to `end`."""
        self.text, self.passed, self.at = self.text[end:], self.passed + end, 0

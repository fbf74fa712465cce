"""Tells whether streamed Markdown stands inside code, where tags and data addresses are text."""

from __future__ import annotations

import re

_TICKS = re.compile("`+")
_FENCE = re.compile(r"[ \t>]*(?:(?:[-+*]|\d{1,9}[.)])[ \t]+)*(`{3,}|~{3,})([^\n]*)")
_BEGINNING = 120
"""Characters of a line that are kept to recognise a fence."""


class CodeSpans:
    """Follows fences and backticks. The cost is linear in the text, however it is split.

    A span that is not closed yet counts as code, up to the next empty line.
    """

    __slots__ = ("_begin", "_fence", "_open", "_run", "_unread")

    def __init__(self) -> None:
        self._fence = ""
        """The opening fence of the block that is open; empty if none is."""
        self._open = 0
        """Number of backticks that opened the inline span; 0 if none is open."""
        self._run = 0
        """Number of backticks at the end of the text so far, which may continue."""
        self._begin = ""
        self._unread: list[str] = []
        """Text that is only looked at when somebody asks, which is seldom."""

    def feed(self, text: str) -> None:
        """Add `text`."""
        self._unread.append(text)

    def _read(self) -> None:
        if not self._unread:
            return
        text = "".join(self._unread)
        self._unread.clear()
        if "\n" not in text:
            self._inside(text)
            return
        first, *rest = text.split("\n")
        self._inside(first)
        for line in rest:
            self._line_end()
            self._inside(line)

    @property
    def fenced(self) -> bool:
        """Whether a fenced block is open."""
        self._read()
        return bool(self._fence)

    @property
    def code(self) -> bool:
        """Whether the next character is code."""
        self._read()
        if self._fence:
            return True
        return self._run != self._open if self._run else self._open > 0

    @property
    def line_start(self) -> bool:
        """Whether the current line is blank so far."""
        self._read()
        return not self._begin.strip()

    def _inside(self, text: str) -> None:
        if not text:
            return
        if len(self._begin) < _BEGINNING:
            self._begin += text[: _BEGINNING - len(self._begin)]
        if self._fence:
            return
        if not self._run and "`" not in text:
            return
        at = 0
        for match in _TICKS.finditer(text):
            if match.start() > at or (match.start() == 0 and not self._run):
                self._end_run()
            self._run += len(match[0])
            at = match.end()
        if at < len(text):
            self._end_run()

    def _end_run(self) -> None:
        run, self._run = self._run, 0
        if run and not self._open:
            self._open = run
        elif run and run == self._open:
            self._open = 0

    def _line_end(self) -> None:
        self._end_run()
        begin, self._begin = self._begin, ""
        if not begin.strip(" \t>"):
            self._open = 0
            return
        match = _FENCE.match(begin)
        if self._fence:
            if match and match[1].startswith(self._fence) and not match[2].strip():
                self._fence = ""
                self._open = 0
        elif match and not (match[1][0] == "`" and "`" in match[2]):
            self._fence = match[1]
            self._open = 0

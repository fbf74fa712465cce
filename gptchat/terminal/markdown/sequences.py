"""Reads and draws simple Mermaid sequence diagrams: messages, notes, and loops or alternatives as frames."""

from __future__ import annotations

import re

from gptchat.core.width import cells
from gptchat.terminal.markdown.canvas import Canvas, UndrawableError, label
from gptchat.values import dataclass, field

_PERSON = re.compile(r"(?:participant|actor)\s+(\S+?)(?:\s+as\s+(.+))?\Z")
_MESSAGE = re.compile(
    r"([^\s:;,<>+-]+(?:-[^\s:;,<>+-]+)*)\s*(<<)?(--?)(>>|>|x|\))\s*[+-]?\s*([^\s:;,<>+-]+(?:-[^\s:;,<>+-]+)*)\s*:(.*)\Z"
)
_NOTE = re.compile(r"[Nn]ote\s+(over|left of|right of)\s+([^\s:,]+)(?:\s*,\s*([^\s:,]+))?\s*:(.*)\Z")
_FRAME = re.compile(r"(loop|alt|opt|par|critical|break)\b\s*(.*)\Z")
_BRANCH = re.compile(r"(else|and|option)\b\s*(.*)\Z")
_IGNORED = re.compile(r"(?:activate|deactivate)\s+\S+\Z")
_TITLE = re.compile(r"title\b\s*:?\s*(.+)\Z")
_BRANCHES = {"else": ("alt",), "and": ("par",), "option": ("critical",)}
_MOST_PEOPLE = 12
_HEADS = {">>": "►", ">": "", "x": "×", ")": "►"}
_LEFT_HEADS = {">>": "◄", ">": "", "x": "×", ")": "◄"}


@dataclass(frozen=True, slots=True)
class _Event:
    """A message, a note, or the beginning, a branch or the end of a frame. `first` and `last` are people."""

    kind: str
    text: str
    first: int = 0
    last: int = 0
    head: str = ""
    dotted: bool = False
    both: bool = False


@dataclass(slots=True)
class _Reading:
    names: dict[str, int] = field(default_factory=dict)
    labels: list[list[str]] = field(default_factory=list)
    events: list[_Event] = field(default_factory=list)
    frames: list[str] = field(default_factory=list)
    title: str = ""
    number: int | None = None
    """The number of the last message, with `autonumber`."""

    def person(self, name: str, shown: str = "") -> int:
        """The column of a person, who is new where first named."""
        if name not in self.names:
            self.names[name] = len(self.names)
            self.labels.append(label(shown or name).split("\n"))
        elif shown:
            self.labels[self.names[name]] = label(shown).split("\n")
        return self.names[name]


def drawn(lines: list[str]) -> list[str]:
    """The rows of the diagram that stands in `lines` below its first one. Raises UndrawableError."""
    reading = _Reading()
    for line in lines:
        _read(line.rstrip(";").rstrip(), reading)
    if reading.frames or not reading.labels or len(reading.labels) > _MOST_PEOPLE:
        raise UndrawableError
    return _Drawing(reading).rows()


def _read(line: str, reading: _Reading) -> None:
    if match := _PERSON.match(line):
        reading.person(match[1], match[2] or "")
    elif match := _MESSAGE.match(line):
        text = label(match[6])
        if reading.number is not None:
            reading.number += 1
            text = f"{reading.number}. {text}".rstrip()
        first, last = reading.person(match[1]), reading.person(match[5])
        reading.events.append(_Event("message", text, first, last, match[4], match[3] == "--", bool(match[2])))
    elif match := _NOTE.match(line):
        first = reading.person(match[2])
        last = reading.person(match[3]) if match[3] else first
        if match[3] and match[1] != "over":
            raise UndrawableError
        reading.events.append(_Event(match[1], label(match[4]), min(first, last), max(first, last)))
    elif match := _FRAME.match(line):
        reading.frames.append(match[1])
        reading.events.append(_Event("frame", f"{match[1]} {label(match[2])}".strip().replace("\n", " ")))
    elif (match := _BRANCH.match(line)) and reading.frames and reading.frames[-1] in _BRANCHES[match[1]]:
        reading.events.append(_Event("branch", f"{match[1]} {label(match[2])}".strip().replace("\n", " ")))
    elif line == "end" and reading.frames:
        reading.frames.pop()
        reading.events.append(_Event("end", ""))
    elif line == "autonumber":
        reading.number = 0
    elif match := _TITLE.match(line):
        reading.title = label(match[1]).replace("\n", " ")
    elif not _IGNORED.match(line):
        raise UndrawableError


class _Drawing:
    """Draws what was read: people in columns, events one below the other."""

    def __init__(self, reading: _Reading) -> None:
        self._reading = reading
        self._canvas = Canvas()
        self._y = 0
        self._open: list[int] = []
        """The first rows of the frames that are open."""
        depth = most = 0
        for event in reading.events:
            depth += {"frame": 1, "end": -1}.get(event.kind, 0)
            most = max(most, depth)
        self._inset = 2 * most
        self._wide = [max(map(cells, lines)) + 4 for lines in reading.labels]
        self._middle = self._columns()
        self._right = max([self._middle[-1] + self._wide[-1] // 2 + 1, *map(self._end_of, reading.events)])
        self._right += self._inset
        texts = [event.text for event in reading.events if event.kind in ("frame", "branch")]
        self._right = max([self._right, *(cells(text) + 6 + 2 * self._inset for text in texts)])

    def _columns(self) -> list[int]:
        """The column of each person's line, far enough apart for the texts between them."""
        gaps = [self._wide[0] // 2] + [
            (one + other) // 2 + 2 for one, other in zip(self._wide, self._wide[1:], strict=False)
        ]
        for event in sorted(self._reading.events, key=lambda event: abs(event.last - event.first)):
            wide = max(map(cells, event.text.split("\n"))) + 4
            first, last = sorted((event.first, event.last))
            if (event.kind == "message" and first == last) or event.kind == "right of":
                if last + 1 < len(gaps):
                    gaps[last + 1] = max(gaps[last + 1], wide + 5)
            elif event.kind == "message":
                gaps[last] += max(wide - sum(gaps[first + 1 : last + 1]), 0)
            elif event.kind == "left of":
                gaps[first] = max(gaps[first], wide + 3)
            elif event.kind == "over" and first == last:
                gaps[first] = max(gaps[first], wide // 2 + 2)
                if last + 1 < len(gaps):
                    gaps[last + 1] = max(gaps[last + 1], wide // 2 + 2)
            elif event.kind == "over":
                gaps[last] += max(wide - 4 - sum(gaps[first + 1 : last + 1]), 0)
        place, columns = self._inset, []
        for gap in gaps:
            place += gap
            columns.append(place)
        return columns

    def _end_of(self, event: _Event) -> int:
        """The column after what is drawn for an event beyond the last person's line."""
        wide = max(map(cells, event.text.split("\n")))
        place = self._middle[event.last]
        if event.kind == "right of":
            return place + wide + 7
        if event.kind == "message" and event.first == event.last:
            return place + wide + 6
        if event.kind == "over":
            return place + (wide // 2 if event.first == event.last else 0) + 4
        return 0

    def rows(self) -> list[str]:
        """The rows of the diagram."""
        if self._reading.title:
            self._canvas.text(0, 0, self._reading.title)
            self._y = 2
        high = max(map(len, self._reading.labels)) + 2
        for lines, middle, wide in zip(self._reading.labels, self._middle, self._wide, strict=True):
            left = middle - wide // 2
            self._canvas.box(left, self._y, wide, high)
            self._canvas.text(middle, self._y + high - 1, "┬")
            for number, line in enumerate(lines):
                self._canvas.text(left + (wide - cells(line)) // 2, self._y + 1 + number, line)
        self._y += high
        for event in self._reading.events:
            self._event(event)
        self._lifelines()
        return self._canvas.rows()

    def _lifelines(self, count: int = 1) -> None:
        for row in range(self._y, self._y + count):
            for middle in self._middle:
                self._canvas.text(middle, row, "│")
            for depth in range(len(self._open)):
                self._canvas.text(2 * depth, row, "│")
                self._canvas.text(self._right - 1 - 2 * depth, row, "│")
        self._y += count

    def _event(self, event: _Event) -> None:
        match event.kind:
            case "frame":
                self._lifelines()
                self._open.append(self._y)
                self._bar(event.text, "╭╮")
            case "branch":
                self._bar(event.text, "├┤")
            case "end":
                self._bar("", "╰╯")
                self._open.pop()
            case "message" if event.first == event.last:
                self._to_self(event)
            case "message":
                self._message(event)
            case _:
                self._note(event)

    def _bar(self, text: str, corners: str) -> None:
        """A row of a frame: its head, a branch, or its end."""
        self._lifelines()
        left = 2 * (len(self._open) - 1)
        wide = self._right - 2 * left
        shown = f"─ {text} " if text else ""
        line = corners[0] + shown + "─" * (wide - 2 - cells(shown)) + corners[1]
        self._canvas.text(left, self._y - 1, line)

    def _message(self, event: _Event) -> None:
        low, high = sorted((self._middle[event.first], self._middle[event.last]))
        lines = event.text.split("\n") if event.text else []
        for line in lines:
            self._lifelines()
            self._canvas.text(low + 1 + (high - low - cells(line)) // 2, self._y - 1, line)
        self._lifelines()
        y = self._y - 1
        dash = "┄" if event.dotted else "─"
        self._canvas.text(low + 1, y, dash * (high - low - 1))
        for middle in self._middle:
            if low < middle < high:
                self._canvas.text(middle, y, "┼")
        right = event.last > event.first
        self._canvas.text(low if right else high, y, "├" if right else "┤")
        head = (_HEADS if right else _LEFT_HEADS)[event.head]
        if head:
            self._canvas.text(high - 1 if right else low + 1, y, head)
        else:
            self._canvas.text(high if right else low, y, "┤" if right else "├")
        if event.both:
            self._canvas.text(low + 1 if right else high - 1, y, "◄" if right else "►")

    def _to_self(self, event: _Event) -> None:
        x = self._middle[event.first]
        lines = event.text.split("\n")
        self._lifelines(len(lines) + 1)
        top = self._y - len(lines) - 1
        dash = "┄" if event.dotted else "─"
        self._canvas.text(x, top, f"├{dash}{dash}┐")
        for row, line in enumerate(lines):
            if row:
                self._canvas.text(x + 3, top + row, "│")
            self._canvas.text(x + 5, top + row, line)
        self._canvas.text(x, self._y - 1, f"│{_LEFT_HEADS[event.head] or dash}{dash}┘")

    def _note(self, event: _Event) -> None:
        lines = event.text.split("\n")
        wide = max(map(cells, lines)) + 4
        first, last = self._middle[event.first], self._middle[event.last]
        if event.kind == "left of":
            left = first - 2 - wide
        elif event.kind == "right of":
            left = first + 3
        elif first == last:
            left = first - wide // 2
        else:
            left, wide = first - 2, max(wide, last - first + 5)
        self._lifelines(len(lines) + 2)
        top = self._y - len(lines) - 2
        self._canvas.box(left, top, wide, len(lines) + 2)
        for number, line in enumerate(lines):
            self._canvas.text(left + (wide - cells(line)) // 2, top + 1 + number, line)

"""Where text came from, and what a sign in it may do therefore: the one table of origin and sign."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal, get_args

from gptchat.values import dataclass

Origin = Literal[
    "typed", "completed", "pasted", "piped", "argument", "recalled", "draft", "editor",
    "message", "command", "model",
]  # fmt: skip
"""Who put a piece of text where it stands.

`recalled` is an entry of the input history whose own origin is not known, `draft` a draft of an earlier run,
`message` an earlier message brought back, `command` a command's output. A queued text and an entry of the
history keep the origins that they had.
"""

Sign = Literal["shell", "attach", "command", "collection"]
"""What acts in a text: `!`, `@`, `/` and `#` (`SIGN_OF`)."""

SIGN_OF: Mapping[str, Sign] = {
    "!": "shell", "！": "shell", "@": "attach", "＠": "attach",
    "/": "command", "／": "command", "、": "command", "#": "collection", "＃": "collection",
}  # fmt: skip
"""The characters that are signs, full-width ones too. Chinese input methods type `、` on the key of the slash."""

Verdict = Literal["act", "ask", "text"]
"""A sign acts, is asked about with what it would do in full, or is text like any other."""

ORIGINS: tuple[Origin, ...] = get_args(Origin)
SIGNS: tuple[Sign, ...] = get_args(Sign)

_ACT: tuple[Verdict, ...] = ("act", "act", "act", "act")
_ASK: tuple[Verdict, ...] = ("ask", "ask", "ask", "ask")
_TEXT: tuple[Verdict, ...] = ("text", "text", "text", "text")

_VERDICTS: Mapping[Origin, tuple[Verdict, ...]] = {
    "typed": _ACT,
    "completed": _ACT,
    # A README or a mail is full of at signs and hashes: asking about each would be worse than not acting.
    "pasted": ("ask", "text", "ask", "text"),
    "piped": _TEXT,
    # A shell fills in `$(cat issue.txt)` unseen. Nobody runs a shell command through gptchat's arguments.
    "argument": ("text", "ask", "ask", "ask"),
    "recalled": _ASK,
    "draft": _ASK,
    "editor": _ASK,
    "message": _TEXT,
    "command": _TEXT,
    "model": _TEXT,
}

TABLE: Mapping[Origin, Mapping[Sign, Verdict]] = {
    origin: dict(zip(SIGNS, verdicts, strict=True)) for origin, verdicts in _VERDICTS.items()
}
"""What each sign may do by its origin, before `decide` looks at the rest of the text."""


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a text that was not typed: from `start` up to `end`, in code points."""

    start: int
    end: int
    origin: Origin


@dataclass(frozen=True, slots=True)
class Sourced:
    """A text that knows where it came from. `parts` are in order and do not overlap; all else was typed."""

    text: str
    parts: tuple[Part, ...] = ()

    def at(self, index: int) -> Origin:
        """The origin of the character at `index`."""
        return next((part.origin for part in self.parts if part.start <= index < part.end), "typed")

    def within(self, start: int, end: int) -> list[Origin]:
        """The origins other than typed between `start` and `end`."""
        return [part.origin for part in self.parts if part.start < end and part.end > start]

    def cut(self, start: int, end: int | None = None) -> Sourced:
        """The piece from `start` up to `end`."""
        end = len(self.text) if end is None else end
        return Sourced(self.text[start:end], tuple(_moved(self.parts, start, end, -start)))

    def replaced(self, start: int, end: int, piece: Sourced) -> Sourced:
        """With `piece` in place of what stands from `start` up to `end`."""
        after = len(piece.text) - (end - start)
        parts = (
            *_moved(self.parts, 0, start, 0),
            *_moved(piece.parts, 0, len(piece.text), start),
            *_moved(self.parts, end, len(self.text), after),
        )
        return Sourced(self.text[:start] + piece.text + self.text[end:], _joined(parts))

    def edited(self, text: str, cursor: int, origin: Origin) -> Sourced:
        """After an edit that left `text` and the cursor at `cursor`; what the edit put in is of `origin`."""
        start, end = changed(self.text, text, cursor)
        kept_after = len(self.text) - end
        return self.replaced(start, end, whole(text[start : len(text) - kept_after], origin))


def whole(text: str, origin: Origin) -> Sourced:
    """All of `text` as of one origin."""
    return Sourced(text, (Part(0, len(text), origin),) if text and origin != "typed" else ())


def joined(separator: str, pieces: list[Sourced]) -> Sourced:
    """The pieces in one text, as `str.join`."""
    result = Sourced("")
    for number, piece in enumerate(pieces):
        end = len(result.text)
        result = result.replaced(end, end, piece.replaced(0, 0, Sourced(separator)) if number else piece)
    return result


def behind(entry: Sourced, begins: int) -> Sourced:
    """What follows the word of `entry` that begins at `begins`, without the blanks around it."""
    text = entry.text.rstrip()
    word = text[begins:].split(maxsplit=1)[0]
    rest = text[begins + len(word) :]
    return entry.cut(len(text) - len(rest.lstrip()), len(text))


def changed(old: str, new: str, cursor: int) -> tuple[int, int]:
    """Where in `old` the edit took place that made it `new` and left the cursor at `cursor`: start and end."""
    grown = len(new) - len(old)
    start, end = (cursor - grown, cursor - grown) if grown > 0 else (cursor, cursor - grown)
    # An insertion or deletion at the cursor, as nearly all are: it tells which `a` of `aa` is the new one.
    if start >= 0 and old[:start] == new[:start] and old[end:] == new[cursor:]:
        return start, end
    most = min(len(old), len(new))
    after = _common(old, new, min(len(new) - cursor, most), end=True)
    before = _common(old, new, most - after, end=False)
    after += _common(old[: len(old) - after], new[: len(new) - after], most - before - after, end=True)
    return before, len(old) - after


def decide(entry: Sourced, sign: Sign, at: int = 0, *, harmless: bool = False) -> Verdict:
    """What the sign at `at` of `entry` does. `harmless` says that a command only shows something.

    A shell command acts only if all of it was typed, on one line; several lines and a picture of Markdown are
    text. A command that was not typed is text if `entry` has several lines, and acts if it is harmless.
    """
    verdict, several = TABLE[entry.at(at)][sign], "\n" in entry.text.strip()
    if sign == "shell":
        if several or _is_picture(entry.text[at:]):
            return "text"
        if verdict == "act" and any(TABLE[one]["shell"] != "act" for one in entry.within(at, len(entry.text))):
            return "ask"
    elif sign == "command" and verdict == "ask":
        return "text" if several else "act" if harmless else "ask"
    return verdict


def _is_picture(text: str) -> bool:
    """Whether `text` begins with a picture in Markdown, which no shell takes for a command."""
    return text.startswith(("![", "！[")) and text[text.find("]") + 1 :][:1] in ("(", "[")


def table() -> str:
    """`TABLE` as text, for people."""
    rows = [("", *SIGNS), *((origin, *TABLE[origin].values()) for origin in ORIGINS)]
    return "\n".join("".join(f"{word:<12}" for word in row).rstrip() for row in rows)


def _moved(parts: tuple[Part, ...], start: int, end: int, by: int) -> Iterator[Part]:
    """The parts between `start` and `end`, clipped to these, moved by `by`."""
    for part in parts:
        first, last = max(part.start, start), min(part.end, end)
        if first < last:
            yield Part(first + by, last + by, part.origin)


def _joined(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """`parts` with neighbours of one origin made one."""
    found: list[Part] = []
    for part in parts:
        if found and found[-1].end == part.start and found[-1].origin == part.origin:
            found[-1] = Part(found[-1].start, part.end, part.origin)
        else:
            found.append(part)
    return tuple(found)


def _common(one: str, other: str, most: int, *, end: bool) -> int:
    """How many characters `one` and `other` share at their beginning, or at their `end`; at most `most`."""
    low, high = 0, most
    while low < high:  # by halves, since comparing slices is far quicker than comparing characters
        middle = (low + high + 1) // 2
        if one.endswith(other[len(other) - middle :]) if end else one.startswith(other[:middle]):
            low = middle
        else:
            high = middle - 1
    return low

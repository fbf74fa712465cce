"""A line editor without a screen, for text typed while a reply streams."""

from __future__ import annotations

from gptchat.core.safe import clean, clean_line
from gptchat.core.width import cells
from gptchat.terminal.columns import graphemes
from gptchat.terminal.columns.words import word_end, word_start
from gptchat.terminal.output.reply import columns_to_fill
from gptchat.terminal.output.status import Fragment
from gptchat.terminal.output.toolbar import shortened
from gptchat.values import dataclass
from gptchat.words import ngettext


@dataclass(slots=True)
class LineEditor:
    """A draft and the cursor position in it, in code points; every method keeps the cursor within the text."""

    text: str = ""
    cursor: int = 0

    def insert(self, text: str) -> None:
        """Insert `text` at the cursor and move the cursor behind it."""
        self._replace(self.cursor, self.cursor, text)

    def put(self, text: str) -> None:
        """Replace the draft by `text` and move the cursor to its end."""
        self.text, self.cursor = text, len(text)

    def delete_before(self) -> None:
        """Backspace: delete one character, or the last mark of a letter (`graphemes.erased`)."""
        self._replace(graphemes.erased(self.text, self.cursor), self.cursor)

    def delete_after(self) -> None:
        """Delete key: delete one grapheme (one character as displayed)."""
        self._replace(self.cursor, graphemes.following(self.text, self.cursor))

    def delete_word_before(self) -> None:
        """Delete back to the beginning of a word."""
        self._replace(word_start(self.text, self.cursor), self.cursor)

    def delete_word_after(self) -> None:
        """Delete up to the end of a word."""
        self._replace(self.cursor, word_end(self.text, self.cursor))

    def delete_to_start(self) -> None:
        """Delete back to the beginning of the line."""
        self._replace(self._line_start(), self.cursor)

    def delete_to_end(self) -> None:
        """Delete up to the end of the line; at its end, the line break."""
        end = self._line_end()
        self._replace(self.cursor, end if end > self.cursor else end + 1)

    def left(self) -> None:
        """Move back one grapheme."""
        self.cursor = graphemes.previous(self.text, self.cursor)

    def right(self) -> None:
        """Move forward one grapheme."""
        self.cursor = graphemes.following(self.text, self.cursor)

    def word_left(self) -> None:
        """Move to the beginning of this word, or of the one before."""
        self.cursor = word_start(self.text, self.cursor)

    def word_right(self) -> None:
        """Move to the end of this word, or of the next."""
        self.cursor = word_end(self.text, self.cursor)

    def home(self) -> None:
        """Move to the beginning of the line."""
        self.cursor = self._line_start()

    def end(self) -> None:
        """Move to the end of the line."""
        self.cursor = self._line_end()

    def _replace(self, start: int, end: int, text: str = "") -> None:
        self.text = self.text[:start] + text + self.text[end:]
        self.cursor = start + len(text)

    def _line_start(self) -> int:
        return self.text.rfind("\n", 0, self.cursor) + 1

    def _line_end(self) -> int:
        end = self.text.find("\n", self.cursor)
        return len(self.text) if end < 0 else end


def drawn(text: str) -> str:
    """`text` as it is drawn on one line: control characters as signs, a tab as a blank."""
    return clean(text).replace("\t", " ")


def footer(text: str, column: int, width: int) -> tuple[str, int]:
    """The part of a one-line `text` around the cursor that fits `width` cells, and the cursor's cell in it.

    `column` is the cursor's position in `text` in code points; inside a character it is drawn before that. An
    ellipsis marks hidden text on either side.
    """
    width = max(width, 4)
    before, after = _around(text, column)
    if cells(text) < width:
        return text, sum(map(cells, before))
    room = width - 3  # room for an ellipsis on either side and for the cursor
    start, used = len(before), 0
    while start > 0 and used + cells(before[start - 1]) <= room:
        start -= 1
        used += cells(before[start])
    at, end = used, 0
    while end < len(after) and used + cells(after[end]) <= room:
        used += cells(after[end])
        end += 1
    left = "…" if start else ""
    right = "…" if end < len(after) else ""
    return left + "".join(before[start:] + after[:end]) + right, len(left) + at


def _around(text: str, column: int) -> tuple[list[str], list[str]]:
    """The characters of `text` before and after the cursor."""
    before: list[str] = []
    after: list[str] = []
    index = 0
    for part in graphemes.split(text):
        index += len(part)
        (before if index <= column else after).append(part)
    return before, after


def draft_lines(
    user: str, text: str, column: int, *, waiting: int, columns: int
) -> tuple[list[list[Fragment]], tuple[int, int] | None]:
    """The lines below a reply, and the cursor in them: the draft `text`, and how many messages wait for its end.

    `column` is the cursor's place in the draft in code points, `columns` the width of the window.
    """
    lines: list[list[Fragment]] = []
    cursor: tuple[int, int] | None = None
    if text:
        who = f"{clean_line(user)} › "
        width = max(columns - 1 - cells(who), 10)
        # Control characters are drawn as signs of different length; the cursor column must count these.
        before, after = drawn(text[:column]), drawn(text[column:])
        visible, at = footer(before + after, len(before), width)
        cursor = (0, cells(who) + at)
        lines.append([(who, "prompt"), (visible, "text")])
    if waiting:
        words = ngettext(
            "{n} message waits until the reply is done; Up takes it back",
            "{n} messages wait until the reply is done; Up takes the last one back",
            waiting,
        )
        lines.append([(shortened(words.format(n=waiting), columns_to_fill(columns)), "hint")])
    return lines, cursor

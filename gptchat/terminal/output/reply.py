"""The `ReplyPainter` protocol for showing a streamed reply, a raw painter, and printing of earlier replies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from gptchat.core.safe import clean
from gptchat.terminal.output.capabilities import Terminal
from gptchat.terminal.output.status import Fragment
from gptchat.terminal.output.theme import Theme

LEAST_COLUMNS = 10


class ReplyPainter(Protocol):
    """Shows a reply while it streams. See `Painter` for the full meaning of each method."""

    def feed(self, text: str) -> None:
        """Take a piece of the reply."""

    def feed_reasoning(self, text: str) -> None:
        """Take a piece of the model's reasoning."""

    def note(self, text: str, look: str = "notice") -> None:
        """Print a message to the user above the part of the reply that is not final yet."""

    def set_activity(self, text: str) -> None:
        """Show `text` beside the spinner, such as what the program is waiting for; empty removes it."""

    def set_footer(self, lines: Sequence[Sequence[Fragment]], cursor: tuple[int, int] | None = None) -> None:
        """Show `lines` below the reply, with the cursor at `cursor` (line, column)."""

    def frame(self, *, force: bool = False) -> float | None:
        """Paint if it is time or `force`. Returns the seconds after which to call again; None: after new input."""

    def clear(self) -> None:
        """Clear the screen; the part that is not final is painted again at its top."""

    def step_aside(self) -> None:
        """Remove the part that is not final, so that another program can use the screen. A frame repaints it."""

    def finish(self, status: str = "") -> None:
        """End a complete reply: print the rest, and `status` below it."""

    def interrupt(self, status: str = "") -> None:
        """End an incomplete reply: print what has arrived, and `status` below it."""

    @property
    def code_blocks(self) -> int:
        """Number of the last code block shown; 0 if none are numbered."""


def columns_to_fill(columns: int) -> int:
    """The columns that text may use. The last one stays free, because terminals differ in when they wrap."""
    return max(columns - 1, LEAST_COLUMNS)


def print_reply(
    write: Callable[[str], object],
    text: str,
    *,
    columns: int,
    theme: Theme,
    terminal: Terminal,
    code_blocks: int = 0,
) -> None:
    """Print all of `text` as Markdown, exactly as it looks after streaming; used for earlier messages.

    `columns` is the width of the window. Code blocks are numbered from `code_blocks` + 1.
    """
    from gptchat.terminal.markdown import Encoder, render_lines  # slow to import, and not needed for pipes

    encoder = Encoder(terminal)
    lines = render_lines(
        text, columns_to_fill(columns), theme, hyperlinks=terminal.hyperlinks, code_blocks=code_blocks
    )
    write("".join(encoder.line(line) + "\n" for line in lines))


class RawPainter:
    """Writes the reply as received. On a terminal it is passed through `clean`; a pipe gets it unchanged."""

    def __init__(self, write: Callable[[str], object], *, terminal: Terminal) -> None:
        self._write = write
        self._is_tty = terminal.is_tty
        self._held = ""
        self._last = ""
        self._any = False
        self.code_blocks = 0

    def feed(self, text: str) -> None:
        """Take a piece of the reply."""
        if not text:
            return
        self._any = True
        if not self._is_tty:
            self._last = text[-1]
            self._write(text)
            return
        text = self._held + text
        kept = len(text.rstrip(_NEEDS_NEXT))
        self._held, text = text[kept:], text[:kept]
        self._show(text)

    def _show(self, text: str) -> None:
        """Write `text` cleaned; the character before it is taken into account."""
        if text:
            before = clean(self._last)
            self._write(clean(self._last + text)[len(before) :])
            self._last = text[-1]

    def feed_reasoning(self, text: str) -> None:
        """Ignored: only the reply is written."""

    def note(self, text: str, look: str = "notice") -> None:
        """Ignored: only the reply is written."""

    def set_activity(self, text: str) -> None:
        """Ignored: only the reply is written."""

    def set_footer(self, lines: Sequence[Sequence[Fragment]], cursor: tuple[int, int] | None = None) -> None:
        """Ignored: only the reply is written."""

    def frame(self, *, force: bool = False) -> float | None:
        """None: everything is written as it arrives."""
        return None

    def clear(self) -> None:
        """Ignored: the text already written stays."""

    def step_aside(self) -> None:
        """Ignored: the text already written stays."""

    def finish(self, status: str = "") -> None:
        """End the last line on a terminal; a pipe gets nothing but the reply."""
        if self._is_tty:
            self._show(self._held)
            self._held = ""
            if self._any and self._last != "\n":
                self._write("\n")

    def interrupt(self, status: str = "") -> None:
        """End the last line on a terminal."""
        self.finish()


_NEEDS_NEXT = "\r\u200c\u200d\ufe0e\ufe0f\U0001f3f4" + "".join(map(chr, range(0xE0000, 0xE0080)))
"""Characters whose safety depends on the next character; they are held back until it arrives."""

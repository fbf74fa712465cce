"""How a reply reaches whoever reads it: the protocol of painters, and the two plain ways, replayed and raw."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from gptchat.terminal.output.capabilities import Terminal
from gptchat.terminal.output.safe import clean
from gptchat.terminal.output.status import Fragment
from gptchat.terminal.output.theme import Theme

LEAST_COLUMNS = 10


class ReplyPainter(Protocol):
    """What the chat's loop needs of whoever shows a reply."""

    def feed(self, text: str) -> None:
        """Take a piece of the reply."""

    def feed_reasoning(self, text: str) -> None:
        """Take a piece of the model's reasoning."""

    def note(self, text: str, look: str = "notice") -> None:
        """Print a line for the person between what is printed and what is still to come."""

    def set_activity(self, text: str) -> None:
        """Say what is waited for, beside the spinner; empty: nothing particular."""

    def set_footer(self, lines: Sequence[Sequence[Fragment]], cursor: tuple[int, int] | None = None) -> None:
        """Keep `lines` below the reply, the cursor at `cursor` (line, column)."""

    def frame(self, *, force: bool = False) -> float | None:
        """Paint if it is time; returns the seconds after which to call again, None for never by itself."""

    def clear(self) -> None:
        """Empty the screen; what is still alive is painted again at its top."""

    def step_aside(self) -> None:
        """Take what may still change off the screen, which another program takes over; a frame paints it anew."""

    def finish(self, status: str = "") -> None:
        """The reply is whole: print the rest, and `status` below it."""

    def interrupt(self, status: str = "") -> None:
        """The reply ends here: keep what came, and say so."""

    @property
    def code_blocks(self) -> int:
        """How many code blocks the reply has shown so far."""


def columns_to_fill(columns: int) -> int:
    """The columns that text may take: the last one stays free, where terminals differ in when they wrap."""
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
    """Print the whole of `text` as Markdown, as it stood there after it had streamed: for replayed history.

    `columns` is the width of the window; code blocks are numbered from `code_blocks` + 1.
    """
    from gptchat.terminal.markdown import Encoder, render_lines  # not for pipes, which it would only slow down

    encoder = Encoder(terminal)
    lines = render_lines(
        text, columns_to_fill(columns), theme, hyperlinks=terminal.hyperlinks, code_blocks=code_blocks
    )
    write("".join(encoder.line(line) + "\n" for line in lines))


class RawPainter:
    """The reply as received. On a terminal it still passes `clean`; a pipe gets every character as it came."""

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
        """Write `text` cleaned, as it reads after the character before it."""
        if text:
            before = clean(self._last)
            self._write(clean(self._last + text)[len(before) :])
            self._last = text[-1]

    def feed_reasoning(self, text: str) -> None:
        """Reasoning is no part of the reply and is not shown."""

    def note(self, text: str, look: str = "notice") -> None:
        """Nothing but the reply is written."""

    def set_activity(self, text: str) -> None:
        """Nothing but the reply is written."""

    def set_footer(self, lines: Sequence[Sequence[Fragment]], cursor: tuple[int, int] | None = None) -> None:
        """Nothing but the reply is written."""

    def frame(self, *, force: bool = False) -> float | None:
        """Everything is written as it comes."""
        return None

    def clear(self) -> None:
        """What was received stays where it is."""

    def step_aside(self) -> None:
        """What was received stays where it is."""

    def finish(self, status: str = "") -> None:
        """End the last line on a terminal; a pipe gets nothing more than the reply."""
        if self._is_tty:
            self._show(self._held)
            self._held = ""
            if self._any and self._last != "\n":
                self._write("\n")

    def interrupt(self, status: str = "") -> None:
        """End the last line on a terminal."""
        self.finish()


_NEEDS_NEXT = "\r\u200c\u200d\ufe0e\ufe0f\U0001f3f4" + "".join(map(chr, range(0xE0000, 0xE0080)))
"""Characters whose safety depends on what follows; they wait for it."""

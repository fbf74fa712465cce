"""The `ReplyPainter` protocol for showing a streamed reply, a raw painter, and printing of earlier replies."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

from gptchat.core.safe import clean, open_mark
from gptchat.terminal.calls.plain import PlainCalls
from gptchat.terminal.output.capabilities import Terminal
from gptchat.terminal.output.status import Fragment
from gptchat.terminal.output.theme import Theme
from gptchat.words import _

if TYPE_CHECKING:
    from gptchat.config.schema import UiSettings
    from gptchat.core.events import ToolCall, ToolFinished
    from gptchat.core.tooling import ToolSpec

LEAST_COLUMNS = 10
PATIENCE = 3.0
"""Seconds that output waits for the end of a list or quote before it is printed between two of its blocks."""

Lines = Sequence[Sequence[Fragment]]
"""Lines of fragments, such as what a command shows."""


class HeldOutput:
    """Output that is not part of the reply, held until printing it splits no block of the reply.

    It goes out in the order in which it was announced, so an early command that takes long holds later ones back.
    """

    def __init__(self) -> None:
        self._waiting: list[_Announced] = []

    def expect(self, name: str, since: float, release: Callable[[], object]) -> Callable[[Lines], None]:
        """Announce output named `name` (empty: not named to the user) at the clock time `since`.

        The returned function takes the lines and calls `release`, which prints what `take` returns.
        """
        announced = _Announced(name, since)
        self._waiting.append(announced)

        def give(lines: Lines) -> None:
            announced.lines = lines
            release()

        return give

    def coming(self) -> str:
        """The names of what is still to be printed, for a status line; empty if there is nothing."""
        return _(", ").join(dict.fromkeys(one.name for one in self._waiting if one.name))

    def take(self, now: float, *, between: bool, divisible: bool) -> list[_Announced]:
        """Remove and return what may be printed now.

        `between`: the reply stands between two blocks. `divisible`: it stands inside a list or quote, between two
        blocks of that; this is enough after `PATIENCE`.
        """
        ready: list[_Announced] = []
        while self._waiting and (first := self._waiting[0]).lines is not None:
            if not (between or (divisible and now - first.since >= PATIENCE)):
                break
            ready.append(self._waiting.pop(0))
        return ready


class _Announced:
    """Output that was announced; `lines` is None until it is known."""

    def __init__(self, name: str, since: float) -> None:
        self.name = name
        self.since = since
        self.lines: Lines | None = None


class ReplyPainter(Protocol):
    """Shows a reply while it streams. See `Painter` for the full meaning of each method."""

    def feed(self, text: str) -> None:
        """Take a piece of the reply."""

    def feed_reasoning(self, text: str) -> None:
        """Take a piece of the model's reasoning."""

    def feed_file(self, label: str, source: str) -> None:
        """Take a file of the reply: `label` stands for it, `source` is the text it was received as, or empty."""

    def text_was_reasoning(self, text: str) -> None:
        """Take all text of the reply so far, `text`, for reasoning."""

    def set_sources(self, lines: Sequence[str]) -> None:
        """Set the lines that list the sources of the reply; they are printed below it when it ends."""

    def note(self, text: str, look: str = "notice") -> None:
        """Print a message to the user between two blocks of the reply, as soon as there is such a place."""

    def begin_round(self) -> None:
        """End the text of a reply that calls tools: what is fed from now on is another message."""

    def call_started(self, call: ToolCall, spec: ToolSpec | None) -> None:
        """Show a call that runs."""

    def call_progress(self, call: ToolCall, text: str) -> None:
        """Show how far a call is."""

    def call_finished(self, event: ToolFinished) -> None:
        """Show the result of a call, folded to a line; also of one that did not run."""

    def make_way(self) -> None:
        """Print all that has come and a blank line, so that the person can be asked something below it."""

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

    @property
    def behind(self) -> bool:
        """Whether text has come that only the next frames draw."""

    def skip(self) -> None:
        """Leave out what `behind` means; a line says so."""

    def finish(self, status: str = "") -> None:
        """End a complete reply: print the rest, and `status` below it."""

    def interrupt(self, status: str = "") -> None:
        """End an incomplete reply: print what has arrived, and `status` below it."""

    @property
    def code_blocks(self) -> int:
        """Number of the last code block shown; 0 if none are numbered."""


class LivePainter(ReplyPainter, Protocol):
    """A painter that also shows the output of commands typed while the reply streams."""

    def expect(self, name: str) -> Callable[[Lines], None]:
        """Announce the output of the command `name`; the returned function takes it, and prints it like a note.

        Until it is printed the status line says that it is coming.
        """


def columns_to_fill(columns: int) -> int:
    """The columns that text may use. The last one stays free, because terminals differ in when they wrap."""
    return max(columns - 1, LEAST_COLUMNS)


def reply_pieces(
    text: str,
    *,
    columns: int,
    theme: Theme,
    terminal: Terminal,
    code_blocks: int = 0,
    ui: UiSettings | None = None,
) -> Iterator[str]:
    """All of `text` as Markdown, exactly as it looks after streaming, in pieces that each take little time.

    `columns` is the width of the window. Code blocks are numbered from `code_blocks` + 1. `ui` decides
    how Markdown is read.
    """
    from gptchat.terminal.markdown import Encoder, MarkdownStream  # slow to import, and not needed for pipes

    encoder, width = Encoder(terminal), columns_to_fill(columns)
    stream = MarkdownStream(theme, hyperlinks=terminal.hyperlinks, code_blocks=code_blocks, ui=ui)
    stream.feed(text)
    while stream.behind:
        yield "".join(encoder.line(line) + "\n" for line in stream.commit(width))
    yield "".join(encoder.line(line) + "\n" for line in stream.finish(width))


class PainterBase:
    """What painters share: a file is shown by its label, and the sources wait for the end."""

    _sources: Sequence[str] = ()

    @property
    def behind(self) -> bool:
        """False: nothing waits to be drawn."""
        return False

    def skip(self) -> None:
        """Does nothing: what has come is written."""

    def feed(self, text: str) -> None:
        """Take a piece of the reply."""
        raise NotImplementedError

    def feed_file(self, label: str, source: str) -> None:
        """Take a file of the reply, for which its label stands in the text."""
        self.feed(label)

    def set_sources(self, lines: Sequence[str]) -> None:
        """Keep the lines that list the sources of the reply, to be printed below it when it ends."""
        self._sources = lines


class RawPainter(PlainCalls, PainterBase):
    """Writes the reply as received. On a terminal it is passed through `clean`; a pipe gets it unchanged."""

    def __init__(self, write: Callable[[str], object], *, terminal: Terminal) -> None:
        self._write = write
        self._is_tty = terminal.is_tty
        self._held = ""
        self._last = ""
        self._any = self._apart = self._told = False
        """Whether something is written, whether text stands apart from it, and whether it was a call."""
        self._beside = HeldOutput()
        self._ended = False
        self.code_blocks = 0

    def feed(self, text: str) -> None:
        """Take a piece of the reply."""
        if not text:
            return
        self._stand_apart()
        self._any = True
        if not self._is_tty:
            self._last = (self._last + text)[-2:]
            self._write(text)
            return
        text = self._held + text
        kept = len(text[: open_mark(text)].rstrip(_NEEDS_NEXT))
        if len(text) - kept > _MOST_HELD:
            kept = len(text)
        self._held, text = text[kept:], text[:kept]
        self._show(text)

    def _show(self, text: str) -> None:
        """Write `text` cleaned; the character before it is taken into account."""
        if text:
            before = clean(self._last)
            self._write(clean(self._last + text)[len(before) :])
            self._last = (self._last + text)[-2:]

    def feed_reasoning(self, text: str) -> None:
        """Ignored: only the reply is written."""

    def feed_file(self, label: str, source: str) -> None:
        """Write the label on a terminal; a pipe gets the text as it was received."""
        self.feed(label if self._is_tty else source)

    def text_was_reasoning(self, text: str) -> None:
        """Say so on a terminal; what is written stays."""
        if self._is_tty and self._any:
            self.feed(("" if self._last.endswith("\n") else "\n") + was_reasoning() + "\n\n")

    def note(self, text: str, look: str = "notice") -> None:
        """Ignored: only the reply is written."""

    def expect(self, name: str) -> Callable[[Lines], None]:
        """Announce a command's output; a terminal gets it below the reply, a pipe only the reply."""
        return self._beside.expect(name, 0.0, self._write_beside)

    def _write_beside(self) -> None:
        if not (self._ended and self._is_tty):
            return
        for group in self._beside.take(0.0, between=True, divisible=True):
            lines = ["".join(clean(text, newlines=False) for text, _look in line) for line in group.lines or ()]
            self._write("\n" + "".join(line + "\n" for line in lines))

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

    def begin_round(self) -> None:
        """Write what was held back; a blank line stands before what comes next."""
        if self._is_tty:
            self._show(self._held)
            self._held = ""
        self._apart = True

    def tell_call(self, lines: list[str]) -> None:
        """Write `lines` on a terminal, apart from the text; a pipe gets the reply alone."""
        if self._is_tty:
            if not self._told:
                self._stand_apart()
            self._write("".join(line + "\n" for line in lines))
            self._any = self._apart = self._told = True
            self._last = "\n"

    def _stand_apart(self) -> None:
        if self._apart and self._any:
            blank = "\n" * (2 - len(self._last) + len(self._last.rstrip("\n")))
            self._write(blank)
            self._last = "\n\n"
        self._apart = self._told = False

    def finish(self, status: str = "") -> None:
        """End the last line on a terminal; a pipe gets nothing but the reply."""
        if self._is_tty:
            self._show(self._held)
            self._held = ""
            if self._any and not self._last.endswith("\n"):
                self._write("\n")
            if self._sources:
                self._write("\n" + "".join(clean(line, newlines=False) + "\n" for line in self._sources))
        self._ended = True
        self._write_beside()

    def interrupt(self, status: str = "") -> None:
        """End the last line on a terminal."""
        self.finish()


def was_reasoning() -> str:
    """The line that says that the text above it was reasoning."""
    return "∴ " + _("the text above was thinking")


_MOST_HELD = 4000
"""Characters that wait for the next one."""
_NEEDS_NEXT = "\r\u00ad\u061c\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\ufe0e\ufe0f\U0001f3f4" + "".join(
    map(chr, range(0xE0000, 0xE0080))
)
"""Characters whose safety depends on the next character; they are held back until it arrives."""

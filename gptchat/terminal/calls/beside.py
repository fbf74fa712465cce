"""What a painter shows beside the text of a reply: notes, outputs of commands, calls of tools, and the footer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from gptchat.core.safe import clean, clean_line
from gptchat.terminal.calls.running import RunningCalls
from gptchat.terminal.output.reply import HeldOutput, Lines, PainterBase
from gptchat.terminal.output.status import Fragment
from gptchat.words import _

if TYPE_CHECKING:
    from gptchat.core.events import ToolCall, ToolFinished
    from gptchat.core.tooling import ToolSpec


class BesidePainter(PainterBase):
    """Keeps what is beside the text of the reply until a frame paints it."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._beside = HeldOutput()
        self._calls = RunningCalls()
        self._activity = ""
        self._footer: list[list[Fragment]] = []
        self._cursor: tuple[int, int] | None = None
        self._footer_dirty = True
        """Whether something beside the text has changed since it was painted."""

    def _release(self) -> bool:
        """Print the held output that splits no block of the reply; whether there was any."""
        raise NotImplementedError

    def _end(self, status: str, look: str) -> None:
        """Print the rest, and `status` below it."""
        raise NotImplementedError

    def finish(self, status: str = "") -> None:
        """End a complete reply: print the rest, and `status` below it."""
        self._end(status, "status")

    def interrupt(self, status: str = "") -> None:
        """End an incomplete reply: print what has arrived, and `status` ("stopped" if empty) below it."""
        self.skip()
        self._end("■ " + (status or _("stopped")), "notice")

    def note(self, text: str, look: str = "notice") -> None:
        """Print a message to the user, see `ReplyPainter`."""
        self.expect("")([[(text, look)]])

    def expect(self, name: str) -> Callable[[Lines], None]:
        """Announce the output of the command `name`; see `LivePainter`."""
        self._footer_dirty = True
        return self._beside.expect(name, self._clock(), self._release)

    def set_activity(self, text: str) -> None:
        """Show `text` beside the spinner, such as what the program is waiting for; empty removes it."""
        self._activity = clean_line(text)
        self._footer_dirty = True

    def set_footer(self, lines: Sequence[Sequence[Fragment]], cursor: tuple[int, int] | None = None) -> None:
        """Show `lines` below the reply, with the cursor at `cursor` (line, column). The next frame paints them."""
        new = [[(clean(text, newlines=False).replace("\t", " "), look) for text, look in line] for line in lines]
        if new != self._footer or cursor != self._cursor:
            self._footer, self._cursor = new, cursor
            self._footer_dirty = True

    def call_started(self, call: ToolCall, spec: ToolSpec | None) -> None:
        """Show a call that runs."""
        self._calls.start(call, spec, self._clock())
        self._footer_dirty = True

    def call_progress(self, call: ToolCall, text: str) -> None:
        """Show how far a call is."""
        self._calls.progress(call, text)
        self._footer_dirty = True

    def call_finished(self, event: ToolFinished) -> None:
        """Show the result of a call, folded to a line."""
        self._calls.finish(event, self._clock())
        self._footer_dirty = True

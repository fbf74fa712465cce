"""Calls of tools where nothing is painted twice: lines that tell of a call when it has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gptchat.core.events import ToolCall, ToolFinished
    from gptchat.core.tooling import ToolSpec

_WIDTH = 120
"""Columns of a line that tells of a call; a terminal wraps it."""


class PlainCalls:
    """Tells of calls by `tell_call`, as lines of text."""

    def tell_call(self, lines: list[str]) -> None:
        """Write `lines`."""
        raise NotImplementedError

    def call_started(self, call: ToolCall, spec: ToolSpec | None) -> None:
        """Ignored: a call is told when it has ended."""

    def call_progress(self, call: ToolCall, text: str) -> None:
        """Ignored."""

    def call_finished(self, event: ToolFinished) -> None:
        """Tell of a call and its result."""
        from gptchat.core.tooling.described import call_line, fold, result_line
        from gptchat.terminal.calls.running import ended

        line = fold(call_line(event.call.name, event.call.arguments), _WIDTH)
        self.tell_call([f"▸ {line}", "  " + result_line(ended(event), _WIDTH)])

    def make_way(self) -> None:
        """Ignored: all that has come is written."""

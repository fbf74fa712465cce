"""The calls of a round as lines: each takes two rows, in the order in which they began, whenever they end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gptchat.core.safe import clean_line
from gptchat.core.tooling.described import CallResult, call_line, fold, named, result_line, result_of
from gptchat.terminal.output.status import SPINNER, TICKS, Fragment, seconds_only
from gptchat.values import replace
from gptchat.words import ngettext

if TYPE_CHECKING:
    from gptchat.core.events import ToolCall, ToolFinished
    from gptchat.core.tooling import ToolSpec

CallLine = list[Fragment]

_LOOKS = {"failed": "error", "denied": "notice", "interrupted": "notice"}
"""The look of a result by its outcome."""


class RunningCalls:
    """The calls of a turn that are not printed for good yet.

    A call that ends stays in its place until all that began before it have ended, so nothing jumps.
    """

    def __init__(self) -> None:
        self._calls: list[_Running] = []

    @property
    def any(self) -> bool:
        """Whether there are calls that are not printed yet."""
        return bool(self._calls)

    def start(self, call: ToolCall, spec: ToolSpec | None, now: float) -> None:
        """A call has begun at the clock time `now`."""
        self._calls.append(_Running(call, spec, now))

    def progress(self, call: ToolCall, text: str) -> None:
        """A call tells how far it is."""
        if (running := self._find(call)) is not None:
            running.text = clean_line(text)

    def finish(self, event: ToolFinished, now: float) -> None:
        """A call has ended, whether or not it had begun."""
        running = self._find(event.call)
        if running is None:
            running = _Running(event.call, None, now)
            self._calls.append(running)
        running.result = ended(event)

    def stop(self) -> None:
        """Take all calls that still run for interrupted."""
        for running in self._calls:
            running.result = running.result or CallResult("interrupted", running.text)

    def take(self, width: int) -> list[CallLine]:
        """Remove the calls that have ended, up to the first one that runs; returns their lines."""
        lines: list[CallLine] = []
        while self._calls and self._calls[0].result is not None:
            lines += self._calls.pop(0).lines(0.0, width)
        return lines

    def rows(self, now: float, width: int, room: int) -> list[CallLine]:
        """The lines of all calls as they are now, at most `room` if that is enough for one."""
        shown = self._calls if len(self._calls) * 2 <= room else self._calls[: max((room - 1) // 2, 1)]
        lines = [line for running in shown for line in running.lines(now, width)]
        if more := len(self._calls) - len(shown):
            lines.append([(ngettext("  … {n} more call", "  … {n} more calls", more).format(n=more), "hint")])
        return lines

    def _find(self, call: ToolCall) -> _Running | None:
        """The call that runs: the same one, or else one that has the same id and name."""
        running = [one for one in self._calls if one.result is None]
        same = [one for one in running if one.call is call]
        alike = same or [one for one in running if (one.call.id, one.call.name) == (call.id, call.name)]
        return alike[0] if alike else None


class _Running:
    """One call; `since` is the clock time at which it began, `text` its last progress."""

    def __init__(self, call: ToolCall, spec: ToolSpec | None, since: float) -> None:
        self.call = call
        self.line = call_line(call.name, call.arguments)
        self.spec = spec
        self.since = since
        self.text = ""
        self.result: CallResult | None = None

    def lines(self, now: float, width: int) -> list[CallLine]:
        first = call_fragments(self.line, self.spec, width)
        if self.result is not None:
            return [first, result_fragments(self.result, width)]
        passed = max(now - self.since, 0.0)
        sign = SPINNER[int(passed * TICKS) % len(SPINNER)]
        told = " · ".join(filter(None, (seconds_only(passed), self.text)))
        return [first, [(f"  {sign} ", "spinner"), (fold(told, max(width - 4, 2), "…"), "status")]]


def ended(event: ToolFinished) -> CallResult:
    """How a call ended."""
    return replace(
        result_of(event.message),
        outcome=event.outcome,
        seconds=event.seconds,
        tokens=event.tokens,
        whole=event.whole,
    )


def call_fragments(line: str, spec: ToolSpec | None, width: int) -> CallLine:
    """The line of a call: its name stands out."""
    shown = named(line, spec, max(width - 2, 1))
    name, bracket, rest = shown.partition("(")
    return [("▸ ", "spinner"), (name, "assistant"), (bracket + rest, "status")]


def result_fragments(result: CallResult, width: int) -> CallLine:
    """The line of a result, which stands below that of its call."""
    line = result_line(result, max(width - 2, 1))
    return [(f"  {line[:1]}", _LOOKS.get(result.outcome, "success")), (line[1:], "status")]

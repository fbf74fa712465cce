"""One answer of a comparison as it is drawn: its text as rows of any width, its state, and how it ended."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from gptchat.conversation.outcome import Outcome
from gptchat.core.events import (
    ContextTrimmed,
    FileReceived,
    Notice,
    ReasoningDelta,
    Retrying,
    TextDelta,
    TextWasReasoning,
    TurnEvent,
    TurnFailed,
    TurnFinished,
    TurnInterrupted,
)
from gptchat.core.replies.sources import numbered, sources_of
from gptchat.core.safe import clean, clean_line
from gptchat.terminal.markdown.lines import Line, in_rows, plain, wrap
from gptchat.terminal.markdown.stream import MarkdownStream
from gptchat.terminal.output import status
from gptchat.terminal.turn import cut, retrying, trimmed
from gptchat.words import _

if TYPE_CHECKING:
    from gptchat.config.schema import UiSettings
    from gptchat.terminal.output.theme import Theme

_KEPT = 40
"""Rows of the text that are kept for its tail: more than any live area has."""
_RAW = 20_000
"""Characters of a raw text of which the tail is looked for."""


class ShownAnswer:
    """The answer of the contender `number`, from 1, of which `name` is the model."""

    def __init__(
        self, number: int, name: str, *, theme: Theme, hyperlinks: bool, ui: UiSettings, raw: bool
    ) -> None:
        self.number = number
        self.name = clean_line(name)
        self.outcome = Outcome()
        self.ended = False
        self._theme = theme
        self._hyperlinks = hyperlinks
        self._ui = ui
        self._raw = raw
        self._parts: list[str] = []
        self._stream = self._new()
        self._width = 0
        self._rows: deque[Line] = deque(maxlen=_KEPT)
        self._tail: list[Line] = []
        self._dirty = False
        self._activity = ""
        self._thinks = False

    @property
    def text(self) -> str:
        """All of the text so far."""
        return "".join(self._parts)

    @property
    def behind(self) -> bool:
        """Whether text has come that only the next frames draw."""
        return self._stream.behind > 0

    def take(self, event: TurnEvent) -> None:
        """Note what an event of the answer says."""
        self.outcome.take(event)
        match event:
            case TextDelta(text, 0):
                self._thinks, self._activity = False, ""
                self._add(text)
            case FileReceived(label, _file, _source, 0):
                self._add(label)
            case ReasoningDelta(_text, 0):
                self._thinks = True
            case TextWasReasoning(_text, 0):
                self._parts, self._thinks = [], True
                self._again()
            case Retrying():
                self._activity = retrying(event)
            case Notice(text):
                self._activity = text
            case ContextTrimmed(plan):
                self._activity = trimmed(plan)
            case TurnFinished() | TurnInterrupted() | TurnFailed():
                self.ended, self._activity = True, ""
            case _:
                pass

    def tail(self, width: int, rows: int, more: Callable[[], bool]) -> list[Line]:
        """The last `rows` rows of the text at `width` columns; `more` says whether there is time to draw more."""
        if width != self._width:
            self._width = width
            self._again()
        if self._dirty and self._raw:
            self._tail = _raw_rows(self.text[-_RAW:], width, self._theme)
            self._dirty = False
        elif self._dirty:
            self._rows += in_rows(self._stream.commit(width), width)
            while self._stream.behind and more():
                self._rows += in_rows(self._stream.commit(width), width)
            self._tail = in_rows(self._stream.tail(width), width)
            self._dirty = self.behind
        shown = [*self._rows, *self._tail]
        while shown and not plain(shown[-1]).strip():
            shown.pop()
        return shown[-rows:]

    def whole(self, width: int) -> Iterator[list[Line]]:
        """All rows of the text at `width` columns, in pieces that each take little time."""
        if self._raw:
            for line in self.text.rstrip().split("\n"):
                yield _raw_rows(line, width, self._theme)
            return
        stream = self._new()
        stream.feed(self.text)
        while stream.behind:
            yield in_rows(stream.commit(width), width)
        yield in_rows(stream.finish(width), width)

    def below(self, width: int) -> list[Line]:
        """What stands below the whole text: its sources, and how it ended."""
        outcome = self.outcome
        lines: list[Line] = []
        for source in numbered(sources_of(outcome.message)) if outcome.message is not None else ():
            lines += wrap([(clean_line(source), self._theme["hint"])], width)
        text, look = self.ending()
        lines += wrap([(clean_line(text), self._theme[look])], width)
        if outcome.error is not None and outcome.error.hint:
            lines += wrap([(clean_line(outcome.error.hint), self._theme["hint"])], width)
        return lines

    def ending(self) -> tuple[str, str]:
        """How it ended, as (text, look)."""
        outcome = self.outcome
        if outcome.withheld:
            return _("{reason}; it is not shown").format(reason=outcome.withheld), "notice"
        if outcome.error is not None:
            kept = outcome.message is not None and bool(outcome.message.text.strip())
            mark = f"{_('cut off; what came is kept')}: " if kept else ""
            return f"✗ {mark}{outcome.error.message}", "error"
        if outcome.interrupted:
            return "■ " + _("stopped"), "notice"
        return told(outcome), "status"

    def state(self, passed: float) -> tuple[str, str]:
        """What it does now, after `passed` seconds, as (text, look)."""
        if self.ended:
            return self.ending()
        sign = status.SPINNER[int(passed * status.TICKS) % len(status.SPINNER)]
        doing = self._activity or (_("thinking") if self._thinks else "")
        return " · ".join(filter(None, (f"{sign} {status.seconds_only(passed)}", clean_line(doing)))), "status"

    def withhold(self, reason: str) -> None:
        """Show no text, for `reason`."""
        self.outcome.withheld = reason
        self._parts = []
        self._again()

    def _add(self, text: str) -> None:
        if not self._parts:
            text = text.lstrip()
            if not text:
                return
        self._parts.append(text)
        if self._width and not self._raw:
            self._stream.feed(text)
        self._dirty = True

    def _again(self) -> None:
        """Draw the text anew, as after a change of the width."""
        self._stream, self._tail = self._new(), []
        self._rows.clear()
        if self._width and not self._raw:
            self._stream.feed(self.text)
        self._dirty = True

    def _new(self) -> MarkdownStream:
        return MarkdownStream(self._theme, hyperlinks=self._hyperlinks, ui=self._ui)


def told(outcome: Outcome) -> str:
    """The tokens, speed, cost and time of an answer that ended."""
    usage, message = outcome.usage, outcome.message
    if message is None:
        return ""
    note = cut(message)
    return status.facts(
        tokens=usage.completion_tokens if usage else None,
        unseen=usage.reasoning_tokens if usage and not message.reasoning else 0,
        seconds=outcome.seconds,
        generating=outcome.seconds - outcome.first,
        cost=outcome.spent,
        estimated=usage.estimated if usage else False,
        notes=(note,) if note else (),
    )


def _raw_rows(text: str, width: int, theme: Theme) -> list[Line]:
    return [row for line in clean(text).split("\n") for row in wrap([(line, theme["text"])], width)]

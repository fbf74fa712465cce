"""Assembles a streaming reply: its choices, its sidecar on disk, and the resulting messages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from secrets import token_hex

from gptchat.core.events import (
    FileReceived,
    Finished,
    MediaReceived,
    Notice,
    ProviderEvent,
    ReasoningDelta,
    Retrying,
    SourcesFound,
    TextDelta,
    TextWasReasoning,
    ToolCall,
    TurnEvent,
    UsageReported,
)
from gptchat.core.messages import Message, Usage
from gptchat.core.ports import PartialReply
from gptchat.core.replies.media import content_with
from gptchat.core.replies.sources import CitedSource, records_of
from gptchat.manager.choice import Choice
from gptchat.values import replace

_CLOSER = "reasoning_closed_by"
"""Field of a message whose reasoning was ended by this tag, and begun by none."""


class ReplyBuilder:
    """Collects a provider's events. `begun` is true once any part of the reply itself has arrived.

    `closer` is the tag with which the model is known to end reasoning that it does not open (`closer_known`).
    Files are numbered from `first_file`. `sources` are documents that went along with the question; None if none
    were asked.
    """

    def __init__(
        self,
        partial: PartialReply,
        *,
        closer: str = "",
        first_file: int = 1,
        sources: Sequence[CitedSource] | None = None,
    ) -> None:
        self.partial = partial
        self.choices: dict[int, Choice] = {}
        self.tool_calls: list[ToolCall] = []
        self.usage: Usage | None = None
        self.cost: float | None = None
        """US$ of `usage`, once the reply is kept; None where no price is known."""
        self.model = ""
        self.begun = False
        self._closer = closer
        self._first_file = first_file
        self._sources = sources
        self._shown: list[TurnEvent] = []
        self._revised: list[str] = []
        """The reasoning of the first choice after each `TextWasReasoning` that waits to be shown."""

    def take(self, events: Iterable[ProviderEvent]) -> list[TurnEvent]:
        """Process `events` and return those to display, with adjacent pieces merged."""
        for event in _joined(events):
            match event:
                case TextDelta(text, choice):
                    self._choice(choice).said(text)
                case ReasoningDelta(text, choice):
                    self._choice(choice).thought(text)
                case MediaReceived(address, choice):
                    self._choice(choice).received(address)
                case SourcesFound(sources, choice):
                    self._choice(choice).cites(sources)
                case ToolCall(name, function, arguments):
                    taken = [call.id for call in self.tool_calls]
                    if not name or name in taken:  # some servers send none, or the same for all
                        event = ToolCall(f"call_{token_hex(6)}", function, arguments)
                    self.tool_calls.append(event)
                    self._show(event)
                case UsageReported(usage):
                    self.usage = usage
                case Finished(reason, model, number, extra):
                    ended = self._choice(number)
                    ended.finish(complete=reason != "length")
                    ended.finish_reason = reason
                    ended.extra.update(extra or {})
                    self.model = model or self.model
                case Retrying() | Notice():
                    self._show(event)
        return self._taken()

    def flush(self) -> list[TurnEvent]:
        """Return text that was held back as a possible tag. Call this when the stream has ended."""
        for choice in self.choices.values():
            choice.finish(complete=choice.finish_reason is not None and choice.finish_reason != "length")
            if self._sources and choice.number == 0 and not self.tool_calls:
                choice.cites_first(self._sources)
        return self._taken()

    def unkept(self) -> list[tuple[str, bytes]]:
        """Names and contents of the files received since the last call; the caller stores them."""
        files = [file for choice in self.choices.values() for file in choice.unkept]
        for choice in self.choices.values():
            choice.unkept = []
        return files

    def text(self, choice: int = 0) -> str:
        """The text of a choice so far."""
        return "".join(self.choices[choice].text) if choice in self.choices else ""

    def message(self, base: Message, status: str, choice: int = 0) -> Message:
        """The message for a choice: `base` with the received content, status and usage."""
        got = self.choices.get(choice) or Choice(choice, self._show)
        extra = {**base.extra, **got.extra}
        if self.tool_calls and choice == 0:
            extra["tool_calls"] = [
                {"id": c.id, "type": "function", "function": {"name": c.name, "arguments": c.arguments}}
                for c in self.tool_calls
            ]
        if got.sources or (self._sources is not None and not self.tool_calls):
            extra["sources"] = records_of(got.sources)
        if got.closer:
            extra[_CLOSER] = got.closer
        return replace(
            base,
            content=content_with("".join(got.text), got.files),
            reasoning="".join(got.reasoning),
            model=self.model or base.model,
            status=status,
            finish_reason=got.finish_reason,
            usage=self.usage if choice == 0 else None,
            extra=extra,
        )

    def _choice(self, number: int) -> Choice:
        choice = self.choices.get(number)
        if choice is None:
            choice = Choice(number, self._show, closer=self._closer, first_file=self._first_file)
            self.choices[number] = choice
        return choice

    def _show(self, event: TurnEvent) -> None:
        shown = self._shown
        if not isinstance(event, (Retrying, Notice, SourcesFound)):
            self.begun = True
        if isinstance(event, TextWasReasoning) and event.choice == 0:
            self._revised.append("".join(self.choices[0].reasoning))
        last = shown[-1] if shown else None
        if isinstance(event, TextDelta | ReasoningDelta) and type(last) is type(event):
            assert isinstance(last, TextDelta | ReasoningDelta)
            if last.choice == event.choice:
                shown[-1] = type(event)(last.text + event.text, event.choice)
                return
        shown.append(event)

    def _taken(self) -> list[TurnEvent]:
        """The events to display, which are also written to the sidecar."""
        shown, self._shown = self._shown, []
        for event in shown:
            match event:
                case TextDelta(text, 0):
                    self.partial.write(text)
                case ReasoningDelta(text, 0):
                    self.partial.write(text, reasoning=True)
                case FileReceived(label, file, _source, 0):
                    self.partial.write(label)
                    if file is not None:
                        self.partial.name_file(file.part)
                case TextWasReasoning(_text, 0):
                    self.partial.revise("", self._revised.pop(0))
        return shown


def _joined(events: Iterable[ProviderEvent]) -> Iterator[ProviderEvent]:
    """`events` with each run of pieces of one text as one piece, which is handled once."""
    run: list[str] = []
    last: TextDelta | ReasoningDelta | None = None
    for event in events:
        if isinstance(event, (TextDelta, ReasoningDelta)):
            if last is not None and (type(event) is not type(last) or event.choice != last.choice):
                yield type(last)("".join(run), last.choice)
                run = []
            last = event
            run.append(event.text)
            continue
        if last is not None:
            yield type(last)("".join(run), last.choice)
            run, last = [], None
        yield event
    if last is not None:
        yield type(last)("".join(run), last.choice)


def closer_known(messages: dict[str, Message], provider: str, model: str) -> str:
    """The tag with which `model` ended reasoning that it had not begun, in its last reply; else empty."""
    for message in reversed(messages.values()):
        if message.role == "assistant" and (message.provider, message.model) == (provider, model):
            closer = message.extra.get(_CLOSER)
            return closer if isinstance(closer, str) else ""
    return ""

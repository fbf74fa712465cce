"""Assembles a streaming reply: its choices, its sidecar on disk, and the resulting messages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gptchat.core.events import (
    Finished,
    Notice,
    ProviderEvent,
    ReasoningDelta,
    Retrying,
    TextDelta,
    ToolCall,
    TurnEvent,
    UsageReported,
)
from gptchat.core.messages import Message, Usage
from gptchat.core.ports import PartialReply
from gptchat.core.thinking import Piece, ThinkSplitter
from gptchat.values import replace


class Choice:
    """One choice of the reply, as received so far."""

    def __init__(self) -> None:
        self.text: list[str] = []
        self.reasoning: list[str] = []
        self.finish_reason: str | None = None
        self.extra: dict[str, Any] = {}
        self.thinking = ThinkSplitter()
        self._halves = {"text": "", "reasoning": ""}

    def whole(self, text: str, kind: str = "text") -> str:
        """`text` without a lone high surrogate at its end, which is held until the other half arrives.

        Servers that split text by UTF-16 code units, as JavaScript does, cut an emoji in two.
        """
        half, self._halves[kind] = self._halves[kind], ""
        if half and "\udc00" <= text[:1] <= "\udfff":
            pair = (half + text[0]).encode("utf-16-le", "surrogatepass")
            half, text = pair.decode("utf-16-le"), text[1:]
        text = half + text
        if "\ud800" <= text[-1:] <= "\udbff":
            text, self._halves[kind] = text[:-1], text[-1]
        return text

    def finish(self) -> list[Piece]:
        """End the choice and return the text that was held back."""
        half, thought = self._halves["text"], self._halves["reasoning"]
        self._halves = dict.fromkeys(self._halves, "")
        return [("reasoning", thought), *self.thinking.feed(half), *self.thinking.finish()]


class ReplyBuilder:
    """Collects a provider's events. `begun` is true once any part of the reply itself has arrived."""

    def __init__(self, partial: PartialReply) -> None:
        self.partial = partial
        self.choices: dict[int, Choice] = {}
        self.tool_calls: list[ToolCall] = []
        self.usage: Usage | None = None
        self.model = ""
        self.begun = False

    def take(self, events: Iterable[ProviderEvent]) -> list[TurnEvent]:
        """Process `events` and return those to display, with adjacent pieces merged."""
        shown: list[TurnEvent] = []
        for event in events:
            match event:
                case TextDelta(text, choice):
                    said = self._choice(choice)
                    for kind, piece in said.thinking.feed(said.whole(text)):
                        self._piece(shown, kind == "reasoning", piece, choice)
                case ReasoningDelta(text, choice):
                    self._piece(shown, True, self._choice(choice).whole(text, "reasoning"), choice)
                case ToolCall():
                    self.begun = True
                    self.tool_calls.append(event)
                    shown.append(event)
                case UsageReported(usage):
                    self.usage = usage
                case Finished(reason, model, choice, extra):
                    self._finish(shown, reason, model, choice, extra)
                case Retrying() | Notice():
                    shown.append(event)
        self._keep(shown)
        return shown

    def flush(self) -> list[TurnEvent]:
        """Return text that was held back as a possible tag. Call this when the stream has ended."""
        shown: list[TurnEvent] = []
        for number, choice in self.choices.items():
            for kind, piece in choice.finish():
                self._piece(shown, kind == "reasoning", piece, number)
        self._keep(shown)
        return shown

    def text(self, choice: int = 0) -> str:
        """The text of a choice so far."""
        return "".join(self.choices[choice].text) if choice in self.choices else ""

    def message(self, base: Message, status: str, choice: int = 0) -> Message:
        """The message for a choice: `base` with the received content, status and usage."""
        got = self.choices.get(choice) or Choice()
        extra = {**base.extra, **got.extra}
        if self.tool_calls and choice == 0:
            extra["tool_calls"] = [
                {"id": c.id, "type": "function", "function": {"name": c.name, "arguments": c.arguments}}
                for c in self.tool_calls
            ]
        return replace(
            base,
            content="".join(got.text),
            reasoning="".join(got.reasoning),
            model=self.model or base.model,
            status=status,
            finish_reason=got.finish_reason,
            usage=self.usage if choice == 0 else None,
            extra=extra,
        )

    def _choice(self, number: int) -> Choice:
        return self.choices.setdefault(number, Choice())

    def _piece(self, shown: list[TurnEvent], reasoning: bool, piece: str, number: int) -> None:
        if not piece:
            return
        self.begun = True
        choice = self._choice(number)
        (choice.reasoning if reasoning else choice.text).append(piece)
        kind = ReasoningDelta if reasoning else TextDelta
        last = shown[-1] if shown else None
        if type(last) is kind and last.choice == number:
            shown[-1] = kind(last.text + piece, number)
        else:
            shown.append(kind(piece, number))

    def _finish(
        self, shown: list[TurnEvent], reason: str, model: str, number: int, extra: Mapping[str, Any] | None
    ) -> None:
        choice = self._choice(number)
        for kind, piece in choice.finish():
            self._piece(shown, kind == "reasoning", piece, number)
        choice.finish_reason = reason
        choice.extra.update(extra or {})
        self.model = model or self.model

    def _keep(self, shown: Iterable[TurnEvent]) -> None:
        for event in shown:
            if isinstance(event, (TextDelta, ReasoningDelta)) and event.choice == 0:
                self.partial.write(event.text, reasoning=isinstance(event, ReasoningDelta))

"""Prints a comparison where nobody can choose: one answer after the other with headings, or as one document."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TextIO

from gptchat.conversation.comparing.replies import failure
from gptchat.conversation.events import AnswerChosen, AnswerEvent, ComparisonBegins, Exchange
from gptchat.conversation.outcome import Outcome
from gptchat.core.events import FileReceived, TextDelta, TextWasReasoning, TurnEvent
from gptchat.core.replies.sources import numbered, sources_of
from gptchat.errors import GptchatError, TurnInterruptedError
from gptchat.terminal.comparing.answers import told
from gptchat.terminal.comparing.painting import names_of
from gptchat.terminal.door import show
from gptchat.terminal.output.plain_output import reply_json
from gptchat.words import _

if TYPE_CHECKING:
    from gptchat.terminal.output.reply import ReplyPainter


class PrintedAnswers:
    """Prints the answers in the order of the models: each as it comes, once those before it have ended.

    `painter` makes what prints a reply; `tell` writes a line to standard error. With `silent` nothing is printed.
    """

    def __init__(
        self,
        begins: ComparisonBegins,
        stdout: TextIO,
        *,
        painter: Callable[[], ReplyPainter],
        tell: Callable[[str], None],
        silent: bool,
    ) -> None:
        self._names = names_of(begins.contenders)
        self._contenders = begins.contenders
        self._stdout = stdout
        self._make = painter
        self._tell = tell
        self._silent = silent
        self._outcomes: Sequence[Outcome] = [Outcome() for _name in self._names]
        self._waiting: list[list[TurnEvent]] = [[] for _name in self._names]
        """The events of each answer that are not printed yet."""
        self._at = -1
        self._painter: ReplyPainter | None = None
        self._chosen: int | None = None

    async def drive(self, exchange: Exchange) -> None:
        """Print what `exchange` has just begun, to its end."""
        self._next()
        async for event in exchange:
            if isinstance(event, AnswerEvent):
                self._outcomes[event.number].take(event.event)
                self._outcomes[event.number].withheld = event.withheld
                self._waiting[event.number].append(event.event)
                self._print()
            elif isinstance(event, AnswerChosen):
                self._chosen = event.number

    def status(self) -> int:
        """The exit status: 0 if an answer is complete and none was stopped."""
        if any(outcome.interrupted for outcome in self._outcomes):
            return TurnInterruptedError.exit_status
        if any(outcome.whole and not outcome.withheld for outcome in self._outcomes):
            return 0
        errors = [error for number in range(len(self._names)) if (error := self._error(number))]
        return errors[0].exit_status if errors else 1

    def document(self, user: str, session: str | None, path_of: Callable[[str], str]) -> dict[str, Any]:
        """What `--json` prints: the list of `answers`, and the number of the one that goes on, from 1."""
        answers = []
        for number, outcome in enumerate(self._outcomes):
            provider, model = self._contenders[number]
            one: dict[str, Any] = {"provider": provider, "model": model}
            if outcome.message is not None and not outcome.withheld:
                one = reply_json(user, session, outcome, outcome.message, path_of)
                del one["user"], one["session"]
            if error := self._error(number):
                one["error"] = {
                    "kind": error.kind,
                    "message": error.message,
                    "hint": error.hint or None,
                    "status": error.status,
                }
            answers.append({"asked": self._names[number], **one})
        chosen = None if self._chosen is None else self._chosen + 1
        return {"answers": answers, "chosen": chosen, "user": user, "session": session}

    def _error(self, number: int) -> GptchatError | None:
        """Why an answer is not whole."""
        return failure(self._outcomes[number])

    def _next(self) -> None:
        """Begin the next answer."""
        self._at += 1
        if self._at >= len(self._names):
            return
        if not self._silent:
            apart = "\n" if self._at else ""
            show(f"{apart}## {self._at + 1} · {self._names[self._at]}\n", self._stdout)
        self._painter = self._make()

    def _print(self) -> None:
        """Print what has come of the answer in turn, and begin the next if it has ended."""
        while self._at < len(self._names):
            assert self._painter is not None
            for event in self._waiting[self._at]:
                match event:
                    case TextDelta(text, 0):
                        self._painter.feed(text)
                    case FileReceived(label, _file, source, 0):
                        self._painter.feed_file(label, source)
                    case TextWasReasoning(text, 0):
                        self._painter.text_was_reasoning(text)
                    case _:
                        pass
            self._waiting[self._at].clear()
            self._painter.frame()
            if not self._has_ended(self._outcomes[self._at]):
                return
            self._finish()

    def _finish(self) -> None:
        """End the answer in turn: what it cost, or why it failed, stands on standard error."""
        outcome, painter = self._outcomes[self._at], self._painter
        assert painter is not None
        if outcome.message is not None:
            painter.set_sources(numbered(sources_of(outcome.message)))
        while painter.behind:
            painter.frame()
        painter.finish()
        if not self._silent:
            if not self._stdout.isatty() and not (outcome.message and outcome.message.text.endswith("\n")):
                show("", self._stdout)  # a pipe gets a reply exactly as it is
            name = self._names[self._at]
            if error := self._error(self._at):
                self._tell(_("{name}: {what}").format(name=name, what=error.message))
                if error.hint:
                    self._tell(_("hint: {what}").format(what=error.hint))
            elif facts := told(outcome):
                self._tell(_("{name}: {what}").format(name=name, what=facts))
        self._next()

    @staticmethod
    def _has_ended(outcome: Outcome) -> bool:
        return outcome.message is not None or outcome.error is not None or outcome.interrupted

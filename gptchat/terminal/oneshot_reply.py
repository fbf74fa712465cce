"""Prints a reply in one-shot mode: on a terminal, to a pipe or as JSON, together with notes and errors."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from functools import partial
from typing import TYPE_CHECKING, TextIO, assert_never

from gptchat import leaving
from gptchat.commands.effects import Ask
from gptchat.conversation.events import (
    AnswerChosen,
    AnswerEvent,
    Checked,
    CompactWanted,
    ComparisonBegins,
    ComparisonEnded,
    Decision,
    Exchange,
    Foreign,
    Kept,
    NotSent,
    OtherAnswers,
    Revealed,
    SessionMoved,
    Told,
    TurnBegins,
    TurnEnded,
    Unchanged,
    turn_events,
)
from gptchat.conversation.outcome import Outcome
from gptchat.core.events import TextDelta, TextWasReasoning, TurnEvent
from gptchat.core.replies.media import files_of
from gptchat.errors import MisfitError, TurnInterruptedError
from gptchat.terminal.door import print_document, show, tell_failure
from gptchat.terminal.output.capabilities import Terminal, prepare_console, size
from gptchat.terminal.output.plain_output import PlainReply, reply_json, writer
from gptchat.terminal.turn import cut, finished, paint
from gptchat.values import replace
from gptchat.words import _

if TYPE_CHECKING:
    from gptchat.config.flags import Options
    from gptchat.conversation.services import Services
    from gptchat.terminal.invocation import Streams
    from gptchat.terminal.output.painter import Painter
    from gptchat.terminal.output.reply import ReplyPainter


class Replying:
    """Prints the events of an exchange. `ask` answers its decisions; `tell` writes a line to standard error."""

    def __init__(
        self,
        services: Services,
        options: Options,
        streams: Streams,
        *,
        ask: Callable[[Ask], str | None],
        tell: Callable[[str], None],
    ) -> None:
        self.services = services
        self.options = options
        self.streams = streams
        self._ask = ask
        self._tell = tell
        self.answered = False
        """Whether a turn has been run; its reply or error is then printed."""
        self.status = 0
        """The exit status of the run so far."""

    async def drive(self, exchange: Exchange) -> None:
        """Print the events of an exchange and answer its decisions."""
        outcome = Outcome()
        async with aclosing(exchange):
            async for event in exchange:
                if isinstance(event, TurnEvent | TurnEnded | AnswerEvent | ComparisonEnded):
                    continue
                match event:
                    case TurnBegins():
                        outcome = await self._paint(exchange)
                    case Decision(
                        "send_flagged" | "show_withheld" | "attach" | "collection" | "unknown_price",
                        question,
                        choices,
                        default,
                    ):
                        event.answer = self._ask(Ask(question, choices, default))
                    case ComparisonBegins():
                        await self._compare(event, exchange)
                        return
                    case Told(text):
                        self._tell(text)
                    case Checked(checked):
                        outcome = checked
                        self._draw_answer(checked)
                    case Revealed(message):
                        if not self.options.json:
                            show(message.text, self.streams.stdout)
                    case Kept():
                        self._report(outcome)
                    case Unchanged():
                        self._tell(_("the model had nothing to add; the reply stays as it was"))
                    case (
                        Decision()
                        | Foreign()
                        | OtherAnswers()
                        | SessionMoved()
                        | NotSent()
                        | CompactWanted()
                        | AnswerChosen()
                    ):
                        pass  # decisions keep their safe default; other answers are printed with the first
                    case _:
                        assert_never(event)

    async def _paint(self, exchange: Exchange) -> Outcome:
        painter = self._painter()
        events = turn_events(exchange)
        if self.options.schema:
            events = _unspoken(events)  # the answer is shown when it has been checked
        with leaving.gently(self.services.manager.stop):
            outcome = await paint(events, painter, told=self._below, decide=partial(self._decide, painter))
        self.answered = True
        return outcome

    async def _compare(self, begins: ComparisonBegins, exchange: Exchange) -> None:
        """Print the answers of several models, one after the other, or as one document."""
        from gptchat.terminal.comparing.plain import PrintedAnswers

        printed = PrintedAnswers(
            begins, self.streams.stdout, painter=self._painter, tell=self._tell, silent=self.options.json
        )
        manager = self.services.manager
        with leaving.gently(manager.stop):
            await printed.drive(exchange)
        self.answered = True
        if self.options.json:
            session = None if self.services.run.incognito else manager.session.id
            print_document(printed.document(manager.user, session, self._path_of), self.streams.stdout)
        self.status = printed.status()

    async def _decide(self, painter: ReplyPainter, decision: Decision) -> None:
        """Answer a decision in the middle of a turn; where nobody can be asked, its safe answer stands."""
        painter.make_way()
        if decision.call is None:
            decision.answer = self._ask(Ask(decision.question, decision.choices, decision.default))
        elif self.streams.stdin.isatty():
            from gptchat.terminal.calls.approval import approve

            if not await approve(decision, _Questions(self._ask, self._tell, self.streams.stdin), 80):
                self.services.manager.stop()

    def _tell_denied(self, outcome: Outcome) -> None:
        """Say how calls may run that did not, because nobody could be asked."""
        denied = [one.call.name for one in outcome.calls if one.outcome == "denied"]
        if denied and not self.streams.stdin.isatty():
            names = _(", ").join(dict.fromkeys(denied))
            self._tell(
                _("not run: {names}; --approve always lets all calls run, /tools allow NAME this tool's").format(
                    names=names
                )
            )

    def _draw_answer(self, outcome: Outcome) -> None:
        """Show an answer that fits its schema: drawn as a block of code, or as it was received."""
        if outcome.fit is None or self.options.json:
            return
        if not self._drawn():
            show(outcome.fit.text, self.streams.stdout)
            return
        painter = self._drawing(Terminal.detect(self.streams.stdout, self.services.environ))
        text = json.dumps(outcome.fit.data, ensure_ascii=False, indent=2)
        painter.feed(f"```json\n{text}\n```\n")
        painter.skip()
        painter.finish(finished(outcome, self.services.manager.session, kept=not self.services.run.incognito))

    def _below(self, outcome: Outcome) -> str:
        """The status line below a reply that is drawn."""
        if not self._drawn() or self.options.schema:
            return ""
        return finished(outcome, self.services.manager.session, kept=not self.services.run.incognito)

    def _report(self, outcome: Outcome) -> None:
        """Print the rest of a turn's output: its error, the JSON document, or the other answers."""
        self._tell_denied(outcome)
        if outcome.error is not None:
            replies = outcome.error.replies if isinstance(outcome.error, MisfitError) else ()
            also = {"reply": replies[-1], "replies": list(replies)} if replies else {}
            self.status = tell_failure(
                outcome.error, as_json=self.options.json, debug=self.options.debug, also=also
            )
            if replies and not self.options.json:
                show(_("the answer: {text}").format(text=replies[-1]), self.streams.stderr)
        elif outcome.interrupted:
            goes_on = _("gptchat /continue goes on") if outcome.message else _("gptchat /retry asks again")
            error = TurnInterruptedError(_("stopped"), hint="" if self.services.run.incognito else goes_on)
            self.status = tell_failure(error, as_json=self.options.json)
        elif self.options.json and outcome.message is not None:
            user, session = self.services.manager.user, self.services.manager.session.id
            shown = None if self.services.run.incognito else session
            document = reply_json(user, shown, outcome, outcome.message, self._path_of)
            print_document(document, self.streams.stdout)
        else:
            kept = not self.services.run.incognito
            if outcome.message is not None and not self._drawn() and (note := cut(outcome.message, kept=kept)):
                self._tell(note)
            for file in files_of(outcome.message) if outcome.message is not None else ():
                if path := self._path_of(file.name):
                    self._tell(_("{name}: {path}").format(name=file.label, path=path))
            for number, message in enumerate(outcome.others, 2):
                answer = _("answer {n}").format(n=number)
                show(f"\n{answer}\n\n{message.text}", self.streams.stdout)

    def _path_of(self, name: str) -> str:
        manager = self.services.manager
        return manager.store.file_path(manager.user, name)

    def _drawn(self) -> bool:
        return self.streams.stdout.isatty() and not self.options.json and not self.services.settings.ui.raw

    def _painter(self) -> ReplyPainter:
        stdout = self.streams.stdout
        terminal = Terminal.detect(stdout, self.services.environ)
        if self._drawn():
            return self._drawing(terminal)
        watched = self.streams.stderr.isatty()
        return PlainReply(stdout, self._tell, terminal.is_tty, silent=self.options.json, watched=watched)

    def _drawing(self, terminal: Terminal) -> Painter:
        """A painter of Markdown on standard output."""
        prepare_console()
        from gptchat.terminal.output.painter import Painter
        from gptchat.terminal.output.theme import choose

        stdout = self.streams.stdout
        return Painter(
            writer(stdout),
            size=lambda: size(stdout),
            theme=choose(self.services.settings.ui.theme, self.services.environ),
            terminal=terminal,
            reasoning=self.services.settings.ui.reasoning,
            ui=self.services.settings.ui,
            reads_keys=False,
        )


async def _unspoken(
    events: AsyncGenerator[TurnEvent | Decision, None],
) -> AsyncGenerator[TurnEvent | Decision, None]:
    """`events` without the text of the reply."""
    async with aclosing(events):
        async for event in events:
            if not isinstance(event, TextDelta | TextWasReasoning):
                yield event


class _Questions:
    """Asks at a terminal about a call. What was typed before the question is dropped, for it cannot answer it."""

    def __init__(self, ask: Callable[[Ask], str | None], tell: Callable[[str], None], stdin: TextIO) -> None:
        self._ask = ask
        self._tell = tell
        self._stdin = stdin

    async def ask(self, ask: Ask) -> str | None:
        if sys.platform != "win32":
            import termios

            termios.tcflush(self._stdin, termios.TCIFLUSH)
        asked = ask
        if ask.choices:
            self._tell(ask.question)
            column = max(len(key) for key, _meaning in ask.choices)
            for key, meaning in ask.choices:
                self._tell(f"  {key:<{column}}  {meaning}")
            asked = replace(ask, question=_("your answer"))
        answer = self._ask(asked)
        return None if ask.choices and not answer else answer

    def show(self, text: str, look: str = "text") -> None:
        self._tell(text)

    async def edit(self, text: str) -> str | None:
        from gptchat.terminal.input.editor import edit
        from gptchat.waiting import to_thread

        return await to_thread(edit, text, ".json")

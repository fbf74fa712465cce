"""Carries out the effects of commands and the events of a conversation in the interactive chat."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, assert_never

from gptchat import leaving
from gptchat.commands.effects import (
    Action,
    Ask,
    Attach,
    Changed,
    Connect,
    Copy,
    Draft,
    Edit,
    Effects,
    Leave,
    Pick,
    PickMessage,
    Progress,
    Replay,
    Run,
    Show,
)
from gptchat.commands.registry import Call
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
    next_event,
    turn_events,
)
from gptchat.conversation.outcome import Outcome
from gptchat.core.events import TurnEvent
from gptchat.core.messages import Message
from gptchat.core.origin import Sourced, whole
from gptchat.errors import GptchatError
from gptchat.leaving import LeaveRequested
from gptchat.terminal.asking import Asking
from gptchat.terminal.calls.approval import approve
from gptchat.terminal.debugging import unexpected
from gptchat.terminal.input.editor import visit
from gptchat.terminal.keeping.disk import Disk
from gptchat.terminal.output.blocks import Fragment, lines_of
from gptchat.terminal.output.progress import ProgressLine
from gptchat.terminal.output.reply import Lines, columns_to_fill
from gptchat.terminal.output.screen import told
from gptchat.terminal.transcript import Transcript
from gptchat.terminal.turn import hint_after
from gptchat.words import _

if TYPE_CHECKING:
    from gptchat.commands.program import Program
    from gptchat.terminal.input.prompt import Prompt
    from gptchat.terminal.live import LiveTurn
    from gptchat.terminal.output.screen import Screen


class Carrier:
    """Runs messages and commands. `changed` is called with the names of changed things, such as "session"."""

    def __init__(
        self,
        program: Program,
        screen: Screen,
        prompt: Prompt,
        live: LiveTurn,
        changed: Callable[[frozenset[str]], None],
    ) -> None:
        self._program = program
        self._services = services = program.services
        self._screen = screen
        self._prompt = prompt
        self._live = live
        self._changed = changed
        self._draft: list[Sourced] = []
        self._asking = Asking(prompt, screen)
        self.may_run, self.digit = self._asking.may_run, self._asking.digit
        self.disk = Disk(services, screen, self._asking)
        self.leaving = False
        self.transcript = Transcript(services.manager, services.settings, screen)
        self.sending: list[Sourced] = []
        """The message on its way to a provider, if any."""
        self._began: tuple[str | None, ...] = ()
        """The head of the session when the turn of that message began."""
        self._answered = False
        """Whether the message of `say` reached a provider; it is then saved and not returned to the prompt."""
        self._progress = ProgressLine(screen.write, lambda: screen.size()[0])
        live.aside = self._aside

    def take_draft(self) -> list[Sourced]:
        """Return and clear the texts for the prompt: a command's, and what was typed at questions."""
        draft, self._draft = self._draft, []
        return draft + self._asking.take_kept()

    def take_sending(self) -> list[Sourced]:
        """Return and clear the message on its way; nothing if it is saved already."""
        sending, self.sending = self.sending, []
        saved = self._began and self._began != (self._services.manager.session.head,)
        return [] if saved else sending

    # Messages

    async def say(self, text: Sourced, model: str = "") -> list[Sourced]:
        """Send `text` and paint the reply; returns `text` for the prompt if it was not sent, else nothing."""
        room = self._services.conversation
        return await self._send(text, room.say(text, model=model, may_compact=lambda: not self._live.typing))

    async def _send(self, text: Sourced, exchange: Exchange) -> list[Sourced]:
        self._answered, self._began, self.sending = False, (), [text]
        try:
            sent = await self._drive(exchange)
        except GptchatError as error:
            self._screen.error(error)
            sent = self._answered
        self.sending = []
        return [] if sent else [text]

    async def attach(self, reference: str) -> None:
        """Attach a file or address to the next message. Raises GptchatError."""
        await self._drive(self._services.conversation.attach(reference))

    async def _drive(self, exchange: Exchange) -> bool:
        """Show the events of an exchange and answer its decisions. False if the message was not sent."""
        screen, sent = self._screen, True
        async with aclosing(exchange):
            while (event := await self._live.wait(next_event(exchange))) is not None:
                if isinstance(event, TurnEvent | TurnEnded | AnswerEvent | ComparisonEnded):
                    continue
                match event:
                    case TurnBegins():
                        screen.write("\n")
                        self._began = (self._services.manager.session.head,)
                        self._ended(await self._live.run(turn_events(exchange), self._decide))
                    case ComparisonBegins() | AnswerChosen():
                        from gptchat.terminal.comparing.painting import compared

                        self._answered, self.sending = True, []
                        await compared(event, exchange, self._live, screen, self._services.manager.session)
                    case Decision("choose_answer") if self._live.left or leaving.status() is not None:
                        pass  # the safe answer stands
                    case Decision():
                        event.answer = await self._asking.ask(Ask(event.question, event.choices, event.default))
                    case Told(text, tone):
                        screen.say(text, tone)
                    case Foreign(messages):
                        await self.transcript.messages(messages)
                    case Revealed(message):
                        await self.transcript.messages([message])
                    case OtherAnswers(messages):
                        await self._others(messages)
                    case Kept():
                        screen.write("\n")
                        self.disk.warn()
                        self._changed(frozenset({"session"}))
                    case SessionMoved():
                        self._changed(frozenset({"session"}))
                    case Unchanged():
                        screen.say(_("the model had nothing to add; the reply stays as it was"), "hint")
                    case CompactWanted():
                        command = self._program.registry.get("compact")
                        assert command is not None
                        await self.command(Call(command, {}))
                    case NotSent():
                        sent = False
                    case Checked():
                        pass  # a schema goes with one question, not with a chat
                    case _:
                        assert_never(event)
        return sent

    async def _decide(self, decision: Decision) -> None:
        """Answer a decision in the middle of a turn. Esc stops the turn; so does leaving."""
        try:
            if decision.call is None:
                asked = Ask(decision.question, decision.choices, decision.default)
                decision.answer = await self._asking.ask(asked)
            elif not await approve(decision, self._asking, self._screen.size()[0]):
                self._services.manager.stop()
            self._screen.write("\n")
        except LeaveRequested:
            decision.answer = None
            self._live.leave()

    def _ended(self, outcome: Outcome) -> None:
        """Report a turn's error and what the user can do."""
        self._answered = bool(outcome.provider) and not outcome.draft
        if outcome.error is not None:
            self._screen.error(outcome.error)
        store = self._services.manager.store
        saved = not self._services.run.incognito and not store.unsaved(self._services.manager.session)
        if hint := hint_after(outcome, saved=saved):
            self._screen.say(hint, "hint")

    async def _others(self, messages: Sequence[Message]) -> None:
        """Show the other answers of a turn with several choices."""
        for number, message in enumerate(messages, 2):
            self._screen.write("\n")
            self._screen.say(_("answer {n}").format(n=number), "assistant")
            await self._screen.reply(message.text)
        self._screen.write("\n")

    # Commands

    async def command(self, call: Call) -> None:
        """Run a command to its end. Raises GptchatError."""
        generator = self._program.start(call)
        answered: str | None = None
        try:
            while (effect := await self._live.wait(self._next_effect(generator, answered))) is not None:
                self._progress.close()
                answered = await self._carry_out(effect)
        finally:
            self._progress.close()
        self.disk.warn()

    async def _next_effect(self, generator: Effects, answered: str | None) -> Action | None:
        """A command's next effect, None at its end. Progress is shown here, so that Esc stops the whole task."""
        try:
            while isinstance(effect := await generator.asend(answered), Progress):
                answered = None
                if not self._screen.terminal.dumb:
                    self._live.stop_spinning()
                    self._progress.step(effect.label, effect.done, effect.total)
        except StopAsyncIteration:
            return None
        return effect

    async def shell(self, command: str) -> None:
        """Run a shell command, show its output, and offer to attach it to the next message. Raises UsageError."""
        from gptchat.attachments import run_command

        stopped = threading.Event()
        running = asyncio.to_thread(run_command, command, stopped=stopped.is_set)
        output = await self._live.wait(running, stopped.set)
        self._screen.say(output.output or _("(no output)"))
        answer = await self._asking.ask(
            Ask(
                _("send this with your next message? ({summary})").format(summary=output.summary),
                (("y", _("yes")), ("n", _("no"))),
                default="n",
            )
        )
        if answer == "y":
            self._services.outbox.attached.append(output.attachment())
            self._screen.say(_("it goes with your next message"), "hint")

    def _aside(self, call: Call, show: Callable[[Lines], None]) -> asyncio.Task[None]:
        """Run a command while a reply streams; all its lines are handed to `show` at its end."""

        async def run() -> None:
            lines: list[list[Fragment]] = []
            try:
                async for effect in self._program.start_aside(call):
                    match effect:
                        case Show(blocks):
                            lines += lines_of(blocks, columns_to_fill(self._screen.size()[0]))
                        case Copy():
                            lines.append([(await self._copied(effect), "hint")])
                        case _:
                            assert_never(effect)
            except Exception as fault:
                # A bug in one command must end neither the reply nor the chat.
                error = fault if isinstance(fault, GptchatError) else unexpected(fault)
                lines += [[(" " * indent + text, look)] for text, look, indent in told(error)]
            finally:
                show(lines)

        return asyncio.get_running_loop().create_task(run())

    async def _carry_out(self, effect: Action) -> str | None:
        screen = self._screen
        match effect:
            case Show(blocks):
                screen.show(blocks)
            case Replay():
                await self.transcript.replay(effect)
            case Draft(text, origin):
                self._draft = [whole(text, origin)]
            case Run():
                await self._run(effect)
            case Ask():
                return await self._asking.ask(effect)
            case Pick() | PickMessage() | Connect():
                from gptchat.terminal.pickers import pick

                chosen = await pick(effect, self._services, self._prompt, screen, self._live)
                screen.asked()
                return chosen
            case Edit(text, suffix):
                prompt = self._prompt
                edited = await visit(prompt.keyboard, prompt.output, text, suffix, keep=prompt.keep_edited)
                if edited and leaving.status() is not None:
                    self._draft = [whole(edited, "editor")]
                    raise LeaveRequested
                return edited
            case Copy():
                screen.say(await self._copied(effect), "hint")
            case Attach(reference):
                await self.attach(reference)
            case Changed(what):
                self._changed(what)
            case Leave():
                self.leaving = True
            case _:
                assert_never(effect)
        return None

    async def _run(self, run: Run) -> None:
        room = self._services.conversation
        if run.what == "send":
            self._draft = await self.say(run.text, run.model)
        elif run.what in ("compare", "aside"):
            beside = room.aside(run.text) if run.what == "aside" else room.compare(run.text, run.models)
            self._draft = await self._send(run.text, beside)
        else:
            await self._drive(room.retry(run.model) if run.what == "retry" else room.continue_(run.model))

    async def _copied(self, effect: Copy) -> str:
        from gptchat.terminal.output.clipboard import copy

        way = await asyncio.to_thread(copy, effect.text, self._screen.write, self._services.environ)
        return {
            **dict.fromkeys(("both", "tool"), _("copied: {what}")),
            "terminal": _("copied through the terminal: {what}"),
            "none": _("no way to the clipboard was found; /raw shows the text"),
        }[way].format(what=effect.what)

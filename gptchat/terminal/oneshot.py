"""One-shot mode for shells, pipes and scripts: answers one question or runs one slash command, then exits."""

from __future__ import annotations

import asyncio
import getpass
import json
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing, contextmanager
from typing import TYPE_CHECKING, Any, TextIO, assert_never

from gptchat.commands.effects import (
    Action,
    Ask,
    Attach,
    Block,
    Changed,
    Copy,
    Draft,
    Edit,
    Leave,
    Pick,
    Progress,
    Replay,
    Run,
    Show,
    Source,
)
from gptchat.commands.registry import Call, Said, Unknown
from gptchat.conversation.events import (
    CompactWanted,
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
from gptchat.core.events import TurnEvent
from gptchat.core.messages import Message
from gptchat.errors import TurnInterruptedError, UsageError
from gptchat.redaction import redact
from gptchat.terminal.answers import chosen
from gptchat.terminal.failure import tell_failure
from gptchat.terminal.invocation import Question, Streams
from gptchat.terminal.output.blocks import lines_of
from gptchat.terminal.output.plain_output import PlainReply, reply_json, writer
from gptchat.terminal.output.progress import ProgressLine
from gptchat.terminal.output.safe import clean
from gptchat.terminal.turn import cut, finished, paint
from gptchat.words import _

if TYPE_CHECKING:
    from collections.abc import Generator

    from gptchat.commands.program import Program
    from gptchat.config.flags import Options
    from gptchat.terminal.output.reply import ReplyPainter


def answer(program: Program, options: Options, asked: Question, streams: Streams) -> int:
    """Answer `asked`; returns the exit status."""
    return asyncio.run(_OneShot(program, options, streams).run(asked))


class _OneShot:
    def __init__(self, program: Program, options: Options, streams: Streams) -> None:
        self.program = program
        self.services = program.services
        self.options = options
        self.streams = streams
        self.data: list[Any] = []
        self.answered = False
        """Whether a turn has been run; its reply or error is then the JSON document."""
        self.status = 0
        self.progress = _progress_line(program.services.environ, streams.stderr)

    async def run(self, asked: Question) -> int:
        options = self.options
        try:
            if (options.latest or options.session) and not self.services.open_first(options.session):
                raise UsageError(_("{user} has no saved sessions yet").format(user=self.services.manager.user))
            match asked.typed:
                case Said(text):
                    await self._say(text, asked.piped)
                case Call() as call:
                    await self._command(call)
                case Unknown(name, nearest):
                    near = _(", ").join(f"/{known}" for known in nearest)
                    raise UsageError(
                        _("there is no command /{name}").format(name=name),
                        hint=_("did you mean {names}?").format(names=near) if near else _("/help lists them all"),
                    )
            await self._warn_of_trouble()
            return self.status
        finally:
            await self.services.close()

    async def _say(self, text: str, piped: str = "") -> None:
        if absent := self.services.paths.absent():
            self._tell(absent)
        await self._drive(self.services.conversation.say(text, self.options.attachments, piped=piped))

    async def _drive(self, exchange: Exchange) -> None:
        """Print the events of an exchange and answer its decisions."""
        outcome = Outcome()
        async with aclosing(exchange):
            async for event in exchange:
                if isinstance(event, TurnEvent | TurnEnded):
                    continue
                match event:
                    case TurnBegins():
                        outcome = await self._paint(exchange)
                    case Decision("send_flagged" | "show_withheld", question, choices, default):
                        event.answer = self._ask(Ask(question, choices, default))
                    case Told(text):
                        self._tell(text)
                    case Revealed(message):
                        if not self.options.json:
                            print(clean(message.text), file=self.streams.stdout)
                    case Kept():
                        self._report(outcome)
                    case Unchanged():
                        self._tell(_("the model had nothing to add; the reply stays as it was"))
                    case Decision() | Foreign() | OtherAnswers() | SessionMoved() | NotSent() | CompactWanted():
                        pass  # decisions keep their safe default; other answers are printed with the first
                    case _:
                        assert_never(event)

    async def _paint(self, exchange: Exchange) -> Outcome:
        painter = self._painter()
        with _interrupts(self.services.manager.stop):
            told = finished if self._drawn() else lambda _outcome: ""
            outcome = await paint(turn_events(exchange), painter, told=told)
        self.answered = True
        return outcome

    def _report(self, outcome: Outcome) -> None:
        """Print the rest of a turn's output: its error, the JSON document, or the other answers."""
        if outcome.error is not None:
            self.status = tell_failure(outcome.error, as_json=self.options.json, debug=self.options.debug)
        elif outcome.interrupted:
            error = TurnInterruptedError(
                _("stopped"), hint="" if self.services.run.incognito else _("gptchat -c goes on with this session")
            )
            self.status = tell_failure(error, as_json=self.options.json)
        elif self.options.json and outcome.message is not None:
            user, session = self.services.manager.user, self.services.manager.session.id
            shown = None if self.services.run.incognito else session
            document = reply_json(user, shown, outcome, outcome.message)
            print(json.dumps(document, ensure_ascii=False, indent=2), file=self.streams.stdout)
        else:
            if outcome.message is not None and not self._drawn() and (note := cut(outcome.message)):
                self._tell(note)
            for number, message in enumerate(outcome.others, 2):
                print(
                    "\n" + _("answer {n}").format(n=number) + f"\n\n{clean(message.text)}",
                    file=self.streams.stdout,
                )

    async def _warn_of_trouble(self) -> None:
        """Report what could not be saved; it does not change the exit status."""
        store = self.services.manager.store
        await asyncio.to_thread(store.retry)
        for trouble in filter(None, map(store.trouble, store.waiting())):
            self._tell(_("this conversation cannot be saved: {why}").format(why=trouble.message))

    def _drawn(self) -> bool:
        return self.streams.stdout.isatty() and not self.options.json and not self.services.settings.ui.raw

    def _painter(self) -> ReplyPainter:
        from gptchat.terminal.output.capabilities import Terminal, prepare_console, size

        stdout = self.streams.stdout
        terminal = Terminal.detect(stdout, self.services.environ)
        if self._drawn():
            prepare_console()
            from gptchat.terminal.output.painter import Painter
            from gptchat.terminal.output.theme import choose

            return Painter(
                writer(stdout),
                size=lambda: size(stdout),
                theme=choose(self.services.settings.ui.theme, self.services.environ),
                terminal=terminal,
                reasoning=self.services.settings.ui.reasoning,
                reads_keys=False,
            )
        watched = self.streams.stderr.isatty()
        return PlainReply(stdout, self._tell, terminal.is_tty, silent=self.options.json, watched=watched)

    def _tell(self, line: str) -> None:
        print(clean(redact(line)), file=self.streams.stderr)

    async def _command(self, call: Call) -> None:
        generator = self.program.start(call)
        answered: str | None = None
        try:
            while True:
                effect = await generator.asend(answered)
                if isinstance(effect, Progress):
                    self.progress.step(effect.label, effect.done, effect.total)
                    continue
                self.progress.close()
                answered = await self._carry_out(effect)
        except StopAsyncIteration:
            pass
        finally:
            self.progress.close()
        if self.options.json and not self.answered:
            document = self.data[0] if len(self.data) == 1 else self.data or {}
            print(json.dumps(document, ensure_ascii=False, indent=2), file=self.streams.stdout)

    async def _carry_out(self, effect: Action) -> str | None:
        match effect:
            case Show(blocks, data, failed):
                if data is not None:
                    self.data.append(data)
                if failed:
                    self.status = 1
                if not self.options.json:
                    self._show(blocks)
            case Replay(messages):
                self.data.append([message.to_record() for message in messages])
                if not self.options.json:
                    self._replay(messages)
            case Run(what, text):
                await self._order(what, text, effect.model)
            case Draft(text) | Copy(text):
                if not self.options.json:
                    self._show([Source(text)])
                elif not self.data:
                    self.data.append({"text": text})
            case Ask():
                return self._ask(effect)
            case Edit(text):
                from gptchat.terminal.input.editor import edit

                if not self.streams.stdin.isatty():
                    raise UsageError(_("the editor needs a terminal"))
                return edit(text)
            case Pick(text):
                if text:
                    return None  # the matches have already been shown
                raise UsageError(_("say which session"), hint=_("/sessions lists them"))
            case Attach():
                raise UsageError(_("here files are attached with --attach FILE"))
            case Leave() | Changed():
                pass
            case _:
                assert_never(effect)
        return None

    async def _order(self, what: str, text: str, model: str) -> None:
        room = self.services.conversation
        if what == "send":
            await self._say(text)
        else:
            await self._drive(room.retry(model) if what == "retry" else room.continue_(model))

    def _width(self) -> int | None:
        from gptchat.terminal.output.capabilities import size

        return size(self.streams.stdout)[0] - 1 if self.streams.stdout.isatty() else None

    def _show(self, blocks: Sequence[Block]) -> None:
        stdout = self.streams.stdout
        match blocks:
            case [Source(text)] if not stdout.isatty():
                # a pipe or a file gets the text unchanged
                print(text, end="" if text.endswith("\n") else "\n", file=stdout)
            case _:
                for line in lines_of(blocks, self._width()):
                    print("".join(text for text, _look in line).rstrip(), file=stdout)

    def _replay(self, messages: Sequence[Message]) -> None:
        for message in messages:
            who = self.services.manager.user if message.role == "user" else message.model or message.role
            told = _("{who}: {text}").format(who=clean(who, newlines=False), text=clean(message.text))
            print(told + "\n", file=self.streams.stdout)

    def _ask(self, ask: Ask) -> str | None:
        if not self.streams.stdin.isatty():
            # a key may be piped in, as in `pass openai | gptchat /key set openai`
            return self.streams.stdin.readline().strip() or None if ask.secret else None
        try:
            if ask.secret:
                return (
                    getpass.getpass(_("{question}: ").format(question=clean(ask.question, newlines=False))) or None
                )
            keys = [key for key, _meaning in ask.choices]
            words = f" [{'/'.join(keys)}]" if keys else ""
            default = _(" ({status})").format(status=clean(ask.default, newlines=False)) if ask.default else ""
            typed = (
                input(
                    _("{question}: ").format(question=f"{clean(ask.question, newlines=False)}{words}{default}")
                ).strip()
                or ask.default
            )
        except (EOFError, KeyboardInterrupt):
            return None
        return (chosen(typed, ask.choices) or typed) if keys else typed


def _progress_line(environ: Mapping[str, str], stderr: TextIO) -> ProgressLine:
    """The progress line on standard error; it is only drawn if that is a terminal that can move the cursor."""
    from gptchat.terminal.output.capabilities import Terminal, size

    terminal = Terminal.detect(stderr, environ)
    write = writer(stderr) if terminal.is_tty and not terminal.dumb else lambda _text: None
    return ProgressLine(write, lambda: size(stderr)[0])


@contextmanager
def _interrupts(stop: Callable[[], None]) -> Generator[None, None, None]:
    """Let Ctrl-C call `stop`, which keeps the partial reply; a second Ctrl-C ends the program at once."""
    loop = asyncio.get_running_loop()
    before = signal.getsignal(signal.SIGINT)

    def handle(_number: int, _frame: object) -> None:
        signal.signal(signal.SIGINT, before)
        loop.call_soon_threadsafe(stop)

    signal.signal(signal.SIGINT, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)

"""One question, one answer, exit; or one slash command: for shells, pipes and scripts."""

from __future__ import annotations

import asyncio
import getpass
import json
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TextIO

from gptchat.commands.effects import Ask, Attach, Copy, Draft, Edit, Effect, Leave, Pick, Replay, Run, Show
from gptchat.commands.registry import Call, Said, Shell, Unknown
from gptchat.core.events import TurnEvent
from gptchat.core.messages import Message
from gptchat.errors import GptchatError, TurnInterruptedError, UsageError
from gptchat.redaction import redact
from gptchat.terminal.answers import chosen
from gptchat.terminal.blocks import lines_of
from gptchat.terminal.plainly import PlainReply, reply_json, writer
from gptchat.terminal.safe import clean
from gptchat.terminal.turn import finished, paint
from gptchat.words import _

if TYPE_CHECKING:
    from collections.abc import Generator

    from gptchat.commands.workspace import Workspace
    from gptchat.config.flags import Options
    from gptchat.terminal.reply import ReplyPainter


@dataclass(frozen=True, slots=True)
class Streams:
    """Where the program reads and writes, and which of these are terminals; tests bring their own."""

    stdin: TextIO
    stdout: TextIO
    stderr: TextIO

    @classmethod
    def of_process(cls) -> Streams:
        """The process's own."""
        return cls(sys.stdin, sys.stdout, sys.stderr)


def question(options: Options, streams: Streams) -> str | None:
    """What is asked on the command line and standard input; None where a person wants to chat.

    Raises UsageError where there is neither a question nor a terminal.
    """
    prompt = options.prompt
    if prompt.startswith("/") or streams.stdin.isatty():
        if prompt:
            return prompt
        if not streams.stdout.isatty():
            raise UsageError(
                _("the chat needs a terminal, and standard output is none"),
                hint=_('ask in one go: gptchat "question"'),
            )
        return None
    piped = streams.stdin.read().strip("\n")
    if not prompt and not piped.strip():
        raise UsageError(
            _("there is no question: standard input is empty"),
            hint=_('gptchat "question", or gptchat in a terminal'),
        )
    return "\n\n".join(filter(None, (prompt, piped)))


def tell_failure(error: GptchatError, *, as_json: bool, debug: bool = False) -> int:
    """Tell what went wrong, on standard error or as JSON; returns the exit status."""
    if as_json:
        document = {"kind": error.kind, "message": redact(error.message), "hint": redact(error.hint) or None,
                    "status": error.status}  # fmt: skip
        print(json.dumps({"error": document}, ensure_ascii=False, indent=2))
    else:
        print(_("gptchat: {what}").format(what=clean(redact(error.message))), file=sys.stderr)
        if error.hint:
            print(_("hint: {what}").format(what=clean(redact(error.hint))), file=sys.stderr)
    if debug:
        from gptchat.terminal.debugging import traceback_of

        print(traceback_of(error), file=sys.stderr)
    return error.exit_status


def answer(workspace: Workspace, options: Options, asked: str, streams: Streams) -> int:
    """Answer `asked` (a message or a slash command); returns the exit status."""
    return asyncio.run(_OneShot(workspace, options, streams).run(asked))


class _OneShot:
    def __init__(self, workspace: Workspace, options: Options, streams: Streams) -> None:
        self.workspace = workspace
        self.options = options
        self.streams = streams
        self.data: list[Any] = []
        self.status = 0

    async def run(self, asked: str) -> int:
        ws, options = self.workspace, self.options
        try:
            if options.latest or options.session:
                found = (
                    ws.library.find(ws.user, options.session) if options.session else ws.library.latest(ws.user)
                )
                if found is None:
                    raise UsageError(_("{user} has no saved sessions yet").format(user=ws.user))
                ws.open_session(found.id)
            parsed = ws.registry.parse(asked) if asked.startswith("/") else Said(asked)
            match parsed:
                case Said(text):
                    await self._say(text)
                case Call():
                    await self._command(parsed)
                case Unknown(name, nearest):
                    near = ", ".join(f"/{known}" for known in nearest)
                    raise UsageError(
                        _("there is no command /{name}").format(name=name),
                        hint=_("did you mean {names}?").format(names=near) if near else _("/help lists them all"),
                    )
                case Shell():
                    raise UsageError(_("commands of the shell run in the chat only"))
            return self.status
        finally:
            await ws.close()

    async def _say(self, text: str) -> None:
        from gptchat.commands.outgoing import outgoing
        from gptchat.manager import Send

        ws = self.workspace
        routes = ws.answering.routes()
        content, notes = await outgoing(ws, text, self.options.attachments)
        for note in notes:
            self._tell(note)
        await ws.budget.check(self._tell)
        await ws.moderation.may_send(content, self._answer, self._tell)
        await self._turn(ws.manager.run_turn(Send(content), routes))

    async def _turn(self, events: AsyncIterator[TurnEvent]) -> None:
        ws, painter = self.workspace, self._painter()
        with _interrupts(ws.manager.stop):
            events = ws.moderation.hold(events)
            outcome = await paint(events, painter, told=finished if self._drawn() else lambda _outcome: "")
        if ws.moderation.withheld:
            await ws.moderation.may_show(self._answer, self._tell)
            if outcome.message is not None and not self.options.json:
                print(clean(outcome.message.text), file=self.streams.stdout)
        if outcome.error is not None:
            self.status = tell_failure(outcome.error, as_json=self.options.json, debug=self.options.debug)
        elif outcome.interrupted:
            error = TurnInterruptedError(_("stopped"), hint=_("gptchat -c goes on with this session"))
            self.status = tell_failure(error, as_json=self.options.json)
        elif self.options.json and outcome.message is not None:
            document = reply_json(ws, outcome, outcome.message)
            print(json.dumps(document, ensure_ascii=False, indent=2), file=self.streams.stdout)
        else:
            for number, message in enumerate(outcome.others, 2):
                print(
                    "\n" + _("answer {n}").format(n=number) + f"\n\n{clean(message.text)}",
                    file=self.streams.stdout,
                )

    def _drawn(self) -> bool:
        return (
            self.streams.stdout.isatty() and not self.options.json and not self.workspace.settings.flag("ui.raw")
        )

    def _painter(self) -> ReplyPainter:
        from gptchat.terminal.capabilities import Terminal, size

        stdout = self.streams.stdout
        terminal = Terminal.detect(stdout, self.workspace.environ)
        if self._drawn():
            from gptchat.terminal.painter import Painter
            from gptchat.terminal.theme import choose

            return Painter(
                writer(stdout),
                size=lambda: size(stdout),
                theme=choose(self.workspace.settings.text("ui.theme") or "auto", self.workspace.environ),
                terminal=terminal,
                reasoning=self.workspace.settings.get("ui.reasoning"),
            )
        return PlainReply(stdout, self._tell, terminal.is_tty, silent=self.options.json)

    def _tell(self, line: str) -> None:
        print(clean(redact(line)), file=self.streams.stderr)

    async def _command(self, call: Call) -> None:
        generator = call.command.run(self.workspace, call)
        answered: Any = None
        try:
            while True:
                effect = await generator.asend(answered)
                answered = await self._carry_out(effect)
        except StopAsyncIteration:
            pass
        if self.options.json and self.data:
            document = self.data[0] if len(self.data) == 1 else self.data
            print(json.dumps(document, ensure_ascii=False, indent=2), file=self.streams.stdout)

    async def _carry_out(self, effect: Effect) -> Any:
        match effect:
            case Show(blocks, data, failed):
                if data is not None:
                    self.data.append(data)
                if failed:
                    self.status = 1
                if not self.options.json:
                    self._print(lines_of(blocks, self._width()))
            case Replay(messages):
                self.data.append([message.to_record() for message in messages])
                if not self.options.json:
                    self._replay(messages)
            case Run(what, text):
                await self._order(what, text, effect.model)
            case Draft(text) | Copy(text):
                print(clean(text), file=self.streams.stdout)
            case Ask():
                return self._ask(effect)
            case Edit(text):
                from gptchat.terminal.editor import edit

                return edit(text) if self.streams.stdin.isatty() else None
            case Pick():
                raise UsageError(_("say which session"), hint=_("/sessions lists them"))
            case Attach():
                raise UsageError(_("here files are attached with --attach FILE"))
            case Leave() | _:
                pass
        return None

    async def _order(self, what: str, text: str, model: str) -> None:
        from gptchat.manager import Continue, Retry

        if what == "send":
            await self._say(text)
            return
        order = Retry() if what == "retry" else Continue()
        routes = self.workspace.answering.routes(model)
        await self.workspace.budget.check(self._tell)
        await self._turn(self.workspace.manager.run_turn(order, routes))

    def _width(self) -> int | None:
        from gptchat.terminal.capabilities import size

        return size(self.streams.stdout)[0] - 1 if self.streams.stdout.isatty() else None

    def _print(self, lines: Sequence[Sequence[tuple[str, str]]]) -> None:
        for line in lines:
            print("".join(text for text, _look in line).rstrip(), file=self.streams.stdout)

    def _replay(self, messages: Sequence[Message]) -> None:
        for message in messages:
            who = self.workspace.user if message.role == "user" else message.model or message.role
            print(f"{clean(who, newlines=False)}: {clean(message.text)}\n", file=self.streams.stdout)

    async def _answer(self, ask: Ask) -> str | None:
        return self._ask(ask)

    def _ask(self, ask: Ask) -> str | None:
        if not self.streams.stdin.isatty():
            return None
        try:
            if ask.secret:
                return (
                    getpass.getpass(_("{question}: ").format(question=clean(ask.question, newlines=False))) or None
                )
            keys = [key for key, _meaning in ask.choices]
            words = f" [{'/'.join(keys)}]" if keys else ""
            default = f" ({clean(ask.default, newlines=False)})" if ask.default else ""
            typed = (
                input(
                    _("{question}: ").format(question=f"{clean(ask.question, newlines=False)}{words}{default}")
                ).strip()
                or ask.default
            )
        except (EOFError, KeyboardInterrupt):
            return None
        return (chosen(typed, ask.choices) or typed) if keys else typed


@contextmanager
def _interrupts(stop: Any) -> Generator[None, None, None]:
    """Ctrl-C stops the reply, and what came is kept; a second one ends the program at once."""
    loop = asyncio.get_running_loop()
    before = signal.getsignal(signal.SIGINT)

    def handle(_number: int, _frame: Any) -> None:
        signal.signal(signal.SIGINT, before)
        loop.call_soon_threadsafe(stop)

    signal.signal(signal.SIGINT, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)

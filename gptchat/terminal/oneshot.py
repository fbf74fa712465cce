"""One-shot mode for shells, pipes and scripts: answers one question or runs one slash command, then exits."""

from __future__ import annotations

import gc
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO, assert_never

from gptchat import leaving
from gptchat.commands.effects import (
    Action,
    Ask,
    Attach,
    Block,
    Changed,
    Connect,
    Copy,
    Draft,
    Edit,
    Leave,
    Pick,
    PickMessage,
    Progress,
    Replay,
    Run,
    Show,
    Source,
)
from gptchat.commands.program import about_session, waits
from gptchat.commands.registry import Call, Said, Unknown
from gptchat.core.origin import Sourced
from gptchat.core.ports import ONESHOT
from gptchat.core.safe import clean
from gptchat.core.titles import shorten
from gptchat.errors import UsageError
from gptchat.terminal.door import print_document, say, show, tell_notices
from gptchat.terminal.invocation import open_asked
from gptchat.terminal.output.blocks import lines_of
from gptchat.waiting import run_without_loop, to_thread
from gptchat.words import _

if TYPE_CHECKING:
    from gptchat.commands.program import Program
    from gptchat.config.flags import Options
    from gptchat.conversation.events import Exchange
    from gptchat.core.messages import Message
    from gptchat.core.structured import Structure
    from gptchat.terminal.invocation import Question, Streams
    from gptchat.terminal.output.progress import ProgressLine


def answer(program: Program, options: Options, asked: Question, streams: Streams) -> int:
    """Answer `asked`; returns the exit status."""
    running = _OneShot(program, options, streams).run(asked)
    if isinstance(asked.typed, Unknown) or (isinstance(asked.typed, Call) and not waits(asked.typed.command)):
        return run_without_loop(running)
    from gptchat.terminal.debugging import keep_quiet

    keep_quiet()
    gc.freeze()  # what the start created stays
    gc.enable()
    return leaving.run(running)


class _OneShot:
    def __init__(self, program: Program, options: Options, streams: Streams) -> None:
        self.program = program
        self.services = program.services
        self.options = options
        self.streams = streams
        self._structure = _structure(options.schema)
        self.data: list[Any] = []
        self.exact = True
        """Whether the data are a conversation's own, in which nothing is masked."""
        self.answered = False
        """Whether a turn has been run; its reply or error is then the JSON document."""
        self.status = 0

    async def run(self, asked: Question) -> int:
        options = self.options
        try:
            opened = open_asked(self.services, options)
            match asked.typed:
                case Said():
                    if not opened:
                        # A question after which there is data is its title, not both.
                        title = shorten(asked.said.text) if asked.piped else ""
                        self.services.profile.begin_session(title=title or None, kind=ONESHOT)
                    await self._say(asked.said, asked.piped)
                case Call() as call:
                    if not opened and about_session(call) and self.services.open_first(""):
                        self._tell_session()
                    await self._command(call)
                case Unknown() as unknown:
                    raise unknown.error()
            await self._warn_of_trouble()
            return self.status
        finally:
            await self.services.close()

    async def _say(self, text: Sourced, piped: str = "", model: str = "") -> None:
        tell_notices(self.streams.stderr)
        if absent := self.services.paths.absent():
            self._tell(absent)
        self._tell_who_answers()
        if text.text.strip() and self.services.routing.reads_input():
            piped = ""
        await self._reply_to(
            self.services.conversation.say(
                text, self.options.attachments, piped=piped, model=model, structure=self._structure
            )
        )

    def _tell_session(self) -> None:
        """Say on which session a command acts that was not told."""
        session = self.services.manager.session
        words = _("one-shot question: {title} ({id})") if session.kind == ONESHOT else _("session: {title} ({id})")
        name = session.name or _("(no title)")
        self._tell(words.format(title=clean(name, newlines=False), id=session.id))

    def _tell_who_answers(self) -> None:
        """Say who was taken where several could answer, and how to choose."""
        if rivals := self.services.settings.rivals:
            (name, place), *others = rivals
            words = _(
                "{name} answers, by {place}; there are keys of {others} too: -p NAME or /provider NAME chooses"
            )
            self._tell(
                words.format(name=name, place=place, others=_(", ").join(other for other, _place in others))
            )

    async def _reply_to(self, exchange: Exchange) -> None:
        from gptchat.terminal.oneshot_reply import Replying

        replying = Replying(self.services, self.options, self.streams, ask=self._ask, tell=self._tell)
        await replying.drive(exchange)
        self.answered = self.answered or replying.answered
        self.status = replying.status or self.status

    async def _warn_of_trouble(self) -> None:
        """Report what could not be read or saved; it does not change the exit status."""
        tell_notices(self.streams.stderr)
        if not self.services.open_id:
            return  # no session was opened
        store = self.services.manager.store
        await to_thread(store.retry)
        for trouble in filter(None, map(store.trouble, store.waiting())):
            self._tell(_("this conversation cannot be saved: {why}").format(why=trouble.message))

    def _tell(self, line: str) -> None:
        say(line, self.streams.stderr)

    async def _command(self, call: Call) -> None:
        generator = self.program.start(call)
        progress: ProgressLine | None = None
        answered: str | None = None
        try:
            while True:
                effect = await generator.asend(answered)
                if isinstance(effect, Progress):
                    progress = progress or _progress_line(self.services.environ, self.streams.stderr)
                    progress.step(effect.label, effect.done, effect.total)
                    continue
                if progress is not None:
                    progress.close()
                answered = await self._carry_out(effect)
        except StopAsyncIteration:
            pass
        finally:
            if progress is not None:
                progress.close()
        if self.options.json and not self.answered:
            document = self.data[0] if len(self.data) == 1 else self.data or {}
            print_document(document, self.streams.stdout, exact=self.exact)

    async def _carry_out(self, effect: Action) -> str | None:
        match effect:
            case Show(blocks, data, failed):
                if data is not None:
                    self.exact = self.exact and all(isinstance(block, Source) for block in blocks)
                    self.data.append(data)
                if failed:
                    self.status = 1
                if not self.options.json:
                    self._show(blocks)
            case Replay(messages):
                self.data.append([message.to_record() for message in messages])
                if not self.options.json:
                    self._replay(messages)
            case Run():
                await self._order(effect)
            case Draft(text, _) | Copy(text, _):
                if not self.options.json:
                    self._show([Source(text)])
                elif not self.data:
                    self.data.append({"text": text})
            case Ask():
                return self._ask(effect)
            case Edit(text):
                if not self.streams.stdin.isatty():
                    raise UsageError(_("the editor needs a terminal"))
                from gptchat.terminal.input.editor import edit

                return await to_thread(edit, text)
            case Connect():
                raise UsageError(
                    _("connecting asks questions, which the chat does"),
                    hint=_("open gptchat in a terminal and type /connect; or choose with -p NAME"),
                )
            case PickMessage():
                raise UsageError(_("say which message by its number"))
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

    async def _order(self, run: Run) -> None:
        room = self.services.conversation
        match run.what:
            case "send":
                await self._say(run.text, model=run.model)
            case "compare":
                if not self.services.manager.session.messages:
                    self.services.profile.begin_session(kind=ONESHOT)
                await self._reply_to(
                    room.compare(run.text, run.models, self.options.attachments, piped=self.options.piped)
                )
            case "aside":
                await self._reply_to(room.aside(run.text, piped=self.options.piped))
            case "retry":
                await self._reply_to(room.retry(run.model, self._structure))
            case "continue":
                await self._reply_to(room.continue_(run.model))

    def _width(self) -> int | None:
        if not self.streams.stdout.isatty():
            return None
        from gptchat.terminal.output.capabilities import size

        return size(self.streams.stdout)[0] - 1

    def _show(self, blocks: Sequence[Block]) -> None:
        stdout = self.streams.stdout
        match blocks:
            case [Source(text)] if not stdout.isatty():
                # a pipe or a file gets the text unchanged
                show(text, stdout, end="" if text.endswith("\n") else "\n")
            case _:
                for line in lines_of(blocks, self._width()):
                    say("".join(text for text, _look in line).rstrip(), stdout)

    def _replay(self, messages: Sequence[Message]) -> None:
        from gptchat.commands.wording import speaker
        from gptchat.core.replies.sources import numbered, sources_of
        from gptchat.core.tooling.described import told_calls, with_results

        for message, calls in with_results(messages):
            who = speaker(message, self.services.manager.user)
            below = "\n".join(told_calls(calls)), "\n".join(numbered(sources_of(message)))
            text = "\n\n".join(filter(None, (message.text, *below)))
            told = _("{who}: {text}").format(who=clean(who, newlines=False), text=clean(text))
            show(told + "\n", self.streams.stdout)

    def _ask(self, ask: Ask) -> str | None:
        """The answer; empty where it is declined, None where nobody can be asked. Raises KeyboardInterrupt."""
        from gptchat.terminal.answers import chosen

        stdin = self.streams.stdin
        if not stdin.isatty():
            # a key may be piped in, as in `pass openai | gptchat /key set openai`
            return stdin.readline().strip() or None if ask.secret else None
        question = _("{question}: ").format(question=clean(ask.question, newlines=False))
        if ask.secret and sys.platform == "win32":
            import getpass

            return getpass.getpass(question) or None
        if ask.secret:
            with _unseen(stdin):
                return (self._line(question) or "").rstrip("\n") or None
        keys = [key for key, _meaning in ask.choices]
        words = f" [{'/'.join(keys)}]" if keys else ""
        default = _(" ({status})").format(status=clean(ask.default, newlines=False)) if ask.default else ""
        question = _("{question}: ").format(question=f"{clean(ask.question, newlines=False)}{words}{default}")
        line = self._line(question)
        if line is None:
            return ""
        typed = line.strip() or ask.default
        return (chosen(typed, ask.choices) or typed) if keys else typed

    def _line(self, question: str) -> str | None:
        """A line from the terminal, None at its end (Ctrl-D)."""
        print(question, end="", file=self.streams.stderr, flush=True)
        leaving.wait_for_input(self.streams.stdin.fileno())
        return self.streams.stdin.readline() or None


@contextmanager
def _unseen(stdin: TextIO) -> Generator[None, None, None]:
    """Within, what is typed is not shown."""
    import termios

    assert sys.platform != "win32"

    before = termios.tcgetattr(stdin)
    silent = [*before[:3], before[3] & ~termios.ECHO, *before[4:]]

    def restore() -> None:
        termios.tcsetattr(stdin, termios.TCSAFLUSH, before)

    with leaving.at_the_end(restore):
        termios.tcsetattr(stdin, termios.TCSAFLUSH, silent)
        try:
            yield
        finally:
            restore()
            sys.stderr.write("\n")


def _structure(schema: str) -> Structure | None:
    """The shape that the answer must have, if the command line asks for one. Raises UsageError."""
    if not schema:
        return None
    from gptchat.conversation.structured.reading import read_schema

    return read_schema(schema)


def _progress_line(environ: Mapping[str, str], stderr: TextIO) -> ProgressLine:
    """The progress line on standard error; it is only drawn if that is a terminal that can move the cursor."""
    from gptchat.terminal.output.capabilities import Terminal, size
    from gptchat.terminal.output.plain_output import writer
    from gptchat.terminal.output.progress import ProgressLine

    terminal = Terminal.detect(stderr, environ)
    write = writer(stderr) if terminal.is_tty and not terminal.dumb else lambda _text: None
    return ProgressLine(write, lambda: size(stderr)[0])

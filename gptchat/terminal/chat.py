"""The interactive chat: reads a line, runs it as a message or a command, and repeats until the user leaves."""

from __future__ import annotations

import asyncio
import errno
import gc
import os
import sys
from functools import cached_property
from typing import TYPE_CHECKING

from gptchat import leaving
from gptchat.commands.registry import Call, Said, Shell, Unknown
from gptchat.core.origin import Sourced
from gptchat.core.safe import clean_line
from gptchat.errors import GptchatError, UsageError
from gptchat.leaving import LeaveRequested
from gptchat.providers.registry import abilities
from gptchat.storage import users as people
from gptchat.terminal.debugging import keep_quiet, traceback_of, unexpected
from gptchat.terminal.input.candidates import ChatCandidates
from gptchat.terminal.input.completion import ChatCompleter
from gptchat.terminal.input.keyboard import open_keyboard, quiet
from gptchat.terminal.input.prompt import Prompt
from gptchat.terminal.invocation import open_asked
from gptchat.terminal.keeping.unsent import Unsent
from gptchat.terminal.live import LiveTurn
from gptchat.terminal.notices.bell import Bell
from gptchat.terminal.notices.greeting import greet
from gptchat.terminal.notices.way_back import tell_way_back
from gptchat.terminal.output.capabilities import prepare_console
from gptchat.terminal.output.gauge import Gauge
from gptchat.terminal.output.layout import open_screen
from gptchat.terminal.output.screen import Screen
from gptchat.terminal.output.toolbar import toolbar
from gptchat.terminal.warming import Quiet, WarmUp, ready_tools, work_behind
from gptchat.words import _

if TYPE_CHECKING:
    from prompt_toolkit.formatted_text import StyleAndTextTuples

    from gptchat.commands.program import Program
    from gptchat.config.flags import Options
    from gptchat.terminal.effect_runner import Carrier

_GONE = (errno.EIO, errno.EPIPE, errno.EBADF)  # errors of writes to a terminal that is gone
_HEAD_START = 0.03  # seconds between the first prompt and the start of background loading


def chat(program: Program, options: Options) -> int:
    """Chat until the user leaves; returns the exit status."""
    keep_quiet()
    prepare_console()
    try:
        status = leaving.run(ChatLoop(program, options).run())
    except KeyboardInterrupt:  # a signal came before the first prompt
        status = 130
    try:
        sys.stdout.flush()
    except OSError:  # the terminal is gone: discard the rest, or Python's own flush at exit would fail
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return status


class ChatLoop:
    """The chat's main loop and the terminal components it uses."""

    def __init__(self, program: Program, options: Options) -> None:
        self.program = program
        self.services = services = program.services
        self.options = options
        self.keyboard = open_keyboard()
        self.output = open_screen()
        self.screen = Screen(self.services.settings.ui, self.services.environ, self.output)
        self.candidates = ChatCandidates(program)
        self.still = Quiet()
        self.warm = WarmUp(services.routing, program.registry, self.screen.theme, self.still)
        self.gauge = Gauge(
            services.manager,
            services.routing,
            services.outbox,
            services.indexing,
            drawn=lambda: self.prompt.refresh(),
            pause=self.still.wait,
            incognito=services.run.incognito,
        )
        self.prompt = Prompt(
            message=self._message,
            completer=ChatCompleter(self.program.registry, self.candidates, clean_line),
            toolbar=self._toolbar,
            on_change=self._typed,
            on_clear=self._gave_up,
            style=self.screen.rules,
            keyboard=self.keyboard,
            output=self.output,
        )
        self._use_habits()
        self.candidates.ready = self.prompt.complete_again
        self.services.indexing.changed = self.prompt.refresh
        self.bell = Bell(services, self.screen, self.keyboard)
        self.live = LiveTurn(
            services.manager, services.settings, program.registry, self.screen, self.prompt, self.bell
        )
        self.unsent = Unsent(self.prompt, self.live)
        self.leaving = False
        self._behind: list[asyncio.Future[None]] = []
        self._asked = ""  # the provider whose models were requested last

    @cached_property
    def carrier(self) -> Carrier:
        """Does what a line asks for; loaded behind the first prompt."""
        from gptchat.terminal.effect_runner import Carrier

        carrier = self.unsent.carrier = Carrier(self.program, self.screen, self.prompt, self.live, self.changed)
        return carrier

    async def run(self) -> int:
        """Run the whole chat; returns the exit status."""
        with quiet(self.keyboard, self.output), leaving.at_the_end(self.prompt.flush):
            try:
                return await self._run()
            except LeaveRequested:
                return 0
            finally:
                leaving.limit()
                for task in self._behind:
                    task.cancel()
                self.warm.give_up()
                await self.services.close()

    async def _run(self) -> int:
        self._use_person()
        try:
            self._open_first()
        except GptchatError as error:
            self.screen.error(error)
            return error.exit_status
        if self.services.settings.undecided:
            from gptchat.terminal.connect.dialogue import connect

            if not await connect(self.services, self.screen, self.prompt, self.live, first=True):
                return 2
        greet(self.services, self.screen)
        self._title()
        if self.services.manager.session.messages:
            from gptchat.commands.sessions import replay

            await self.carrier.transcript.replay(replay(self.services.manager, self.services.settings))
        asyncio.get_running_loop().call_later(_HEAD_START, self._warm_up)
        try:
            for reference in self.options.attachments:
                await self._attach(reference)
            self.services.budget.begin()
            if self.services.settings.template() and self.services.routing.unfilled():
                await self.handle(Sourced(f"/preset {self.services.settings.template()}"))
        except (LeaveRequested, asyncio.CancelledError):
            self.leaving = True  # what was typed meanwhile is kept
        while not (self.leaving or self.live.left or leaving.status() is not None):
            await self._turn()
        return 0 if await self._farewell() else 1

    async def _attach(self, reference: str) -> None:
        """Attach a file or address from the command line to the first message."""
        try:
            await self.carrier.attach(reference)
        except GptchatError as error:
            self.screen.error(error)
        self.unsent.gather()

    def _warm_up(self) -> None:
        """Start background work, now that the prompt is visible: counting, loading and listing models."""
        gc.freeze()  # what the start created stays
        gc.enable()
        self.gauge.refresh()
        self.warm.start()
        self._behind += map(asyncio.ensure_future, (self._ask_server(), *work_behind(self.program, self.gauge)))

    def _typed(self, text: str) -> None:
        self.still.typed()
        self.gauge.live.changed(text)

    def _gave_up(self) -> str:
        """The user cleared the draft with Ctrl-C; returns a notice."""
        return _("the edit is left; nothing has changed") if self.services.outbox.leave_edit() else ""

    async def _ask_server(self) -> None:
        """List the server's models in the background, for their windows and for completion.

        Only if the provider lists models free of charge. Errors are ignored here; a message would report them.
        """
        self._asked = self.services.settings.chat.provider
        try:
            if not abilities(self.services.routing.provider_settings()).lists_freely:
                return
            await asyncio.to_thread(self.warm.wait)
            await self.services.routing.listed()
        except GptchatError:  # e.g. the session names a provider that no longer exists
            return
        self.prompt.complete_again()
        self.gauge.refresh()

    async def _turn(self) -> None:
        """Handle one line from the queue or the prompt."""
        self.screen.gap()
        queued = self.live.next_queued()
        try:
            if queued is None:
                self.bell.done()
                line = await self.prompt.read(default=self.unsent.take())
            else:
                line = queued
                self.live.give_draft(self.unsent.take())
                shown = self.prompt.folding.shown(line.text)
                self.screen.print([[(self._who(), "prompt"), (shown, "text")]])
                self.prompt.remember(line)
            await self.handle(line)
        except (LeaveRequested, asyncio.CancelledError):
            self.leaving = True
        except GptchatError as error:
            self.screen.error(error)
            self.unsent.gather()
        except Exception as fault:
            if isinstance(fault, OSError) and fault.errno in _GONE:
                leaving.ask(leaving.GONE)
            if leaving.status() is not None:
                self.leaving = True
                return
            # A bug in one command must not end the chat.
            self.screen.error(unexpected(fault))
            if self.options.debug:
                self.screen.say(traceback_of(fault), "hint")
            self.unsent.gather()

    async def handle(self, line: Sourced) -> None:
        """Handle `line`: a message, a slash command or a shell command. Raises GptchatError."""
        reading = self.program.registry.read(line)
        parsed = reading.parsed
        if reading.asked:
            self.carrier.sending = [line]
            answer = await self.carrier.may_run(parsed, line.text)
            self.carrier.sending = []
            if answer != "y":
                parsed = Said(line.text)
            if answer is None:
                self.unsent.gather(line)
                return
        if isinstance(parsed, Said) and (digit := self.carrier.digit(reading.said, self.services)) != "":
            if digit is None:
                self.unsent.gather()
                return
            parsed = self.program.registry.parse(digit)
        if not isinstance(parsed, Said):
            self.live.keep()  # of a queue the rest; a message is kept until its turn begins
        match parsed:
            case Said():
                self.carrier.sending = [reading.said]
                if not self.warm.done:
                    self.warm.start()
                    self.still.hurry()
                    await asyncio.to_thread(self.warm.wait)
                self.unsent.gather(*await self.carrier.say(reading.said))
            case Call():
                self.services.outbox.leave_edit()
                await self.carrier.command(parsed)
                self.unsent.gather()
                self.leaving = self.leaving or self.carrier.leaving
            case Shell(command):
                await self.carrier.shell(command)
                self.unsent.gather()
            case Unknown() as unknown:
                # The line is not put back, or the next input would be appended to it; Up recalls it.
                raise unknown.error(sendable=True)
        self.gauge.refresh()

    def changed(self, what: frozenset[str]) -> None:
        """Update the terminal after a change; `what` names the changed things, such as "settings" or "user"."""
        if {"user", "typed"} & what:
            self._use_person()
        if {"settings", "user", "theme"} & what:
            self.screen.use(self.services.settings.ui)
            self.prompt.set_style(self.screen.rules)
            self._use_habits()
        if "tools" in what:
            self._behind.append(asyncio.ensure_future(ready_tools(self.program, self.gauge)))
        self.candidates.refresh()
        self.gauge.refresh()
        if self.services.settings.chat.provider != self._asked:
            self._behind.append(asyncio.ensure_future(self._ask_server()))
        self._title()

    def _use_habits(self) -> None:
        """Apply the user's settings for typing."""
        settings = self.services.settings
        self.prompt.set_vi(settings.ui.vi)
        self.prompt.set_suggest(settings.ui.suggest)
        self.prompt.folding.lines = settings.ui.paste_lines

    def _use_person(self) -> None:
        """Use the current user's input history and unsent draft; none incognito."""
        if self.services.run.incognito:
            self.prompt.use(None)
            return
        history = people.input_history(self.services.paths.data_dir, self.services.manager.user)
        self.prompt.use(history, history.with_name("draft"), lambda: self.services.open_id)
        self.live.keep()

    def _open_first(self) -> None:
        try:
            open_asked(self.services, self.options)
        except UsageError as error:
            if self.options.session:
                raise
            self.screen.say(error.message, "hint")  # a new one begins

    def _title(self) -> None:
        if self.services.settings.ui.title and not self.screen.terminal.dumb:
            name = clean_line(self.services.manager.session.name)
            self.output.set_title(f"gptchat: {name}" if name else "gptchat")
            self.output.flush()

    def _who(self) -> str:
        return f"{clean_line(self.services.manager.user)} › "

    def _message(self) -> StyleAndTextTuples:
        who = self._who()
        if self.services.run.incognito and (self.screen.terminal.dumb or not self.services.settings.ui.toolbar):
            who = f"({_('incognito')}) {who}"  # in the toolbar otherwise
        return [("class:prompt", f"{who[:-2]}✎ › " if self.services.outbox.replaces else who)]

    def _toolbar(self, width: int) -> StyleAndTextTuples | None:
        if not self.services.settings.ui.toolbar:
            return None
        plain = self.screen.terminal.dumb
        return toolbar(self.gauge.status(len(self.live.queued)), width, clean=clean_line, plain=plain)

    async def _farewell(self) -> bool:
        """Keep what is unsent, and offer to save unsaved sessions elsewhere. False if something is lost."""
        leaving.settle()
        self.unsent.keep()
        waiting, saved = self.services.manager.store.waiting(), True
        if leaving.status() is not None:
            await asyncio.to_thread(self.services.manager.store.retry)
        elif waiting:
            try:
                saved = await self.carrier.disk.rescue()
            except LeaveRequested:
                saved = False
        await tell_way_back(self.services, self.options, self.screen)
        return saved

"""Runs a turn on the screen: paints the reply while the user may keep typing; nothing typed is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from functools import partial
from itertools import cycle
from typing import TYPE_CHECKING, Any, TypeVar

from gptchat import leaving
from gptchat.commands.registry import Call
from gptchat.conversation.outcome import Outcome
from gptchat.core.events import TurnEvent, TurnStarted
from gptchat.core.origin import Sourced, joined
from gptchat.core.safe import clean_line
from gptchat.errors import GptchatError, TurnInterruptedError
from gptchat.leaving import LeaveRequested
from gptchat.redaction import looks_like_key
from gptchat.terminal.calls.approval import pause_typing
from gptchat.terminal.input.editing import draft_lines
from gptchat.terminal.input.folding import FoldedDraft
from gptchat.terminal.input.listener import Listener
from gptchat.terminal.output.reply import Lines
from gptchat.terminal.output.status import SPINNER, TICKS
from gptchat.terminal.turn import finished, paint, painter_for, unasked
from gptchat.words import _

if TYPE_CHECKING:
    from gptchat.commands.registry import Registry
    from gptchat.config.settings import Settings
    from gptchat.conversation.events import Decision
    from gptchat.manager import SessionManager
    from gptchat.terminal.calls.approval import Decide
    from gptchat.terminal.input.prompt import Prompt
    from gptchat.terminal.notices.bell import Bell
    from gptchat.terminal.output.reply import LivePainter
    from gptchat.terminal.output.screen import Screen

T = TypeVar("T")
_PATIENCE = 0.3
"""Seconds of work before the hint is shown that Esc stops it."""
_GIVEN_UP = 0.2
"""Seconds that cancelled work is waited for where the program ends."""


class LiveTurn:
    """Runs turns on the screen and keeps the text typed meanwhile: a draft and queued messages."""

    def __init__(
        self,
        manager: SessionManager,
        settings: Settings,
        registry: Registry,
        screen: Screen,
        prompt: Prompt,
        bell: Bell,
    ) -> None:
        self._manager = manager
        self._settings = settings
        self._registry = registry
        self._screen = screen
        self._prompt = prompt
        self._bell = bell
        self._draft = FoldedDraft()
        self._queued: tuple[Sourced, ...] = ()
        self.left = False
        """Whether the user left while a reply streamed or something worked."""
        self._spins = True
        self._begun: Callable[[], object] = lambda: None
        self._asides: set[asyncio.Task[None]] = set()
        self.aside: Callable[[Call, Callable[[Lines], None]], asyncio.Task[None]] | None = None
        """Runs a command while the reply streams; hands its output over through the given function, once."""

    @property
    def queued(self) -> tuple[Sourced, ...]:
        """Messages waiting for the end of the reply, oldest first."""
        return self._queued

    @property
    def typing(self) -> bool:
        """Whether the user has a draft or queued messages."""
        return bool(self._draft.text or self._queued)

    def next_queued(self) -> Sourced | None:
        """Remove and return the oldest queued message; None if there is none."""
        first, self._queued = next(iter(self._queued), None), self._queued[1:]
        return first

    def take_draft(self) -> FoldedDraft:
        """Return and clear the text typed and not sent while the reply streamed."""
        draft, self._draft = self._draft, FoldedDraft()
        return draft

    async def wait(
        self, work: Coroutine[Any, Any, T], stop: Callable[[], object] | None = None, *, what: str = ""
    ) -> T:
        """Wait for `work` and return its result; text typed meanwhile is kept as the draft.

        `what` says what is being done, by default that there is work.
        Esc or Ctrl-C calls `stop`, or cancels `work` if there is none. Raises TurnInterruptedError if `work` was
        cancelled, LeaveRequested if the user leaves meanwhile, and whatever `work` raises.
        """
        self._spins = True
        task = asyncio.ensure_future(work)
        halted = False

        def halt() -> None:
            nonlocal halted
            halted = True
            (stop or task.cancel)()

        try:
            with leaving.gently(halt, late=False):
                done, _pending = await asyncio.wait({task}, timeout=_PATIENCE)
                if not done:
                    await self._watch(task, stop or task.cancel, what or _("working"))
                result = await task
        except asyncio.CancelledError:
            if not task.cancelled():
                task.cancel()  # its generators must have ended before theirs are closed
                await asyncio.wait({task}, timeout=_GIVEN_UP)
                raise
            if not halted:
                raise TurnInterruptedError(_("stopped")) from None
        if halted:
            raise LeaveRequested
        return result

    async def _watch(self, task: asyncio.Task[T], stop: Callable[[], object], what: str) -> None:
        screen = self._screen

        def keep(*_change: object) -> None:
            self._keep(listener.queued, listener.draft)

        listener = Listener(
            self._prompt.keyboard,
            self._prompt.output,
            self._prompt.folding,
            on_stop=stop,
            on_draft=keep,
            on_queue=keep,
            on_submit=lambda entry: self._leaves(entry) or _is_key(entry),
            on_leave=self.leave,
            on_hang_up=partial(leaving.ask, leaving.GONE),
            draft=self.take_draft(),
            queued=self._queued,
        )
        try:
            async with listener:
                for sign in cycle(SPINNER):
                    if self._spins and not screen.terminal.dumb:
                        screen.say_for_now(_("{sign} {what} · Esc stops").format(sign=sign, what=what))
                    if (await asyncio.wait({task}, timeout=1 / TICKS))[0]:
                        break
        finally:
            self._queued, self._draft = listener.queued, listener.draft
            if not screen.terminal.dumb:
                screen.say_for_now("")

    def stop_spinning(self) -> None:
        """Leave the line of the spinner to others until the work that is waited for is done."""
        self._spins = False

    def leave(self) -> None:
        """Stop the reply or the work in progress, because the user leaves."""
        self.left = True
        leaving.interrupt()

    def give_draft(self, draft: FoldedDraft) -> None:
        """Set the draft for the next reply: it can be edited while that streams, and `take_draft` returns it."""
        self._draft = draft

    async def run(self, events: AsyncIterator[TurnEvent | Decision], answer: Decide = unasked) -> Outcome:
        """Paint `events` and read keys until the turn ends; returns its outcome.

        `answer` answers decisions, with screen and keyboard to itself. If the turn failed or was stopped, queued
        messages are moved back into the draft.
        """
        painter = painter_for(self._settings, self._screen)

        async def begun() -> AsyncIterator[TurnEvent | Decision]:
            async for event in events:
                if isinstance(event, TurnStarted):
                    self._begun()
                yield event

        told = partial(finished, session=self._manager.session)
        return await self.during(painter, lambda decide: paint(begun(), painter, told=told, decide=decide), answer)

    async def during(
        self, painter: LivePainter, painting: Callable[[Decide], Awaitable[Outcome]], answer: Decide = unasked
    ) -> Outcome:
        """Run `painting`, which paints with `painter`, and read keys until it ends. As `run`."""
        shown: tuple[str, int] = ("", 0)

        def draw() -> None:
            user, columns = self._manager.user, self._screen.size()[0]
            painter.set_footer(*draft_lines(user, *shown, waiting=len(self._queued), columns=columns))
            painter.frame()

        def clear() -> None:
            painter.clear()
            draw()

        def keep(at_once: bool = False) -> None:
            self._keep(listener.queued, listener.draft, at_once=at_once)

        def on_draft(text: str, column: int) -> None:
            nonlocal shown
            shown = (text, column)
            keep()
            draw()

        def on_queue(queued: tuple[Sourced, ...]) -> None:
            self._queued = queued
            keep(at_once=True)  # a message is on disk before the screen says that it waits
            draw()

        def suspend() -> None:
            painter.step_aside()
            self._bell.pause()

        def resume() -> None:
            self._bell.resume()
            draw()

        def stop() -> None:
            self._manager.stop()
            painter.skip()

        async def decide(decision: Decision) -> None:
            await pause_typing(listener.quiet_in, painter)
            self._bell.done()
            self._bell.pause()
            with listener.released():
                await answer(decision)
            resume()

        def on_submit(entry: Sourced) -> bool:
            runs = self._beside(entry, painter)
            if runs:
                keep(at_once=True)  # what has run is no draft, whatever happens next
            return runs

        listener = Listener(
            self._prompt.keyboard,
            self._prompt.output,
            self._prompt.folding,
            on_stop=stop,
            on_draft=on_draft,
            on_submit=on_submit,
            on_queue=on_queue,
            on_clear=clear,
            on_leave=self.leave,
            on_hang_up=partial(leaving.ask, leaving.GONE),
            on_suspend=suspend,
            on_resume=resume,
            draft=self.take_draft(),
            queued=self._queued,
        )

        self._begun = partial(keep, at_once=True)  # the message is in the journal then, and no draft any more
        keep()
        try:
            with leaving.gently(stop), self._bell.watching():
                async with listener:
                    outcome = await painting(decide)
                    for task in list(self._asides):
                        await task
        finally:
            self._queued, self._draft = listener.queued, listener.draft
        if outcome.interrupted:
            self._bell.forget()
        if (outcome.interrupted or outcome.error) and self._queued:
            # The situation has changed, so queued messages go back to the draft for a check and are not sent.
            self._draft = self._prompt.folding.folded(self._unsent(listener.queued, listener.draft))
            self._queued = ()
        return outcome

    def keep(self) -> None:
        """Save what is typed and not sent, at once: a line that was taken from the queue to be run is not."""
        self._keep(self._queued, self._draft, at_once=True)

    def _keep(self, queued: Sequence[Sourced], draft: FoldedDraft, *, at_once: bool = False) -> None:
        # Queued messages and typed text survive a crash or a lost terminal, like the prompt's draft.
        self._prompt.keep(FoldedDraft(self._unsent(queued, draft).text), at_once=at_once)

    def _unsent(self, queued: Sequence[Sourced], draft: FoldedDraft) -> Sourced:
        """All text typed and not sent: the queued messages, then the draft, unfolded, one per line."""
        unsent = joined("\n", [*queued, self._prompt.folding.unfolded(draft)])
        return unsent.cut(0, len(unsent.text.rstrip("\n")))

    def _beside(self, entry: Sourced, painter: LivePainter) -> bool:
        """Run a command that is allowed while a reply streams; False for anything else, which is then queued."""
        try:
            reading = self._registry.read(entry)
        except GptchatError:
            return False
        parsed = reading.parsed
        if self._leaves(entry):
            return True
        if not isinstance(parsed, Call) or not parsed.command.streaming or reading.asked or self.aside is None:
            return False

        typed = [
            (f"{clean_line(self._manager.user)} › ", "prompt"),
            (self._prompt.folding.shown(entry.text), "text"),
        ]
        take = painter.expect(f"/{parsed.command.name}")

        def show(lines: Lines) -> None:
            take([typed, *lines])
            painter.frame()

        self._prompt.remember(entry)
        task = self.aside(parsed, show)
        painter.frame()
        self._asides.add(task)
        task.add_done_callback(self._asides.discard)
        return True

    def _leaves(self, entry: Sourced) -> bool:
        """Leave if that is what `entry` says; False for anything else."""
        try:
            reading = self._registry.read(entry)
        except GptchatError:
            return False
        if reading.asked or not isinstance(reading.parsed, Call) or reading.parsed.command.name != "exit":
            return False
        self.leave()
        return True


def _is_key(entry: Sourced) -> bool:
    """Whether a line is a key: pasted once more while the first is tried, it must not be sent as a message."""
    return len(entry.text.split()) == 1 and looks_like_key(entry.text)

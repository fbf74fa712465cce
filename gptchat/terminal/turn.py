"""Paints the events of a turn as they arrive, and words the messages about them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, assert_never

from gptchat.conversation.events import Decision
from gptchat.conversation.outcome import Outcome
from gptchat.core.branches import place
from gptchat.core.context import ContextPlan
from gptchat.core.events import (
    ContextTrimmed,
    FileReceived,
    Notice,
    ReasoningDelta,
    Retrying,
    RoundEnded,
    SourcesFound,
    TextDelta,
    TextWasReasoning,
    ToolCall,
    ToolFinished,
    ToolProgress,
    ToolStarted,
    TurnEvent,
    TurnFailed,
    TurnFinished,
    TurnInterrupted,
    TurnStarted,
)
from gptchat.core.messages import Message
from gptchat.core.replies.sources import numbered
from gptchat.core.tooling.described import call_line, fold
from gptchat.terminal.output import status
from gptchat.words import _, ngettext

if TYPE_CHECKING:
    from gptchat.config.settings import Settings
    from gptchat.core.session import Session
    from gptchat.terminal.output.reply import LivePainter, ReplyPainter
    from gptchat.terminal.output.screen import Screen

_TURNS = 3
"""Turns of the event loop between two frames: what a key or a timer wakes may wake another task in its turn."""


async def unasked(_decision: Decision) -> None:
    """Leave a decision at its safe answer."""


async def paint(
    events: AsyncIterator[TurnEvent | Decision],
    painter: ReplyPainter,
    *,
    told: Callable[[Outcome], str] = lambda outcome: "",
    decide: Callable[[Decision], Awaitable[None]] = unasked,
) -> Outcome:
    """Paint `events` until the turn has ended; returns its outcome.

    `told(outcome)` returns the status line below a finished reply. `decide` answers decisions; nothing is painted
    meanwhile.
    """
    loop = asyncio.get_running_loop()
    outcome = Outcome()
    timer: asyncio.TimerHandle | None = None

    def tick() -> None:
        nonlocal timer
        if timer is not None:
            timer.cancel()
        wait = painter.frame()
        timer = loop.call_later(wait, tick) if wait is not None else None

    tick()
    wanted: list[ToolCall] = []  # calls of which no round has come
    waiting = True  # whether the activity beside the spinner must be removed when text arrives
    try:
        async for event in events:
            if isinstance(event, Decision):
                if timer is not None:
                    timer.cancel()
                await decide(event)
                tick()
                continue
            if waiting and isinstance(event, TextDelta):
                painter.set_activity("")
            waiting = not isinstance(event, TextDelta)
            outcome.take(event)
            if isinstance(event, ToolCall):
                wanted.append(event)
            elif isinstance(event, RoundEnded):
                wanted.clear()
            _take(event, painter)
            tick()
        for call in wanted:
            painter.note(unused(call))
        if timer is not None:
            timer.cancel()  # or each turn of the loop below would draw twice
        while painter.behind:
            painter.frame()
            for _turn in range(_TURNS):
                await asyncio.sleep(0)  # keys are read here; Esc skips the rest
    finally:
        if timer is not None:
            timer.cancel()
        painter.skip()  # nothing is left, unless this was cancelled
        if outcome.interrupted:
            painter.interrupt()
        elif outcome.error is not None and outcome.message is not None:
            painter.interrupt(_("cut off; what came is kept"))
        elif outcome.error is not None:
            painter.finish()
        else:
            painter.finish(told(outcome))
    return outcome


def _take(event: TurnEvent, painter: ReplyPainter) -> None:
    match event:
        case TextDelta(text, 0):
            painter.feed(text)
        case ReasoningDelta(text, 0):
            painter.feed_reasoning(text)
        case FileReceived(label, _file, source, 0):
            painter.feed_file(label, source)
        case TextWasReasoning(text, 0):
            painter.text_was_reasoning(text)
        case SourcesFound(sources, 0):
            painter.set_sources(numbered(sources))
        case TextDelta() | ReasoningDelta() | FileReceived() | TextWasReasoning() | SourcesFound():
            pass  # the other choices are shown when they are complete
        case ContextTrimmed(plan):
            painter.note(trimmed(plan))
        case Retrying():
            painter.set_activity(retrying(event))
        case Notice(text):
            painter.note(text, "hint")
        case ToolCall():
            pass  # shown when it is decided and run
        case RoundEnded():
            painter.begin_round()
        case ToolStarted(call, spec):
            painter.call_started(call, spec)
        case ToolProgress(call, text):
            painter.call_progress(call, text)
        case ToolFinished():
            painter.call_finished(event)
        case TurnStarted() | TurnFinished() | TurnInterrupted() | TurnFailed():
            pass
        case _:
            assert_never(event)


def unused(call: ToolCall) -> str:
    """The message that a function which the model asks for is not run."""
    line = fold(call_line(call.name, call.arguments), 200)
    return _("the model asks for {call}; no such tool is offered, and nothing was run").format(call=line)


def retrying(event: Retrying) -> str:
    """The message that a request will be sent again, with the time, the attempt and the reason."""
    # The time comes first, because a server's message may be longer than the line
    return _("trying again in {seconds} s ({attempt} of {attempts}): {why}").format(
        why=event.error.message,
        seconds=f"{event.seconds:.0f}" if event.seconds >= 1 else f"{event.seconds:.1f}",
        attempt=event.attempt,
        attempts=event.attempts,
    )


def trimmed(plan: ContextPlan) -> str:
    """The message that the oldest messages are no longer sent."""
    n = plan.left_out - plan.summarised
    words = ngettext(
        "from here on the oldest message is no longer sent ({n} left out); /context shows what is",
        "from here on the oldest messages are no longer sent ({n} left out); /context shows what is",
        n,
    )
    return words.format(n=n)


def version(session: Session, message: Message) -> str:
    """Which of its versions `message` is, such as `‹ 2/3 ›`; empty if it is the only one."""
    if message.id not in session.messages:
        return ""
    number, count = place(session, message.id)
    return f"‹ {number}/{count} ›" if count > 1 else ""


def finished(outcome: Outcome, session: Session, *, kept: bool = True) -> str:
    """The line below a finished reply: this turn's tokens, speed, cost and time, its version; or empty.

    `kept` says that the conversation can be gone on with.
    """
    message = outcome.message
    if message is None:
        return ""
    usage = outcome.usage
    # Reasoning that is not streamed is over before the first piece arrives.
    unseen = usage.reasoning_tokens if usage and not message.reasoning else 0
    notes = tuple(filter(None, (version(session, message), cut(message, kept=kept))))
    return status.facts(
        tokens=usage.completion_tokens if usage else None,
        unseen=unseen,
        seconds=outcome.seconds,
        generating=outcome.seconds - outcome.first,
        cost=outcome.spent,
        estimated=usage.estimated if usage else False,
        notes=notes,
    )


def cut(message: Message, *, kept: bool = True) -> str:
    """Why a finished reply is incomplete or empty, with advice; an empty string if it is neither.

    `kept` says that the conversation can be gone on with.
    """
    empty = not message.text.strip()
    if message.finish_reason == "length":
        if empty:
            return _("the length limit came before any text; raise max_tokens and ask again")
        return _("cut off at the length limit; /continue goes on") if kept else _("cut off at the length limit")
    if message.finish_reason == "content_filter":
        return _("the provider's content filter ended it")
    if empty and "tool_calls" not in message.extra:
        return _("the reply is empty; /retry asks again") if kept else _("the reply is empty")
    return ""


def hint_after(outcome: Outcome, *, saved: bool) -> str:
    """A hint for the user after a failed or stopped turn; empty if it ended normally or needs no hint.

    `saved`: whether what is said is saved.
    """
    if not (outcome.interrupted or outcome.error):
        return ""
    advised = outcome.error.hint if outcome.error else ""  # already printed with the error
    if outcome.message is not None:
        if "/continue" in advised:
            return ""
        if not outcome.message.text.strip():
            return "" if "/retry" in advised else _("no text had come; /retry asks again")
        return _("/continue goes on") if "/retry" in advised else _("/continue goes on, /retry answers anew")
    if outcome.draft:
        return ""
    if not saved:
        return "" if "/retry" in advised else _("/retry sends your message again")
    return _("your message is saved") if "/retry" in advised else _("your message is saved; /retry sends it again")


def painter_for(settings: Settings, screen: Screen) -> LivePainter:
    """The painter of a reply on `screen`: raw, or of Markdown, as the settings say."""
    from gptchat.terminal.output.painter import Painter
    from gptchat.terminal.output.reply import RawPainter

    if settings.ui.raw:
        return RawPainter(screen.write, terminal=screen.terminal)
    return Painter(
        screen.write,
        size=screen.size,
        theme=screen.theme,
        terminal=screen.terminal,
        reasoning=settings.ui.reasoning,
        ui=settings.ui,
    )

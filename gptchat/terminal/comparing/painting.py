"""Paints a comparison in the chat from its events, and words what follows it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from gptchat.conversation.events import AnswerChosen, AnswerEvent, ComparisonBegins, ComparisonEnded, Exchange
from gptchat.conversation.outcome import Outcome
from gptchat.terminal.comparing.columns import ColumnsPainter
from gptchat.terminal.turn import version
from gptchat.words import _

if TYPE_CHECKING:
    from gptchat.core.session import Session
    from gptchat.terminal.live import LiveTurn
    from gptchat.terminal.output.screen import Screen

_TURNS = 3
"""Turns of the event loop between two frames: what a key or a timer wakes may wake another task in its turn."""


def names_of(contenders: Sequence[tuple[str, str]]) -> list[str]:
    """What the models are called: with their providers where these differ."""
    several = len({provider for provider, _model in contenders}) > 1
    return [f"{provider}:{model}" if several else model for provider, model in contenders]


async def compared(
    event: ComparisonBegins | AnswerChosen, exchange: Exchange, live: LiveTurn, screen: Screen, session: Session
) -> None:
    """Show the comparison that `exchange` has just begun, up to its end, or tell which answer was chosen."""
    if isinstance(event, AnswerChosen):
        if line := chosen_line(event, session):
            screen.say(line, "hint")
        return
    painter = ColumnsPainter(
        screen.write,
        names_of(event.contenders),
        size=screen.size,
        theme=screen.theme,
        terminal=screen.terminal,
        ui=screen.ui,
    )
    await live.during(painter, lambda _decide: paint_answers(exchange, painter))


async def paint_answers(exchange: Exchange, painter: ColumnsPainter) -> Outcome:
    """Paint the answers of `exchange` until all have ended; returns whether they were stopped, as an outcome."""
    loop = asyncio.get_running_loop()
    timer: asyncio.TimerHandle | None = None
    outcomes: Sequence[Outcome] = ()

    def tick() -> None:
        nonlocal timer
        if timer is not None:
            timer.cancel()
        wait = painter.frame()
        timer = loop.call_later(wait, tick) if wait is not None else None

    tick()
    try:
        async for event in exchange:
            if isinstance(event, ComparisonEnded):
                outcomes = event.outcomes
                break
            if isinstance(event, AnswerEvent):
                painter.take(event.number, event.event)
                tick()
        if timer is not None:
            timer.cancel()  # or each turn of the loop below would draw twice
        painter.print_whole(outcomes)
        while painter.behind:
            painter.frame()
            for _turn in range(_TURNS):
                await asyncio.sleep(0)  # keys are read here; Esc skips the rest
    finally:
        if timer is not None:
            timer.cancel()
        painter.skip()  # nothing is left, unless this was cancelled
        painter.finish()
    return Outcome(interrupted=any(outcome.interrupted for outcome in outcomes))


def chosen_line(chosen: AnswerChosen, session: Session) -> str:
    """The line that tells with which answer the conversation goes on; empty if there was nothing to choose."""
    last = session.tail(1)
    if chosen.number is None or not last:
        return _("no answer came; /compare with other models, or /retry, asks again")
    mark = version(session, last[0])
    if not mark:
        return ""
    return _("going on with {model} {mark}; /versions goes to another answer").format(
        model=last[0].model, mark=mark
    )

"""Asks for an answer that fits a schema: checks the reply, asks once more where it does not fit."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import aclosing

from gptchat.conversation.events import Checked, Exchange, Kept, Told, TurnEnded
from gptchat.conversation.outcome import Outcome
from gptchat.conversation.structured.checking import Misfit, check, failure, hopeless
from gptchat.core.structured import Fit, Structure
from gptchat.manager import Order, Send
from gptchat.waiting import to_thread
from gptchat.words import _

Turn = Callable[[Order, Outcome], Exchange]
"""Runs an order and fills in the outcome."""


async def fitting(structure: Structure, order: Order, outcome: Outcome, turn: Turn, again: Turn) -> Exchange:
    """The events of `turn`, and of `again` where its answer does not fit; `Checked` comes before the last `Kept`.

    `outcome` is filled in as the last turn leaves it. Nothing is checked where a turn fails, is stopped or is
    withheld, and nothing is asked again where that cannot help: after a refusal, or a reply that was cut off.
    """
    replies: list[str] = []
    first: Outcome | None = None
    for run in (turn, again):
        ended = Outcome()
        verdict: Fit | Misfit | None = None
        last = True
        async with aclosing(run(order, ended)) as events:
            async for event in events:
                if isinstance(event, TurnEnded) and ended.whole and ended.message is not None:
                    replies.append(ended.message.text)
                    verdict = await to_thread(check, structure, ended.message.text)
                    last = isinstance(verdict, Fit) or first is not None or bool(hopeless(ended.message))
                if isinstance(event, Kept) and verdict is not None and not ended.withheld:
                    if not last:
                        continue
                    if isinstance(verdict, Fit):
                        ended.fit = verdict
                    else:
                        assert ended.message is not None
                        ended.error = failure(ended.message, verdict, replies)
                    _copy(_together(first, ended), outcome)
                    yield Checked(outcome)
                yield event
        if not isinstance(verdict, Misfit) or last or ended.withheld:
            break
        first = ended
        order = Send(structure.correction(verdict.told))
        yield Told(
            _("the answer does not fit: {reason}; asking once more").format(reason=verdict.reason), "notice"
        )
    if outcome.fit is None and outcome.error is None:
        _copy(ended, outcome)


def _together(first: Outcome | None, last: Outcome) -> Outcome:
    """`last` with the time, usage and cost of `first` added."""
    if first is None:
        return last
    last.seconds += first.seconds
    last.first = first.first
    last.cost = None if first.cost is None or last.cost is None else first.cost + last.cost
    last.spent = None if first.spent is None or last.spent is None else first.spent + last.spent
    if first.usage is not None:
        last.usage = first.usage.plus(last.usage) if last.usage is not None else first.usage
    last.calls[:0] = first.calls
    return last


def _copy(source: Outcome, target: Outcome) -> None:
    for name in Outcome.__slots__:
        setattr(target, name, getattr(source, name))

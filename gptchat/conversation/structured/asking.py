"""Asks for an answer that fits a schema: checks the reply, asks once more where it does not fit."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import aclosing

from gptchat.conversation.events import Checked, Exchange, Kept, Told, TurnEnded
from gptchat.conversation.outcome import Outcome
from gptchat.conversation.structured.checking import Misfit, check
from gptchat.core.structured import Fit, Structure
from gptchat.core.titles import shorten
from gptchat.errors import MisfitError
from gptchat.manager import Order, Send
from gptchat.waiting import to_thread
from gptchat.words import _

Turn = Callable[[Order, Outcome], Exchange]
"""Runs an order and fills in the outcome."""

_SHOWN = 300
"""Columns of a refusal that is shown."""


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
                    last = isinstance(verdict, Fit) or first is not None or bool(_hopeless(ended, verdict))
                if isinstance(event, Kept) and verdict is not None and not ended.withheld:
                    if not last:
                        continue
                    _settle(ended, verdict, replies)
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


def _settle(ended: Outcome, verdict: Fit | Misfit, replies: list[str]) -> None:
    """Note how the check of the last reply went."""
    if isinstance(verdict, Fit):
        ended.fit = verdict
        return
    what, hint = _hopeless(ended, verdict) or ("", "")
    if not what:
        what = _("the answer does not fit the schema, asked twice: {reason}").format(reason=verdict.reason)
        hint = _("take a model that does better, or a schema that says more of what is wanted")
    ended.error = MisfitError(what, hint=hint, replies=replies)


def _hopeless(ended: Outcome, verdict: Fit | Misfit) -> tuple[str, str] | None:
    """Why asking again would not help, and what would; None if it may."""
    message = ended.message
    assert message is not None
    if isinstance(verdict, Fit):
        return None
    if message.finish_reason == "length":
        return (
            _("the answer was cut off at the length limit"),
            _("raise max_tokens (-o max_tokens=N), or ask for less"),
        )
    if message.finish_reason == "content_filter":
        return _("the provider's content filter ended the answer"), _("say it in other words")
    if message.extra.get("refusal") is True:
        return (
            _("the model refuses to answer: {text}").format(text=shorten(message.text, _SHOWN)),
            _("say it in other words, or ask another model"),
        )
    return None


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

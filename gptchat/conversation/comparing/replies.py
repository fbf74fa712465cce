"""What the library returns of turns: replies with the paths of their files, one or those of a comparison."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path

from gptchat.conversation.events import Checked, ComparisonEnded, Exchange, NotSent, TurnEnded
from gptchat.conversation.outcome import Outcome, Reply
from gptchat.core.messages import Message
from gptchat.core.replies.media import files_of
from gptchat.errors import ContentFilterError, GptchatError, TurnInterruptedError, UsageError
from gptchat.manager import SessionManager
from gptchat.words import _


def reply_of(outcome: Outcome, message: Message, manager: SessionManager) -> Reply:
    """The reply `message`, with the paths of its files in the store of `manager`."""
    paths = [manager.store.file_path(manager.user, file.name) for file in files_of(message)]
    return Reply.of(outcome, message, [Path(path) for path in paths if path])


async def reply_in(events: Exchange, manager: SessionManager) -> Reply:
    """The reply at the end of `events`. Raises GptchatError."""
    outcome, sent = Outcome(), True
    async with aclosing(events):
        async for event in events:
            if isinstance(event, TurnEnded | Checked):
                outcome = event.outcome
            sent = sent and not isinstance(event, NotSent)
    if error := outcome.error or (TurnInterruptedError(_("stopped")) if outcome.interrupted else None):
        raise error
    if outcome.withheld:
        raise outcome.refusal()
    if not sent or outcome.message is None:
        raise UsageError(_("the message was not sent"))
    return reply_of(outcome, outcome.message, manager)


async def replies_of(events: Exchange, manager: SessionManager) -> list[Reply | GptchatError]:
    """What came of each answer of a comparison: a reply, or the error with which it ended. Raises GptchatError."""
    outcomes: Sequence[Outcome] = ()
    async with aclosing(events):
        async for event in events:
            if isinstance(event, ComparisonEnded):
                outcomes = event.outcomes
    if not outcomes:
        raise UsageError(_("the message was not sent"))
    found: list[Reply | GptchatError] = []
    for outcome in outcomes:
        if error := failure(outcome):
            found.append(error)
        elif outcome.message is not None:
            found.append(reply_of(outcome, outcome.message, manager))
    return found


def failure(outcome: Outcome) -> GptchatError | None:
    """Why an answer is not whole, or not shown; None if it is whole."""
    if outcome.withheld:
        return ContentFilterError(_("{reason}; it is not shown").format(reason=outcome.withheld))
    if outcome.interrupted:
        return TurnInterruptedError(_("stopped"))
    return outcome.error

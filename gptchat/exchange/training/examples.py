"""Turns of a session as an example to train a model on: a line `{"messages": [...]}`."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal

from gptchat.core.messages import Message
from gptchat.core.session import Session
from gptchat.exchange.chat_messages import messages

Left = Literal["aside", "failed", "unanswered", "incognito"]
"""Why something is left out: a question aside, a reply that failed or was cut off, none, or a session unsaved."""


def example(
    session: Session, turns: Collection[int] | None = None
) -> tuple[dict[str, Any] | None, Mapping[Left, int]]:
    """The example of `session`, or None if nothing of it is fit, and what is left out, counted by reason.

    `turns` are numbers of turns, from 1; None for all. An example has the system prompt, and of the current
    path the turns whose every reply is whole. Calls of tools are there with their results, or neither is.
    """
    left: Counter[Left] = Counter()
    left["aside"] = sum(one.role == "user" and one.extra.get("aside") is True for one in session.messages.values())
    kept: list[Message] = []
    for number, turn in enumerate(session.turns(), 1):
        if turns is not None and number not in turns:
            continue
        if any(map(_aside, turn)):
            continue
        if reason := _unfit(turn):
            left[reason] += 1
        else:
            kept += turn
    entry = messages(session, kept)
    for message in entry:
        message["role"] = "system" if message["role"] == "developer" else message["role"]
    found = {"messages": entry} if any(one["role"] == "assistant" for one in entry) else None
    return found, {reason: count for reason, count in left.items() if count}


def line(found: Mapping[str, Any]) -> str:
    """An example as a line of a training file, with its end."""
    return json.dumps(found, ensure_ascii=False, default=str) + "\n"


def _aside(message: Message) -> bool:
    """Whether `message` is a question beside the conversation."""
    return message.role == "user" and message.extra.get("aside") is True


def _unfit(turn: Sequence[Message]) -> Left | None:
    """Why a turn teaches nothing; None if it does."""
    replies = [one for one in turn if one.role == "assistant"]
    if any(one.status != "complete" for one in replies):
        return "failed"
    last = turn[-1]
    if last.role != "assistant" or not (last.text.strip() or "tool_calls" in last.extra):
        return "unanswered"
    return None

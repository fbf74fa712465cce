"""What the next request sends, what it leaves out, and why. Pure: the counts come in, a plan comes out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from gptchat.core.messages import Message

Reason = Literal["window", "max_tokens", "max_turns", "summary"]
"""Why older messages are left out: the model's window, a limit the person set, or a summary stands for them."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a request may hold. `window` and `reserve` are tokens; 0 in `max_tokens`, `max_turns` is no limit.

    The budget is `window - reserve`, and no more than `max_tokens`.
    """

    window: int
    reserve: int = 0
    max_tokens: int = 0
    max_turns: int = 0

    @property
    def budget(self) -> int:
        """How many tokens the request may hold."""
        room = max(self.window - self.reserve, 0)
        return min(room, self.max_tokens) if self.max_tokens > 0 else room


@dataclass(frozen=True, slots=True)
class ContextPlan:
    """A request's contents in the order they are sent, with the tokens of each part.

    `messages` are those of the path that are sent, in their order; `pinned` names the ones among them that
    are there only because they are pinned. `fits` is false when even the least does not fit the budget.
    """

    system: str
    summary: str
    messages: tuple[Message, ...]
    pinned: frozenset[str]
    limits: Limits
    system_tokens: int
    summary_tokens: int
    pinned_tokens: int
    turn_tokens: int
    overhead: int
    left_out: int
    """How many messages of the path are not sent."""
    left_out_tokens: int
    left_out_turns: int
    reason: Reason | None
    fits: bool

    @property
    def tokens(self) -> int:
        """Everything the request holds, in tokens."""
        return self.system_tokens + self.summary_tokens + self.pinned_tokens + self.turn_tokens + self.overhead


def plan(
    path: Sequence[Message],
    count: Callable[[Message], int],
    limits: Limits,
    *,
    system: str = "",
    summary: str = "",
    until: str | None = None,
    pins: Sequence[str] = (),
    overhead: int = 0,
) -> ContextPlan:
    """Choose from `path` (root to the newest message) what fits `limits`.

    The system prompt, the pinned messages, the summary and the newest turn always go; then whole turns from
    the newest back as long as they fit. `until` is the last message that `summary` stands for. `count` gives
    a message's tokens, its share of the format included. A larger window never sends less.
    """
    pinned = set(pins)
    fixed = overhead
    system_tokens = count(Message("system", system)) if system else 0
    summary_tokens = count(Message("system", summary)) if summary else 0
    fixed += system_tokens + summary_tokens
    costs = [count(message) for message in path]
    pin_cost = sum(cost for message, cost in zip(path, costs, strict=True) if message.id in pinned)
    covered = next((i + 1 for i, m in enumerate(path) if m.id == until), 0) if summary else 0

    start, room, turns = len(path), limits.budget - fixed - pin_cost, 0
    reason: Reason | None = "summary" if covered else None
    for begin, end in _turns_back(path, covered):
        cost = sum(costs[i] for i in range(begin, end) if path[i].id not in pinned)
        newest = end == len(path)
        if not newest and limits.max_turns and turns >= limits.max_turns:
            reason = "max_turns"
            break
        if not newest and cost > room:
            reason = "window" if limits.budget == limits.window - limits.reserve else "max_tokens"
            break
        start, room, turns = begin, room - cost, turns + 1

    early = [i for i in range(start) if path[i].id in pinned]
    dropped = [i for i in range(start) if path[i].id not in pinned]
    return ContextPlan(
        system=system,
        summary=summary,
        messages=tuple(path[i] for i in early) + tuple(path[start:]),
        pinned=frozenset(path[i].id for i in early),
        limits=limits,
        system_tokens=system_tokens,
        summary_tokens=summary_tokens,
        pinned_tokens=sum(costs[i] for i in early),
        turn_tokens=sum(costs[start:]),
        overhead=overhead,
        left_out=len(dropped),
        left_out_tokens=sum(costs[i] for i in dropped),
        left_out_turns=sum(1 for i in dropped if path[i].role == "user"),
        reason=reason if dropped else None,
        fits=room >= 0,
    )


def _turns_back(path: Sequence[Message], covered: int) -> list[tuple[int, int]]:
    """The turns of `path` after its first `covered` messages, newest first, as index ranges."""
    starts = [i for i in range(covered, len(path)) if path[i].role == "user" or i == covered]
    return list(zip(starts, [*starts[1:], len(path)], strict=True))[::-1]

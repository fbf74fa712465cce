"""What the next request sends, what it leaves out, and why. Pure: the counts come in, a plan comes out."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Literal

from gptchat.core.messages import Message
from gptchat.values import dataclass, field

Reason = Literal["window", "max_tokens", "max_turns", "summary"]
"""Why older messages are left out: the model's window, a limit the person set, or a summary stands for them."""

SUMMARY_HEADING = "Summary of the conversation so far:"
"""What stands above a summary where it is sent: models read it, so it stays English."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a request may hold. `window` and `reserve` are tokens; 0 in `max_tokens`, `max_turns` is no limit.

    The budget is `window - reserve`, and no more than `max_tokens`. `guessed` says that nobody told the window:
    older turns are left out for it, but only the server can say that the newest one does not fit.
    """

    window: int
    reserve: int = 0
    max_tokens: int = 0
    max_turns: int = 0
    guessed: bool = False

    @property
    def budget(self) -> int:
        """How many tokens the request may hold."""
        room = max(self.window - self.reserve, 0)
        return min(room, self.max_tokens) if self.max_tokens > 0 else room

    @property
    def most(self) -> float:
        """The tokens beyond which a request is not sent."""
        return (self.max_tokens or math.inf) if self.guessed else self.budget

    @property
    def binding(self) -> Reason:
        """Which of the two sets the budget: the person's own limit, or the window."""
        return "max_tokens" if 0 < self.max_tokens < self.window - self.reserve else "window"


@dataclass(frozen=True, slots=True)
class ContextPlan:
    """A request's contents in the order they are sent, with the tokens of each part.

    `messages` are those of the path that are sent, in their order; `pinned` names the ones among them that
    are there only because they are pinned. `fits` is false when even the least does not fit the budget,
    or the person's own limit where the window is a guess.
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
    unsent: Sequence[Message]
    """The messages of the path that are not sent."""
    reason: Reason | None
    """Why the newest of what is left out is left out; None where nothing is, or a summary stands for all."""
    fits: bool
    count: Callable[[Message], int] = field(repr=False, compare=False)
    """A message's tokens, by what the plan was made with."""
    summarised: int = 0
    """How many of the messages left out the summary stands for."""

    @property
    def left_out(self) -> int:
        """How many messages of the path are not sent."""
        return len(self.unsent)

    @property
    def left_out_tokens(self) -> int:
        """The tokens of what is not sent; counted when asked for, since it grows with the session."""
        return sum(map(self.count, self.unsent))

    @property
    def tokens(self) -> int:
        """Everything the request holds, in tokens."""
        return self.system_tokens + self.summary_tokens + self.pinned_tokens + self.turn_tokens + self.overhead

    @property
    def share(self) -> float:
        """How much of the budget is used, from 0; above 1 where the plan does not fit."""
        budget = self.limits.budget
        return self.tokens / budget if budget else float("inf")

    @property
    def trimmed(self) -> bool:
        """Whether something is left out that no summary stands for."""
        return self.left_out > 0 and self.reason not in (None, "summary")

    @property
    def over(self) -> int:
        """By how many tokens the least that must be sent exceeds the budget; 0 where the plan fits."""
        return max(self.tokens - self.limits.budget, 0)

    def everything(self) -> tuple[Message, ...]:
        """All that is sent, in order: the system message, which holds the summary too, then `messages`.

        Both in one system message, because many models' templates refuse a second one.
        """
        opening = opening_text(self.system, self.summary)
        return (Message("system", opening), *self.messages) if opening else self.messages


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
    the newest back as long as they fit. A turn is a user message and all up to the next one, so a tool's
    result stays with its call. `until` is the last message that `summary` stands for; without a summary, or
    where `until` is not on the path, nothing is taken for summarised. `count` gives a message's tokens, its
    share of the format included; only what may be sent is counted. A larger window never sends less.
    """
    covered = _covered(path, until) if summary and until else 0
    summary = summary if covered else ""
    system_tokens = count(Message("system", system)) if system else 0
    opening_tokens = count(Message("system", opening_text(system, summary))) if summary else system_tokens
    pins_at = _pinned_at(path, frozenset(pins)) if pins else []
    pinned_costs = {i: count(path[i]) for i in pins_at}

    start, turns, turn_tokens = len(path), 0, 0
    pins_left = list(pins_at)
    room = limits.budget - overhead - opening_tokens - sum(pinned_costs.values())
    reason: Reason | None = None
    for begin in _starts_back(path, covered):
        cost = sum(map(count, path[begin:start]))
        while pins_left and pins_left[-1] >= begin:
            # Pinned messages go anyway, so that a turn costs only what it holds beside them.
            cost -= pinned_costs[pins_left.pop()]
        if start < len(path):  # the newest turn goes whatever it costs
            if limits.max_turns and turns >= limits.max_turns:
                reason = "max_turns"
                break
            if cost > room:
                reason = limits.binding
                break
        start, room, turns, turn_tokens = begin, room - cost, turns + 1, turn_tokens + cost

    early = [i for i in pins_at if i < start]
    kept = frozenset(path[i].id for i in early)
    dropped = [message for message in path[:start] if message.id not in kept] if early else path[:start]
    summarised = covered - sum(1 for i in early if i < covered)
    if len(dropped) == summarised:
        reason = "summary" if dropped else None
    return ContextPlan(
        system=system,
        summary=summary,
        messages=(*(path[i] for i in early), *path[start:]),
        pinned=kept,
        limits=limits,
        system_tokens=system_tokens,
        summary_tokens=opening_tokens - system_tokens,
        pinned_tokens=sum(pinned_costs[i] for i in early),
        turn_tokens=turn_tokens + sum(cost for i, cost in pinned_costs.items() if i >= start),
        overhead=overhead,
        unsent=dropped,
        reason=reason,
        fits=limits.budget - room <= limits.most,
        count=count,
        summarised=summarised,
    )


def opening_text(system: str, summary: str) -> str:
    """The text of the system message: the person's prompt, then the summary under its heading."""
    if not summary:
        return system
    return "\n\n".join(part for part in (system, f"{SUMMARY_HEADING}\n{summary}") if part)


NEARLY = 0.8
"""The share of the budget from which on it is nearly used up."""


def nearly_full(plan: ContextPlan, at: float = NEARLY) -> bool:
    """Whether to warn that trimming is near: `at` of the budget is used and nothing is left out yet.

    Also true where the person's `max_turns` is about to be reached: the next turn would push one out.
    """
    if plan.trimmed or not plan.messages:
        return False
    turns = sum(1 for message in plan.messages if message.role == "user" and message.id not in plan.pinned)
    return plan.share >= at or (plan.limits.max_turns > 0 and turns >= plan.limits.max_turns)


def _covered(path: Sequence[Message], until: str) -> int:
    """How many messages from the root the summary up to and with `until` stands for."""
    covered = next((i + 1 for i, message in enumerate(path) if message.id == until), 0)
    while 0 < covered < len(path) - 1 and path[covered].role == "tool":
        covered += 1  # a result whose call is summarised would be refused by every server
    return covered


def _pinned_at(path: Sequence[Message], pins: frozenset[str]) -> list[int]:
    """Where the pinned messages are; one of a tool call and its results takes the others with it."""
    found: set[int] = set()
    for i, message in enumerate(path):
        if message.id in pins:
            first = last = i
            while first > 0 and path[first].role == "tool":
                first -= 1
            while last + 1 < len(path) and path[last + 1].role == "tool":
                last += 1
            found.update(range(first, last + 1))
    return sorted(found)


def _starts_back(path: Sequence[Message], covered: int) -> Iterator[int]:
    """Where the turns of `path` after its first `covered` messages begin, newest first."""
    for i in range(len(path) - 1, covered, -1):
        if path[i].role == "user":
            yield i
    if covered < len(path):
        yield covered

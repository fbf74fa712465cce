"""Context planning: which messages the next request contains, which it omits, and why. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Literal

from gptchat.core.messages import Message
from gptchat.values import dataclass, field

Reason = Literal["window", "max_tokens", "max_turns", "summary"]
"""Why older messages are omitted: the model's window, a limit the user set, or a summary replaces them."""

SUMMARY_HEADING = "Summary of the conversation so far:"
"""Heading of a summary in a request. Not translated, because models read it."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Size limits of a request. `window` and `reserve` are tokens; 0 in `max_tokens` or `max_turns`: no limit.

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
        """Maximum tokens of the request."""
        room = max(self.window - self.reserve, 0)
        return min(room, self.max_tokens) if self.max_tokens > 0 else room

    @property
    def most(self) -> float:
        """The tokens beyond which a request is not sent."""
        return (self.max_tokens or math.inf) if self.guessed else self.budget

    @property
    def binding(self) -> Reason:
        """Which limit determines the budget: `max_tokens` (set by the user) or the window."""
        return "max_tokens" if 0 < self.max_tokens < self.window - self.reserve else "window"


@dataclass(frozen=True, slots=True)
class ContextPlan:
    """The contents of a request in the order they are sent, with the tokens of each part.

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
    """The omitted messages of the path."""
    reason: Reason | None
    """Why the newest omitted message was omitted; "summary" if a summary replaces all; None if none was."""
    fits: bool
    count: Callable[[Message], int] = field(repr=False, compare=False)
    """The function that counted the tokens of a message for this plan."""
    summarised: int = 0
    """Number of omitted messages that the summary replaces."""
    tool_tokens: int = 0
    """Tokens of the definitions of the tools offered."""

    @property
    def left_out(self) -> int:
        """Number of omitted messages."""
        return len(self.unsent)

    @property
    def left_out_tokens(self) -> int:
        """Tokens of the omitted messages. Computed on access, because the cost grows with the session."""
        return sum(map(self.count, self.unsent))

    @property
    def tokens(self) -> int:
        """Total tokens of the request."""
        parts = (self.system_tokens, self.summary_tokens, self.pinned_tokens, self.turn_tokens)
        return sum(parts) + self.tool_tokens + self.overhead

    @property
    def share(self) -> float:
        """Used share of the budget, from 0; above 1 if the plan exceeds it, infinite if the budget is 0."""
        budget = self.limits.budget
        return self.tokens / budget if budget else float("inf")

    @property
    def trimmed(self) -> bool:
        """Whether messages were omitted that no summary replaces."""
        return self.left_out > 0 and self.reason not in (None, "summary")

    @property
    def over(self) -> int:
        """Tokens by which the request exceeds the budget; 0 if it does not."""
        return max(self.tokens - self.limits.budget, 0)

    @property
    def text_alone(self) -> bool:
        """Whether it holds texts alone: the tokens of pictures, files and tools are estimates for every model."""
        return not self.tool_tokens and all(isinstance(message.content, str) for message in self.messages)

    def everything(self) -> tuple[Message, ...]:
        """All messages to send, in order: the system message, which includes the summary, then `messages`.

        There is one system message because many models' chat templates reject a second one.
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
    tool_tokens: int = 0,
) -> ContextPlan:
    """Choose the messages of `path` (from the root to the newest message) that fit `limits`.

    The system prompt, the pinned messages, the summary and the newest turn are always sent; then whole turns,
    newest first, while they fit. A turn is a user message and everything up to the next one, so a tool result
    stays with its call. `until` is the id of the last message that `summary` replaces; without a summary, or if
    `until` is not on the path, no message counts as summarised. `count` returns the tokens of a message,
    formatting included; messages that cannot be sent are not counted. A larger window never sends less.
    """
    covered = _covered(path, until) if summary and until else 0
    summary = summary if covered else ""
    system_tokens = count(Message("system", system)) if system else 0
    opening_tokens = count(Message("system", opening_text(system, summary))) if summary else system_tokens
    pins_at = _pinned_at(path, frozenset(pins)) if pins else []
    pinned_costs = {i: count(path[i]) for i in pins_at}

    start, turns, turn_tokens = len(path), 0, 0
    pins_left = list(pins_at)
    room = limits.budget - overhead - tool_tokens - opening_tokens - sum(pinned_costs.values())
    reason: Reason | None = None
    for begin in _starts_back(path, covered):
        cost = sum(map(count, path[begin:start]))
        while pins_left and pins_left[-1] >= begin:
            # Pinned messages are sent in any case, so their tokens are not part of the cost of the turn.
            cost -= pinned_costs[pins_left.pop()]
        if start < len(path):  # the newest turn is always sent
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
        tool_tokens=tool_tokens,
    )


def opening_text(system: str, summary: str) -> str:
    """The text of the system message: the system prompt, then the summary under its heading."""
    if not summary:
        return system
    return "\n\n".join(part for part in (system, f"{SUMMARY_HEADING}\n{summary}") if part)


NEARLY = 0.8
"""Share of the budget from which the context counts as nearly full."""


def nearly_full(plan: ContextPlan, at: float = NEARLY) -> bool:
    """Whether to warn that trimming is near: the share `at` of the budget is used and nothing is trimmed yet.

    Also true if `max_turns` is reached, because the next turn would push one out.
    """
    if plan.trimmed or not plan.messages:
        return False
    turns = sum(1 for message in plan.messages if message.role == "user" and message.id not in plan.pinned)
    return plan.share >= at or (plan.limits.max_turns > 0 and turns >= plan.limits.max_turns)


def _covered(path: Sequence[Message], until: str) -> int:
    """Number of messages, from the root, that the summary up to and including `until` replaces."""
    covered = next((i + 1 for i, message in enumerate(path) if message.id == until), 0)
    while 0 < covered < len(path) - 1 and path[covered].role == "tool":
        covered += 1  # servers reject a tool result without its call
    return covered


def _pinned_at(path: Sequence[Message], pins: frozenset[str]) -> list[int]:
    """Indexes of the pinned messages. Pinning a tool call or one of its results includes the whole group."""
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
    """Start indexes of the turns of `path` after its first `covered` messages, newest first."""
    for i in range(len(path) - 1, covered, -1):
        if path[i].role == "user":
            yield i
    if covered < len(path):
        yield covered

"""Answers outside of any session: titles, summaries, rewritten texts."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING

from gptchat.core.events import Finished, TextDelta, UsageReported
from gptchat.core.messages import Message, Request, Usage, estimated
from gptchat.core.records import aside_record
from gptchat.values import dataclass

if TYPE_CHECKING:
    from gptchat.conversation.routing import Routing


@dataclass(frozen=True, slots=True)
class OutsideAnswer:
    """An answer to a request that belongs to no session. `cost` is US$, None if no price is known."""

    text: str
    finish_reason: str
    usage: Usage
    cost: float | None


async def answer(
    routing: Routing, messages: Sequence[Message], *, max_tokens: int = 0, noted: bool = False
) -> OutsideAnswer:
    """The model's answer to `messages`. `noted` keeps what it took with the open session, for `/usage`.

    Raises the provider's errors.
    """
    route = routing.route()
    parameters = {
        key: value
        for key, value in route.parameters.items()
        if key in ("thinking", "effort", "temperature", "max_tokens")
    }
    if noted:
        parameters.pop("max_tokens", None)
    if max_tokens:
        parameters["max_tokens"] = max_tokens
    name = route.counted_as
    tokens = await asyncio.to_thread(lambda: sum(routing.counter.message(one, name) for one in messages))
    request = Request(
        route.model,
        tuple({"role": one.role, "content": one.text} for one in messages),
        parameters,
        alone=True,
        ref=os.urandom(8).hex(),
        tokens=tokens + routing.counter.overhead(name),
    )
    usage: Usage | None = None
    pieces: list[str] = []
    reason = ""
    try:
        async with aclosing(route.provider.stream(request)) as events:  # type: ignore[type-var]  # a generator
            async for event in events:
                match event:
                    case UsageReported(usage):
                        pass
                    case TextDelta(piece, 0):
                        pieces.append(piece)
                    case Finished(reason, choice=0):
                        pass
                    case _:
                        pass
    finally:
        text = "".join(pieces)
        if usage is None and text:
            usage = estimated(request.tokens, routing.counter.count(text, name))
        if usage is not None and noted:
            paid = aside_record(route.provider.name, route.model, usage, route.price(usage), request.ref)
            routing.pay(paid)
    used = usage or Usage()
    return OutsideAnswer(text.strip(), reason, used, route.price(used))


async def complete(routing: Routing, messages: Sequence[Message], *, max_tokens: int = 0) -> str:
    """The text of the model's answer to `messages`, noted with the open session. Raises the provider's errors."""
    return (await answer(routing, messages, max_tokens=max_tokens, noted=True)).text

"""Answers outside of any session: titles and summaries."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from gptchat.core.events import TextDelta, UsageReported
from gptchat.core.messages import Message, Request, Usage, estimated
from gptchat.core.records import aside_record

if TYPE_CHECKING:
    from gptchat.conversation.routing import Routing


async def complete(routing: Routing, messages: Sequence[Message], *, max_tokens: int = 0) -> str:
    """The model's answer to `messages`, outside of any session. Raises the provider's errors."""
    route = routing.route()
    parameters = {
        key: value for key, value in route.parameters.items() if key in ("thinking", "effort", "temperature")
    }
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
    try:
        async for event in route.provider.stream(request):
            if isinstance(event, UsageReported):
                usage = event.usage
            elif isinstance(event, TextDelta):
                pieces.append(event.text)
    finally:
        text = "".join(pieces)
        if usage is None and text:
            usage = estimated(request.tokens, routing.counter.count(text, name))
        if usage is not None:
            paid = aside_record(route.provider.name, route.model, usage, route.price(usage), request.ref)
            routing.pay(paid)
    return text.strip()

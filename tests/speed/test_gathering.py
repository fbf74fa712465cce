"""Pieces that trickle in are gathered: nothing is lost, and nothing that has come is held back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

from gptchat.config.endpoints import NetworkSettings
from gptchat.core.events import TextDelta
from gptchat.providers.answer import read_answer
from gptchat.providers.faults.failures import Endpoint
from gptchat.providers.wire import wire_named


class Trickle:
    """The body of an answer whose pieces come when the one before has been seen, and a moment later."""

    def __init__(self, seen: list[str], pieces: int) -> None:
        self.headers = {"content-type": "text/event-stream"}
        self._seen = seen
        self._pieces = pieces

    async def aiter_bytes(self) -> AsyncIterator[bytes]:
        """The pieces, each as an event."""
        for number in range(self._pieces):
            while len(self._seen) < number:
                await asyncio.sleep(0)
            await asyncio.sleep(0.002)
            yield b'data: {"choices": [{"index": 0, "delta": {"content": "%d "}}]}\n\n' % number
        yield b'data: {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n'


def test_each_piece_is_handed_over_before_the_next_is_waited_for() -> None:
    """A server that sends its next word only when the last one has arrived is never waited for in vain."""
    seen: list[str] = []

    async def read() -> None:
        response = cast("Any", Trickle(seen, 12))
        endpoint = Endpoint("local", "http://127.0.0.1/v1", "model", "", "")
        events = read_answer(response, wire_named("chat").reader(), NetworkSettings(), endpoint)
        async for event in events:
            seen.extend([event.text] if isinstance(event, TextDelta) else [])

    asyncio.run(asyncio.wait_for(read(), 30))
    assert seen == [f"{number} " for number in range(12)]

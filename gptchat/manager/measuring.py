"""Counts tokens with the server's tokenizer before a request, without delaying the request."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from gptchat.core.messages import Message
from gptchat.core.ports import TokenCounter
from gptchat.manager.route import Route

Tokenize = Callable[[Sequence[str], str], Awaitable[list[int] | None]]

_PATIENCE = 0.05
"""Seconds that a request waits for the counts; a longer wait would noticeably delay the reply."""
_AT_ONCE = 8
"""Number of texts per tokenize call; the newest texts come first."""


class Measuring:
    """Fetches token counts for one request at a time; slow counting continues while the reply streams."""

    def __init__(self, counter: TokenCounter) -> None:
        self._counter = counter
        self._task: asyncio.Task[None] | None = None

    async def begin(self, route: Route, messages: Sequence[Message]) -> bool:
        """Start counting the uncounted `messages`. True if new counts may have arrived within the wait.

        Does nothing for providers without a tokenizer. Pass only messages that are sent to this provider anyway.
        """
        self.stop()
        abilities = route.provider.abilities
        if abilities.tokenize is None or not abilities.counts_tokens:
            return False
        texts = self._counter.untold(route.counted_as, messages)
        if not texts:
            return False
        self._task = asyncio.create_task(self._run(abilities.tokenize, route, texts))
        await asyncio.wait({self._task}, timeout=_PATIENCE)
        return True

    def stop(self) -> None:
        """Cancel the counting that is still running."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def _run(self, tokenize: Tokenize, route: Route, texts: Sequence[str]) -> None:
        with suppress(asyncio.CancelledError):
            for start in range(0, len(texts), _AT_ONCE):
                batch = texts[start : start + _AT_ONCE]
                counts = await tokenize(batch, route.model)
                if counts is None:
                    return
                for text, tokens in zip(batch, counts, strict=True):
                    self._counter.told(route.counted_as, text, tokens)

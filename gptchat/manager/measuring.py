"""Having the server's own tokenizer count what is about to be sent to it, without holding the request up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from gptchat.core.messages import Message
from gptchat.core.ports import TokenCounter
from gptchat.manager.route import Route

Tokenize = Callable[[Sequence[str], str], Awaitable[list[int] | None]]

_PATIENCE = 0.05
"""Seconds that a request waits for the counts: longer would be felt between Enter and the first word."""
_AT_ONCE = 8
"""Texts asked for together; the newest come first."""


class Measuring:
    """Asks for the counts of one request at a time; what takes too long goes on while the reply streams."""

    def __init__(self, counter: TokenCounter) -> None:
        self._counter = counter
        self._task: asyncio.Task[None] | None = None

    async def begin(self, route: Route, messages: Sequence[Message]) -> bool:
        """Have those of `messages` counted that are not yet; whether anything may have become known in time.

        Nothing is asked of providers that do not count. Give only messages that go to this provider anyway.
        """
        self.stop()
        abilities = route.provider.abilities
        if abilities.tokenize is None or not abilities.counts_tokens:
            return False
        texts = self._counter.untold(route.model, messages)
        if not texts:
            return False
        self._task = asyncio.create_task(self._run(abilities.tokenize, route.model, texts))
        await asyncio.wait({self._task}, timeout=_PATIENCE)
        return True

    def stop(self) -> None:
        """Ask for no more."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def _run(self, tokenize: Tokenize, model: str, texts: Sequence[str]) -> None:
        with suppress(asyncio.CancelledError):
            for start in range(0, len(texts), _AT_ONCE):
                batch = texts[start : start + _AT_ONCE]
                counts = await tokenize(batch, model)
                if counts is None:
                    return
                for text, tokens in zip(batch, counts, strict=True):
                    self._counter.told(model, text, tokens)

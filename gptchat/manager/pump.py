"""Reads a provider's stream in its own task and delivers it in batches, so that it can be stopped any time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Protocol

from gptchat.core.events import ProviderEvent
from gptchat.errors import GptchatError, ProtocolError
from gptchat.words import _

log = logging.getLogger(__name__)


class Stoppable(Protocol):
    """Something that a person can stop."""

    def stop(self) -> None:
        """End it soon; what has come stays."""


class Pump:
    """Runs `stream`; `batches()` yields lists of the events received since the last batch, in order.

    Afterwards `error` is the exception that ended the stream, if any, and `stopped` tells whether `stop` ended
    it. With a fast server, one batch per event loop iteration costs far less than one wake-up per event.
    """

    def __init__(self, stream: AsyncIterator[ProviderEvent]) -> None:
        self.error: GptchatError | None = None
        self.stopped = False
        self._events: list[ProviderEvent] = []
        self._wake = asyncio.Event()
        self._task = asyncio.create_task(self._run(stream))
        # A task cancelled before its first step never enters its `finally`.
        self._task.add_done_callback(lambda _task: self._wake.set())

    def stop(self) -> None:
        """End the stream. Events already received are still delivered."""
        if not self._task.done():
            self.stopped = True
            self._task.cancel()

    async def batches(self) -> AsyncGenerator[list[ProviderEvent], None]:
        """Yield received events as lists until the stream has ended or was stopped."""
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                batch, self._events = self._events, []
                if batch:
                    yield batch
                elif self._task.done():
                    return
                if self._task.done():
                    self._wake.set()
        finally:
            self.stop()

    async def _run(self, stream: AsyncIterator[ProviderEvent]) -> None:
        try:
            async for event in stream:
                self._events.append(event)
                self._wake.set()
        except GptchatError as error:
            self.error = error
        except Exception as error:
            # Providers map all known failures; the user must not see a traceback for an unknown one either.
            log.exception("a provider failed in an unknown way")
            self.error = ProtocolError(
                _("the provider failed in a way gptchat does not know: {what}").format(what=type(error).__name__),
                hint=_("run with --debug to see where"),
            )
        finally:
            close = getattr(stream, "aclose", None)
            if close is not None:
                await close()

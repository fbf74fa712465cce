"""A provider's stream in a task of its own, handed over in batches, so that it can be stopped at any moment."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator

from gptchat.core.events import ProviderEvent
from gptchat.errors import GptchatError, ProtocolError
from gptchat.words import _

log = logging.getLogger(__name__)


class Pump:
    """Runs `stream`; `batches()` yields what came since the last batch, as lists in order.

    Afterwards `error` is what the stream ended with, if it failed, and `stopped` whether `stop` ended it.
    A batch a loop turn costs far less than a wake-up an event, where a server sends quickly.
    """

    def __init__(self, stream: AsyncIterator[ProviderEvent]) -> None:
        self.error: GptchatError | None = None
        self.stopped = False
        self._events: list[ProviderEvent] = []
        self._wake = asyncio.Event()
        self._task = asyncio.create_task(self._run(stream))
        # A task that is cancelled before its first step never enters its own `finally`.
        self._task.add_done_callback(lambda _task: self._wake.set())

    def stop(self) -> None:
        """End the stream; what has come is still handed over."""
        if not self._task.done():
            self.stopped = True
            self._task.cancel()

    async def batches(self) -> AsyncGenerator[list[ProviderEvent], None]:
        """What comes, in lists, until the stream has ended or was stopped."""
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
            # The providers map every failure they know; whatever is left must still be kind to the person.
            log.exception("a provider failed in an unknown way")
            self.error = ProtocolError(
                _("the provider failed in a way gptchat does not know: {what}").format(what=type(error).__name__),
                hint=_("run with --debug to see where"),
            )
        finally:
            close = getattr(stream, "aclose", None)
            if close is not None:
                await close()

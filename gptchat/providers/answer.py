"""Reads one HTTP response: an event stream, a JSON reply, or neither (an error)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from gptchat.config.endpoints import NetworkSettings
from gptchat.core.events import ProviderEvent
from gptchat.errors import ProtocolError
from gptchat.providers.faults.dialects import read
from gptchat.providers.faults.failures import Endpoint, silent
from gptchat.providers.faults.refusals import shorten, words_of
from gptchat.providers.sse import SseDecoder
from gptchat.providers.wire.common import Reader, malformed
from gptchat.words import _

if TYPE_CHECKING:
    import httpx2

_LINGER = 3.0  # seconds to wait for usage or [DONE] after every choice has its finish reason
_GATHER = 0.03  # seconds to let chunks accumulate; shorter than a screen frame
_LITTLE = 4096  # bytes; if more arrive between two waits, chunks are large enough already
_FIRST = 2000  # bytes, about a dozen events: the first words are not delayed
_AHEAD = 65536  # bytes that are read ahead of what was asked for
_STRETCH = 0.005  # seconds after which other tasks have their turn
_DRAIN = 0.1  # seconds to wait for the end of the body after [DONE], so that the connection can be reused


async def read_answer(
    response: httpx2.Response, reader: Reader, network: NetworkSettings, endpoint: Endpoint
) -> AsyncGenerator[ProviderEvent, None]:
    """Yield the events of a reply as they arrive. Raises GptchatError, ServerSaid or an error of httpx2.

    The beginning of the body decides how it is read, since many servers send a wrong content type.
    """
    async with aclosing(_Chunks(response, network, endpoint)) as chunks:
        first = b""
        async for chunk in chunks:
            first = (first + chunk).lstrip()
            if first:
                break
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        _refuse_pages(first, kind, endpoint)
        start = first[:1]
        if start in (b"{", b"["):
            body = bytearray(first)
            async for chunk in chunks:
                chunks.alive(False)
                body += chunk
            for event in reader.whole(_parsed(bytes(body))):
                yield event
        else:
            if kind not in ("", "text/event-stream", "text/plain", "application/json", "application/octet-stream"):
                raise _not_the_api(kind, endpoint)
            async with aclosing(_events(first, chunks, reader, network)) as events:
                async for event in events:
                    yield event
    for event in reader.finish():
        yield event


async def _events(
    first: bytes, chunks: _Chunks, reader: Reader, network: NetworkSettings
) -> AsyncGenerator[ProviderEvent, None]:
    decoder = SseDecoder(network.max_line, network.max_reply)
    chunk = first
    while True:
        pieces = decoder.feed(chunk)
        for name, data in pieces:
            for event in reader.feed(name, data):
                yield event
            if reader.ended:
                await chunks.drain()
                return
        decoder.check()
        if pieces:
            chunks.alive(reader.complete)
        try:
            chunk = await chunks.paced()
        except StopAsyncIteration:
            break
        except Exception:
            # After the finish reason only usage is missing, so the reply is complete
            if not reader.complete:
                raise
            break
    for name, data in decoder.close():
        for event in reader.feed(name, data):
            yield event


class _Chunks:
    """The body in batches, with an idle timeout that only `alive` restarts, not every byte (comment pings).

    A task of its own reads ahead: what is at hand arrives as one batch, which costs far less than chunk by chunk.
    Iterating raises RequestTimeoutError when the timeout expires.
    """

    def __init__(self, response: httpx2.Response, network: NetworkSettings, endpoint: Endpoint) -> None:
        self._source = response.aiter_bytes()
        self._patience = network.idle_timeout
        self._idle = network.idle_timeout
        self._endpoint = endpoint
        self._fresh = True
        self._deadline = 0.0
        self._waited = False
        self._taken = 0
        self._whole = 0
        self._chunks: list[bytes] = []
        self._size = 0
        self._arrived, self._room = asyncio.Event(), asyncio.Event()
        self._task = asyncio.create_task(self._read())
        self._task.add_done_callback(lambda _task: self._arrived.set())

    def __aiter__(self) -> _Chunks:
        return self

    async def __anext__(self) -> bytes:
        if self._fresh:  # the timeout starts when we begin to wait: the time the caller took does not count
            self._deadline = asyncio.get_running_loop().time() + self._patience
            self._fresh = False
        self._waited = not self._chunks
        if self._waited:
            try:
                async with asyncio.timeout_at(self._deadline):
                    await self._arrived.wait()
            except TimeoutError:
                raise silent(self._idle, self._endpoint) from None
        if not self._chunks:
            await self._task
            raise StopAsyncIteration
        batch = b"".join(self._chunks)
        self._chunks.clear()
        self._taken, self._size = self._size, 0
        self._whole += self._taken
        if not self._task.done():
            self._arrived.clear()
        self._room.set()
        return batch

    async def paced(self) -> bytes:
        """The next batch. If the previous one had to be waited for, sleeps briefly first.

        During the sleep several small chunks accumulate, which cost less together than one by one. Earlier
        chunks have already been processed by then.
        """
        if self._waited and self._taken < _LITTLE and self._whole > _FIRST:
            await asyncio.sleep(_GATHER)
        return await anext(self)

    def alive(self, complete: bool) -> None:
        """Restart the idle timeout after an event; it is short once the reply is `complete`."""
        self._fresh = True
        self._patience = min(self._idle, _LINGER) if complete else self._idle

    async def drain(self) -> None:
        """Read the rest of the body for up to 0.1 s, so that the connection can be reused. Ignores failures."""
        try:
            async with asyncio.timeout(_DRAIN):
                async for _batch in self:
                    pass
        except Exception:  # noqa: S110  # the reply is complete, so a failure of the connection does not matter
            pass

    async def aclose(self) -> None:
        """Close the body without reading the rest."""
        self._task.cancel()
        await asyncio.wait([self._task])
        if not self._task.cancelled():
            self._task.exception()  # what failed after the last batch that was asked for does not matter
        close = getattr(self._source, "aclose", None)
        if close is not None:
            await close()

    async def _read(self) -> None:
        """Read ahead, in stretches that let other tasks have their turn."""
        loop = asyncio.get_running_loop()
        since = loop.time()
        async for chunk in self._source:
            self._chunks.append(chunk)
            self._size += len(chunk)
            self._arrived.set()
            while self._size > _AHEAD:
                self._room.clear()
                await self._room.wait()
            if (now := loop.time()) - since > _STRETCH:
                await asyncio.sleep(0)
                since = now


async def read_json(response: httpx2.Response, network: NetworkSettings, endpoint: Endpoint) -> Any:
    """The JSON value of a response that is not streamed. Raises GptchatError or an error of httpx2."""
    body = bytearray()
    async with aclosing(_Chunks(response, network, endpoint)) as chunks:
        async for chunk in chunks:
            chunks.alive(False)
            body += chunk
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    _refuse_pages(bytes(body[:200]), kind, endpoint)
    return _parsed(bytes(body))


def _refuse_pages(first: bytes, kind: str, endpoint: Endpoint) -> None:
    if first.lstrip()[:1] == b"<" or (
        kind == "text/html" and not first.lstrip().startswith((b"data:", b":", b"{"))
    ):
        raise ProtocolError(
            _("{where} answered with {what} instead of a reply").format(
                where=endpoint.address, what=words_of(read(first))
            ),
            hint=_("this may be a login page of the network or a website; check the base address"),
        )


def _not_the_api(kind: str, endpoint: Endpoint) -> ProtocolError:
    return ProtocolError(
        _("{where} answered with {kind} instead of a reply").format(where=endpoint.address, kind=shorten(kind)),
        hint=_("check the base address"),
    )


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise malformed(body.decode("utf-8", "replace")) from None

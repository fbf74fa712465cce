"""Transports of the SDK that close what they were given, and that the SDK's client finds open already."""

from __future__ import annotations

from typing import Any


class Closing:
    """A transport of the SDK, and something that is closed after it."""

    def __init__(self, held: Any, transport: Any) -> None:
        self._held = held
        self._transport = transport

    async def __aenter__(self) -> Any:
        streams = await self._transport.__aenter__()
        return Entered(streams)

    async def __aexit__(self, *error: Any) -> None:
        try:
            await self._transport.__aexit__(*error)
        finally:
            if hasattr(self._held, "aclose"):
                await self._held.aclose()
            else:
                self._held.close()


class Entered:
    """A transport that is open already, for the SDK's client, which opens one itself."""

    def __init__(self, streams: Any) -> None:
        self._streams = streams

    async def __aenter__(self) -> Any:
        return self._streams

    async def __aexit__(self, *_error: Any) -> None:
        """Whoever opened it closes it."""

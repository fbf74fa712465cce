"""Asking a GPT+ platform on loopback, with the settings and the clock of a test."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from gptchat.config.endpoints import NetworkSettings, ProviderSettings
from gptchat.core.events import Finished, ProviderEvent
from gptchat.core.messages import Request
from gptchat.core.ports import Provider
from gptchat.providers.gptplus.provider import GptPlusProvider
from tests.providers.platform_server import Platform

KEY = "the-secret-app-key"
NETWORK = NetworkSettings(connect_timeout=5, idle_timeout=5, max_retries=2)


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def settings(platform: Platform, app_id: str = "app-1") -> ProviderSettings:
    """The platform as the settings name it."""
    return ProviderSettings(name="plus", kind="gptplus", base_url=platform.address + "/", app_id=app_id)


def ask(*said: str, conversation: str | None = None, **parameters: object) -> Request:
    """A request whose messages are a system prompt and `said`, taking turns from the person."""
    turns = ({"role": "assistant" if i % 2 else "user", "content": text} for i, text in enumerate(said))
    return Request(
        "gpt-4o", ({"role": "system", "content": "Be brief"}, *turns), parameters, conversation=conversation
    )


async def collect(provider: Provider, request: Request) -> list[ProviderEvent]:
    """All that a request brings."""
    return [event async for event in provider.stream(request)]


def run(
    platform: Platform,
    what: Callable[[GptPlusProvider], Awaitable[Any]],
    *,
    key: str | None = KEY,
    app_id: str = "app-1",
    clock: Callable[[], float] | None = None,
    network: NetworkSettings = NETWORK,
) -> Any:
    """What `what` gives for a provider with that key, which is closed afterwards."""

    async def body() -> Any:
        provider = GptPlusProvider(settings(platform, app_id), network, lambda: key, clock=clock or Clock())
        try:
            return await what(provider)
        finally:
            await provider.close()

    return asyncio.run(body())


def conversation_of(events: list[ProviderEvent]) -> str:
    """The platform's own conversation that a reply names."""
    last = events[-1]
    assert isinstance(last, Finished)
    assert last.extra is not None
    return str(last.extra["conversation"])

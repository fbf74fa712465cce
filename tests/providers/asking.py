"""Asking a provider in tests: build one for a server, send a request, gather what came."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from gptchat.config.endpoints import NetworkSettings, ProviderSettings
from gptchat.core.events import (
    Finished,
    Notice,
    ProviderEvent,
    ReasoningDelta,
    Retrying,
    TextDelta,
    ToolCall,
    UsageReported,
)
from gptchat.core.messages import Request, Usage
from gptchat.errors import GptchatError, ProviderError
from gptchat.providers.engine import Engine
from gptchat.providers.faults.refusals import Endpoint, error_of
from gptchat.providers.registry import open_provider

KEY = "sk-test-0123456789"
QUICK = NetworkSettings(connect_timeout=5, idle_timeout=5, max_retries=0)


def refused(message: str, param: str | None = None, code: str | None = None) -> ProviderError:
    """The error for a 400 that says `message`, from a provider whose name must mean nothing."""
    body = {"error": {"message": message, "param": param, "code": code}}
    return error_of(400, body, Endpoint("unsupported-lab"))


@dataclass
class Outcome:
    """What one request brought: its events in order, and the error it ended with, if any."""

    events: list[ProviderEvent] = field(default_factory=list)
    error: GptchatError | None = None

    def said(self, choice: int = 0) -> str:
        """The text of one choice."""
        return "".join(one.text for one in self.events if isinstance(one, TextDelta) and one.choice == choice)

    @property
    def text(self) -> str:
        """The text of the first choice."""
        return self.said()

    @property
    def reasoning(self) -> str:
        """The reasoning."""
        return "".join(one.text for one in self.events if isinstance(one, ReasoningDelta))

    @property
    def notices(self) -> list[str]:
        """The notices."""
        return [one.text for one in self.events if isinstance(one, Notice)]

    @property
    def retries(self) -> list[Retrying]:
        """The announced retries."""
        return [one for one in self.events if isinstance(one, Retrying)]

    @property
    def calls(self) -> list[ToolCall]:
        """The tool calls."""
        return [one for one in self.events if isinstance(one, ToolCall)]

    @property
    def usage(self) -> Usage | None:
        """The usage that was reported."""
        return next((one.usage for one in self.events if isinstance(one, UsageReported)), None)

    @property
    def ends(self) -> list[Finished]:
        """The ends of the choices."""
        return [one for one in self.events if isinstance(one, Finished)]

    @property
    def failure(self) -> GptchatError:
        """The error; there must be one."""
        assert self.error is not None, "the request was to fail"
        return self.error


def provider(
    base_url: str,
    *,
    kind: Any = "compatible",
    key: Callable[[], str] | str | None = KEY,
    network: NetworkSettings = QUICK,
    options: dict[str, Any] | None = None,
    **settings: Any,
) -> Engine:
    """A provider called `test` for the server at `base_url`."""
    address = {"endpoint": base_url} if kind == "azure" else {"base_url": base_url}
    opened = open_provider(
        ProviderSettings("test", kind, **{**address, **settings}), network, key, **(options or {})
    )
    assert isinstance(opened, Engine)
    return opened


def question(text: str = "hello", *, system: str = "", model: str = "test-model", **fields: Any) -> Request:
    """A request of one user message."""
    messages: list[dict[str, Any]] = [{"role": "system", "content": system}] if system else []
    return Request(model, (*messages, {"role": "user", "content": text}), **fields)


async def gather(engine: Engine, request: Request) -> Outcome:
    """Send `request` and gather everything."""
    outcome = Outcome()
    try:
        async with aclosing(engine.stream(request)) as events:
            async for event in events:
                outcome.events.append(event)
    except GptchatError as error:
        outcome.error = error
    return outcome


def ask(engine: Engine, *requests: Request) -> Outcome:
    """Send `requests` one after another; the last one's outcome."""
    return ask_all(engine, *requests)[-1]


def ask_all(engine: Engine, *requests: Request) -> list[Outcome]:
    """Send `requests` (default: one question) one after another; every outcome."""

    async def run() -> list[Outcome]:
        try:
            return [await gather(engine, request) for request in requests or (question(),)]
        finally:
            await engine.close()

    return asyncio.run(run())


async def closing(engine: Engine, work: Awaitable[Any]) -> Any:
    """The result of `work` with the provider, which is closed after."""
    try:
        return await work
    finally:
        await engine.close()


def lines(*objects: str) -> bytes:
    """Server-sent events of these data."""
    return b"".join(f"data: {one}\n\n".encode() for one in objects)


def texts(events: Sequence[ProviderEvent]) -> str:
    """The text of all choices in events."""
    return "".join(event.text for event in events if isinstance(event, TextDelta))

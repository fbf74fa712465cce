"""Sends requests over the SDK: retries them if useful, adapts them to the server, reads the reply."""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from functools import partial
from typing import TYPE_CHECKING, Any

from gptchat.config.endpoints import NetworkSettings, ProviderSettings
from gptchat.core.events import Notice, ProviderEvent, ReasoningDelta, Retrying, TextDelta, ToolCall
from gptchat.core.messages import Request
from gptchat.core.ports import Abilities, ModelFacts, RateLimits, Verdict
from gptchat.errors import (
    AuthenticationError,
    BadRequestError,
    ConnectionFailedError,
    GptchatError,
    NotFoundError,
    ProviderError,
    RateLimitError,
    RequestTimeoutError,
    ServerError,
)
from gptchat.net.client import http_client
from gptchat.net.proxies import proxy_for
from gptchat.providers.answer import read_answer, read_json
from gptchat.providers.endpoints.embeddings import embed
from gptchat.providers.endpoints.remote import remote_work
from gptchat.providers.faults.failures import Endpoint, explain, is_stale
from gptchat.providers.faults.lessons import lesson_in
from gptchat.providers.faults.limits import rate_limits
from gptchat.providers.faults.quirks import Learnt, Lesson
from gptchat.providers.faults.retries import Breaker, pause
from gptchat.providers.keys import KeySource, refused_hint, resolve
from gptchat.providers.kinds import ABILITIES
from gptchat.providers.listing import models_in, moderation_in, no_list
from gptchat.providers.payloads import clean, payload_of
from gptchat.providers.sdk.sending import send
from gptchat.providers.structured.choosing import Forms
from gptchat.providers.structured.forms import Form, answered
from gptchat.providers.wire import wire_named
from gptchat.providers.wire.common import Payload
from gptchat.redaction import redact
from gptchat.values import replace
from gptchat.words import _

if TYPE_CHECKING:
    import httpx2
    from openai import AsyncOpenAI

_LESSONS = 8  # how often one request is adapted after a refusal before it fails

Sleep = Callable[[float], Awaitable[None]]


class Engine(ABC):
    """Base class of providers that use the SDK. Subclasses define at least `address` and `connect`."""

    def __init__(
        self,
        settings: ProviderSettings,
        network: NetworkSettings,
        key: KeySource = None,
        *,
        learnt: Learnt | None = None,
        api_for: Callable[[str], str] | None = None,
        user_agent: str = "",
        sleep: Sleep = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.settings = settings
        self.network = network
        self.learnt = learnt if learnt is not None else Learnt()
        self._forms = Forms(self.learnt)
        self.rate_limits: RateLimits | None = None
        """The rate limits in the server's latest response that had any."""
        self.breaker = Breaker()
        self._key_source = key
        self._key = ""
        self._key_origin = ""  # `Key.source`
        self._client: AsyncOpenAI | None = None
        self._api_for = api_for
        self.user_agent = user_agent
        """The `User-Agent` header; empty for the SDK's own."""
        self._sleep = sleep
        self._clock = clock
        self._kept = False  # whether a connection of an earlier request may be reused
        self._told: set[tuple[str, str]] = set()

    # Defined or extended by subclasses
    @property
    @abstractmethod
    def address(self) -> str:
        """The base URL of requests. Raises ConfigurationError if there is none."""

    @abstractmethod
    def connect(self, key: str, http: httpx2.AsyncClient) -> AsyncOpenAI:
        """The SDK's client for `key` (empty if there is none) over `http`, without the SDK's own retries."""

    def authorization(self, key: str) -> dict[str, Any]:
        """The headers that carry `key`, set on every request, so that nothing else can replace them.

        Without a key, no authorisation is sent. An `Authorization` header in the settings takes precedence.
        """
        from gptchat.providers.sdk.light import openai

        if any(name.lower() == "authorization" for name in self.settings.headers):
            return {}
        return {"Authorization": f"Bearer {key}" if key else openai.Omit()}

    # The provider port

    @property
    def name(self) -> str:
        """The name of the provider in the settings."""
        return self.settings.name

    @property
    def abilities(self) -> Abilities:
        """The abilities of its kind, with the rate limits and other facts known of the server so far."""
        return replace(
            ABILITIES[self.settings.kind],
            address=lambda: self.address,
            preview=self.body,
            api=self.api,
            takes_tools=self.takes_tools,
            moderate=self.moderate,
            embed=partial(embed, self),
            rate_limits=self.rate_limits,
            **remote_work(self),
        )

    def api(self, model: str) -> str:
        """The wire API for `model`: from the settings, else learnt from the server, else `api_for`, else chat."""
        told = self.settings.api or self.learnt.api(self.name, model)
        return told or (self._api_for(model) if self._api_for is not None else "") or "chat"

    def takes_tools(self, model: str) -> bool:
        """Whether `model` may be offered tools: its API has them, and the server has not refused them."""
        return self.api(model) != "completions" and "tools" not in self.learnt.left_out(self.name, model)

    def body(self, request: Request) -> tuple[str, dict[str, Any]]:
        """The path and body that would be sent for `request`, for display; sends nothing."""
        return wire_named(self.api(request.model)).path, self._payload(request).body

    async def stream(self, request: Request) -> AsyncGenerator[ProviderEvent, None]:
        """Send `request` and yield the events of the reply, the last of which is Finished. Raises GptchatError."""
        if (wait := self.breaker.wait(self._clock())) > 0:
            yield Notice(
                _("{who} failed {count} times in a row; the next try is in {seconds:.0f} s").format(
                    who=self.name, count=self.breaker.failures, seconds=wait
                )
            )
            await self._sleep(wait)
        attempt = learned = 0
        renewed, kept = False, self._kept
        while True:
            began = False
            try:
                async with aclosing(self._once(request)) as events:
                    async for event in events:
                        began = began or isinstance(event, (TextDelta, ReasoningDelta, ToolCall))
                        yield event
                self.breaker.succeeded()
                return
            except Exception as failure:
                error = self.explained(failure, request.model)
            if began:
                self._count(error)
                raise error
            lesson = self._lesson(error, request) if learned < _LESSONS else None
            if lesson is not None:
                learned += 1
                if isinstance(lesson, Lesson):
                    yield Notice(
                        _("{who}: {lesson} from now on; /doctor --forget {name} takes it back").format(
                            who=request.model or self.name, lesson=lesson.sentence(), name=self.name
                        )
                    )
                continue
            if kept and is_stale(error):  # the server had closed an idle connection, which is normal
                kept = False
                continue
            if isinstance(error, AuthenticationError) and not renewed and await self._renewed():
                renewed = True
                continue
            seconds = pause(error, attempt, self.network)
            if seconds is None:
                self._count(error)
                raise error
            attempt += 1
            yield Retrying(seconds, attempt, self.network.max_retries, error)
            await self._sleep(seconds)

    async def models(self) -> Sequence[ModelFacts]:
        """The models the server lists, with the facts in its list. Raises GptchatError."""
        return models_in(await self.listed(), self.name)

    async def listed(self) -> Any:
        """The JSON answer to `/models`. Raises GptchatError.

        A NotFoundError has its own message here, since some servers can chat but have no such list.
        """
        try:
            return await self.get("/models")
        except NotFoundError as error:
            raise no_list(self.name, self.address, error) from error

    async def moderate(self, text: str, model: str = "") -> Verdict:
        """The server's moderation verdict on `text`. Raises GptchatError; NotFoundError if it offers none."""
        body: dict[str, Any] = {"input": clean(text), **({"model": model} if model else {})}
        return moderation_in(await self.call("post", "/moderations", body))

    async def get(self, path: str) -> Any:
        """The JSON answer to a GET of `path` below the base URL, or of a whole URL. Raises GptchatError."""
        return await self.call("get", path, None)

    async def close(self) -> None:
        """Close all connections. The provider must not be used afterwards."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def _once(self, request: Request) -> AsyncGenerator[ProviderEvent, None]:
        wire = wire_named(self.api(request.model))
        payload = self._payload(request)
        for note in payload.notes:
            if (request.model, note) not in self._told:
                self._told.add((request.model, note))
                yield Notice(note)
        response = await self.send("post", wire.path, payload.body)
        try:
            async with aclosing(
                read_answer(response, wire.reader(payload.origin), self.network, self.endpoint(request.model))
            ) as events:
                async for event in answered(events, request):
                    yield event
        finally:
            await response.aclose()

    async def send(
        self, method: str, path: str, body: dict[str, Any] | None, files: Any = None
    ) -> httpx2.Response:
        """The response to a request, its body unread; `files` are parts of a form. Raises errors of the SDK."""
        client = await self._connected()
        response = await send(client, method, path, body, files, self.authorization(self._key))
        self._kept = True
        self.rate_limits = rate_limits(response.headers) or self.rate_limits
        return response

    async def call(self, method: str, path: str, body: dict[str, Any] | None, files: Any = None) -> Any:
        """The JSON answer to a request of `path` below the base URL, or of a whole URL. Raises GptchatError."""
        try:
            response = await self.send(method, path, body, files)
            try:
                return await read_json(response, self.network, self.endpoint(""))
            finally:
                await response.aclose()
        except GptchatError:
            raise
        except Exception as failure:
            raise self.explained(failure, "") from failure

    async def _connected(self) -> AsyncOpenAI:
        if self._client is None:
            key = self._key = self._key or await self.key_now()
            # In a thread, since importing the SDK and reading certificates would block the event loop
            client = await asyncio.to_thread(self._client_for, key)
            if self._client is None:
                self._client = client
            else:  # another request has connected meanwhile
                await client.close()
        return self._client

    def _client_for(self, key: str) -> AsyncOpenAI:
        return self.connect(key, http_client(self.address, self.settings, self.network))

    async def key_now(self) -> str:
        """The current key from its source; empty if none is needed. Raises ConfigurationError."""
        # In a thread, since it may run a command or ask a keyring
        found = await asyncio.to_thread(resolve, self._key_source, self.settings)
        self._key_origin = found.source
        return found.value

    async def _renewed(self) -> bool:
        """Get the key again after it was refused, as a token may have expired; False if it is the same."""
        key = await self.key_now()
        if key == self._key:
            return False
        await self.close()
        self._key = key
        return True

    def endpoint(self, model: str) -> Endpoint:
        """The endpoint, as error messages name it."""
        address = self.address
        proxy = redact(proxy_for(address, self.settings, self.network))
        hint = refused_hint(self.settings, self._key_origin)
        path = wire_named(self.api(model)).path if model else ""
        return Endpoint(self.name, redact(address), model, hint, proxy, path)

    def _payload(self, request: Request) -> Payload:
        wire, lessons = wire_named(self.api(request.model)), self.learnt.lessons(self.name, request.model)
        asked = self._forms.asked(self.name, request, wire.name)
        return payload_of(asked, wire, self.settings, self.address, lessons)

    def explained(self, failure: Exception, model: str) -> GptchatError:
        if isinstance(failure, GptchatError):
            return failure
        response: Any = getattr(failure, "response", None)
        if response is not None:
            self.rate_limits = rate_limits(response.headers) or self.rate_limits
        return explain(failure, self.endpoint(model))

    def _lesson(self, error: GptchatError, request: Request) -> Lesson | Form | None:
        """What lets `request` be sent again: a new lesson, or the form that the answer is asked for in."""
        if not isinstance(error, ProviderError):
            return None
        api = self.api(request.model)
        if form := self._forms.next(error, self.name, request, api):
            return form
        lesson = lesson_in(error, body := self._payload(request).body, api)
        if lesson is None or (lesson.what == "api" and self.settings.api):
            return self._forms.unexplained(error, self.name, request, api)
        new = self.learnt.learn(self.name, request.model, lesson)
        return lesson if new and self._payload(request).body != body else None  # else it would be refused again

    def _count(self, error: GptchatError) -> None:
        if isinstance(error, (ConnectionFailedError, RequestTimeoutError, ServerError, RateLimitError)):
            self.breaker.failed(self._clock())
        elif isinstance(error, BadRequestError):
            self.breaker.succeeded()

"""The GPT+ provider: login, conversations stored on the server, replies without streaming. Format: `wire`."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from gptchat import errors
from gptchat.config.endpoints import NetworkSettings, ProviderSettings
from gptchat.config.keys import Key
from gptchat.core.events import Finished, Notice, ProviderEvent, Retrying, TextDelta
from gptchat.core.messages import Message, Request
from gptchat.core.ports import Abilities, ModelFacts
from gptchat.net.client import http_client
from gptchat.net.proxies import proxy_for
from gptchat.providers.address import base_address
from gptchat.providers.faults.failures import explain
from gptchat.providers.faults.refusals import Endpoint
from gptchat.providers.gptplus import wire
from gptchat.providers.kinds import ABILITIES
from gptchat.providers.structured.forms import in_words
from gptchat.redaction import redact, register
from gptchat.values import replace
from gptchat.words import _

if TYPE_CHECKING:
    import httpx2

BASE_URL = "https://open.ss.chat/v1"
"""The platform's address; `base_url` in the settings replaces it."""

_TAKEN = frozenset(("max_tokens", "n", "stream"))
_SHORT_WAIT = 0.5  # seconds before the first retry, doubled for each further one


class GptPlusProvider:
    """The GPT+ platform, with an application's id and key or with the user's access token.

    `key` returns the secret (see `wire.credentials`); it may block, and is called again for each login.
    `clock` returns seconds since 1970.
    """

    def __init__(
        self,
        settings: ProviderSettings,
        network: NetworkSettings,
        key: Callable[[], Key | str | None],
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._network = network
        self._key = key
        self._clock = clock
        self._token: wire.Token | None = None
        self._one_login = asyncio.Lock()
        self._client: httpx2.AsyncClient | None = None
        self._not_taken: frozenset[str] = frozenset()
        self._no_single = False
        """Whether the platform turned out to take no message without a conversation."""

    @property
    def name(self) -> str:
        """The name of the provider in the settings."""
        return self._settings.name

    @property
    def abilities(self) -> Abilities:
        """The abilities of its kind."""
        return replace(ABILITIES["gptplus"], address=self._base)

    async def log_in(self) -> None:
        """Log in, if no token is at hand. Raises GptchatError."""
        await self._good_token()

    async def stream(self, request: Request) -> AsyncIterator[ProviderEvent]:
        """Send `request` and yield the reply in one piece, since the platform does not stream.

        With `request.conversation`, that conversation on the server is continued and only the newest message
        is sent. A request that stands `alone` is a single message to the platform. Otherwise a new conversation
        starts with the system prompt and the earlier turns. The id of the conversation is in
        `Finished.extra["conversation"]`. Raises GptchatError.
        """
        for notice in self._refused(request):
            yield notice
        request = in_words(request)
        history = [Message(str(m.get("role")), m.get("content") or "") for m in request.messages]
        newest = None if request.continuing or not history else history.pop()
        content = wire.content_of(newest, continuing=request.continuing)
        conversation = request.conversation
        attempt = 0
        while True:
            try:
                if request.alone and conversation is None and not self._no_single:
                    reply, conversation = await self._send_alone(content, wire.prompt_of(history), request)
                    break
                if conversation is None:
                    conversation = await self._begin(request.model, wire.prompt_of(history))
                reply = await self._send(conversation, content, request)
                break
            except errors.NotFoundError:
                if request.alone and conversation is None and not self._no_single:
                    self._no_single = True  # a platform without it: begin a conversation
                    continue
                if conversation is None or conversation != request.conversation:
                    raise
                conversation = None
                yield Notice(_("GPT+ no longer has this conversation; a new one begins with what was said"))
            except errors.ProviderError as error:
                wait = self._wait_before_retry(error, attempt)
                if wait is None:
                    raise
                attempt += 1
                yield Retrying(wait, attempt, self._network.max_retries, error)
                await asyncio.sleep(wait)
        yield TextDelta(reply)
        yield Finished("stop", model=request.model, extra={"conversation": conversation})

    async def models(self) -> Sequence[ModelFacts]:
        """Always empty: the platform has no list of models."""
        return ()

    async def close(self) -> None:
        """Close all connections. The provider must not be used afterwards."""
        if self._client is not None:
            await self._client.aclose()

    async def _begin(self, model: str, prompt: str) -> str:
        body = {"model": model, "prompt": prompt} if prompt else {"model": model}
        uuid = (await self._post("/conversations", body)).get("uuid")
        if not isinstance(uuid, str) or not uuid:
            raise errors.ProtocolError(
                _("GPT+ began a conversation without an id"), hint=_("check base_url of the provider")
            )
        return uuid

    async def _send_alone(self, content: str, prompt: str, request: Request) -> tuple[str, str | None]:
        """The reply to a single message, and the conversation that the platform began for it, if it tells."""
        data = await self._post("/messages", {**self._body(content, request), "prompt": prompt})
        begun = data.get("conversation")
        uuid = begun.get("uuid") if isinstance(begun, Mapping) else None
        return wire.reply_of(data), uuid if isinstance(uuid, str) and uuid else None

    async def _send(self, conversation: str, content: str, request: Request) -> str:
        path = f"/conversations/{quote(conversation, safe='')}/messages"
        return wire.reply_of(await self._post(path, self._body(content, request)))

    def _body(self, content: str, request: Request) -> dict[str, Any]:
        body: dict[str, Any] = {**self._settings.extra_body, "content": content, "model": request.model}
        if limit := request.parameters.get("max_tokens"):
            body["max_tokens"] = limit
        return body

    async def _post(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """POST `body` with a valid token; if the platform refuses the token, once more with a new one."""
        token = await self._good_token()
        try:
            return await self._exchange(path, body, token)
        except errors.AuthenticationError:
            renewed = await self._good_token(refused=token)
            if renewed == token:
                raise
            return await self._exchange(path, body, renewed)

    async def _good_token(self, refused: str = "") -> str:
        """A token that has not expired and is not `refused`; logs in if needed, one login at a time."""
        async with self._one_login:
            held = self._token
            if held is not None and held.value != refused and held.usable(self._clock()):
                return held.value
            found = await asyncio.to_thread(self._key)
            key = found.value if isinstance(found, Key) else found
            if not key or not key.strip():
                raise errors.ConfigurationError(
                    _("there is no key for {provider}").format(provider=self.name),
                    hint=_("set app_id in the settings and its app_key with /key set, or an access token"),
                )
            owned = wire.credentials(key, self._settings.app_id, self._clock())
            for secret in (owned.app_key, owned.token.value if owned.token else ""):
                register(secret)
            self._token = await self._next_token(owned, refused)
            register(self._token.value)
            return self._token.value

    async def _next_token(self, owned: wire.Credentials, refused: str) -> wire.Token:
        given = owned.token
        if given is not None and given.value != refused and given.usable(self._clock()):
            return given
        if owned.can_log_in:
            body = {"app_id": owned.app_id, "app_key": owned.app_key}
            begun = self._clock()
            try:
                return wire.token_of(await self._exchange("/sessions", body, ""), begun)
            except errors.BadRequestError as error:
                # The platform's code for a refused login varies, but the reason is always the key.
                raise errors.AuthenticationError(
                    error.message, hint=_("check app_id and the key with /key"), status=error.status
                ) from error
        if refused:
            message = _("GPT+ refused the access token")
        else:
            message = _("the access token for GPT+ has expired")
        raise errors.AuthenticationError(
            message, hint=_("set a new one with /key set; with app_id and app_key it is renewed by itself")
        )

    async def _exchange(self, path: str, body: Mapping[str, Any], token: str) -> Mapping[str, Any]:
        """Send one POST; returns the data of its answer. Raises only GptchatError."""
        import httpx2

        if not token.isascii():
            raise errors.ConfigurationError(
                _("the access token holds characters that no token has"), hint=_("set it again with /key set")
            )
        client = self._open()
        headers = {**self._settings.headers, **({"Authorization": f"Bearer {token}"} if token else {})}
        address = self._base() + path
        query = dict(self._settings.query) or None
        try:
            async with client.stream("POST", address, json=body, headers=headers, params=query) as response:
                received = await response.aread()  # the client limits its size
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise explain(error, Endpoint(self.name, redact(address), proxy=redact(self._proxy()))) from error
        return wire.data_of(response.status_code, received, response.headers.get("retry-after"))

    def _open(self) -> httpx2.AsyncClient:
        if self._client is None:
            self._client = http_client(self._base(), self._settings, self._network)
        return self._client

    def _base(self) -> str:
        return base_address(
            re.sub(r"/(?:sessions|conversations|messages)/*$", "", self._settings.base_url or BASE_URL)
        )

    def _proxy(self) -> str:
        return proxy_for(self._base(), self._settings, self._network)

    def _refused(self, request: Request) -> list[Notice]:
        """A notice of parameters that the platform does not accept, if there are new ones since the last call."""
        names = frozenset(request.parameters) - _TAKEN
        told, self._not_taken = self._not_taken, names
        if not names - told:
            return []
        listed = _(", ").join(sorted(names))
        return [Notice(_("GPT+ does not take {names}; not sent").format(names=listed))]

    def _wait_before_retry(self, error: errors.ProviderError, attempt: int) -> float | None:
        """Seconds to wait, or None if a retry is useless or could send the message twice."""
        again = isinstance(error, errors.RateLimitError) or _was_not_sent(error) or error.status == 503
        if not again or attempt >= self._network.max_retries:
            return None
        wait = error.retry_after if error.retry_after is not None else _SHORT_WAIT * 2**attempt
        return wait if wait <= self._network.max_retry_wait else None


def _was_not_sent(error: errors.GptchatError) -> bool:
    """Whether the request never reached the server, so that a retry cannot send the message twice."""
    if isinstance(error, errors.ProviderError) and error.path is not None:
        return not error.path.sent and not error.path.lasting
    return type(error.__cause__).__name__ == "PoolTimeout"

"""The transport of the HTTP client: httpcore2's pool over our own connections, and plain HTTP over a proxy."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterable, AsyncIterator, Iterator
from contextlib import contextmanager
from typing import cast

import httpcore2
import httpx2

from gptchat.errors import ProviderError
from gptchat.net.answers import by_proxy
from gptchat.net.connecting import Connector, Mode
from gptchat.net.handshakes import NoTunnelError, basic
from gptchat.net.way import Way


class Transport(httpx2.AsyncBaseTransport):
    """Carries requests over `way`. `tls` is for servers and for a proxy with an https:// address.

    Through an HTTP proxy every server is reached by a tunnel, so that what the proxy says and what the server says
    cannot be confused. Where the proxy opens none to an http:// server, it forwards the requests.
    """

    def __init__(self, way: Way, tls: ssl.SSLContext, *, client_cert: bool) -> None:
        self._way, self._tls, self._client_cert = way, tls, client_cert
        self._pools: dict[tuple[Mode, bool], httpcore2.AsyncConnectionPool] = {}
        self._no_tunnel: NoTunnelError | None = None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send `request`. Raises ProviderError where the way fails, else httpx2's exceptions."""
        plain = request.url.scheme == "http"
        through = self._way.proxy is not None
        if not (plain and self._no_tunnel):
            try:
                response = await self._send(request, "tunnel" if through else "direct", plain=plain)
                # One that intercepts TLS says inside of the tunnel that it cannot reach the server
                return await self._judged(response, 0) if through else response
            except NoTunnelError as error:
                self._no_tunnel = error
        assert self._no_tunnel is not None
        return await self._judged(await self._send(request, "forward", plain=True), self._no_tunnel.status)

    async def _judged(self, response: httpx2.Response, refused: int) -> httpx2.Response:
        """`response`, if it is the server's. `refused` is the status of a refused tunnel, or 0."""
        try:
            by_proxy(response, self._way, refused)
        except ProviderError:
            await response.aclose()
            raise
        return response

    async def aclose(self) -> None:
        """Close all connections."""
        for pool in self._pools.values():
            await pool.aclose()

    async def _send(self, request: httpx2.Request, mode: Mode, *, plain: bool) -> httpx2.Response:
        url = request.url
        target, headers = url.raw_path, list(request.headers.raw)
        if mode == "forward":
            target = str(url.copy_with(fragment=None, userinfo=b"")).encode("ascii")
            if (proxy := self._way.proxy) is not None and proxy.login:
                headers.append((b"Proxy-Authorization", basic(proxy).encode("ascii")))
        sent = httpcore2.Request(
            method=request.method,
            url=httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=target),
            headers=headers,
            content=cast("AsyncIterable[bytes]", request.stream),
            extensions=request.extensions,
        )
        with _as_httpx():
            answer = await self._pool(mode, plain=plain).handle_async_request(sent)
        return httpx2.Response(
            answer.status,
            headers=answer.headers,
            stream=_Body(cast("AsyncIterable[bytes]", answer.stream)),
            extensions=answer.extensions,
        )

    def _pool(self, mode: Mode, *, plain: bool) -> httpcore2.AsyncConnectionPool:
        if (mode, plain) not in self._pools:
            connector = Connector(self._way, mode, self._tls, plain=plain, client_cert=self._client_cert)
            self._pools[mode, plain] = httpcore2.AsyncConnectionPool(
                ssl_context=self._tls,
                network_backend=connector,
                max_connections=100,  # as httpx2 has it, also below
                max_keepalive_connections=20,
                keepalive_expiry=5.0,
            )
        return self._pools[mode, plain]


class _Body(httpx2.AsyncByteStream):
    """The body of an answer, with httpx2's exceptions."""

    def __init__(self, stream: AsyncIterable[bytes]) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _as_httpx():
            async for part in self._stream:
                yield part

    async def aclose(self) -> None:
        if hasattr(self._stream, "aclose"):
            await self._stream.aclose()


@contextmanager
def _as_httpx() -> Iterator[None]:
    """Turn httpcore2's exceptions into those of the same name in httpx2."""
    try:
        yield
    except Exception as error:
        if type(error).__module__.partition(".")[0] != "httpcore2":
            raise
        same = getattr(httpx2, type(error).__name__, None)
        if same is None:
            raise
        raise same(str(error)) from error

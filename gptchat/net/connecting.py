"""Opens connections for httpx2: name, proxy and TLS within `connect_timeout`, each failure with its culprit."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

import httpcore2

from gptchat import words
from gptchat.errors import ProviderError
from gptchat.net import failing, tls_failing
from gptchat.net.handshakes import socks, tunnel
from gptchat.net.way import Step, Way
from gptchat.values import replace

_NEXT_ADDRESS = 0.25
"""Seconds until another address of a name is tried beside the one before it (RFC 8305)."""
Mode = Literal["direct", "tunnel", "forward"]


class Connector(httpcore2.AsyncNetworkBackend):
    """The network of one way. `mode` says what to do with an HTTP proxy; a SOCKS proxy is always a tunnel.

    `tls` is for a proxy with an https:// address; `client_cert` tells whether there is a client certificate.
    `plain` says that the server is an http:// one.
    """

    def __init__(self, way: Way, mode: Mode, tls: ssl.SSLContext, *, plain: bool, client_cert: bool) -> None:
        self._way, self._mode, self._tls = way, mode, tls
        self._plain, self._client_cert = plain, client_cert
        self._backend = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore2's interface
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """A stream to `host` and `port`, by the proxy if there is one. Raises ProviderError, NoTunnelError."""
        way, proxy = self._way, self._way.proxy
        ends = time.monotonic() + way.seconds
        stream = await self._reach(*((proxy.host, proxy.port) if proxy is not None else (host, port)), ends)
        traits = {"client_cert": self._client_cert, "plain": self._plain, "forward": self._mode == "forward"}
        line = CheckedStream(stream, way, ends, **traits)
        if proxy is None:
            return line
        try:
            if proxy.scheme == "https":
                at_proxy = CheckedStream(stream, replace(way, where=proxy.shown, watch=None), ends, **traits)
                secured = await at_proxy.start_tls(self._tls, proxy.host)
                line = CheckedStream(secured.inner, way, ends, **traits)
            if proxy.scheme == "socks5h" or self._mode == "tunnel":
                await self._through(line, host, port, ends)
                way.passed(Step("proxy", host))
        except BaseException:
            await stream.aclose()
            raise
        return line

    async def _through(self, line: CheckedStream, host: str, port: int, ends: float) -> None:
        way = self._way
        assert way.proxy is not None
        raw = line.inner

        async def read(most: int) -> bytes:
            return await raw.read(most, max(0.0, ends - time.monotonic()))

        async def write(data: bytes) -> None:
            await raw.write(data, max(0.0, ends - time.monotonic()))

        try:
            async with asyncio.timeout(max(0.0, ends - time.monotonic())):
                if way.proxy.scheme == "socks5h":
                    line.early = await socks(way, host, port, read, write)
                else:
                    line.early = await tunnel(way, host, port, read, write, plain=self._plain)
        except (TimeoutError, httpcore2.TimeoutException) as error:
            raise failing.proxy_silent(way) from error
        except httpcore2.NetworkError as error:
            raise failing.proxy_closed(way, _reason(error)) from error

    async def _reach(self, host: str, port: int, ends: float) -> httpcore2.AsyncNetworkStream:
        """A TCP connection to `host`: its addresses are tried one after another, each a little after the last."""
        way = self._way
        try:
            async with asyncio.timeout(max(0.0, ends - time.monotonic())):
                found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except TimeoutError as error:
            raise failing.resolved_late(way) from error
        except (OSError, UnicodeError) as error:
            raise failing.unresolved(way, host, error) from error
        addresses = tuple(dict.fromkeys(str(entry[4][0]) for entry in found))
        way.passed(Step("name", host, addresses))
        try:
            async with asyncio.timeout(max(0.0, ends - time.monotonic())):
                return await self._first(_alternating(addresses), port)
        except TimeoutError as error:
            raise failing.reached_late(way) from error
        except OSError as error:
            raise failing.unreached(way, addresses, error) from error

    async def _first(self, addresses: tuple[str, ...], port: int) -> httpcore2.AsyncNetworkStream:
        """The first connection that any of `addresses` takes. Raises the OSError of the first one that failed."""
        waiting = list(addresses)
        trying: set[asyncio.Task[httpcore2.AsyncNetworkStream]] = set()
        failure: OSError | None = None
        try:
            while waiting or trying:
                if waiting:
                    trying.add(asyncio.ensure_future(self._backend.connect_tcp(waiting.pop(0), port)))
                done, trying = await asyncio.wait(
                    trying, timeout=_NEXT_ADDRESS if waiting else None, return_when=asyncio.FIRST_COMPLETED
                )
                for task in done:
                    if (error := task.exception()) is None:
                        trying |= done - {task}
                        return task.result()
                    failure = failure or _os_error(error)
        finally:
            for task in trying:
                if task.done() and not task.cancelled() and task.exception() is None:
                    await task.result().aclose()
                task.cancel()
        raise failure or OSError(errno.EADDRNOTAVAIL, "no address")


def _alternating(addresses: tuple[str, ...]) -> tuple[str, ...]:
    """`addresses` with the two families in turn, so that a family without a route delays little."""
    first = [one for one in addresses if (":" in one) == (":" in addresses[0])] if addresses else []
    second = [one for one in addresses if one not in first]
    turns = [pair for pairs in zip(first, second, strict=False) for pair in pairs]
    return (*turns, *first[len(second) :], *second[len(first) :])


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _os_error(error: BaseException) -> OSError:
    """The operating system's own error in the causes of `error`."""
    found = [one for one in _chain(error) if isinstance(one, OSError)]
    for one in found:
        if one.errno is not None:
            return one
    return found[0] if found else OSError(str(error) or type(error).__name__)


def _reason(error: BaseException) -> str:
    """Why the operating system ended a connection; empty if the other side just closed it."""
    found = _os_error(error)
    return words.reason(found) if found.errno is not None else ""


class CheckedStream(httpcore2.AsyncNetworkStream):
    """A connection to the server, or to the proxy before its TLS. `early` is read before what is yet to arrive.

    `plain` says that the server speaks http; `forward` that requests on it go to a proxy, which forwards them.
    """

    def __init__(
        self,
        inner: httpcore2.AsyncNetworkStream,
        way: Way,
        ends: float,
        *,
        client_cert: bool,
        plain: bool = False,
        forward: bool = False,
    ) -> None:
        self.inner, self._way, self._ends = inner, way, ends
        self._client_cert, self._plain, self._forward = client_cert, plain, forward
        self._heard = False
        self.early = b""

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        """At most `max_bytes`; empty at the end. Raises ProviderError if nothing has ever arrived before it."""
        if self.early:
            data, self.early = self.early[:max_bytes], self.early[max_bytes:]
        else:
            with self._explained():
                data = await self.inner.read(max_bytes, timeout)
        if not self._heard:
            if not data:
                raise self._closed()
            if self._plain and data[0] in (0x15, 0x16) and data[1:2] in (b"", b"\x03"):
                raise tls_failing.speaks_tls(self._way)
            self._heard = True
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        """Send `buffer`."""
        await self.inner.write(buffer, timeout)

    async def aclose(self) -> None:
        """Close the connection."""
        await self.inner.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> CheckedStream:
        """The same connection in TLS, in what is left of the time to connect. Raises ProviderError."""
        way = self._way
        try:
            inner = await self.inner.start_tls(
                ssl_context, server_hostname, max(0.0, self._ends - time.monotonic())
            )
        except httpcore2.TimeoutException as error:
            raise tls_failing.tls_late(way) from error
        except (httpcore2.NetworkError, OSError) as error:  # an SSLError is an OSError
            broken = next((one for one in _chain(error) if isinstance(one, ssl.SSLError)), None)
            if broken is None or isinstance(broken, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
                raise tls_failing.tls_closed(way, _reason(error) if broken is None else "") from error
            raise tls_failing.tls_failed(way, broken, client_cert=self._client_cert) from error
        way.passed(Step("tls", server_hostname or ""))
        return CheckedStream(inner, way, self._ends, client_cert=self._client_cert)

    def get_extra_info(self, info: str) -> Any:
        """As httpcore2's own streams answer."""
        return self.inner.get_extra_info(info)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn what the first read says about TLS, or about a server that hung up, into an error of ours."""
        try:
            yield
        except (httpcore2.ReadError, ssl.SSLError) as error:  # httpcore2 lets alerts of TLS through
            if self._heard:
                raise
            raise self._hung_up(error) from error
        except httpcore2.ReadTimeout as error:
            if self._heard or not self._forward:
                raise
            raise failing.forward_silent(self._way) from error

    def _closed(self, why: str = "") -> ProviderError:
        if self._forward:
            return failing.proxy_closed(self._way, why, sent=True)
        return failing.closed_early(self._way, why)

    def _hung_up(self, error: Exception) -> ProviderError:
        broken = next((one for one in _chain(error) if isinstance(one, ssl.SSLError)), None)
        if broken is None or isinstance(broken, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
            return self._closed(_reason(error) if broken is None else "")
        return tls_failing.tls_failed(self._way, broken, client_cert=self._client_cert, sent=True)

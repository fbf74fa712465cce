"""Creates the HTTP client for a server, with limits on redirects and response size."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING

from gptchat.config.endpoints import NetworkSettings, ProviderSettings
from gptchat.errors import PathFault, ProtocolError
from gptchat.net.answers import by_other
from gptchat.net.certificates import trust
from gptchat.net.proxies import proxy_for
from gptchat.net.proxy import proxy_of
from gptchat.net.way import Step, Way
from gptchat.redaction import redact
from gptchat.words import _

if TYPE_CHECKING:
    import httpx2

_PIECE = 1 << 16  # maximum bytes per decompression step


def http_client(
    address: str,
    settings: ProviderSettings | None,
    network: NetworkSettings,
    watch: Callable[[Step], None] | None = None,
) -> httpx2.AsyncClient:
    """An HTTP client for the server at `address`, with its proxy, certificates, timeouts and limits.

    `settings` are those of the provider at `address`: with them the client refuses redirects that would send
    the provider's key to another server; with None it follows any redirect. `watch` is told of each step on
    the way that succeeds. Raises ConfigurationError if a proxy or certificate file cannot be used.

    Requests raise ProviderError where the way fails, with its `path`; httpx2's exceptions elsewhere.
    """
    import httpx2

    from gptchat.net.transport import Transport

    proxy = proxy_of(proxy_for(address, settings, network))
    way = Way(redact(address.partition("?")[0]), proxy, network.connect_timeout, watch)
    client_cert = (settings.client_cert if settings else "") or network.client_cert
    tls = trust((settings.ca_file if settings else "") or network.ca_file, client_cert)

    async def guard(response: httpx2.Response) -> None:
        if settings is not None:
            stay(response)
        limit(response, network.max_reply)
        await by_other(response, way)

    return httpx2.AsyncClient(
        transport=Transport(way, tls, client_cert=bool(client_cert)),
        # The proxy is chosen above. With the environment, httpx2 would also let a .netrc override our key.
        trust_env=False,
        timeout=httpx2.Timeout(network.idle_timeout, connect=network.connect_timeout),
        follow_redirects=True,
        event_hooks={"response": [guard]},
    )


def stay(response: httpx2.Response) -> None:
    """Refuse a redirect that leads to another server or would turn a POST into a GET.

    httpx2 forwards every header except `Authorization` to the other server, and after a 301 or 302 it repeats
    a POST as a GET without a body. A redirect from http to https on the same host and default ports is allowed.
    Raises ProtocolError, whose message names the target.
    """
    if not response.has_redirect_location:
        return
    here = response.request.url
    there = here.join(response.headers["location"])
    same = (here.scheme, here.host, here.port) == (there.scheme, there.host, there.port)
    secured = here.host == there.host and (here.scheme, there.scheme) == ("http", "https")
    kept = response.request.method == "GET" or response.status_code in (307, 308)
    if kept and (same or (secured and here.port is None and there.port is None)):
        return
    raise ProtocolError(
        _("{where} points to {there} instead of answering").format(
            where=redact(str(here.copy_with(query=None))), there=redact(str(there.copy_with(query=None)))
        ),
        hint=_(
            "if the service has moved, write that address into the settings; it may be the network's login page"
        ),
        status=response.status_code,
        path=PathFault("server", sent=True, lasting=True),
    )


def limit(response: httpx2.Response, max_reply: int) -> None:
    """Limit `response` to `max_reply` bytes after decompression, which is done in steps of at most 64 kB.

    Raises ProtocolError for an unsupported content encoding. Reading the response raises ProtocolError if it
    is too large or cannot be decompressed.
    """
    import httpx2

    stream = response.stream
    if not isinstance(stream, httpx2.AsyncByteStream):
        return
    encoding = response.headers.get("content-encoding", "").strip().lower()
    if encoding in ("gzip", "x-gzip", "deflate"):
        del response.headers["content-encoding"]  # else httpx2 would decompress again
    elif encoding not in ("", "identity"):
        raise ProtocolError(
            _("the server compressed its answer as “{encoding}”, which was not asked for").format(
                encoding=redact(encoding)
            ),
        )
    else:
        encoding = ""
    source = stream

    class Limited(httpx2.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            size = 0
            async for chunk in inflate(source, encoding) if encoding else source:
                size += len(chunk)
                if size > max_reply:
                    raise too_large(max_reply)
                yield chunk

        async def aclose(self) -> None:
            await source.aclose()

    response.stream = Limited()


async def inflate(source: AsyncIterator[bytes] | httpx2.AsyncByteStream, encoding: str) -> AsyncIterator[bytes]:
    """Decompress `source` into chunks of at most 64 kB. Raises ProtocolError if the data is damaged."""
    # 47 detects gzip or zlib by the header. Some servers send `deflate` without a zlib header (-15).
    decoder = zlib.decompressobj(47)
    fresh = True
    async for chunk in source:
        while chunk:
            try:
                piece = decoder.decompress(chunk, _PIECE)
            except zlib.error as error:
                if fresh and encoding == "deflate":
                    decoder, fresh = zlib.decompressobj(-15), False
                    continue
                raise ProtocolError(
                    _("the server's compressed answer cannot be unpacked: {why}").format(why=error),
                    hint=_("something between may have damaged it; /retry"),
                ) from error
            fresh = False
            if piece:
                yield piece
            chunk = decoder.unconsumed_tail
            if not piece and not chunk:
                break


def too_large(limit: int) -> ProtocolError:
    """The error for a reply of more than `limit` bytes."""
    return ProtocolError(
        _("the reply is larger than {limit} bytes and was cut off").format(limit=limit),
        hint=_("if such a reply is meant, raise network.max_reply"),
    )

"""The way to a server: forgiven addresses, proxies, certificates, and a body that cannot burst the memory."""

from __future__ import annotations

import ipaddress
import os
import re
import ssl
import zlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit, urlunsplit
from urllib.request import getproxies, proxy_bypass

from gptchat.config.endpoints import DIRECT, NetworkSettings, ProviderSettings
from gptchat.errors import ConfigurationError, ProtocolError
from gptchat.providers.sse import too_large
from gptchat.redaction import redact, register
from gptchat.words import _

if TYPE_CHECKING:
    import httpx2

_PIECE = 1 << 16  # bytes that one step of decompression may yield
_ROUTES = re.compile(
    r"/(?:chat/completions|completions|responses|models|embeddings|moderations|messages|chat)/*$", re.IGNORECASE
)
_SCHEME = re.compile(r"^(https?)(?:[:：]/{1,3}|//)(?=[^/])", re.IGNORECASE)
"""A scheme as fingers and input methods leave it: `http:/host`, `http//host`, `https：//host`."""


def base_address(address: str, *, version: str = "/v1") -> str:
    """`address` as it was meant: scheme added, route and slash cut off, `/v1` neither missing nor doubled.

    `version` is added only to an address without a path: one with a path (a gateway's, `/api/v3`, `/openai`)
    is taken at its word. Raises `ConfigurationError` for something that is no address.
    """
    text = _SCHEME.sub(r"\1://", address.strip().strip("\"'<>"))
    if "://" not in text:
        host = text.partition("/")[0].rpartition(":")[0] or text.partition("/")[0]
        text = f"{'http' if _is_local(host) else 'https'}://{text}"
    try:
        parts = urlsplit(text)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
        valid = valid and not re.search(r"\s", parts.netloc)
    except ValueError:
        valid = False
    if not valid:
        raise ConfigurationError(
            _("“{address}” is not an address").format(address=redact(address)),
            hint=_("an address looks like https://host/v1"),
        )
    path = re.sub(r"/{2,}", "/", parts.path)
    if parts.port == 11434:  # Ollama's own API, which its pages name first, is beside the one spoken here
        path = re.sub(r"^/api(?:/(?:chat|generate|tags))?/?$", "", path)
    path = _ROUTES.sub("", path.rstrip("/"))
    path = re.sub(r"(/v\d+)(?:\1)+$", r"\1", path.rstrip("/"))
    return urlunsplit((parts.scheme, parts.netloc, path or version, "", ""))


def query_in(address: str) -> dict[str, str]:
    """The query of a pasted address, which goes with every request instead of with the address."""
    return dict(parse_qsl(address.strip().strip("\"'<>").partition("?")[2]))


def _is_local(host: str) -> bool:
    if host == "host.docker.internal" or host.endswith((".local", ".localhost")):
        return True
    if "." not in host and ":" not in host:  # localhost, or another machine of one's own network
        return True
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return address.is_private or address.is_loopback


def proxy_for(address: str, settings: ProviderSettings, network: NetworkSettings) -> str:
    """The proxy on the way to `address`, or empty: the provider's, else `[network]`'s, else the environment's.

    The environment is read as curl does: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, and `NO_PROXY` with names,
    addresses and networks such as `10.0.0.0/8`. The word `none` in the settings means: no proxy at all.
    """
    chosen = settings.proxy or network.proxy
    if chosen:
        return "" if chosen.lower() in DIRECT else _proxy(chosen)
    parts = urlsplit(address)
    proxies = getproxies()
    found = proxies.get(parts.scheme) or proxies.get("all") or ""
    if not found or _bypassed(parts.hostname or "", parts.netloc.rpartition("@")[2], proxies.get("no", "")):
        return ""
    return _proxy(found)


def _bypassed(host: str, host_and_port: str, exceptions: str) -> bool:
    if proxy_bypass(host_and_port) or proxy_bypass(host):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    for entry in exceptions.split(","):
        try:
            if "/" in entry and address in ipaddress.ip_network(entry.strip(), strict=False):
                return True
        except ValueError:  # a name, which `proxy_bypass` has looked at
            continue
    return False


def _proxy(address: str) -> str:
    text = address.strip()
    if "://" not in text:
        text = f"http://{text}"
    # `socks://` is what desktops write; names are left to the proxy, as behind a firewall they must be
    text = re.sub(r"^socks[45]?[ah]?://", "socks5h://", text, flags=re.IGNORECASE)
    try:
        parts = urlsplit(text)
        valid = parts.scheme in ("http", "https", "socks5h") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        valid = False
    if not valid:
        raise ConfigurationError(
            _("“{proxy}” is not a proxy's address").format(proxy=redact(address)),
            hint=_("write http://host:port or socks5://host:port in network.proxy, or `none` for no proxy"),
        )
    if parts.password:
        register(parts.password)
    return text


def trust(ca_file: str) -> ssl.SSLContext:
    """A TLS context with the system's authorities (or `SSL_CERT_FILE`'s), and those in `ca_file` (PEM) if given.

    Raises `ConfigurationError` where a file cannot be read.
    """
    import httpx2

    path = ca_file or os.environ.get("SSL_CERT_FILE", "")
    try:
        context = httpx2.create_ssl_context()
        if ca_file:
            context.load_verify_locations(cafile=str(Path(ca_file).expanduser()))
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(
            _("the certificates in {path} cannot be read: {why}").format(path=path, why=error),
            hint=_("ca_file and SSL_CERT_FILE name a file of certificates in PEM form"),
        ) from error
    return context


def http_client(address: str, settings: ProviderSettings, network: NetworkSettings) -> httpx2.AsyncClient:
    """A client for one server, with its proxy, certificates, timeouts and limits.

    Raises `ConfigurationError` for a proxy or certificate file that cannot be used.
    """
    import httpx2

    proxy = proxy_for(address, settings, network)

    async def guard(response: httpx2.Response) -> None:
        stay(response)
        limit(response, network.max_reply)

    return httpx2.AsyncClient(
        proxy=proxy or None,
        verify=trust(settings.ca_file or network.ca_file),
        # The proxy is chosen above; from the environment httpx2 would also take a .netrc over our key
        trust_env=False,
        timeout=httpx2.Timeout(network.idle_timeout, connect=network.connect_timeout),
        follow_redirects=True,
        event_hooks={"response": [guard]},
    )


def stay(response: httpx2.Response) -> None:
    """Refuse a redirection that would take the key or the conversation to another server, or lose what is said.

    httpx2 would take along every header but `Authorization`, and makes an empty GET of a POST after a 301 or 302.
    Raises `ProtocolError`, naming where it leads.
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
    )


def limit(response: httpx2.Response, max_reply: int) -> None:
    """Bound what reading `response` can cost: its bytes are counted, and decompressed in small steps."""
    import httpx2

    stream = response.stream
    if not isinstance(stream, httpx2.AsyncByteStream):
        return
    encoding = response.headers.get("content-encoding", "").strip().lower()
    if encoding in ("gzip", "x-gzip", "deflate"):
        del response.headers["content-encoding"]  # from here on the bytes are plain
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
    """The plain bytes of a compressed stream, never more than 64 kB at once."""
    # 47: gzip or zlib, told by the header; `deflate` without a zlib header (-15) is met in the wild as well
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

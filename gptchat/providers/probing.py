"""Looking at the way to a server without asking it for anything: names, connection, TLS, and its clock."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from gptchat.config.endpoints import NetworkSettings, ProviderSettings
from gptchat.errors import GptchatError, RequestTimeoutError
from gptchat.net.client import http_client
from gptchat.net.proxies import proxy_for
from gptchat.providers.faults.failures import Endpoint, explain
from gptchat.redaction import redact
from gptchat.words import _

if TYPE_CHECKING:
    import httpx2

_PATHS = ("/v1", "/api/v1", "/openai/v1")
"""Where the API stands on most servers."""


@dataclass(frozen=True, slots=True)
class Reached:
    """What a server showed of itself. `tls` is its protocol (`TLSv1.3`), empty for plain HTTP.

    `skew` is how many seconds our clock is ahead of the server's, by its Date header; None where it has none.
    """

    status: int
    tls: str = ""
    expires: datetime | None = None
    """When its certificate ends, where the connection told."""
    skew: float | None = None


async def resolve(address: str, seconds: float) -> list[str]:
    """The IP addresses of the host in `address`, each once. Raises ConnectionFailedError, RequestTimeoutError."""
    parts = urlsplit(address)
    endpoint = Endpoint(address=redact(address))
    try:
        async with asyncio.timeout(seconds):
            found = await asyncio.get_running_loop().getaddrinfo(
                parts.hostname or "", parts.port or 443, type=socket.SOCK_STREAM
            )
    except TimeoutError:
        raise RequestTimeoutError(
            _("the name in {where} was not resolved within {seconds:g} s").format(
                where=redact(address), seconds=seconds
            ),
            hint=_("check the network connection and its name server"),
        ) from None
    except (OSError, UnicodeError) as failure:
        raise explain(failure, endpoint) from failure
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


async def reach(address: str, settings: ProviderSettings, network: NetworkSettings) -> Reached:
    """Connect to the server as requests do and look at what it answers; no key is sent.

    Raises a GptchatError where no answer comes; any HTTP status is an answer.
    """
    endpoint = Endpoint(settings.name, redact(address), proxy=redact(proxy_for(address, settings, network)))
    try:
        async with http_client(address, settings, network) as client:
            began = datetime.now(UTC)
            async with client.stream("GET", f"{address.partition('?')[0]}/models") as response:
                middle = began + (datetime.now(UTC) - began) / 2
                tls, expires = _tls(response)
                return Reached(response.status_code, tls, expires, _skew(response.headers.get("date", ""), middle))
    except Exception as failure:
        raise explain(failure, endpoint) from failure


async def elsewhere(address: str, settings: ProviderSettings, network: NetworkSettings) -> str:
    """Another base address of the same server where a list of models is, or at least a door to one; else empty."""
    parts = urlsplit(address)
    for path in _PATHS:
        other = urlunsplit((parts.scheme, parts.netloc, path, "", ""))
        if path == parts.path.rstrip("/"):
            continue
        try:
            if (await reach(other, settings, network)).status in (200, 401, 403):
                return other
        except GptchatError:
            return ""
    return ""


def _tls(response: httpx2.Response) -> tuple[str, datetime | None]:
    """The TLS version of the connection that `response` came over, and when the certificate ends."""
    stream: Any = response.extensions.get("network_stream")
    secured: Any = stream.get_extra_info("ssl_object") if stream is not None else None
    if secured is None:
        return "", None
    try:
        ends = secured.getpeercert()["notAfter"]  # not told where the system itself has verified the certificate
        expires = datetime.strptime(ends, "%b %d %H:%M:%S %Y %Z").replace(tzinfo=UTC)
    except (KeyError, TypeError, ValueError):
        expires = None
    return str(secured.version() or "TLS"), expires


def _skew(date: str, now: datetime) -> float | None:
    try:
        told = parsedate_to_datetime(date)
    except (TypeError, ValueError):
        return None
    if told.tzinfo is None:
        told = told.replace(tzinfo=UTC)
    # the header is cut to whole seconds
    return (now - told).total_seconds() - 0.5

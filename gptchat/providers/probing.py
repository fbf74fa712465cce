"""Diagnoses the connection to a server without using its API: the steps of the way, TLS and the clock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from gptchat.config.endpoints import NetworkSettings, ProviderSettings
from gptchat.errors import GptchatError
from gptchat.net.client import http_client
from gptchat.net.proxies import proxy_for
from gptchat.net.way import Step
from gptchat.providers.faults.failures import Endpoint, explain
from gptchat.redaction import redact
from gptchat.values import dataclass

if TYPE_CHECKING:
    import httpx2

_PATHS = ("/v1", "/api/v1", "/openai/v1")
"""Common base paths of the API."""


@dataclass(frozen=True, slots=True)
class Reached:
    """What a connection showed. `status` is the HTTP status; `tls` the protocol (`TLSv1.3`), or empty for HTTP.

    `skew` is how many seconds this machine's clock is ahead of the server's `Date` header; None without one.
    """

    status: int
    tls: str = ""
    expires: datetime | None = None
    """When the server's certificate expires; None if not known."""
    skew: float | None = None


async def reach(
    address: str,
    settings: ProviderSettings,
    network: NetworkSettings,
    watch: Callable[[Step], None] | None = None,
) -> Reached:
    """Send one request to the server as the provider would, but without a key.

    `watch` is told of each step on the way that succeeds. Any HTTP status counts as reached. Raises GptchatError
    if there is no response.
    """
    endpoint = Endpoint(settings.name, redact(address), proxy=redact(proxy_for(address, settings, network)))
    try:
        async with http_client(address, settings, network, watch) as client:
            began = datetime.now(UTC)
            async with client.stream("GET", f"{address.partition('?')[0]}/models") as response:
                middle = began + (datetime.now(UTC) - began) / 2
                tls, expires = _tls(response)
                return Reached(response.status_code, tls, expires, _skew(response.headers.get("date", ""), middle))
    except Exception as failure:
        raise explain(failure, endpoint) from failure


async def elsewhere(address: str, settings: ProviderSettings, network: NetworkSettings) -> str:
    """Another base URL on the same server whose `/models` answers with 200, 401 or 403; empty if none does."""
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
    """The TLS version of the connection of `response` (empty without TLS), and when its certificate expires."""
    stream: Any = response.extensions.get("network_stream")
    secured: Any = stream.get_extra_info("ssl_object") if stream is not None else None
    if secured is None:
        return "", None
    try:
        ends = secured.getpeercert()["notAfter"]  # missing if the operating system verified the certificate
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
    # The header is truncated to whole seconds
    return (now - told).total_seconds() - 0.5

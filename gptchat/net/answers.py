"""Answers that are not the API's: a proxy's own, a network's login page, a server's on the wrong port."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gptchat.net import failing, tls_failing
from gptchat.net.way import Way
from gptchat.redaction import redact

if TYPE_CHECKING:
    import httpx2

_PROXIES = re.compile(
    r"tinyproxy|squid|proxy\.py|mitmproxy|privoxy|polipo|3proxy|bluecoat|mcafee|zscaler|fortigate|websense|charles"
    r"|burp|sophos|barracuda|ziproxy",
    re.IGNORECASE,
)
"""Names of proxies in the `Server` header of what they say themselves."""
_LARGEST = 1 << 16
_PLAIN_TO_TLS = re.compile(
    r"plain HTTP request was sent to HTTPS port|sent an HTTP request to an HTTPS server"
    r"|speaking plain HTTP to an SSL|host and port requires TLS",
    re.IGNORECASE,
)
_CLIENT_CERT = re.compile(r"No required SSL certificate was sent", re.IGNORECASE)
_CLIENT_CERT_REFUSED = re.compile(r"The SSL certificate error", re.IGNORECASE)


def by_proxy(response: httpx2.Response, way: Way, refused: int) -> None:
    """Raise ProviderError if `response` is the proxy's own, which forwards requests or looks into tunnels.

    `refused` is the status with which the proxy refused a tunnel; 0 if it just hung up.
    """
    status, headers = response.status_code, response.headers
    if status < 400:
        return
    own = (
        status in (407, 511)
        or any(name in headers for name in ("x-squid-error", "proxy-authenticate", "proxy-agent"))
        or "error" in headers.get("proxy-status", "")
        or _PROXIES.search(headers.get("server", "")) is not None
        or (status == refused and "json" not in headers.get("content-type", ""))
    )
    if not own:
        return
    why = f"{status} {redact(response.reason_phrase)}".strip()
    if status in (401, 407):
        raise failing.proxy_login(
            way, status=status, schemes=failing.schemes(headers.get("proxy-authenticate", ""))
        )
    if status == 511:
        raise failing.login_wanted(way, why, status)
    raise (failing.proxy_failed if status >= 500 else failing.proxy_refused)(way, why, status=status)


async def by_other(response: httpx2.Response, way: Way) -> None:
    """Raise ProviderError if `response` is from a network's login page, or from the wrong port of a server."""
    status = response.status_code
    if status == 511:
        raise failing.login_wanted(way, f"511 {redact(response.reason_phrase)}".strip(), status)
    if status != 400 or "json" in response.headers.get("content-type", ""):
        return
    if not 0 < int(response.headers.get("content-length", "0") or 0) <= _LARGEST:
        return
    text = (await response.aread()).decode("latin-1")
    secured = response.request.url.scheme == "https"
    if not secured and _PLAIN_TO_TLS.search(text):
        raise tls_failing.speaks_tls(way)
    if secured and (_CLIENT_CERT.search(text) or _CLIENT_CERT_REFUSED.search(text)):
        raise tls_failing.client_cert_wanted(way, refused=_CLIENT_CERT.search(text) is None)

"""Chooses the proxy for an address, from the settings or else from the environment."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit
from urllib.request import getproxies, proxy_bypass

from gptchat.config.endpoints import DIRECT, NetworkSettings, ProviderSettings
from gptchat.errors import ConfigurationError
from gptchat.net.addresses import split_address
from gptchat.redaction import redact_address, register
from gptchat.words import _

_PORTS = {"http": 80, "https": 443}


def proxy_for(address: str, settings: ProviderSettings | None, network: NetworkSettings) -> str:
    """The URL of the proxy for `address`, or empty: from `settings`, else `network`, else the environment.

    The environment variables are those of curl: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, and `NO_PROXY` with
    names, `*.name`, addresses and networks such as `10.0.0.0/8`. The word `none` in the settings means no proxy at
    all. Raises ConfigurationError if the proxy is not a valid URL.
    """
    chosen = (settings.proxy if settings else "") or network.proxy
    if chosen:
        return "" if chosen.lower() in DIRECT else _proxy(chosen)
    parts = urlsplit(address)
    proxies = getproxies()
    found = (proxies.get(parts.scheme) or "").strip() or (proxies.get("all") or "").strip()
    if not found or _bypassed(parts, proxies.get("no", "")):
        return ""
    return _proxy(found)


def _bypassed(parts: SplitResult, exceptions: str) -> bool:
    host = parts.hostname or ""
    named = f"[{host}]" if ":" in host else host
    if proxy_bypass(host) or proxy_bypass(f"{named}:{parts.port or _PORTS.get(parts.scheme, 0)}"):
        return True
    entries = [entry.strip().lower() for entry in exceptions.split(",")]
    if any(entry.startswith("*.") and host.endswith(entry[1:]) for entry in entries):  # not curl's, but common
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    for entry in entries:
        try:
            if "/" in entry and address in ipaddress.ip_network(entry, strict=False):
                return True
        except ValueError:  # a name, which `proxy_bypass` has already compared
            continue
    return False


def _proxy(address: str) -> str:
    text = address.strip()
    if "://" not in text:
        text = f"http://{text}"
    # Desktops write `socks://`. The proxy resolves names, since behind a firewall only it may be able to.
    text = re.sub(r"^socks[45]?[ah]?://", "socks5h://", text, flags=re.IGNORECASE)
    parts = split_address(text, ("http", "https", "socks5h"))
    if parts is None:
        raise ConfigurationError(
            _("“{proxy}” is not a proxy's address").format(proxy=redact_address(address)),
            hint=_("write http://host:port or socks5://host:port in network.proxy, or `none` for no proxy"),
        )
    if parts.password:
        register(parts.password)
    return text

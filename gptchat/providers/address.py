"""Normalises server addresses as users type them: adds scheme and version, removes the route."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import parse_qsl, urlunsplit

from gptchat import vendors
from gptchat.errors import ConfigurationError
from gptchat.net.addresses import split_address
from gptchat.redaction import redact_address
from gptchat.words import _

_ROUTES = re.compile(
    r"/(?:chat/completions|completions|responses|models|embeddings|moderations|messages|chat)/*$", re.IGNORECASE
)
_SCHEME = re.compile(r"^(https?)(?:[:：]/{1,3}|//)(?=[^/])", re.IGNORECASE)
"""A scheme with typical typing errors: `http:/host`, `http//host`, `https：//host`."""


def base_address(address: str, *, version: str = "/v1") -> str:
    """The base URL that `address` means: scheme added, route, query and trailing slash removed, one `/v1`.

    The scheme is http for local hosts, else https. `version` is added only if the address has no path: other
    paths (`/api/v3`, `/openai`, a gateway's) are kept. Raises ConfigurationError if `address` is invalid.
    """
    text = _SCHEME.sub(r"\1://", address.strip().strip("\"'<>"))
    if "://" not in text:
        host = text.partition("/")[0].rpartition(":")[0] or text.partition("/")[0]
        text = f"{'http' if _is_local(host) else 'https'}://{text}"
    parts = split_address(text, ("http", "https"))
    if parts is None:
        raise ConfigurationError(
            _("“{address}” is not an address").format(address=redact_address(address)),
            hint=_("an address looks like https://host/v1"),
        )
    path = re.sub(r"/{2,}", "/", parts.path)
    if parts.port == 11434:  # Ollama: its documentation names the native API first, but `/v1` is the one used here
        path = re.sub(r"^/api(?:/(?:chat|generate|tags))?/?$", "", path)
    path = _ROUTES.sub("", path.rstrip("/"))
    path = re.sub(r"(/v\d+)(?:\1)+$", r"\1", path.rstrip("/"))
    return urlunsplit((parts.scheme, parts.netloc, path or version, "", ""))


def resource_address(endpoint: str) -> str:
    """The address of an Azure resource: `myresource` alone stands for `https://myresource.openai.azure.com`."""
    text = endpoint.strip().strip("\"'<>")
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]{1,63}", text) and text.lower() != "localhost":
        return f"https://{text.lower()}.openai.azure.com"
    return endpoint


def require_private(address: str) -> str:
    """`address`, unless it is plain HTTP to another machine: others could read the key and every message.

    Raises ConfigurationError.
    """
    parts = split_address(address, ("http",))
    if parts is None or vendors.is_loopback(address) or parts.hostname == "host.docker.internal":
        return address
    shown = redact_address(address)
    reason = _("{address} is not on this machine, and with plain http others can read the key and the chat")
    raise ConfigurationError(
        reason.format(address=shown),
        hint=_("use https://; in a network that you trust: /connect {address} --anyway").format(address=shown),
    )


def query_in(address: str) -> dict[str, str]:
    """The query parameters in `address`, which are sent with every request instead of in the base URL."""
    return dict(parse_qsl(address.strip().strip("\"'<>").partition("?")[2]))


def _is_local(host: str) -> bool:
    if host == "host.docker.internal" or host.endswith((".local", ".localhost")):
        return True
    if "." not in host and ":" not in host:  # localhost, or a machine in the local network
        return True
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return address.is_private or address.is_loopback

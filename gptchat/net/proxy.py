"""The parts of a proxy's address, as the handshake with it needs them."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from gptchat.redaction import redact
from gptchat.values import dataclass

_PORTS = {"http": 80, "https": 443, "socks5h": 1080}


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy. `scheme` is `http`, `https` or `socks5h`; `shown` is its address without the password."""

    scheme: str
    host: str
    port: int
    user: str
    password: str
    shown: str

    @property
    def login(self) -> bool:
        """Whether its address has a user name or a password."""
        return bool(self.user or self.password)


def proxy_of(address: str) -> Proxy | None:
    """The proxy at `address`, a URL that `proxy_for` returned; None if it is empty."""
    if not address:
        return None
    parts = urlsplit(address)
    return Proxy(
        parts.scheme,
        parts.hostname or "",
        parts.port or _PORTS[parts.scheme],
        unquote(parts.username or ""),
        unquote(parts.password or ""),
        redact(address),
    )

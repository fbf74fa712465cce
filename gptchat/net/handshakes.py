"""The handshakes with a proxy: CONNECT of HTTP, and SOCKS5 (RFC 1928, RFC 1929).

They are done here, not in httpx2, which bounds neither by `connect_timeout`, takes a SOCKS reply that arrives in
pieces for a failure, offers a SOCKS proxy no choice of the login, and drops the headers of a refusal.
"""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import Awaitable, Callable

from gptchat.errors import ProviderError
from gptchat.net import failing
from gptchat.net.proxy import Proxy
from gptchat.net.way import Way
from gptchat.redaction import redact
from gptchat.words import _

Read = Callable[[int], Awaitable[bytes]]
"""Reads at most so many bytes; empty at the end of the connection."""
Write = Callable[[bytes], Awaitable[None]]

_LONGEST_HEAD = 1 << 16
_USER_PASSWORD, _NO_LOGIN, _NO_METHOD = 2, 0, 255
_NOT_TUNNELLED = frozenset((400, 403, 404, 405, 501))
"""Statuses of a proxy that may yet forward plain HTTP: many open tunnels to port 443 alone."""


class NoTunnelError(Exception):
    """The proxy opens no tunnel to the port of an http:// server; it may forward the request instead.

    `status` is that of its refusal; 0 if it hung up.
    """

    def __init__(self, status: int = 0) -> None:
        super().__init__(status)
        self.status = status


async def tunnel(way: Way, host: str, port: int, read: Read, write: Write, *, plain: bool) -> bytes:
    """Ask an HTTP proxy for a tunnel to `host` and `port`; returns what has arrived through it already.

    `plain` says that the server is an http:// one. Raises ProviderError, and NoTunnelError for a plain server that
    the proxy may reach otherwise.
    """
    proxy = way.proxy
    assert proxy is not None
    target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}", "Accept: */*"]
    if proxy.login:
        lines.append(f"Proxy-Authorization: {basic(proxy)}")
    await write(("\r\n".join(lines) + "\r\n\r\n").encode("ascii"))
    head, rest = b"", b""
    while not head or _status(head, way)[0] < 200:  # 1xx come before the answer
        head, rest = await _head(way, read, rest, plain=plain)
    status, reason = _status(head, way)
    if status < 300:
        return rest
    headers = _headers(head)
    why = f"{status} {redact(reason)}".strip()
    if note := headers.get("x-squid-error") or headers.get("proxy-status"):
        why = f"{why} ({redact(' '.join(note.split()))[:200]})"
    if status in (401, 407) or "proxy-authenticate" in headers:
        raise failing.proxy_login(
            way, status=status, schemes=failing.schemes(headers.get("proxy-authenticate", ""))
        )
    if plain and status in _NOT_TUNNELLED:
        raise NoTunnelError(status)
    if status == 511 or 300 <= status < 400:
        raise failing.login_wanted(way, why, status)
    if status >= 500:
        raise failing.proxy_failed(way, why, status=status)
    raise failing.proxy_refused(way, why, status=status)


def basic(proxy: Proxy) -> str:
    """The value of `Proxy-Authorization` for the login in the proxy's address."""
    return f"Basic {base64.b64encode(f'{proxy.user}:{proxy.password}'.encode()).decode('ascii')}"


async def _head(way: Way, read: Read, begun: bytes, *, plain: bool) -> tuple[bytes, bytes]:
    """The head of an answer, and the bytes after it."""
    data = begun
    while b"\r\n\r\n" not in data and b"\n\n" not in data:
        more = await read(4096)
        if not more:
            if plain and not data:
                raise NoTunnelError
            raise failing.proxy_speaks_otherwise(way) if data else failing.proxy_closed(way)
        data += more
        if not data.startswith(b"HTTP/"[: len(data)]) or len(data) > _LONGEST_HEAD:
            raise failing.proxy_speaks_otherwise(way)
    for end in (b"\r\n\r\n", b"\n\n"):
        head, found, rest = data.partition(end)
        if found:
            return head, rest
    raise AssertionError


def _status(head: bytes, way: Way) -> tuple[int, str]:
    _version, _space, rest = head.split(b"\n", 1)[0].strip().decode("latin-1").partition(" ")
    number, _space, reason = rest.partition(" ")
    if not (number.isascii() and number.isdigit() and len(number) == 3):
        raise failing.proxy_speaks_otherwise(way)
    return int(number), " ".join(reason.split())[:200]


def _headers(head: bytes) -> dict[str, str]:
    """The headers by their names in lower case; several of one name are joined by commas."""
    found: dict[str, str] = {}
    for line in head.decode("latin-1").splitlines()[1:]:
        name, colon, value = line.partition(":")
        if colon:
            key = name.strip().lower()
            found[key] = f"{found[key]}, {value.strip()}" if key in found else value.strip()
    return found


async def socks(way: Way, host: str, port: int, read: Read, write: Write) -> bytes:
    """Ask a SOCKS5 proxy for a connection to `host`, whose name it resolves, and `port`; returns like `tunnel`."""
    proxy = way.proxy
    assert proxy is not None
    source = _Exactly(way, read)
    # Both are offered, as a login in the address does not mean that the proxy asks for it
    methods = bytes((_NO_LOGIN, _USER_PASSWORD)) if proxy.login else bytes((_NO_LOGIN,))
    await write(bytes((5, len(methods))) + methods)
    version, method = await source.take(2)
    if version != 5:
        raise failing.proxy_speaks_otherwise(way)
    if method == _NO_METHOD or method not in methods:
        raise failing.proxy_login(way)
    if method == _USER_PASSWORD:
        user, password = proxy.user.encode()[:255], proxy.password.encode()[:255]
        await write(bytes((1, len(user))) + user + bytes((len(password),)) + password)
        _version, refused = await source.take(2)
        if refused:
            raise failing.proxy_login(way)
    await write(b"\x05\x01\x00" + _socks_address(host) + port.to_bytes(2, "big"))
    version, code, _reserved, kind = await source.take(4, answered=True)
    if version != 5:
        raise failing.proxy_speaks_otherwise(way)
    if code:
        raise _socks_refusal(way, code)
    length = {1: 4, 4: 16}.get(kind)
    if length is None:
        length = (await source.take(1))[0]
    await source.take(length + 2)
    return source.rest


def _socks_address(host: str) -> bytes:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        name = host.encode("ascii")
        return bytes((3, len(name))) + name
    return bytes((1 if address.version == 4 else 4,)) + address.packed


def _socks_refusal(way: Way, code: int) -> ProviderError:
    """The error for a reply code of RFC 1928."""
    reasons = {
        1: _("a general failure"),
        2: _("its rules forbid the connection"),
        3: _("the network cannot be reached"),
        4: _("the host cannot be reached, or its name does not resolve there"),
        5: _("the server refused the connection"),
        6: _("the connection took too long"),
        7: _("it opens no connections"),
        8: _("it does not know this kind of address"),
    }
    why = _("{reason} (SOCKS {code})").format(reason=reasons.get(code, _("an unknown reason")), code=code)
    return failing.proxy_refused(way, why) if code in (2, 7) else failing.proxy_failed(way, why)


class _Exactly:
    """Takes exact numbers of bytes, in however many pieces they arrive."""

    def __init__(self, way: Way, read: Read) -> None:
        self._way, self._read = way, read
        self.rest = b""

    async def take(self, number: int, *, answered: bool = False) -> bytes:
        """The next `number` bytes. `answered` says that the proxy has spoken SOCKS already."""
        began = answered or bool(self.rest)
        while len(self.rest) < number:
            more = await self._read(4096)
            if not more:
                if self.rest and self.rest[0] not in (1, 5):
                    raise failing.proxy_speaks_otherwise(self._way)
                # Proxies that refuse a target, or a client, may just close
                raise failing.proxy_closed(self._way, _("it refused without a reason") if began else "")
            self.rest += more
        taken, self.rest = self.rest[:number], self.rest[number:]
        return taken

"""Recognises hosts of a private network: this machine, the local network, and a cloud's metadata service."""

from __future__ import annotations

import ipaddress
import socket

_LOCAL_NAMES = (".localhost", ".local", ".internal", ".lan", ".home.arpa")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def private_address(host: str) -> str:
    """The private address or local name that `host` (without port and brackets) stands for; empty if none.

    A name is resolved, which blocks: one private address among several is enough. Empty also for a name that
    cannot be resolved, since behind a proxy only the proxy may be able to.
    """
    name = host.rstrip(".").lower()
    if name == "localhost" or name.endswith(_LOCAL_NAMES):
        return name
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):  # also a name too long for the name service
        return "" if "." in name or ":" in name else name  # a single word is a name of the local network
    return next((str(entry[4][0]) for entry in found if is_private(str(entry[4][0]))), "")


def is_private(text: str) -> bool:
    """Whether the IP address `text` is not one of the public internet; True if it is none at all."""
    try:
        address: Address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return True
    if isinstance(address, ipaddress.IPv6Address):
        inside = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if inside is None and address in _NAT64:
            inside = ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
        if inside is not None:
            return is_private(str(inside))
        if address.is_site_local:  # fec0::/10, deprecated and still routed inside
            return True
    return not address.is_global or address.is_multicast

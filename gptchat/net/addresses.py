"""Splits the address of a server or a proxy into its parts, and refuses what cannot be one."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit


def split_address(address: str, schemes: tuple[str, ...]) -> SplitResult | None:
    """The parts of the URL `address`; None unless it has one of `schemes`, a host and, if any, a valid port."""
    try:
        parts = urlsplit(address)
        valid = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return None
    return parts if valid and not re.search(r"\s", parts.netloc) else None

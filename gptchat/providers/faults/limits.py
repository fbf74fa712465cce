"""The rate limits a server tells in its headers, as last seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RateLimits:
    """What is left of the allowance, from the `x-ratelimit-*` headers; None where the server is silent.

    `reset_requests` and `reset_tokens` are the server's own words (`1s`, `6m0s`).
    """

    limit_requests: int | None = None
    remaining_requests: int | None = None
    reset_requests: str = ""
    limit_tokens: int | None = None
    remaining_tokens: int | None = None
    reset_tokens: str = ""


def rate_limits(headers: Mapping[str, str]) -> RateLimits | None:
    """The limits in `headers` (names found in lower case), or None where there are none."""

    def number(name: str) -> int | None:
        value = headers.get(f"x-ratelimit-{name}", "")
        return int(value) if value.isascii() and value.isdigit() else None

    found = RateLimits(
        number("limit-requests"),
        number("remaining-requests"),
        headers.get("x-ratelimit-reset-requests", ""),
        number("limit-tokens"),
        number("remaining-tokens"),
        headers.get("x-ratelimit-reset-tokens", ""),
    )
    return found if found != RateLimits() else None

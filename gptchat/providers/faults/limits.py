"""Reads rate limits from response headers."""

from __future__ import annotations

from collections.abc import Mapping

from gptchat.core.ports import RateLimits


def rate_limits(headers: Mapping[str, str]) -> RateLimits | None:
    """The limits in `headers`, which must accept lower-case names; None if there are none."""

    def number(name: str) -> int | None:
        value = headers.get(f"x-ratelimit-{name}", "")
        return int(value) if value.isascii() and value.isdigit() and len(value) < 16 else None

    found = RateLimits(
        number("limit-requests"),
        number("remaining-requests"),
        headers.get("x-ratelimit-reset-requests", ""),
        number("limit-tokens"),
        number("remaining-tokens"),
        headers.get("x-ratelimit-reset-tokens", ""),
    )
    return found if found != RateLimits() else None

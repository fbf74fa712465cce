"""Reads rate limits and delays from response headers and error messages."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

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


def retry_after(headers: Mapping[str, str], now: float | None = None) -> float | None:
    """Seconds to wait, from `retry-after-ms`, or `Retry-After` in seconds or as a date; None without either.

    `headers` must accept lower-case names. `now` (seconds since 1970, default: the clock) is compared with a
    date.
    """
    value = headers.get("retry-after", "")
    for text, unit in ((headers.get("retry-after-ms", ""), 0.001), (value, 1.0)):
        try:
            seconds = float(text) * unit
        except ValueError:
            continue
        if math.isfinite(seconds):  # `float` also accepts `inf` and `nan`
            return max(0.0, seconds)
    try:
        then = parsedate_to_datetime(value).timestamp()
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    return max(0.0, then - (time.time() if now is None else now))


_AGAIN = re.compile(
    r"(?:try again|retry) (?:in|after) (?=\d)(?:(?P<h>\d{1,9}) ?h(?:ours?)?)?"
    r" ?(?:(?P<m>\d{1,9}) ?m(?:in(?:utes?)?)?(?![a-z]))?"
    r" ?(?:(?P<n>\d{1,9}(?:\.\d+)?) ?(?P<unit>ms|milliseconds?|s(?:ec(?:ond)?s?)?)\b)?",
    re.IGNORECASE,
)


def wait_in_words(message: str) -> float | None:
    """Seconds to wait, from an error message ("Please retry in 32.1s", "try again in 7m12s"); None without any."""
    found = _AGAIN.search(message)
    if not found or not (found["h"] or found["m"] or found["n"]):
        return None
    last = float(found["n"] or 0) * (0.001 if (found["unit"] or "").lower().startswith("m") else 1)
    return int(found["h"] or 0) * 3600.0 + int(found["m"] or 0) * 60.0 + last

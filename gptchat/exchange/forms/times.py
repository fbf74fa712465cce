"""Times of other programs: every form that their exports use becomes the time format of records."""

from __future__ import annotations

import math
import re
import time
from datetime import UTC, datetime

from gptchat.storage.ids import timestamp

_ISO = re.compile(
    r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:[T ,@]+(\d{1,2})[:h] ?(\d{2})(?:[:m] ?(\d{2}))?s?(?:[.,]\d+)?"
    r"(?: ?\d+ms)?\s*(Z|UTC|GMT|[+-]\d{2}:?\d{2})?)?",
    re.IGNORECASE,
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NAMED = re.compile(
    r"([A-Za-z]{3,9})\.? (\d{1,2}),? (\d{4})(?:,? (\d{1,2}):(\d{2})(?::(\d{2}))?\s*([ap]m)?)?", re.IGNORECASE
)
_LOCAL = re.compile(
    r"(\d{1,2})([/.])(\d{1,2})[/.](\d{4}),? (\d{1,2}):(\d{2})(?::(\d{2}))?\s*([ap]m)?", re.IGNORECASE
)
_LATE = 86_400
"""Seconds that a clock may be ahead of ours."""


def moment(value: object) -> float | None:
    """`value` as seconds since 1970; None if it is no time, or a date whose day and month cannot be told apart.

    Reads seconds, milliseconds, microseconds and nanoseconds (by size), texts of these, ISO 8601 (without a zone:
    UTC), MongoDB's `{"$date": ...}`, and dates as browsers and programs write them. A time that is still to come
    becomes the present one.
    """
    found = _moment(value)
    if found is None or not math.isfinite(found):
        return None
    now = time.time()
    return now if found > now + _LATE else found


def record_time(value: object) -> str:
    """`value`, as `moment` reads it, in the time format of records; empty if it is none."""
    found = moment(value)
    try:
        return timestamp(found) if found is not None else ""
    except (OverflowError, ValueError, OSError):
        return ""


def _moment(value: object) -> float | None:
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, dict):
        return _moment(value.get("$date", value.get("$numberLong")))
    if isinstance(value, int | float):
        try:
            seconds = float(value)
        except OverflowError:
            return None
        for _unit in range(3):
            if abs(seconds) > 1e11:
                seconds /= 1000
        return seconds if 0 < seconds < 1e11 else None
    return _words(value.strip()[:80]) if isinstance(value, str) else None


def _words(words: str) -> float | None:
    if re.fullmatch(r"\d{9,19}(\.\d+)?", words):
        return _moment(float(words))
    if match := _ISO.match(words):
        year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
        noon = re.match(r"\s*([ap])\.?m", words[match.end() :], re.IGNORECASE)
        hour = _hour(hour, f"{noon[1]}m" if noon else "")
        return _at(year, month, day, hour, minute, second, _zone(match[7]))
    if match := _NAMED.match(words):
        month = next((place for place, one in enumerate(_MONTHS, 1) if one == match[1][:3].lower()), 0)
        hour = _hour(int(match[4] or 0), match[7])
        return _at(int(match[3]), month, int(match[2]), hour, int(match[5] or 0), int(match[6] or 0), 0)
    if match := _LOCAL.match(words):
        one, other, half = int(match[1]), int(match[3]), match[8]
        american = match[2] == "/" and (half is not None or other > 12)
        if match[2] == "/" and not american and one <= 12 and one != other:
            return None  # 3/4 is in March or in April
        month, day = (one, other) if american else (other, one)
        hour = _hour(int(match[5]), half)
        return _at(int(match[4]), month, day, hour, int(match[6]), int(match[7] or 0), 0)
    return None


def _hour(hour: int, half: str | None) -> int:
    if not half:
        return hour
    return hour % 12 + (12 if half.lower().startswith("p") else 0)


def _zone(zone: str | None) -> int:
    """Seconds to the east of Greenwich."""
    if not zone or zone[0] not in "+-":
        return 0
    digits = zone[1:].replace(":", "")
    return (int(digits[:2]) * 3600 + int(digits[2:]) * 60) * (-1 if zone[0] == "-" else 1)


def _at(year: int, month: int, day: int, hour: int, minute: int, second: int, east: int) -> float | None:
    try:
        return datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC).timestamp() - east
    except (ValueError, OverflowError):
        return None

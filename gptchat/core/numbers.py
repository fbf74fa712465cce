"""Numbers from outside (journals, imports, servers): what can be a count or an amount, and what cannot.

JSON knows whole numbers of any length, and Python reads `1e400` as infinity; both would end a sum with an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MOST = 10**12
"""The largest count of tokens, bytes or seconds that is believed."""
_DEAREST = 1e9
"""US$; the largest amount that is believed."""


def count(value: object) -> int:
    """`value` if it is a whole number from 0 to `MOST`, else 0."""
    return value if type(value) is int and 0 <= value <= MOST else 0


def amount(value: object) -> float | None:
    """`value` as an amount of US$; None if it is no number, not finite, negative, or beyond belief."""
    if type(value) not in (int, float):
        return None
    return float(value) if 0 <= value <= _DEAREST else None  # type: ignore[operator, arg-type] # a number


def believable(record: Mapping[str, Any]) -> dict[str, Any]:
    """`record` without the numbers that cannot be what they claim to be."""
    if plausible(record):
        return dict(record)
    kept = {name: value for name, value in record.items() if name not in ("cost", "usage", "tokens")}
    return kept | {name: value for name in record if plausible({name: (value := record[name])})}


def plausible(record: Mapping[str, Any]) -> bool:
    """Whether the numbers of a journal record can be what they claim to be."""
    get = record.get
    if (cost := get("cost")) is not None and amount(cost) is None:
        return False
    for name in ("usage", "tokens"):
        counts = get(name)
        if isinstance(counts, dict):
            for value in counts.values():
                if type(value) in (int, float) and not 0 <= value <= MOST:
                    return False
    return True

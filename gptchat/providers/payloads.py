"""Makes request bodies encodable: pasted text may contain surrogates, which UTF-8 cannot encode."""

from __future__ import annotations

from typing import Any


def clean(value: Any) -> Any:
    """A copy of the JSON `value` with encodable strings: surrogate pairs are joined, lone ones become U+FFFD."""
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return value
    if isinstance(value, dict):
        return {clean(key): clean(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [clean(item) for item in value]
    return value

"""Secrets never leave: every key the program holds is known here, and `redact` masks it in any text."""

from __future__ import annotations

import re

MASK = "****"
_MINIMUM = 6  # shorter strings are words, not keys; masking them would spoil ordinary text

_known: set[str] = set()

# Keys as servers echo them back, in forms we may never have held ourselves.
_SHAPES = re.compile(
    r"\b(?:sk|pk|rk|gsk|xai|sess)-[A-Za-z0-9_\-*]{8,}"
    r"|(?i:\bbearer\s+)[A-Za-z0-9._~+/\-]{8,}=*"
    r"|(?i:(?<=api-key: )|(?<=x-api-key: ))\S{8,}"
    r"|://[^/\s:@]+:[^/\s@]+@"
)


def register(secret: str) -> None:
    """Remember `secret` (a key, token or password), so that `redact` masks it from now on."""
    if len(secret) >= _MINIMUM:
        _known.add(secret)


def mask(secret: str) -> str:
    """`secret` as it may be shown: its last four characters at most, and only of a long one."""
    return MASK + (secret[-4:] if len(secret) >= 16 else "")


def redact(text: str) -> str:
    """`text` with every known secret, and everything that has a key's shape, masked."""
    return _SHAPES.sub(_masked, redact_known(text))


def redact_known(text: str) -> str:
    """`text` with the secrets that were registered masked, and nothing else: for what a person takes along."""
    for secret in sorted(_known, key=len, reverse=True):
        if secret in text:
            text = text.replace(secret, mask(secret))
    return text


def _masked(match: re.Match[str]) -> str:
    found = match.group()
    if found.startswith("://"):
        return f"://{MASK}@"
    if MASK in found:
        return found
    head, space, tail = found.partition(" ")
    return f"{head}{space}{mask(tail)}" if space else mask(found)

"""Masks secrets in text: keys that the program holds are registered here, and `redact` hides them."""

from __future__ import annotations

import re

MASK = "****"
_MINIMUM = 6  # characters; shorter strings are likely words, and masking them would garble ordinary text

_known: set[str] = set()

# Servers may echo keys that were never registered here, so anything that looks like a key is masked too.
_SHAPES = (
    r"(?<![A-Za-z0-9])(?:sk|pk|rk|gsk|csk|xai|sess|pplx|nvapi|tvly)-[A-Za-z0-9_\-*]{8,}"
    r"|(?<![A-Za-z0-9])(?:sk|pk|rk|gsk|hf|fw|r8|tgp_v1|gh[oprsu]|github_pat)_[A-Za-z0-9_*]{20,}"
    r"|\bAIza[A-Za-z0-9_\-]{16,}"
    r"|\beyJ[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]{8,}(?:\.[A-Za-z0-9_\-]*)?"
    r"|(?i:\bbearer\s+)[A-Za-z0-9._~+/\-]{8,}=*"
    r"|(?i:(?<=api-key: )|(?<=x-api-key: ))\S{8,}"
    r"|://[^/\s:@]+:[^/\s]+@"
)
# The keys of Azure, Zhipu, Volcengine and others have no prefix. In running text their shapes may be digests and
# ids, so only names are judged by them: a UUID, or 20 letters and digits in a row, mixed, and what follows them.
_BARE_SHAPES = (
    r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
    r"|(?=[A-Za-z]*[0-9])(?=[0-9]*[A-Za-z])[A-Za-z0-9]{20,}[A-Za-z0-9._\-:+/=]*"
)


def register(secret: str) -> None:
    """Remember `secret` (a key, token or password), so that `redact` masks it from now on.

    Strings shorter than 6 characters are ignored.
    """
    if len(secret) >= _MINIMUM:
        _known.add(secret)


def looks_like_key(name: str) -> bool:
    """Whether `name`, typed where a name is asked for, is or contains what looks like a key."""
    text = name.strip()
    return redact(text) != text or re.fullmatch(_BARE_SHAPES, text) is not None


def mask(secret: str) -> str:
    """`secret` in displayable form: `****`, followed by its last 4 characters if it has 16 or more."""
    return MASK + (secret[-4:] if len(secret) >= 16 else "")


def redact(text: str) -> str:
    """`text` with every registered secret, and everything that looks like a key, masked."""
    return re.sub(_SHAPES, _masked, redact_known(text))


def redact_known(text: str) -> str:
    """`text` with only the registered secrets masked; for exports and other output that must stay exact."""
    for secret in sorted(_known, key=len, reverse=True):
        if secret in text:
            text = text.replace(secret, mask(secret))
    return text


def redact_address(address: str) -> str:
    """`redact` for what a user wrote as an address, valid or not: whatever may be a password in it is masked."""
    return redact(re.sub(r"^(.*?://)?.*@", rf"\1{MASK}@", address, flags=re.DOTALL))


def _masked(match: re.Match[str]) -> str:
    found = match.group()
    if found.startswith("://"):
        return f"://{MASK}@"
    if MASK in found:
        return found
    head, space, tail = found.partition(" ")
    return f"{head}{space}{mask(tail)}" if space else mask(found)

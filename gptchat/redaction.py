"""Masks secrets in text: keys that the program holds are registered here, and `redact` hides them."""

from __future__ import annotations

import re
from typing import Any

MASK = "****"
_MINIMUM = 6  # characters; shorter strings are likely words, and masking them would garble ordinary text

_known: set[str] = set()

_NAMED = (
    r"(?i:(?:[\w.-]{0,40}[_.-])?(?:api-?key|accesstoken|token|key|auth|secret|passw(?:or)?d|pwd|credential|sig|signature"
    r"|code|ticket))"
)
"""The name of a parameter that holds a secret."""
_WORD = r"(?:[A-Z]++|[A-Z]?[a-z]++(?:[A-Z][a-z]++)*+)(?![\w~+/=-]|\.\w)"
"""A word after `Basic` or `bearer` that is no login: `Basic TypeScript`, `bearer certificate`."""
# Servers may echo keys that were never registered here, so anything that looks like a key is masked too.
_SHAPES = (
    r"(?<![A-Za-z0-9])(?:sk(?!-learn)|pk|rk|gsk|csk|xai|sess|glpat|pplx|nvapi|tvly|sq0[a-z]{3}|xox[abeoprs])"
    r"-[A-Za-z0-9_\-*]{8,}"
    r"|(?<![A-Za-z0-9])(?:sk|pk|rk|gsk|hf|r8|gh[opsur]|github_pat|fw|tgp_v1|npm|dop_v1|whsec|shp(?:at|ca|pa|ss))"
    r"_(?=[A-Za-z_]{0,99}\d|[A-Za-z]{20})[A-Za-z0-9_*]{16,}"
    r"|\bA(?:KIA|SIA)[A-Z0-9]{16}\b|\bAIza[A-Za-z0-9_\-]{16,}|\b(?:LTAI|AKID|AKLT)[A-Za-z0-9]{12,}"
    r"|\bSG\.[A-Za-z0-9_\-]{16,}\.[A-Za-z0-9_\-]{16,}|\bya29\.[A-Za-z0-9_\-]{16,}|\b(?i:AGE-SECRET-KEY-1[A-Z0-9]{16,})"
    # Addresses whose path is the secret: incoming hooks of chat services, and Telegram's bots.
    r"|(?P<hook>://[^\s\"'<>?#:/]{0,60}(?::\d{1,5})?[^\s\"'<>?#:]{0,60}?hook[^\s\"'<>?#:/]{0,40}/"
    r"(?:(?:services|workflows|triggers|catch|v\d)/)?)(?!\*)"
    r"(?=[^\s\"'<>?#:]{0,100}?(?:[A-Za-z0-9_]{16}|[0-9a-f]{8}-[0-9a-f]{4}-))[^\s\"'<>?#]{16,}"
    r"|(?P<bot>://api\.telegram\.org/(?:file/)?bot)\d+:[\w\-]{10,}"
    r"|\beyJ[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]{8,}(?:\.[A-Za-z0-9_\-]*)?"
    rf"|(?:(?i:\bbearer\s+)(?!{_WORD})|\b[Bb](?:asic|ASIC)\s+(?!{_WORD})(?=[a-z+/]{{0,99}}[\dA-Z=]))[A-Za-z0-9._~+/\-]{{8,}}=*"
    r"|(?i:(?<=api-key: )|(?<=x-api-key: ))\S{8,}"
    r"|(?P<login>://)(?!://)(?:[^/\s:@\"'<>]{0,200}:(?!\d+(?:[/?#\s]|$))[^\s\"'<>]{0,400}|[^/\s:@\"'<>]{16,400})@"
    rf"|(?P<name>[?&;]{_NAMED}=)(?!{re.escape(MASK)})[^\s&;#\"'<>]+"
)
# The keys of Azure, Zhipu, Volcengine and others have no prefix. In running text their shapes may be digests and
# ids, so only names are judged by them: a UUID, or 20 letters and digits in a row, mixed, and what follows them.
_BARE_SHAPES = (
    r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
    r"|(?=[A-Za-z]*[0-9])(?=[0-9]*[A-Za-z])[A-Za-z0-9]{20,}[A-Za-z0-9._\-:+/=]*"
)
_EXAMPLE = "://user:password@"
"""How hints show where a login goes; it is nobody's."""
_SIGNS = (
    *("sk-", "pk-", "rk-", "xai-", "sess-", "glpat-", "pplx-", "nvapi-", "tvly-", "sq0", "xox"),
    *("sk_", "pk_", "rk_", "hf_", "r8_", "gho_", "ghp_", "ghs_", "ghu_", "ghr_", "github_pat_", "fw_", "tgp_v1_"),
    *("npm_", "dop_v1_", "whsec_", "shp", "akia", "asia", "aiza", "ltai", "akid", "aklt", "sg.", "ya29."),
    *("age-secret-key", "hook", "telegram", "eyj", "bearer", "basic", "-key:"),
)
"""What text in lower case with a secret of any shape has one of; without one the expression need not be compiled.

Logins and parameters of addresses are looked for by their own signs.
"""


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
    text = redact_known(text)
    low = text.lower()
    login, parameter = "://" in low and "@" in low, "=" in low and any(sign in low for sign in "?&;")
    if login or parameter or any(sign in low for sign in _SIGNS):
        text = re.sub(_SHAPES, _masked, text)
    return text


def redact_command(line: str) -> str:
    """`redact` for a command of the settings: what it assigns, prints or passes as a secret is masked."""
    line = redact(line)
    # A password of a login (`curl -u ann:word`), and all that is merely printed (`echo word`).
    line = re.sub(r"((?:^|\s)(?:-u|--user)[\s=]+[^\s:]+:)\S+", rf"\1{MASK}", line)
    line = re.sub(r"((?:^|[\s;&|(])(?:echo|printf)\s+)[^;&|)]+", rf"\1{MASK}", line)
    line = re.sub(rf"((?:^|[\s\"'])-{{0,2}}{_NAMED}(?:=|:\s*|\s+(?=\S*\d)))[^\s\"']+", rf"\1{MASK}", line)
    return re.sub(r"(?<![\w/.$~:-])[\w+-]{20,}(?![\w/.:-])", _masked_word, line)


def redacted(document: Any) -> Any:
    """The JSON value `document` with `redact` applied to each of its strings."""
    if isinstance(document, str):
        return redact(document)
    if isinstance(document, dict):
        return {name: redacted(value) for name, value in document.items()}
    if isinstance(document, list | tuple):
        return [redacted(value) for value in document]
    return document


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
    if match["login"]:
        return found if found == _EXAMPLE else f"://{MASK}@"
    if lead := match["name"] or match["hook"] or match["bot"]:
        return f"{lead}{MASK}"
    if MASK in found:
        return found
    head, space, tail = found.partition(" ")
    return f"{head}{space}{mask(tail)}" if space else mask(found)


def _masked_word(match: re.Match[str]) -> str:
    """A long word of a command, masked if it has the looks of a key: letters and digits."""
    word = match[0]
    return MASK if re.search(r"\d", word) and re.search(r"[A-Za-z]", word) else word

"""Makes untrusted text safe to display: control characters and invisible characters become visible signs.

Untrusted are replies, reasoning, titles, names of models and files, and server messages. Characters that could
move the cursor, set the clipboard, change the text direction or be invisible between letters are replaced:
`␛` for ESC, `⟨U+202E⟩` for a right-to-left override. `clean` is idempotent.
"""

from __future__ import annotations

import re
from functools import cache
from urllib.parse import quote, urlsplit

_FLAGS = (
    "\U0001f3f4(?:\U000e0067\U000e0062(?:\U000e0065\U000e006e\U000e0067"
    "|\U000e0073\U000e0063\U000e0074|\U000e0077\U000e006c\U000e0073)\U000e007f)"
)
"""The flags of England, Scotland and Wales: the only tag sequences that Unicode recommends."""

_UNSAFE = (
    f"(?P<flag>{_FLAGS})|"
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 without tab and newline, DEL, C1
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"  # soft hyphen, invisible joiners and fillers
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb"  # zero width, bidi, separators
    "\ufe00-\ufe0f\ufdd0-\ufdef\ufffe\uffff\ud800-\udfff"  # variation selectors, noncharacters, surrogates
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"  # musical controls, tags, more variation selectors
)
_JOINING = (
    "[\u0600-\u08ff\u0900-\u0fff\u1000-\u109f\u1780-\u17ff\u1820-\u18af\ufb50-\ufdcf\ufdf0-\ufdff\ufe70-\ufefc]"
)
"""Scripts whose spelling uses ZWJ and ZWNJ: Arabic, Persian, the Indic scripts, Burmese, Khmer, Mongolian."""

_EMOJI = "[\u00a9\u00ae\u203c-\u3299\ufe0f\U0001f000-\U0001faff]"
_IDEOGRAPH = "[\u2190-\u2bff\u3000-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uff60\U00020000-\U0003ffff]"

_compiled = cache(re.compile)
"""Compiles at first use: the class of unsafe characters takes 2 ms, and plain ASCII text does not need it."""

SCHEMES = ("http", "https", "mailto")
"""URL schemes that may become a link; any other address stays text."""


def clean(text: str, *, newlines: bool = True) -> str:
    """`text` with all control and invisible characters made visible.

    Tab and newline pass, CRLF becomes a newline; with `newlines=False` a newline is shown as `␊`. ZWJ passes
    inside emoji, and ZWJ and ZWNJ in scripts that use them in spelling. Variation selectors pass after characters
    that have variants, and so do the three flags that are tag sequences.
    """
    if "\r" in text:
        text = text.replace("\r\n", "\n")
    if not (text.isascii() and text.isprintable()) and _compiled(_UNSAFE).search(text):
        text = _compiled(_UNSAFE).sub(_visible, text)
    return text if newlines else text.replace("\n", "␊")


def marked(text: str) -> str:
    """`text` with one `\ufffd` for each character that `clean` would replace: for a draft, where positions matter.

    Control characters are left unchanged; the line editor displays them itself.
    """
    if not _compiled(_UNSAFE).search(text):
        return text

    def sign(match: re.Match[str]) -> str:
        control = match[0] < "\xa0"
        return match[0] if control or _visible(match) == match[0] else "\ufffd"

    return _compiled(_UNSAFE).sub(sign, text)


def clean_line(text: str) -> str:
    """`text` cleaned and on one line, for titles and names: each run of whitespace becomes one space."""
    return re.sub(r"[ \t\n]+", " ", clean(text)).strip()


def safe_url(url: str) -> str | None:
    """`url` in ASCII, safe to send to a terminal; None if it is not a valid http, https or mailto address."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        if parts.scheme not in SCHEMES or any(char <= " " or char == "\x7f" for char in url):
            return None
        if parts.scheme == "mailto":
            return quote(url, safe="%/:=&?~#+!$,;'@()*[]") if clean(url) == url and parts.path else None
        netloc = parts.netloc.encode("idna").decode() if not parts.netloc.isascii() else parts.netloc
    except (ValueError, UnicodeError):
        return None
    if not host or clean(url) != url or not re.match(r"[A-Za-z0-9.:_\[\]-]+\Z", netloc.rpartition("@")[2]):
        return None
    rest = url[url.index("//") + 2 + len(parts.netloc) :]
    return f"{parts.scheme}://{quote(netloc, safe='%:@[]-._~!$&+=')}" + quote(rest, safe="%/:=&?~#+!$,;'@()*[]|")


def host_of(url: str) -> str:
    """The target of `url` for display: its host and port, or for mailto the address."""
    parts = urlsplit(url)
    return parts.path if parts.scheme == "mailto" else parts.netloc.rpartition("@")[2]


def _visible(match: re.Match[str]) -> str:
    """The sign shown for an unsafe character, or the character itself if it is needed by its neighbours."""
    char = match[0]
    if match["flag"]:
        return char
    text, at = match.string, match.start()
    before = text[at - 1] if at else ""
    after = text[at + 1 : at + 2]
    code = ord(char)
    if char in "\u200c\u200d":
        if before and after and _compiled(_JOINING).match(before) and _compiled(_JOINING).match(after):
            return char
        if (
            char == "\u200d"
            and before
            and after
            and _compiled(_EMOJI).match(before)
            and _compiled(_EMOJI).match(after)
        ):
            return char
    elif char in "\ufe0e\ufe0f":
        if before and (
            _compiled(_EMOJI).match(before) or before in "#*0123456789" or _compiled(_IDEOGRAPH).match(before)
        ):
            return char
    elif (
        (0xFE00 <= code <= 0xFE0D or 0xE0100 <= code <= 0xE01EF) and before and _compiled(_IDEOGRAPH).match(before)
    ):
        return char
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    return f"⟨U+{code:04X}⟩"

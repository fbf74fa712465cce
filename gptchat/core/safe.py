"""Makes untrusted text safe to display: control characters and invisible characters become visible signs.

Invisible characters that a script uses for layout (a zero width space between Khmer words, a direction mark in
Hebrew, a soft hyphen in a word) are dropped.

Untrusted are replies, reasoning, titles, names of models and files, and server messages. Characters that could
move the cursor, set the clipboard, change the text direction or be invisible between letters are replaced:
`␛` for ESC, `⟨U+202E⟩` for a right-to-left override. `clean` is idempotent.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from urllib.parse import quote, urlsplit

_FLAGS = (
    "\U0001f3f4(?:\U000e0067\U000e0062(?:\U000e0065\U000e006e\U000e0067"
    "|\U000e0073\U000e0063\U000e0074|\U000e0077\U000e006c\U000e0073)\U000e007f)"
)
"""The flags of England, Scotland and Wales: the only tag sequences that Unicode recommends."""

_LAYOUT = "\u00ad\u061c\u200b-\u200f\u2060\ufeff"
"""Invisible characters that are judged together, by what stands before and after their run."""
_SINGLE = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 without tab and newline, DEL, C1
    "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f"  # invisible joiners and fillers
    "\u2028-\u202e\u2061-\u206f\u3164\uffa0\ufff0-\ufffb"  # bidi, separators
    "\ufe00-\ufe0f\ufdd0-\ufdef\ufffe\uffff\ud800-\udfff"  # variation selectors, noncharacters, surrogates
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff"  # musical controls, tags, more variation selectors
)
_UNSAFE = f"(?P<flag>{_FLAGS})|(?P<run>[{_LAYOUT}]+)|[{_SINGLE}]"
_ANY = f"[{_LAYOUT}{_SINGLE}]"
"""Any character that `_UNSAFE` looks at: one class, which most text is searched for in vain."""
_JOINING = (
    "[\u0600-\u08ff\u0900-\u0fff\u1000-\u109f\u1780-\u17b3\u17b6-\u17ff"
    "\u1820-\u18af\ufb50-\ufdcf\ufdf0-\ufdff\ufe70-\ufefc]"
)
"""Scripts whose spelling uses ZWJ and ZWNJ: Arabic, Persian, the Indic scripts, Burmese, Khmer, Mongolian."""

_SPACELESS = (
    "[\u0e00-\u109f\u1780-\u17b3\u17b6-\u17ff\u1950-\u19ff\u1a20-\u1aaf\u1b00-\u1b7f\u2e80-\u9fff\ua980-\ua9ff"
    "\uaa60-\uaa7f\uf900-\ufaff\uff01-\uff60\U00020000-\U0003ffff]"
)
"""Scripts written without blanks, where a zero width space allows a break: Thai, Lao, Khmer, Burmese, Chinese."""
_MARK_BODY = "[a-z_]{1,30}\ue202[^\ue200\ue201\n]{0,2000}"
_MARKS = (
    "\ue203(?P<cited>[^\ue200-\ue204\n]*)\ue204(?=\ue200[a-z_]{1,30}\ue202)"
    f"|\ue200(?P<mark>{_MARK_BODY})(?:\ue201|(?=[\ue200\n])|\\Z)"
    "|\ue200(?=[a-z_\ue200-\ue204])"
)
"""Citation marks of ChatGPT, in private-use characters that the web page replaces; also one that is not closed."""

_EMOJI = "[\u00a9\u00ae\u203c-\u205f\u2070-\u3299\ufe0f\U0001f000-\U0001faff]"
_IDEOGRAPH = "[\u2190-\u2bff\u3000-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uff60\U00020000-\U0003ffff]"

_compiled = cache(re.compile)
"""Compiles at first use: the class of unsafe characters takes 2 ms, and plain ASCII text does not need it."""

SCHEMES = ("http", "https", "mailto")
"""URL schemes that may become a link; any other address stays text."""


def clean(text: str, *, newlines: bool = True) -> str:
    """`text` with all control and invisible characters made visible.

    Tab and newline pass, CRLF becomes a newline; with `newlines=False` a newline is shown as `␊`. ZWJ passes
    inside emoji, and ZWJ and ZWNJ in scripts that use them in spelling. Variation selectors pass after characters
    that have variants, and so do the three flags that are tag sequences. Layout characters are dropped where the
    script uses them, and so are ChatGPT's private-use citation marks.
    """
    if "\r" in text:
        text = text.replace("\r\n", "\n")
    if not (text.isascii() and text.isprintable()) and _compiled(_ANY).search(text):
        text = _compiled(_UNSAFE).sub(_visible, text)
    if "\ue200" in text:
        text = _compiled(_MARKS).sub(_unmarked, text)
    return text if newlines else text.replace("\n", "␊")


def suspects(text: str, end: int) -> list[int]:
    """Indexes, below `end`, of the characters of `text` that `clean` may replace."""
    if text.isascii() and text.isprintable():
        return []
    return [match.start() for match in _compiled(_ANY).finditer(text, 0, end) if match[0] != "\r"]


def marked(text: str) -> str:
    """`text` with one `\ufffd` for each character that `clean` would replace: for a draft, where positions matter.

    Control characters are left unchanged; the line editor displays them itself.
    """
    if not _compiled(_ANY).search(text):
        return text

    def sign(match: re.Match[str]) -> str:
        control = match[0] < "\xa0"
        shown = _visible(match)
        # A layout character that would be dropped stays: the cursor's position counts it.
        return match[0] if control or shown == match[0] or not shown else "\ufffd" * len(match[0])

    return _compiled(_UNSAFE).sub(sign, text)


def escaped(document: str) -> str:
    """The JSON text `document` with every character that `clean` would replace as a `\\u` escape of JSON."""

    def escape(match: re.Match[str]) -> str:
        if _visible(match) == match[0] or match[0] in "\r\n":
            return match[0]
        units = match[0].encode("utf-16-be", "surrogatepass").hex()
        return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))

    return _compiled(_UNSAFE).sub(escape, document) if _compiled(_ANY).search(document) else document


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
    if match["run"]:
        return _layout(char, before, text[match.end() : match.end() + 1])
    code = ord(char)
    if "\u180b" <= char <= "\u180f":
        if "\u1820" <= before <= "\u18af":
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


def _layout(run: str, before: str, after: str) -> str:
    """What is shown of a run of invisible characters: what the script needs of it, or signs for all of it."""
    kept = ""
    for char in run:
        match char:
            case "\u200c" | "\u200d":
                joins = _both(_JOINING, before, after) or (char == "\u200d" and _both(_EMOJI, before, after))
                # At the end of a word it may ask for a form of the letter; tmux would join what follows.
                ends = not after.isalnum() and (_either(_JOINING, before, "") or _either(_EMOJI, before, ""))
                harmless, kept = joins or ends, kept + char * joins
            case "\u200b":
                harmless = _either(_SPACELESS, before, after)
            case "\u00ad":
                harmless = before.isalpha() and (after.isalpha() or after in ("", "\n"))
            case "\u200e" | "\u200f" | "\u061c":
                harmless = not (_named(before) and _named(after))
            case _:  # word joiner and byte order mark
                start = char == "\ufeff" and before in ("", "\n")
                harmless = start or before >= "\xa0" or after >= "\xa0"
        if not harmless:
            return "".join(f"⟨U+{ord(one):04X}⟩" for one in run)
    return kept


def _both(kind: str, before: str, after: str) -> bool:
    """Whether both characters are of the class `kind`."""
    return _is_of(kind, before) and _is_of(kind, after)


def _either(kind: str, before: str, after: str) -> bool:
    """Whether one of the characters is of the class `kind`."""
    return _is_of(kind, before) or _is_of(kind, after)


@lru_cache(4096)
def _is_of(kind: str, char: str) -> bool:
    """Whether `char`, which may be empty, is of the class `kind`."""
    return bool(char and _compiled(kind).match(char))


def _named(char: str) -> bool:
    """Whether `char` may be part of an identifier or an address in ASCII, where nothing invisible belongs."""
    return char.isascii() and (char.isalnum() or char in tuple("_-./:@#%&=?+~"))


def _unmarked(match: re.Match[str]) -> str:
    """What is shown in place of a citation mark: the name or the words in it, or nothing."""
    if match["cited"] is not None:
        return match["cited"]
    if match["mark"] is None:
        return ""
    kind, _separator, rest = match["mark"].partition("\ue202")
    words = rest.split("\ue202")[0]
    if kind == "entity":  # ["people","Name"]
        strings = re.findall(r'"((?:[^"\\]|\\.)*)"', rest)
        words = strings[1] if len(strings) > 1 else ""
    elif kind != "url":
        return ""
    return re.sub("[\ue200-\ue204]", "", words)


def open_mark(text: str) -> int:
    """Where in `text` a citation mark begins that more text may close; the length of `text` if there is none."""
    if "\ue200" not in text and "\ue203" not in text:
        return len(text)
    after = max(text.rfind("\n"), text.rfind("\ue201")) + 1
    found = [at for at in (text.find("\ue200", after), text.find("\ue203", after)) if at >= 0]
    at = min(found, default=len(text))
    return at if len(text) - at <= 2040 else len(text)

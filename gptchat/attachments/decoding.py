"""Decodes bytes to text: by byte order mark, then as UTF-8, GB18030 or Windows-1252. Detects binary data."""

from __future__ import annotations

import codecs
import re

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark is a prefix of this one
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SAMPLE = 65_536
_CONTROL = re.compile(rb"[\x00-\x07\x0e-\x1a\x1c-\x1f]")
_TOLERATED = 0.01  # share of control bytes allowed, as in logs; escapes (0x1b) are not counted
_HIGH = re.compile(rb"[\x80-\xff]")
_CHINESE_PAIR = re.compile(rb"[\x81-\xfe][\xa1-\xfe]")


def decode(data: bytes, expected: str = "") -> tuple[str, str] | None:
    """The text in `data` with `\\n` line ends, and the name of its encoding; None if it is not text.

    GB18030 accepts almost any bytes, so it is chosen only if non-ASCII bytes occur in pairs, as in Chinese
    text; in Western text (Windows-1252) they occur singly. `expected` is tried before both, such as a locale's.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _try(data, encoding)
    sample = data[:_SAMPLE]
    if b"\0" in sample or len(_CONTROL.findall(sample)) > len(sample) * _TOLERATED:
        return None
    found = _try(data, "utf-8")
    if found is not None:
        return found
    if expected and (found := _try(data, expected)) is not None:
        return found
    high, pairs = len(_HIGH.findall(sample)), len(_CHINESE_PAIR.findall(sample))
    chinese = pairs * 2 >= high * 0.8
    return _try(data, "gb18030" if chinese else "cp1252")


def _try(data: bytes, encoding: str) -> tuple[str, str] | None:
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        return None
    return text.replace("\r\n", "\n"), encoding.removesuffix("-sig")

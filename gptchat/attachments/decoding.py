"""Decodes bytes to text: by byte order mark, as UTF-8 or UTF-16, or in the encoding that its words suggest."""

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
_LEGACY = ("gb18030", "big5", "shift_jis", "cp949", "euc_jp", "koi8_r", "cp1251", "cp1252")
"""Encodings that are told apart; ISO 8859-1 is a part of Windows-1252."""


def decode(data: bytes, expected: str = "") -> tuple[str, str] | None:
    """The text in `data` with `\\n` line ends, and the name of its encoding; None if it is not text.

    `expected` is tried before others are guessed, such as a locale's encoding. A guess is told by its name, which
    is neither `utf-8` nor `expected`.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _try(data, encoding)
    sample = data[:_SAMPLE]
    if (wide := _wide(sample)) and (found := _try(data, wide)) is not None:
        return found
    if b"\0" in sample or len(_CONTROL.findall(sample)) > len(sample) * _TOLERATED:
        return None
    found = _try(data, "utf-8")
    if found is not None:
        return found
    if expected and (found := _try(data, expected)) is not None:
        return found
    for encoding in _guesses(sample):
        if (found := _try(data, encoding)) is not None:
            return found
    return None


def is_utf8(head: bytes) -> bool:
    """Whether a file that begins with `head` is UTF-8, apart from single damaged bytes."""
    if head.startswith(tuple(mark for mark, _encoding in _MARKS[1:])) or _wide(head):
        return False
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    wrong = decoder.decode(head).count("\ufffd")
    return wrong * 8 <= len(_HIGH.findall(head)) or wrong == 0


def _wide(sample: bytes) -> str:
    """UTF-16 without a mark, by the zero bytes of its ASCII characters; else empty."""
    even, odd = sample[0:4096:2], sample[1:4096:2]
    if len(odd) < 2 or b"\0\0\0" in sample[:4096]:
        return ""
    for zeros, others, encoding in ((odd, even, "utf-16-le"), (even, odd, "utf-16-be")):
        share = zeros.count(0) / len(zeros)
        if share < 0.05 or others.count(0) / len(others) > share * 0.1 + 0.02:
            continue
        text = sample[: len(sample) // 2 * 2].decode(encoding, "replace")
        if sum(char.isprintable() or char in "\t\r\n\x1b\ufeff" for char in text) >= len(text) * 0.98:
            return encoding
    return ""


def _guesses(sample: bytes) -> list[str]:
    """The encodings to try, the likeliest first."""
    scores = {}
    for encoding in _LEGACY:
        decoder = codecs.getincrementaldecoder(encoding)(errors="strict")
        try:
            text = decoder.decode(sample)
        except UnicodeDecodeError:
            continue
        scores[encoding] = _likeness(text, encoding)
    order = sorted(scores, key=lambda encoding: -scores[encoding])
    return [*order, "gb18030", "cp1252", "latin-1"]


_HAN_COMMON = frozenset(
    "的一是不了在人有我他这中大来上个国到说们为子和你地出道也时年得就那要下以生会自着去之过家学对可她里后小么心多天而能好都然没日于起还"
    "发成事只作当想看文无开手十用主行方又如前所本见经头面公同三已老从动两长知民样现分将外但身些与高意进把法此实回二理美点月明其种声全工己"
    "话儿者向情部正名定女问力机给等几很业最间新什打便位因重被走电四第门相次东政海口使教西再平真听世气信北少关并内加化由却代军产入先山五太"
    "水万市眼体别处总才场师书比住员九笑性通目华报立马命张活难神数件安表原车白应路期叫死常提感金何更反合放做系计或司利受光王果亲界及今京务"
    "這來個國說們為時會過學對裡後麼沒於還發當開見經頭從動兩長樣現將與進實點種聲話兒問機給業間電門東氣關並內產體別處總場師書員報馬張難數應"
    "請謝您请谢吗嗎呢吧怎讲寫写读讀字词詞句问問答编編码碼程序函數数据據测試试输出入文件錯错误誤運运"
)


def _likeness(text: str, encoding: str) -> float:
    """How much `text`, decoded by `encoding`, is like text that people write with it; per character."""
    score, count = 0.0, 0
    before = ""
    for char in text:
        code = ord(char)
        if code < 0x80:
            before = char
            continue
        count += 1
        score += _worth(char, code, before, encoding)
        before = char
    return score / max(count, 1)


def _worth(char: str, code: int, before: str, encoding: str) -> float:
    if encoding in ("koi8_r", "cp1251"):
        if before.isascii() and before.isalpha():
            return -1.0  # within a Western word
        lower = 0x430 <= code <= 0x44F or code == 0x451
        if lower:
            return 0.9 if not before.isupper() or not before.isalpha() else 0.7
        if 0x410 <= code <= 0x42F:
            return 0.6 if not before.isalpha() else -0.8 if before.islower() else 0.2
        return -1.0 if code != 0x2014 and code not in (0xAB, 0xBB) else 0.2
    if encoding == "cp1252":
        letter = char.isalpha()
        alone = before.isascii()
        return (0.75 if alone else -0.6) if letter else (0.4 if alone and code in _WESTERN else -0.5)
    if encoding == "cp949":
        if 0xAC00 <= code <= 0xD7A3:
            return 1.0 if _common_hangul(char) else -0.2
        return 0.3 if 0x3000 <= code <= 0x303F else -0.4
    if encoding in ("shift_jis", "euc_jp"):
        if 0x3040 <= code <= 0x30FF:
            return 1.2
        if 0xFF61 <= code <= 0xFF9F:
            return -0.8  # half-width kana, which any byte would be
        return (
            0.4 if 0x3000 <= code <= 0x303F or 0xFF00 <= code <= 0xFF5E else 0.55 if char in _HAN_COMMON else 0.2
        )
    if 0x4E00 <= code <= 0x9FFF:
        return 1.0 if char in _HAN_COMMON else 0.25
    return 0.5 if 0x3000 <= code <= 0x303F or 0xFF00 <= code <= 0xFF5E or code in _WESTERN else -0.7


def _common_hangul(char: str) -> bool:
    """Whether a syllable is among the 2,350 of EUC-KR; those that Windows added are rare."""
    try:
        return len(char.encode("euc_kr")) == 2  # a rare one is composed of eight bytes
    except UnicodeEncodeError:
        return False


_WESTERN = frozenset(
    (
        0xA0,
        0xA7,
        0xA9,
        0xAB,
        0xB0,
        0xB7,
        0xBB,
        0xBF,
        0xA1,
        0x2013,
        0x2014,
        0x2018,
        0x2019,
        0x201C,
        0x201D,
        0x2026,
        0x20AC,
    )
)


def _try(data: bytes, encoding: str) -> tuple[str, str] | None:
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        return None
    return text.replace("\r\n", "\n"), encoding.removesuffix("-sig")

"""Terminals and pipes that are not UTF-8: text in the locale's encoding, with signs in place of what it lacks.

The locale's variables name the encoding, also where the system has no such locale installed: Python then takes C
and UTF-8, but the terminal still shows what they say. C and POSIX mean UTF-8, as in Python (PEP 538, PEP 540).
"""

from __future__ import annotations

import codecs
import io
import os
import sys
import unicodedata
from collections.abc import Mapping, Sequence

from gptchat.core.width import cells

_DRAWN: dict[str, str] = {
    "-": "─━┄┅┈┉╌╍═╴╶╸╺",
    "|": "│┃┆┇┊┋╎╏║╵╷╹╻▌▎▏▕",
    "+": "┌┍┎┏┐┑┒┓└┕┖┗┘┙┚┛├┝┞┟┠┡┢┣┤┥┦┧┨┩┪┫┬┭┮┯┰┱┲┳┴┵┶┷┸┹┺┻┼┽┾┿╀╁╂╃╄╅╆╇╈╉╊╋╒╓╔╕╖╗╘╙╚╛╜╝╞╟╠╡╢╣╤╥╦╧╨╩╪╫╬╭╮╯╰✓☑",
    "#": "█■▓▨",
    "%": "▞▚",
    "=": "▒",
    ".": "░…",
    "*": "•●◦○▪▫★☆‣⁃",
    ">": "›▸▶→⇒",
    "<": "‹◂◀←⇐",
    "^": "↑▲",
    "v": "↓▼",
    "x": "✗✘☒",
    ":": "∴",
    "~": "≈",
    "'": "‘’",
    '"': "“”",
}
_SPINNER = dict(zip("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏", "|/-\\|/-\\|/", strict=True))
_SIGNS = {sign: plain for plain, signs in _DRAWN.items() for sign in signs} | _SPINNER | {"–": "-", "—": "-"}
"""What our own drawings become, each sign one column wide."""
_TEXT = frozenset("…“”‘’–—→←↑↓★☆●○■▲▼")
"""Of these, what texts use too: kept where the encoding has it."""
_ERRORS = "gptchat.signs"


def of_locale(environ: Mapping[str, str]) -> str:
    """The codec of text for and from the user; empty for UTF-8, and where the variables do not say."""
    if os.name == "nt" or environ.get("PYTHONUTF8") == "1":
        return ""
    if asked := environ.get("PYTHONIOENCODING", "").partition(":")[0]:
        return _codec(asked)
    for name in ("LC_ALL", "LC_CTYPE", "LANG"):
        value = environ.get(name, "")
        coerced = name == "LC_CTYPE" and value in ("C.UTF-8", "C.utf8", "UTF-8") and sys.flags.utf8_mode
        if value and not coerced:  # Python itself sets LC_CTYPE where the locale is not installed
            break
    else:
        return ""
    codeset = value.partition(".")[2].partition("@")[0]
    if codeset or value in ("C", "POSIX"):
        return _codec(codeset)
    return _codec(getattr(sys.stdout, "encoding", None) or "")  # `de_DE`: known to the system alone


def _codec(name: str) -> str:
    """The name of the codec for text that extends ASCII; empty for UTF-8, ASCII and what is no such encoding."""
    try:
        codec = codecs.lookup(name).name if name else ""
        if not codec or "".join(map(chr, range(128))).encode(codec) != bytes(range(128)):
            return ""
    except (LookupError, ValueError):  # a codec for bytes, or one that lacks some of ASCII
        return ""
    # A GB2312 terminal shows GBK, which contains it.
    return {"ascii": "", "utf-8": "", "gb2312": "gbk"}.get(codec, codec)


class LocaleStream(io.TextIOWrapper):
    """Standard output in the locale's encoding. On a terminal, drawings become ASCII where two bytes draw them.

    Terminals show a character of two bytes two columns wide, such as `─` in GBK, so that drawings would not align.
    """

    def __init__(self, stream: io.TextIOWrapper, encoding: str) -> None:
        self._signs: Mapping[int, str] = {}
        if stream.isatty() and len("中─".encode(encoding, "ignore")) > 1:
            self._signs = {ord(sign): plain for sign, plain in _SIGNS.items() if sign not in _TEXT}
        line_buffering, through = stream.line_buffering, stream.write_through
        super().__init__(stream.detach(), encoding, _ERRORS, line_buffering=line_buffering, write_through=through)

    def write(self, text: str, /) -> int:
        """Write `text`, with signs in place of what the encoding or the terminal lacks; returns its length."""
        super().write(text.translate(self._signs) if self._signs else text)
        return len(text)

    @property
    def buffer(self) -> io.BufferedIOBase:  # type: ignore[override] # an attribute in typeshed, see below
        """Not there: prompt_toolkit would encode by itself, with a question mark for each sign."""
        raise AttributeError("buffer")


def stand_in(text: str) -> str:
    """ASCII in place of `text`, as wide: a drawing's sign, a letter without its accent, else question marks."""
    return "".join(_SIGNS.get(char) or _letters(char) or "?" * cells(char) for char in text)


def _letters(char: str) -> str:
    letters = "".join(part for part in unicodedata.normalize("NFKD", char) if part.isascii())
    return letters if len(letters) == cells(char) and letters.isprintable() else ""


def _replace(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return stand_in(error.object[error.start : error.end]), error.end


def speak(encoding: str) -> None:
    """Read and write the standard streams in `encoding` from now on."""
    codecs.register_error(_ERRORS, _replace)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if isinstance(stream, io.TextIOWrapper):
            stream.flush()
            changed = LocaleStream(stream, encoding)
            setattr(sys, name, changed)
            setattr(sys, f"__{name}__", changed)
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(encoding=encoding, errors="surrogateescape")


def understood(arguments: Sequence[str], encoding: str) -> list[str]:
    """The arguments of the command line, which Python may have read in another encoding than the terminal's.

    Those that name a file stay as they are, so that it is found; UTF-8 is taken as such, as in files and pipes.
    """
    there = os.path.exists  # pathlib is not loaded at a start
    return [one if one.isascii() or there(one) else _read(one, encoding) for one in arguments]


def _read(argument: str, encoding: str) -> str:
    data = os.fsencode(argument)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode(encoding, "surrogateescape")

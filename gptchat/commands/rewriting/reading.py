"""Reads the text that a command works on: a file, or standard input."""

from __future__ import annotations

import codecs
import sys
from pathlib import Path

from gptchat.errors import UsageError
from gptchat.values import dataclass
from gptchat.words import _, reason

_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32-le",  # before UTF-16, whose mark is a prefix of this one
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
"""Byte order marks, and the encodings without them."""


@dataclass(frozen=True, slots=True)
class ReadText:
    """A text with `\\n` line ends, and what is needed to write it back in its form."""

    text: str
    encoding: str
    mark: bytes
    returns: bool
    """Whether most of its lines end with CR LF."""

    def encoded(self, text: str) -> bytes:
        """`text` in the form of this one. Raises UnicodeEncodeError."""
        whole = text.replace("\n", "\r\n") if self.returns else text
        return self.mark + whole.encode(self.encoding)


def read_text(file: str, command: str, usage: str) -> ReadText:
    """The text of `file`, or of standard input if none or `-` is named. Blocks. Raises UsageError.

    `command` and `usage` are told where there is nothing to read.
    """
    from gptchat.attachments.decoding import decode
    from gptchat.files import LARGE, read_regular

    if file in ("", "-"):
        if sys.stdin is None or sys.stdin.isatty():
            raise UsageError(_("{command} needs {argument}").format(command=command, argument="FILE"), hint=usage)
        data = sys.stdin.buffer.read(LARGE)
    else:
        try:
            data = read_regular(Path(file).expanduser(), LARGE)
        except OSError as error:
            raise UsageError(_("{path} cannot be read: {why}").format(path=file, why=reason(error))) from error
    decoded = decode(data)
    if decoded is None:
        raise UsageError(_("{path} is not text").format(path=file or _("standard input")))
    text, encoding = decoded
    mark = next((mark for mark in _MARKS if data.startswith(mark)), b"")
    plain = _MARKS.get(mark, encoding)
    body = data[len(mark) :].decode(plain, "replace")
    returns = body.count("\r\n") * 2 > body.count("\n")
    return ReadText(text, plain, mark, returns)

"""The journal format, append-only JSON Lines: encodes records, decodes possibly damaged files, heals torn ends.

A journal is read as bytes and split at line feeds only, since a JSON string may contain other line separators
such as U+2028. An unreadable line never hides the others: it is reported and left in place. Only at the end
of the file, where the next record would be joined to it, is it moved to `<id>.torn`.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from gptchat.core.messages import Record
from gptchat.core.numbers import plausible
from gptchat.files import open_private, sync, write_all
from gptchat.values import dataclass, field
from gptchat.words import ngettext

_BOM = b"\xef\xbb\xbf"
_PADDING = b" \t\r\0"
_STARTS = (b'{"type":', b'{"v":')
"""How each record that this program writes begins. Inside a JSON string the quotation marks would be escaped."""

_decode = json.JSONDecoder(parse_constant=lambda name: None).raw_decode


@dataclass(slots=True)
class Reading:
    """The result of reading a section of a journal. Offsets are in bytes from the beginning of the file."""

    records: list[Record] = field(default_factory=list)
    end: int = 0
    """End offset of the last readable line, including its line feed."""
    bad: list[int] = field(default_factory=list)
    """Start offsets of unreadable lines."""
    whole: bool = True
    """Whether the section ends with a line feed, or is empty."""
    size: int = 0
    """End offset of the section."""


def to_line(record: Mapping[str, Any]) -> bytes:
    """`record` as one line of UTF-8 JSON; ASCII with escapes if it has lone surrogates. NaN becomes null."""
    try:
        return (_dumps(record, ascii_only=False) + "\n").encode()
    except UnicodeEncodeError:
        return (_dumps(record, ascii_only=True) + "\n").encode()
    except ValueError:  # NaN or an infinity, which JSON cannot express
        return to_line(_finite(record))


def to_bytes(records: Iterable[Mapping[str, Any]]) -> bytes:
    """`records` as journal lines."""
    return b"".join(map(to_line, records))


def read_line(line: bytes) -> tuple[Record | None, bool]:
    """The record in `line` (None if there is none), and whether the whole line is intact.

    If only the end of the line is a record, because it was appended to a torn line, that record and False.
    """
    text = line.strip(_PADDING)
    sound = True
    if text.startswith(_BOM):
        text = text[3:]
    if not text:
        return None, b"\0" not in line
    try:
        words = text.decode()
    except UnicodeDecodeError:
        words, sound = text.decode(errors="replace"), False
    record = _object(words)
    if record is not None:
        return record, sound and plausible(record)
    for start in _STARTS:
        at = text.rfind(start, 1)
        while at > 0:
            record = _object(text[at:].decode(errors="replace"))
            if record is not None:
                return record, False
            at = text.rfind(start, 1, at)
    return None, False


def read(data: bytes, start: int = 0) -> Reading:
    """Read the records in `data`, the bytes of a journal from offset `start`, which must begin a line."""
    reading = Reading(end=start, size=start + len(data))
    lines = data.split(b"\n")
    rest = lines.pop()
    at = start
    for line in lines:
        after = at + len(line) + 1
        record, sound = read_line(line)
        if record is not None:
            reading.records.append(record)
            reading.end = after
        if not sound:
            reading.bad.append(at)
        elif record is None and reading.end == at:
            reading.end = after  # an empty line
        at = after
    if rest:
        reading.whole = False
        # A last line without a line feed is complete if it can be parsed: a cut-off JSON object never can.
        record, sound = read_line(rest)
        if record is not None and sound:
            reading.records.append(record)
            reading.end = reading.size
        else:
            reading.bad.append(at)
    return reading


def heal(fd: int, path: Path, reading: Reading, known_good: bool) -> None:
    """Repair the end of the journal `fd`, so that a new line can be appended. The caller must hold the lock.

    Unreadable lines at the end are written to `<id>.torn` and synced before they are cut off. `known_good`
    means that records were read before this section. In a file without any records only an incomplete last
    line is moved, as the file may not be a journal at all. Updates `reading`. Raises OSError.
    """
    if reading.end == reading.size:
        if not reading.whole:
            write_all(fd, b"\n")
            reading.size += 1
            reading.end, reading.whole = reading.size, True
        return
    cut = reading.end if known_good or reading.records else reading.bad[-1]
    if not known_good and not reading.records and reading.whole:
        return
    tail = read_bytes(fd, cut)
    torn = open_private(path.with_suffix(".torn"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        write_all(torn, tail if tail.endswith(b"\n") else tail + b"\n")
        sync(torn)
    finally:
        os.close(torn)
    os.truncate(fd if os.truncate in os.supports_fd else path, cut)
    reading.size = reading.end = cut
    reading.whole = True


def read_bytes(fd: int, start: int = 0) -> bytes:
    """The contents of the open file `fd` from the offset `start` on. Raises OSError."""
    os.lseek(fd, start, os.SEEK_SET)
    pieces = []
    while piece := os.read(fd, 1 << 20):
        pieces.append(piece)
    return b"".join(pieces)


def append(fd: int, path: Path, data: bytes, size: int, *, durable: bool) -> None:
    """Append `data` to the journal of `size` bytes. The caller must hold the lock.

    If that fails, the journal is cut back to `size` and OSError raised.
    """
    try:
        write_all(fd, data)
        if durable:
            sync(fd)
    except OSError:
        # A full disk may have taken part of it, which would be a torn line.
        os.truncate(fd if os.truncate in os.supports_fd else path, size)
        raise


def damage(path: Path, bad: Sequence[int]) -> str:
    """A sentence for the user about the unreadable lines of the journal `path`; empty if `bad` is empty."""
    if not bad:
        return ""
    sentence = ngettext(
        "{count} line of {file} cannot be read (at byte {at})",
        "{count} lines of {file} cannot be read (the first at byte {at})",
        len(bad),
    )
    return sentence.format(count=len(bad), file=path.name, at=bad[0])


def _object(text: str) -> Record | None:
    try:
        value, end = _decode(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) and end == len(text) else None


def _dumps(record: Mapping[str, Any], *, ascii_only: bool) -> str:
    return json.dumps(record, ensure_ascii=ascii_only, allow_nan=False, separators=(",", ":"), default=_plain)


def _plain(value: object) -> object:
    return dict(value) if isinstance(value, Mapping) else str(value)


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value

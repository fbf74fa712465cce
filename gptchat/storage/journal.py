"""Append-only JSON Lines: how records become bytes, how bytes of any kind become records again.

A journal is read as bytes and split at line feeds only, since a string may hold U+2028 and its like. What
cannot be read never hides the rest: it is counted, named and left in place, and only at the end of the file,
where the next record would be glued to it, is it set aside in `<id>.torn`.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gptchat.core.messages import Record
from gptchat.files import open_private, sync, write_all
from gptchat.words import ngettext

_BOM = b"\xef\xbb\xbf"
_PADDING = b" \t\r\0"
_STARTS = (b'{"type":', b'{"v":')
"""How every record of ours begins; inside a string the quotation marks would be escaped."""

_decode = json.JSONDecoder(parse_constant=lambda name: None).raw_decode


@dataclass(slots=True)
class Reading:
    """What a stretch of a journal holds. Offsets are bytes from the beginning of the file."""

    records: list[Record] = field(default_factory=list)
    end: int = 0
    """Where the last readable line ends, its line feed included."""
    bad: list[int] = field(default_factory=list)
    """Where the unreadable lines begin."""
    whole: bool = True
    """Whether the stretch ends with a line feed, or is empty."""
    size: int = 0
    """Where the stretch ends."""


def to_line(record: Mapping[str, Any]) -> bytes:
    """`record` as one line: readable UTF-8, escaped only where a lone surrogate asks for it; NaN as null."""
    try:
        return (_dumps(record, ascii_only=False) + "\n").encode()
    except UnicodeEncodeError:
        return (_dumps(record, ascii_only=True) + "\n").encode()
    except ValueError:  # NaN or an infinity, which JSON does not have
        return to_line(_finite(record))


def to_bytes(records: Iterable[Mapping[str, Any]]) -> bytes:
    """`records` as the lines of a journal."""
    return b"".join(map(to_line, records))


def read_line(line: bytes) -> tuple[Record | None, bool]:
    """The record in `line`, None where there is none, and whether the line is sound.

    A line of which only the end is a record (it was glued to a torn one) gives that record, unsound.
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
        return record, sound
    for start in _STARTS:
        at = text.rfind(start, 1)
        while at > 0:
            record = _object(text[at:].decode(errors="replace"))
            if record is not None:
                return record, False
            at = text.rfind(start, 1, at)
    return None, False


def read(data: bytes, start: int = 0) -> Reading:
    """The records in `data`, the bytes of a journal from its offset `start`, where a line begins."""
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
        # A last line without a line feed is whole if it can be read: the beginning of an object never can.
        record, sound = read_line(rest)
        if record is not None and sound:
            reading.records.append(record)
            reading.end = reading.size
        else:
            reading.bad.append(at)
    return reading


def heal(fd: int, path: Path, reading: Reading, known_good: bool) -> None:
    """Make the end of the journal `fd` a place where a line can begin. Call it under the lock.

    Unreadable lines at the end go to `<id>.torn`, on the disk before they leave the journal. `known_good`:
    records were read before this stretch; in a file without any, only a last incomplete line is taken, as
    it may be something else altogether. Raises OSError.
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
    """Everything in the open file `fd` from the offset `start` on."""
    os.lseek(fd, start, os.SEEK_SET)
    pieces = []
    while piece := os.read(fd, 1 << 20):
        pieces.append(piece)
    return b"".join(pieces)


def append(fd: int, path: Path, data: bytes, size: int, *, durable: bool) -> None:
    """Append `data` to the journal of `size` bytes; all of it, or none and OSError. Call it under the lock."""
    try:
        write_all(fd, data)
        if durable:
            sync(fd)
    except OSError:
        # What a full disk took of it would be a torn line.
        os.truncate(fd if os.truncate in os.supports_fd else path, size)
        raise


def damage(path: Path, bad: Sequence[int]) -> str:
    """One sentence on the unreadable lines of the journal `path`; empty where there are none."""
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

"""Import formats: detects the format of a file by its contents and reads its sessions as drafts."""

from __future__ import annotations

import json
import os
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from gptchat import words
from gptchat.core.messages import Record
from gptchat.core.replies import media
from gptchat.core.session import move
from gptchat.errors import UsageError
from gptchat.exchange import chatgpt, markdown_file
from gptchat.exchange.session_builder import (
    Broken,
    Progress,
    SessionDraft,
    digest,
    from_messages,
    from_records,
    pack,
    unpacked,
)
from gptchat.files import open_regular
from gptchat.foreign import archives
from gptchat.storage import journal
from gptchat.words import _

if TYPE_CHECKING:
    from gptchat.foreign.child import ChildLimits

_SHARD = re.compile(r"(?:.*/)?conversations(?:-[\w-]+)?\.json\Z")
_PEEK = 1 << 16
_ZIP = b"PK\x03\x04"
_SMALL = 500_000
"""Bytes of a file that is read faster than a child process starts."""


def read(path: Path, progress: Progress | None = None) -> Iterator[SessionDraft | Broken]:
    """Yield the sessions in `path`: a file of any import format, ChatGPT's zip, or a folder of its files.

    What is large or packed is read in a child process. Raises UsageError if no sessions are found, or if the file
    needs more than the child may use, and OSError.
    """
    if path.is_dir():
        shards = sorted(file for file in path.iterdir() if _SHARD.match(file.name))
        if not shards:
            raise _unknown(path.name)
        for shard in shards:
            yield from read(shard, progress)
        return
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        step = progress or _silent
        if size <= _SMALL and file.read(4) != _ZIP:
            file.seek(0)
            yield from _read(file, path.name, step)
        else:
            from gptchat.foreign.child import read as read_in_child

            file.seek(0)
            for item in read_in_child(f"{__name__}:packed", file, path.name, limits=_limits(), step=step):
                yield unpacked(item)
    step(size, size)


def packed(file: IO[bytes], arguments: dict[str, Any], step: Progress) -> Iterator[Any]:
    """The sessions in `file` as JSON values (a reader, see `foreign.process`); `unpacked` undoes it."""
    for item in _read(file, arguments["name"], step):
        yield pack(item)


def _limits() -> ChildLimits:
    from gptchat.foreign.child import ChildLimits

    return ChildLimits(seconds=120, renewed=True, memory=1_500_000_000, output=archives.MOST * 2)


def _silent(_done: int, _total: int) -> None:
    """Nobody watches the progress."""


def _read(file: IO[bytes], name: str, step: Progress) -> Iterator[SessionDraft | Broken]:
    size = os.fstat(file.fileno()).st_size
    head = file.read(_PEEK)
    file.seek(0)
    if head.startswith(_ZIP):
        yield from _zip(file, name, step)
    elif _is_chatgpt(head):
        for item in chatgpt.read(file, name):
            step(file.tell(), size)
            yield item
    else:
        items = list(_document(file.read(), name))
        for number, item in enumerate(items):
            step(number, len(items))
            yield item


def _zip(file: IO[bytes], name: str, step: Progress) -> Iterator[SessionDraft | Broken]:
    try:
        with zipfile.ZipFile(file) as archive:
            shards = sorted((info for info in archive.infolist() if _SHARD.match(info.filename)), key=str)
            if not shards:
                raise _unknown(name)
            archives.check(name, archive, shards)
            total, before = sum(info.file_size for info in shards), 0
            for info in shards:
                with archive.open(info) as member:
                    for item in chatgpt.read(member, info.filename):
                        step(min(before + member.tell(), total), total)
                        yield item
                before += info.file_size
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError) as error:
        # RuntimeError: a password is required; NotImplementedError: unsupported compression
        raise UsageError(
            _("{file} cannot be unpacked: {reason}").format(file=name, reason=words.reason(error)),
            hint=_("unpack it yourself and import conversations.json"),
        ) from error


def _is_chatgpt(head: bytes) -> bool:
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    return text[:1] in (b"[", b"{") and b'"mapping"' in text and b'"sessions"' not in text[:40]


def _document(data: bytes, name: str) -> Iterator[SessionDraft | Broken]:
    """Yield the sessions in a file of one of our own formats. `data` is the whole file."""
    text = data.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text[:1] in (b"[", b"{"):
        try:
            document = json.loads(text.decode(errors="replace"))
        except (ValueError, RecursionError):
            yield from _lines(data, name)
            return
        if isinstance(document, list):
            yield from _lists({"": document}, "messages", name)
        elif isinstance(document.get("sessions"), list):
            for number, session in enumerate(document["sessions"], 1):
                yield from _session(session, _("{file}, session {number}").format(file=name, number=number))
        elif isinstance(document.get("messages"), list) and ("v" in document or "id" in document):
            yield from _session(document, name)
        elif isinstance(document.get("messages"), list) and (
            len(document) == 1 or len(document) != len(_named_lists(document))
        ):
            yield from _lists({"": document["messages"]}, "messages", name)  # a request body
        elif isinstance(document.get("type"), str) or isinstance(document.get("role"), str):
            yield from _lines(data, name)
        elif _named_lists(document):
            yield from _lists(document, "users", name)
        else:
            raise _unknown(name)
        return
    if b"<!-- gptchat " not in data and _ours(journal.read(data).records):
        yield from _lines(data, name)  # a journal whose first line is damaged
    else:
        yield from markdown_file.read(text.decode(errors="replace"), name)


def _session(document: object, where: str) -> Iterator[SessionDraft | Broken]:
    """Yield the session of a `json` document."""
    messages = document.get("messages") if isinstance(document, Mapping) else None
    if not isinstance(document, Mapping) or not isinstance(messages, list):
        yield Broken(_("{where}: it has no messages").format(where=where))
        return
    good = [message for message in messages if isinstance(message, dict)]
    if len(good) < len(messages):
        reason = _("{where}: {count} messages are not objects")
        yield Broken(reason.format(where=where, count=len(messages) - len(good)))
    about = {key: document[key] for key in ("id", "title", "settings", "source", "kind") if key in document}
    records: list[Record] = [{**about, "type": "session", "v": document.get("v"), "ts": document.get("created")}]
    records += [{**message, "type": "message"} for message in good]
    for id in _list(document.get("pinned")):
        records.append({"type": "pin", "message": id, "pinned": True})
    records += [record for record in _list(document.get("summaries")) if isinstance(record, dict)]
    if "head" in document:
        records.append(move(document["head"]))
    draft = from_records(records)
    draft.files = dict(_files(document.get("files")))
    yield draft


def _files(contents: object) -> Iterator[tuple[str, bytes]]:
    """Names and contents of the files of replies; what is damaged or has another name is left out."""
    for name, text in contents.items() if isinstance(contents, Mapping) else ():
        try:
            data = media.decoded(text) if isinstance(text, str) else b""
        except ValueError:
            continue
        if isinstance(name, str) and media.fits(name, data):
            yield name, data


def _named_lists(document: Mapping[str, object]) -> dict[str, object]:
    """The entries of `document` that are lists, and so may be the messages of a user."""
    return {name: value for name, value in document.items() if isinstance(value, list)}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _ours(records: list[Record]) -> bool:
    """Whether `records` come from a journal, of any version."""
    return any("role" in record or record.get("type") == "session" for record in records)


def _lines(data: bytes, name: str) -> Iterator[SessionDraft | Broken]:
    """Yield the sessions of one journal or of several concatenated ones."""
    reading = journal.read(data)
    if not _ours(reading.records):
        raise _unknown(name)
    for at in reading.bad:
        yield Broken(_("{file}: the line at byte {at} is not readable").format(file=name, at=at))
    records: list[dict[str, Any]] = []
    id: object = None
    for record in reading.records:
        if record.get("type") == "session" and records and record.get("id") != id:
            yield from_records(records)
            records = []
        if record.get("type") == "session":
            id = record.get("id")
        records.append(record)
    draft = from_records(records)
    if not draft.id and not draft.source:
        draft.source = f"jsonl:{digest(records)}"
    yield draft


def _lists(lists: Mapping[str, object], kind: str, file: str) -> Iterator[SessionDraft | Broken]:
    """Yield a session for each message list; a non-empty name is the user it belongs to."""
    for name, messages in lists.items():
        where = _(", ").join((file, name)) if name else file
        if not isinstance(messages, list):
            yield Broken(_("{where}: not a list of messages").format(where=where))
            continue
        draft, broken = from_messages(messages, f"{kind}:{name}" if name else kind, where)
        yield from broken
        if draft is not None:
            draft.user = name
            yield draft


def _unknown(name: str) -> UsageError:
    return UsageError(
        _("{file} holds no conversations that can be read").format(file=name),
        hint=_("import reads markdown, json, jsonl, messages, users, and ChatGPT's export"),
    )

"""Reads a file of one format: an array or lines of JSON in pieces, an object or a text as a whole."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import IO, Any

from gptchat.core.messages import Record
from gptchat.core.replies import media
from gptchat.core.session import move
from gptchat.errors import GptchatError, UsageError
from gptchat.exchange import markdown_file
from gptchat.exchange.jsonstream import Garbled, elements
from gptchat.exchange.session_builder import Broken, Note, SessionDraft, digest, from_records
from gptchat.exchange.sources import shapes, texts, training
from gptchat.exchange.sources.build import build
from gptchat.exchange.sources.chats import ForeignChat, dicts
from gptchat.storage import journal
from gptchat.words import _

Item = SessionDraft | Broken | Note
_OF_CHATGPT = r'\{\s*"title"\s*:'
_FIRST_KEYS = re.compile(
    rb'\{\s*"([\w-]{1,40})"\s*:\s*(?:"[^"\\]{0,200}"|null|-?\d[\d.]*)\s*,\s*"([\w-]{1,40})"\s*:'
)
_FAULTS = (GptchatError, ArithmeticError, LookupError, TypeError, ValueError, AttributeError, RecursionError)
_LOOKED_AT = 60
"""Lines from which the program that wrote a file is told."""
_SHOWN = 20
"""Parts of a file that are named one by one when they cannot be read."""


def unknown(name: str) -> UsageError:
    """The error for a file without conversations."""
    return UsageError(
        _("{file} holds no conversations that can be read").format(file=name),
        hint=_(
            "import reads markdown, json, jsonl, messages, users, training files, "
            "and exports of some forty programs"
        ),
    )


def sessions(chats: Iterable[ForeignChat], where: str) -> Iterator[Item]:
    """The sessions of `chats`; a fault in one of them is told, and ends the reader's part alone."""
    try:
        for chat in chats:
            place = _("{name} ({detail})").format(name=where, detail=chat.title[:80]) if chat.title else where
            yield from build(chat, place)
    except _FAULTS as error:
        why = error.message if isinstance(error, GptchatError) else f"{type(error).__name__}: {error}"[:200]
        yield Broken(_("{where}: it is unlike other files of its kind ({why})").format(where=where, why=why))


def array(file: IO[bytes], name: str, beside: Mapping[str, Any]) -> Iterator[Item]:
    """The sessions in the array of `file`, or in the object that it holds. Raises UsageError if there are none."""
    head = file.read(1 << 16)
    file.seek(0)
    keys = _FIRST_KEYS.search(head)
    resume = _OF_CHATGPT
    if b'"mapping"' not in head and keys:
        value = r'(?:"[^"]{0,200}"|null|-?[\d.]+)'
        resume = rf'\{{\s*"{keys[1].decode()}"\s*:\s*{value}\s*,\s*"{keys[2].decode()}"\s*:'
    parts: list[dict[str, Any]] = []
    group: shapes.Many | None = None
    messages: list[object] = []
    strange: list[Item] = []
    found = False
    for number, one in enumerate(elements(file, resume), 1):
        where = _("{file}, conversation {number}").format(file=name, number=number)
        if isinstance(one, Garbled):
            found = True
            yield Broken(_garbled(one).format(where=where, at=one.at))
        elif messages or (isinstance(one, dict) and "role" in one and shapes.row(one) is None and not found):
            messages.append(one)
        elif isinstance(one, dict) and (reader := shapes.element(one)) is not None:
            yield from strange
            found, strange = True, []
            yield from sessions(reader(one, where, beside), where)
        elif isinstance(one, dict) and (fits := shapes.row(one)) is not None:
            group = group or fits
            parts.append(one)
        elif isinstance(one, list) and dicts(one) and all("role" in inner for inner in dicts(one)):
            found = True
            yield from sessions([training.messages(one, "messages", where)], where)
        else:
            reason = Broken(_("{where}: no conversation of a known kind").format(where=where))
            if found:
                yield reason
            else:
                strange.append(reason)
    if messages:
        yield from strange
        yield from sessions([training.messages(messages, "messages", name)], name)
    elif group is not None:
        yield from strange
        yield from sessions(group(parts, name, beside), name)
    elif strange and not found:
        raise unknown(name)


def _garbled(one: Garbled) -> str:
    if one.too_large:
        return _("{where}: larger than what can be read of one conversation, begun at character {at}")
    if one.unfinished:
        return _("{where}: the file ends in the middle of it, begun at character {at}")
    return _("{where}: not readable as JSON, at character {at}")


def lines(file: IO[bytes], name: str, beside: Mapping[str, Any]) -> Iterator[Item]:
    """The sessions in a file of JSON lines. Raises UsageError if it is of no known kind."""
    numbered = _parsed_lines(file, name)
    head = list(islice(numbered, _LOOKED_AT))
    begin = [one for _number, one in head if isinstance(one, dict)]
    ours = any(one.get("type") == "session" and ("v" in one or "id" in one) for one in begin)
    if not ours and (reader := shapes.lines(begin)) is not None:
        rows = []
        for _number, one in [*head, *numbered]:
            if isinstance(one, Broken):
                yield one
            else:
                rows.append(one)
        yield from sessions(reader(rows, name, beside), name)
        return
    if not ours and any(shapes.element(one) or "messages" in one for one in begin[:5]):
        yield from _each_line(head, numbered, name, beside)
        return
    file.seek(0)
    yield from own_journals(file.read(), name)


def _each_line(
    head: list[tuple[int, Any]], rest: Iterator[tuple[int, Any]], name: str, beside: Mapping[str, Any]
) -> Iterator[Item]:
    for part in (head, rest):
        for number, one in part:
            where = _("{file}, line {number}").format(file=name, number=number)
            if isinstance(one, Broken):
                yield one
            elif (read := shapes.element(one)) is not None:
                yield from sessions(read(one, where, beside), where)
            elif found := training.line(one, where):
                yield from sessions(found, where)
            else:
                yield Broken(_("{where}: no conversation of a known kind").format(where=where))


def _parsed_lines(file: IO[bytes], name: str) -> Iterator[tuple[int, Any]]:
    """The objects in the lines of `file` with their numbers; a Broken instead of what cannot be read."""
    for number, line in enumerate(file, 1):
        text = line.strip(b" \t\r\n\0").removeprefix(b"\xef\xbb\xbf")
        if not text:
            continue
        try:
            value = json.loads(text.decode("utf-8", "replace"))
        except (ValueError, RecursionError):
            value = None
        if isinstance(value, dict):
            yield number, value
        else:
            reason = _("{file}: line {number} is not readable; it may be cut")
            yield number, Broken(reason.format(file=name, number=number))


def whole(data: bytes) -> bool:
    """Whether `data` is one JSON value."""
    try:
        json.loads(data.decode(errors="replace"))
    except (ValueError, RecursionError):
        return False
    return True


def document(data: bytes, name: str, beside: Mapping[str, Any]) -> Iterator[Item]:
    """The sessions in an object. Raises UsageError if it is of no known kind."""
    try:
        source = json.loads(data.decode(errors="replace"))
    except (ValueError, RecursionError):
        yield from own_journals(data, name)
        return
    if not isinstance(source, dict):
        raise unknown(name)
    ours = "v" in source or source.get("type") == "session"
    if not ours and (reader := shapes.document(source)) is not None:
        yield from sessions(reader(source, name, beside), name)
    elif not ours and (row := shapes.row(source)) is not None:
        yield from sessions(row([source], name, beside), name)
    elif isinstance(source.get("sessions"), list):
        for number, session in enumerate(source["sessions"], 1):
            yield from _session(session, _("{file}, session {number}").format(file=name, number=number))
    elif isinstance(source.get("messages"), list) and ours | ("id" in source):
        yield from _session(source, name)
    elif isinstance(source.get("messages"), list) and (
        len(source) == 1 or len(source) != len(_named_lists(source))
    ):
        yield from _lists({"": source["messages"]}, "messages", name)  # a request body
    elif isinstance(source.get("type"), str) or isinstance(source.get("role"), str):
        yield from own_journals(data, name)
    elif any("role" in one for listed in _named_lists(source).values() for one in dicts(listed)):
        yield from _lists(source, "users", name)
    else:
        raise unknown(name)


def prose(data: bytes, name: str) -> Iterator[Item]:
    """The sessions in a text: Markdown, or the history of a program. Raises UsageError if it has none."""
    words = data.removeprefix(b"\xef\xbb\xbf").decode(errors="replace")
    if b"<!-- gptchat " not in data:
        if _ours(journal.read(data).records):
            yield from own_journals(data, name)  # a journal whose first line is damaged
            return
        if (chats := texts.recognised(words)) is not None:
            yield from sessions(chats, name)
            return
    yield from markdown_file.read(words.lstrip(), name)


def own_journals(data: bytes, name: str) -> Iterator[Item]:
    """The sessions of one journal or of several concatenated ones. Raises UsageError."""
    reading = journal.read(data)
    if not _ours(reading.records):
        raise unknown(name)
    for at in reading.bad:
        yield Broken(_("{file}: the line at byte {at} is not readable").format(file=name, at=at))
    if not any(record.get("type") in ("session", "message") for record in reading.records):
        yield from sessions([training.messages(reading.records, "jsonl", name)], name)
        return
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


def _session(source: object, where: str) -> Iterator[Item]:
    """Yield the session of a `json` document."""
    messages = source.get("messages") if isinstance(source, Mapping) else None
    if not isinstance(source, Mapping) or not isinstance(messages, list):
        yield Broken(_("{where}: it has no messages").format(where=where))
        return
    good = dicts(messages)
    if len(good) < len(messages):
        reason = _("{where}: {count} messages are not objects")
        yield Broken(reason.format(where=where, count=len(messages) - len(good)))
    about = {key: source[key] for key in ("id", "title", "settings", "source", "kind") if key in source}
    records: list[Record] = [{**about, "type": "session", "v": source.get("v"), "ts": source.get("created")}]
    records += [{**message, "type": "message"} for message in good]
    pinned, summaries = source.get("pinned"), source.get("summaries")
    for id in pinned if isinstance(pinned, list) else ():
        records.append({"type": "pin", "message": id, "pinned": True})
    records += dicts(summaries)
    if "head" in source:
        records.append(move(source["head"]))
    draft = from_records(records)
    draft.files = dict(_files(source.get("files")))
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


def _named_lists(source: Mapping[str, object]) -> dict[str, object]:
    """The entries of `source` that are lists, and so may be the messages of a user."""
    return {name: value for name, value in source.items() if isinstance(value, list)}


def _ours(records: list[Record]) -> bool:
    """Whether `records` come from a journal, of any version."""
    return any("role" in record or record.get("type") == "session" for record in records)


def _lists(lists: Mapping[str, object], kind: str, file: str) -> Iterator[Item]:
    """Yield a session for each message list; a non-empty name is the user it belongs to."""
    for name, messages in lists.items():
        where = _(", ").join((file, name)) if name else file
        if not isinstance(messages, list):
            yield Broken(_("{where}: not a list of messages").format(where=where))
            continue
        for item in sessions([training.messages(messages, f"{kind}:{name}" if name else kind, where)], where):
            if not isinstance(item, SessionDraft):
                yield item
            elif item.records or item.settings:
                item.user = name
                yield item

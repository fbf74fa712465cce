"""Writes a session as a readable Markdown document, and reads it back without loss.

Metadata (ids, times, models) is stored in HTML comments, which viewers do not display. The comment of a message
includes its number of lines, so a message may contain any text, even such comments.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from gptchat.core.messages import Message, Record
from gptchat.core.replies.media import files_of
from gptchat.core.replies.sources import numbered, sources_of
from gptchat.core.session import Session
from gptchat.core.tooling.described import call_line, calls_of, fold
from gptchat.exchange.kept_files import Files
from gptchat.exchange.session_builder import Broken, SessionDraft
from gptchat.exchange.sources.build import build
from gptchat.exchange.sources.training import messages as chat_of
from gptchat.words import _

_MARK = re.compile(r"<!-- gptchat (session|message) (\{.*\}) -->\Z")
_HEADING = re.compile(
    r"#{1,6}\s+\W*(user|you|human|assistant|chatgpt|ai|system|用户|助手|系统)\W*\Z", re.IGNORECASE
)
_ROLES = {"you": "user", "human": "user", "用户": "user", "system": "system", "系统": "system", "user": "user"}


def write(session: Session, files: Files | None = None) -> Iterator[str]:
    """Yield the Markdown document of the current path, in pieces.

    Below a message are links to its files, as far as `files` has them on the disk, and its sources.
    """
    about = {
        "id": session.id,
        "title": session.title,
        "created": session.created,
        "settings": session.settings,
    }
    yield _mark("session", about)
    yield f"# {' '.join(session.name.split()) or session.id}\n\n"
    for message in session.path():
        record = message.to_record()
        text = message.text
        if isinstance(message.content, str):
            del record["content"]
        lines = text.split("\n")
        below = [*_calls(message), *_links(session.user, message, files), *numbered(sources_of(message))]
        mark: dict[str, Any] = {**record, "lines": len(lines)}
        if below:
            mark["below"] = len(below)
            text += "\n\n" + "\n".join(below)
        yield _mark("message", mark)
        yield f"## {_name(message)}\n\n{text}\n\n"


def _calls(message: Message) -> Iterator[str]:
    """A line for each call of a tool that `message` asks for."""
    for call in calls_of(message):
        yield "▸ `" + fold(call_line(call.name, call.arguments), 200).replace("`", "'") + "`"


def _links(user: str, message: Message, files: Files | None) -> Iterator[str]:
    """A line for each file of `message` that links to it, if it is on the disk."""
    for file in files_of(message):
        path = files.file_path(user, file.name) if files is not None else ""
        if path:
            sign = "!" if file.kind == "image" else ""
            yield f"{sign}[{file.alt or file.label}](<{path}>)"


def read(text: str, name: str) -> Iterator[SessionDraft | Broken]:
    """Yield the sessions in `text`: a document written by `write`, or any with a heading per speaker."""
    lines = text.split("\n")
    marks = [place for place, line in enumerate(lines) if _MARK.match(line.rstrip("\r"))]
    if not marks:
        yield from _foreign(lines, name)
        return
    draft: SessionDraft | None = None
    parent: str | None = None
    at = 0
    while at < len(lines):
        match = _MARK.match(lines[at].rstrip("\r"))
        if match is None:
            at += 1
            continue
        try:
            about = json.loads(match[2])
        except (ValueError, RecursionError):
            yield Broken(_("{file}, line {number}: the comment is not readable").format(file=name, number=at + 1))
            about = {}
        if match[1] == "session":
            if draft is not None:
                yield draft
            draft, parent, at = _session(about), None, at + 1
            continue
        draft = draft or _session({})
        content, at = _content(lines, at + 1, about)
        record: Record = {
            "type": "message",
            "id": "",
            "role": "user",
            "content": content,
            **about,
            "parent": parent,
        }
        record["id"] = record["id"] or f"m{len(draft.records) + 1}"
        record.pop("lines", None)
        record.pop("below", None)
        draft.records.append(record)
        parent = str(record["id"])
    if draft is not None:
        yield draft


def _session(about: Mapping[str, Any]) -> SessionDraft:
    def word(key: str) -> str:
        value = about.get(key)
        return value if isinstance(value, str) else ""

    settings = about.get("settings")
    return SessionDraft(
        [],
        id=word("id"),
        title=word("title") or None,
        created=word("created"),
        settings=settings if isinstance(settings, dict) else {},
    )


def _content(lines: list[str], at: int, about: Mapping[str, Any]) -> tuple[str, int]:
    """The text of the message that starts at line `at`, and the index of the line after it."""
    if at < len(lines) and lines[at].startswith("## "):
        at += 2
    count, below = about.get("lines"), about.get("below")
    if isinstance(count, int) and 0 < count <= len(lines) - at:
        end = at + count
        after = end + 1 + below if isinstance(below, int) and below > 0 else end
        rest = next((line for line in lines[after:] if line.strip()), "")
        if not rest or _MARK.match(rest.rstrip("\r")):
            return "\n".join(lines[at:end]), after
    # The text was edited: it ends at the next comment.
    end = next((place for place in range(at, len(lines)) if _MARK.match(lines[place].rstrip("\r"))), len(lines))
    return "\n".join(lines[at:end]).strip("\r\n"), end


def _foreign(lines: list[str], name: str) -> Iterator[SessionDraft | Broken]:
    messages: list[dict[str, str]] = []
    for line in lines:
        if match := _HEADING.match(line.strip()):
            messages.append({"role": _ROLES.get(match[1].lower(), "assistant"), "content": ""})
        elif messages:
            messages[-1]["content"] += line + "\n"
    for message in messages:
        message["content"] = message["content"].strip()
    if not messages:
        yield without_speakers(name)
    else:
        yield from build(chat_of(messages, "markdown", name), name)


def without_speakers(name: str) -> Broken:
    """What is told of a text that is no conversation."""
    return Broken(_("{file}: no headings that tell who speaks").format(file=name))


def _name(message: Message) -> str:
    name = message.model or (str(message.extra.get("name") or "") if message.role == "tool" else "")
    return f"{message.role.capitalize()} ({' '.join(name.split())})" if name else message.role.capitalize()


def _mark(kind: str, about: Mapping[str, Any]) -> str:
    # Nothing inside the comment may close it.
    text = json.dumps(about, ensure_ascii=False, default=str).replace(">", "\\u003e").replace("--", "-\\u002d")
    return f"<!-- gptchat {kind} {text} -->\n"

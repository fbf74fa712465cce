"""Export formats: renders sessions as text, in pieces. Known secrets are masked in every format."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from gptchat.core.replies.media import files_of
from gptchat.core.session import VERSION, Session
from gptchat.errors import UsageError
from gptchat.exchange.chat_messages import messages as messages
from gptchat.exchange.kept_files import Files
from gptchat.files import open_to_read
from gptchat.redaction import redact_known
from gptchat.storage.journal import to_line
from gptchat.storage.snapshot import message_records, snapshot
from gptchat.words import _

FORMATS = ("markdown", "json", "jsonl", "messages", "training", "html", "users")
SUFFIXES: Mapping[str, str] = {"markdown": ".md", "jsonl": ".jsonl", "training": ".jsonl", "html": ".html"}
"""File suffix by format; all other formats use `.json`."""

_ENDINGS = {
    ".md": "markdown",
    ".markdown": "markdown",
    ".jsonl": "jsonl",
    ".html": "html",
    ".htm": "html",
    ".json": "json",
}


def format_of(path: Path) -> str | None:
    """The format for the suffix of `path`; None if unknown."""
    return _ENDINGS.get(path.suffix.lower())


def render(
    sessions: Sequence[Session],
    format: str,
    journals: Sequence[Path | None] = (),
    files: Files | None = None,
) -> Iterator[str]:
    """Render `sessions` in `format` as pieces of one text. Raises UsageError for an unknown format.

    `journals` are the journal files of the sessions, None for a session without one. The format `jsonl` copies
    them unchanged, with all records. `files` holds the files of replies: `json` and `html` contain them,
    `markdown` links to them. The format `messages` takes exactly one session, else UsageError.
    """
    pieces: Iterator[str]
    match format:
        case "markdown":
            from gptchat.exchange.markdown_file import write as write_markdown

            pieces = (piece for session in sessions for piece in write_markdown(session, files))
        case "html":
            from gptchat.exchange.webpage import write as write_page

            pieces = write_page(sessions, files)
        case "json":
            pieces = _json(sessions, files)
        case "jsonl":
            pieces = _journals(sessions, journals)
        case "training":
            from gptchat.exchange.training.examples import example, line

            pieces = (line(found) for session in sessions if (found := example(session)[0]) is not None)
        case "users":
            pieces = _users(sessions)
        case "messages":
            if len(sessions) != 1:
                raise UsageError(
                    _("messages is the format of one session"), hint=_("use json or users for several")
                )
            pieces = iter((json.dumps(messages(sessions[0]), ensure_ascii=False, indent=2, default=str), "\n"))
        case _unknown:
            from difflib import get_close_matches

            near = get_close_matches(format, FORMATS, n=1)
            hint = _("did you mean {name}?").format(name=near[0]) if near else _(", ").join(FORMATS)
            raise UsageError(_("there is no export format {name}").format(name=format), hint=hint)
    return map(redact_known, pieces)


def document(session: Session, files: Files | None = None) -> dict[str, Any]:
    """The whole session with all branches as a JSON object; `head` is the id of the current message.

    `files` has the files of replies as base64 text, by name; it is only there if there are any.
    """
    kept = _contents(session, files)
    rest = [record for record in snapshot(session) if record["type"] == "summary"]
    return {
        "v": VERSION,
        "type": "session",
        "id": session.id,
        "user": session.user,
        "title": session.title,
        "created": session.created,
        "updated": session.updated,
        "settings": session.settings,
        **({"kind": session.kind} if session.kind else {}),
        "head": session.head,
        "messages": message_records(session),
        "pinned": list(session.pinned),
        "summaries": rest,
        **({"files": kept} if kept else {}),
    }


def _contents(session: Session, files: Files | None) -> dict[str, str]:
    names = [file.name for message in session.messages.values() for file in files_of(message)]
    if files is None or not names:
        return {}
    from base64 import b64encode

    read = {name: files.read_file(session.user, name) for name in dict.fromkeys(names)}
    return {name: b64encode(data).decode() for name, data in read.items() if data is not None}


def _json(sessions: Sequence[Session], files: Files | None) -> Iterator[str]:
    if len(sessions) == 1:
        yield json.dumps(document(sessions[0], files), ensure_ascii=False, indent=2, default=str) + "\n"
        return
    yield f'{{"v": {VERSION}, "sessions": [\n'
    for number, session in enumerate(sessions):
        yield (",\n" if number else "") + json.dumps(document(session, files), ensure_ascii=False, default=str)
    yield "\n]}\n"


def _journals(sessions: Sequence[Session], journals: Sequence[Path | None]) -> Iterator[str]:
    for number, session in enumerate(sessions):
        path = journals[number] if number < len(journals) else None
        if path is not None:
            with open_to_read(path) as file:
                for line in file:
                    yield line.rstrip(b"\n").decode(errors="replace") + "\n"
        else:
            for record in snapshot(session):
                yield to_line(record).decode()


def _users(sessions: Sequence[Session]) -> Iterator[str]:
    """One message list per user, with all their sessions concatenated, oldest first."""
    lists: dict[str, list[dict[str, Any]]] = {}
    for session in sorted(sessions, key=lambda session: session.id):
        lists.setdefault(session.user, []).extend(messages(session))
    yield json.dumps(lists, ensure_ascii=False, indent=2, default=str) + "\n"

"""Reads the usage of replies from journals, skipping all other lines."""

from __future__ import annotations

from pathlib import Path

from gptchat.core.messages import Message
from gptchat.files import LARGE, read_private
from gptchat.storage.journal import read_line
from gptchat.storage.users import sessions_folder


def replies(data: Path, user: str, session_id: str) -> list[Message]:
    """The replies with usage in all branches of one session of `user`; empty if the journal cannot be read."""
    try:
        content = read_private(sessions_folder(data, user) / f"{session_id}.jsonl", LARGE)
    except OSError:
        return []
    found: dict[str, Message] = {}
    for number, line in enumerate(content.split(b"\n")):
        if b'"usage"' not in line:
            continue
        record, _sound = read_line(line)
        if record is None or record.get("type") not in ("message", "continuation", "aside"):
            continue
        if record.get("copied") is True:
            continue  # copied by a fork: the cost counts in the original session
        message = Message.from_record(record)
        if message.usage is not None:
            # A continuation is a separate request and has no id.
            found[message.id or f"line {number}"] = message
    return list(found.values())

"""Two machines in folders, which synchronise by the command."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gptchat.core.messages import Record
from gptchat.core.session import Session
from gptchat.storage.store import JournalStore
from tests.support.program import compose_program, data, effects, running, shown

CONFIG = 'provider = "demo"\n'
ID = "20261128-120000-0001"
TIME = "2026-11-28T12:00:00Z"


def sync(
    folder: Path, line: str, *answers: str | None, environ: Mapping[str, str] | None = None
) -> tuple[str, Any]:
    """What a person reads of `/sync LINE` on the machine `folder`, and its `--json`."""
    program = compose_program(folder, CONFIG, environ=environ)
    with running(program) as runner:
        found = runner.run(effects(program, f"/sync {line}", *answers))
    return shown(found), data(found)


def store(folder: Path) -> JournalStore:
    return JournalStore(folder / "data")


def begin(folder: Path, *texts: str, id: str = ID, ts: str = TIME) -> None:
    """A session of ann on the machine `folder` with these messages."""
    journals = store(folder)
    session = journals.begin("ann", {}, id=id, ts=ts)
    journals.append(session, [{"type": "title", "title": texts[0], "ts": ts}], durable=True)
    say(folder, *texts, id=id, ts=ts)


def say(folder: Path, *texts: str, id: str = ID, ts: str = TIME) -> None:
    """Go on with a session."""
    journals = store(folder)
    session = journals.open("ann", id)
    for text in texts:
        record: Record = {"type": "message", "role": "user", "parent": session.head, "content": text, "ts": ts}
        journals.append(session, [record])


def session(folder: Path, id: str = ID) -> Session:
    return store(folder).read("ann", id)


def texts(folder: Path, id: str = ID) -> list[str]:
    """What is said in a session, in all branches."""
    return sorted(message.text for message in session(folder, id).messages.values())


def ids(folder: Path, where: str = "sessions") -> Sequence[str]:
    return sorted(path.stem for path in (folder / "data" / "users" / "ann" / where).glob("*.jsonl"))


def place_file(place: Path, id: str = ID) -> Path:
    return place / "gptchat" / "users" / "ann" / "sessions" / f"{id}.jsonl"

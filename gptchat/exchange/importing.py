"""Exports sessions to files, and imports sessions from files without creating duplicates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from gptchat.core.messages import Record
from gptchat.core.ports import SessionStore
from gptchat.core.replies.media import KeptFile, fits
from gptchat.core.session import Session, continuation_record, move
from gptchat.errors import GptchatError, StorageError, UsageError
from gptchat.exchange.exporting import FORMATS as FORMATS
from gptchat.exchange.exporting import render
from gptchat.exchange.kept_files import Files
from gptchat.exchange.readers import read
from gptchat.exchange.session_builder import Broken, Note, Progress, SessionDraft, digest
from gptchat.files import LARGE, read_regular, replacing
from gptchat.storage.ids import acceptable_id
from gptchat.storage.index.library import Library
from gptchat.storage.os_errors import storage_error
from gptchat.storage.snapshot import message_records
from gptchat.storage.store import JournalStore
from gptchat.storage.users import ensure_user
from gptchat.values import dataclass, field, replace
from gptchat.words import _


@dataclass(frozen=True, slots=True)
class Taken:
    """A session that an import created or extended; `messages` is the number of messages added."""

    user: str
    id: str
    title: str
    messages: int


@dataclass(slots=True)
class Imported:
    """The result of an import. `broken` has one sentence for each part that could not be read."""

    sessions: list[Taken] = field(default_factory=list)
    known: int = 0
    """Number of sessions that already existed with all their messages."""
    messages: int = 0
    """Number of messages that were added."""
    branches: int = 0
    """Number of further branches in the conversations that came in."""
    named: int = 0
    """Number of files that the messages name."""
    left: Counter[str] = field(default_factory=Counter)
    """Number of things that are no part of a conversation, by kind (`session_builder.LEFT`)."""
    notes: list[str] = field(default_factory=list)
    """What was guessed, such as an encoding."""
    empty: int = 0
    """Number of conversations in which nothing is said."""
    broken: list[str] = field(default_factory=list)

    @property
    def left_out(self) -> int:
        """Number of all that was left out."""
        return self.left.total()


def export(
    store: SessionStore,
    sessions: Sequence[Session],
    format: str,
    path: Path,
    progress: Progress | None = None,
    files: Files | None = None,
) -> Path:
    """Write `sessions` to the file `path` in `format`, atomically and readable by its owner only. Returns `path`.

    `progress` is called at the end with the number of sessions. `files` has the files of replies, else the store.
    Raises UsageError, StorageError.
    """
    pieces = render(sessions, format, [_journal(store, session) for session in sessions], files or store)
    try:
        with replacing(path, own=False) as file:
            for piece in pieces:
                file.write(piece.encode(errors="replace"))
    except OSError as error:
        raise storage_error(error, path) from error
    if progress is not None:
        progress(len(sessions), len(sessions))
    return path


def import_file(
    store: JournalStore, library: Library, user: str, path: Path, progress: Progress | None = None
) -> Imported:
    """Import the sessions of `path`: any export except html, one of another program, an archive, or a folder.

    A session keeps its id. A session without a valid id is recognised later by the `source` in its session
    record. Existing messages are not added again: if a known session has grown, only its new messages are
    added. If an existing session with the same id has different messages, the import creates a new session.
    The format `users` creates missing users. Raises UsageError if the file has no sessions, and StorageError.
    """
    result = Imported()
    sources: dict[str, dict[str, str]] = {}
    try:
        for item in read(path, progress):
            if isinstance(item, Broken):
                result.broken.append(item.reason)
                continue
            if isinstance(item, Note):
                result.notes.append(item.text)
                continue
            try:
                owner = ensure_user(store.data, item.user).name if item.user else user
            except UsageError as error:
                result.broken.append(
                    _("{place}: {problem}").format(place=repr(item.user[:80]), problem=error.message)
                )
                continue
            if owner not in sources:
                sources[owner] = library.sources(owner)
            try:
                _find_files(item, path)
                _take_in(store, item, owner, sources[owner], result)
            except (StorageError, OSError):
                raise  # the store's disk, which the next conversation would find no better
            except (GptchatError, ArithmeticError, LookupError, TypeError, ValueError, RecursionError) as error:
                what = item.title or item.id or item.source
                why = error.message if isinstance(error, GptchatError) else type(error).__name__
                result.broken.append(_("{place}: {problem}").format(place=what[:80], problem=why))
    except UsageError as error:
        if not (result.sessions or result.known):
            raise
        result.broken.append(error.message)  # what came before it stays
    except OSError as error:
        raise storage_error(error, path) from error
    if not (result.sessions or result.known or result.broken):
        result.broken.append(_nothing(path, result))  # a success is never told for nothing
    return result


def _nothing(path: Path, result: Imported) -> str:
    if result.empty:
        words = _("{file}: nothing is said in any of its conversations")
        return words.format(file=path.name)
    return _("{file} holds no conversations that can be read").format(file=path.name)


def _find_files(draft: SessionDraft, path: Path) -> None:
    """Add the files of the draft's replies that lie where a journal at `path` has them."""
    for record in draft.records:
        parts = record.get("content")
        for part in parts if isinstance(parts, list) else ():
            file = KeptFile.from_part(part) if isinstance(part, dict) else None
            if file is None or file.name in draft.files:
                continue
            for folder in (path.parent.parent / "files", path.parent / "files"):
                try:
                    data = read_regular(folder / file.name, LARGE)
                except OSError:
                    continue
                if fits(file.name, data):
                    draft.files[file.name] = data


def _journal(store: SessionStore, session: Session) -> Path | None:
    """The journal file of `session`; None if there is none, or if some records are not written yet."""
    if not isinstance(store, JournalStore) or store.unsaved(session):
        return None
    path = store.path(session)
    return path if path.exists() else None


def _take_in(
    store: JournalStore, draft: SessionDraft, user: str, sources: dict[str, str], result: Imported
) -> None:
    result.left.update(draft.left)
    for name, data in draft.files.items():
        store.keep_file(user, name, data)
    incoming = Session(draft.id, user)
    for record in draft.records:
        incoming.apply(record)
    if not incoming.messages and (not draft.settings or draft.same != "texts"):
        result.empty += 1
        return
    if draft.earlier in sources:
        result.known += 1
        return
    known = sources.get(draft.source) if draft.source else None
    if known is None and acceptable_id(draft.id) and store.journal_path(user, draft.id).exists():
        known = draft.id
    if known is not None:
        session = store.read(user, known)  # not open(), which also searches the folder for interrupted replies
        if _continues(session, incoming, draft.same):
            _add(store, session, incoming, draft, result)
            return
        draft.source = f"diverged:{draft.id or draft.source}:{digest(message_records(incoming))}"
        draft.id = ""
        if draft.source in sources:
            result.known += 1
            return
    first = next((message.ts for message in incoming.messages.values() if message.ts), "")
    created = draft.created or first
    extra = {key: value for key, value in (("source", draft.source), ("kind", draft.kind)) if value}
    session = store.begin(
        user, draft.settings, title=draft.title, id=_id(store, user, draft, created), ts=created, **extra
    )
    _append(store, session, draft.records)
    if draft.source:
        sources[draft.source] = session.id
    result.sessions.append(Taken(user, session.id, session.name, len(incoming.messages)))
    result.messages += len(incoming.messages)
    result.branches += max(0, draft.branches - 1)
    result.named += draft.named


def _add(store: JournalStore, session: Session, incoming: Session, draft: SessionDraft, result: Imported) -> None:
    """Append the messages missing from `session`. The head follows, unless `session` has moved on by itself."""
    records = message_records(incoming)
    fresh = [record for record in records if record["id"] not in session.messages]
    grown = [] if draft.same == "texts" else list(_grown(session, incoming))
    if not fresh and not grown:
        result.known += 1
        return
    goal = incoming.head if session.head in incoming.messages or session.head is None else session.head
    added = [*grown, *fresh]
    _append(store, session, added if fresh and fresh[-1]["id"] == goal else [*added, move(goal)])
    result.sessions.append(Taken(session.user, session.id, session.name, len(fresh)))
    result.messages += len(fresh)


def _grown(session: Session, incoming: Session) -> Iterator[Record]:
    """A record for each answer that goes on in `incoming`: it was not finished when it was imported."""
    for id, theirs in incoming.messages.items():
        ours = session.messages.get(id)
        if ours is None or ours.role != "assistant" or len(theirs.text) <= len(ours.text):
            continue
        if theirs.text.startswith(ours.text) and ours.text:
            yield continuation_record(id, replace(theirs, content=theirs.text[len(ours.text) :], reasoning=""))


def _append(store: JournalStore, session: Session, records: Sequence[Record]) -> None:
    store.append(session, records)
    if (trouble := store.trouble(session)) is not None:
        raise trouble


def _continues(session: Session, incoming: Session, same: str) -> bool:
    """Whether `incoming` is an earlier or a later state of `session`, by what makes its messages the same."""
    if same == "ids":
        return True
    if same == "path":
        imported = {id for id in session.messages if id.startswith("x")}
        return set(incoming.messages) <= set(session.messages) or imported <= set(incoming.messages)
    return all(_agree(session, incoming, id) for id in incoming.messages)


def _agree(session: Session, incoming: Session, id: str) -> bool:
    """Whether `id` is the same message in both sessions; ours may have been continued since."""
    ours, theirs = session.messages.get(id), incoming.messages[id]
    return ours is None or (ours.role == theirs.role and ours.text.startswith(theirs.text))


def _id(store: JournalStore, user: str, draft: SessionDraft, created: str) -> str:
    """A free id for an imported session: its own, or one derived from `created`; else empty (store chooses)."""
    return next((id for id in _ids(draft, created) if not store.journal_path(user, id).exists()), "")


def _ids(draft: SessionDraft, created: str) -> Iterator[str]:
    if acceptable_id(draft.id):
        yield draft.id
    if len(created) >= 19:
        stem = f"{created[:10]}-{created[11:19]}".replace("-", "", 2).replace(":", "")
        for attempt in range(16):
            id = f"{stem}-{digest([draft.source, attempt])[:4]}"
            if acceptable_id(id):
                yield id

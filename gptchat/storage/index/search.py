"""Full-text search over all sessions of a user, in any script.

The index names candidates, and each candidate is read and compared before it becomes a hit. What is not indexed
yet, or everything if there is no index, is read directly. So results are always correct, and the index only
makes them fast.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

from gptchat.core.messages import Record
from gptchat.core.session import Session
from gptchat.files import open_to_read
from gptchat.storage.index.database import cached, out_of_reach, throw_away
from gptchat.storage.index.indexing import Journal, Progress, Survey, candidates, index, needs_all, survey, text_of
from gptchat.storage.index.listing import row_of
from gptchat.storage.index.matching import Hit, excerpt, fold, holds, terms
from gptchat.storage.journal import read
from gptchat.storage.upgrades import fold as fold_records
from gptchat.storage.users import sessions_folder

AT_ONCE = 1_000_000
"""Maximum bytes that a search indexes first. If more is missing, it is read directly and left to `update`."""


class SearchIndex:
    """Searches the sessions below the data folder `data`.

    `cache` is a folder for the cache, which may be deleted at any time; None for no cache.
    """

    def __init__(self, data: Path, cache: Path | None = None) -> None:
        self.data = data
        self.cache = cache

    def search(
        self, user: str, text: str, limit: int = 50, *, each: int = 0, progress: Progress | None = None
    ) -> list[Hit]:
        """Messages and titles of `user` that contain every word of `text`, newest sessions first.

        A "phrase in quotation marks" counts as one word. Returns at most `limit` hits, and at most `each` per
        session (0: no limit). All branches are searched. With `progress` all new records are indexed first,
        however many, and it is called as `update` does. Raises only what `progress` raises: unreadable journals
        give no hits.
        """
        wanted = terms(text)
        if not wanted or limit < 1:
            return []
        folder = sessions_folder(self.data, user)
        hits: list[Hit] = []
        with cached(self.cache) as database:
            journals = _candidates(self.cache, database, folder, wanted, progress)
            for found in sorted(journals, key=lambda found: found.id, reverse=True):
                if found.parts:
                    room = min(limit - len(hits), each or limit)
                    for hit in _look(folder, found, wanted, database):
                        hits.append(hit)
                        room -= 1
                        if not room:
                            break
                    if len(hits) >= limit:
                        break
        return hits

    def title(self, user: str, id: str) -> str:
        """The title of a session; empty if it has none or cannot be read."""
        with cached(self.cache) as database:
            try:
                return row_of(sessions_folder(self.data, user), id, database).title
            except OSError:
                return ""

    def behind(self, user: str) -> int:
        """Bytes of the journals of `user` that are not in the index; all bytes if there is no index."""
        folder = sessions_folder(self.data, user)
        with cached(self.cache) as database:
            try:
                return survey(folder, database).missing
            except sqlite3.Error:
                return survey(folder, None).missing

    def update(self, user: str, progress: Progress | None = None) -> bool:
        """Index all new records of `user`; False if the cache cannot be used.

        `progress` is called every few megabytes with the bytes done and the total. If it raises, indexing
        stops and what is done stays. May run in a thread: searches meanwhile read the rest directly.
        """
        folder = sessions_folder(self.data, user)
        for _attempt in range(2):
            with cached(self.cache) as database:
                if database is None:
                    return False
                try:
                    index(database, folder, survey(folder, database), progress)
                except sqlite3.Error as error:
                    if out_of_reach(error):
                        return False
                else:
                    return True
            throw_away(self.cache)
        return False


def _candidates(
    cache: Path | None,
    database: sqlite3.Connection | None,
    folder: Path,
    wanted: Sequence[str],
    progress: Progress | None,
) -> list[Journal]:
    """The journals with the parts to search; without a usable index, each journal completely."""
    if database is not None:
        try:
            # One transaction, since another program may be indexing now.
            database.execute("BEGIN")
            found = survey(folder, database)
            if found.missing and (progress is not None or found.missing <= AT_ONCE):
                database.execute("COMMIT")
                _index_quietly(database, folder, found, progress)
                database.execute("BEGIN")
                found = survey(folder, database)
            journals = candidates(database, found, wanted)
            database.execute("COMMIT")
            return journals
        except sqlite3.Error as error:
            if database.in_transaction:
                database.execute("ROLLBACK")
            if not out_of_reach(error):
                throw_away(cache)
    journals = survey(folder, None).behind
    for journal in journals:
        journal.parts = [(0, journal.now)]
    return journals


def _index_quietly(database: sqlite3.Connection, folder: Path, found: Survey, progress: Progress | None) -> None:
    try:
        index(database, folder, found, progress)
    except sqlite3.Error as error:
        if not out_of_reach(error):
            raise


def _look(
    folder: Path, found: Journal, wanted: Sequence[str], database: sqlite3.Connection | None
) -> Iterator[Hit]:
    """The hits in the parts of one journal, in file order."""
    try:
        with open_to_read(folder / f"{found.id}.jsonl") as file:
            for first, last in sorted(found.parts):
                file.seek(first)
                data = file.read(last - first)
                if not _may_hold(data, wanted):
                    continue
                records = read(data, first).records
                if any(map(needs_all, records)):
                    file.seek(0)
                    yield from _look_whole(folder, found, file.read(), wanted, database)
                    return
                yield from _matches(folder, found, records, wanted, database)
    except OSError:  # deleted meanwhile, or no permission
        return


def _look_whole(
    folder: Path, found: Journal, data: bytes, wanted: Sequence[str], database: sqlite3.Connection | None
) -> Iterator[Hit]:
    """Like `_look`, but searches the messages after applying all records."""
    session = Session(found.id, "")
    fold_records(read(data).records, session, 0)
    records: list[Record] = [message.to_record() for message in session.messages.values()]
    if session.title:
        records.insert(0, {"type": "title", "title": session.title})
    yield from _matches(folder, found, records, wanted, database)


def _matches(
    folder: Path,
    found: Journal,
    records: Sequence[Record],
    wanted: Sequence[str],
    database: sqlite3.Connection | None,
) -> Iterator[Hit]:
    title: str | None = None
    for record in records:
        text = text_of(record)
        if not text or not holds(fold(text), wanted):
            continue
        if title is None:
            title = row_of(folder, found.id, database).title
        line, spans = excerpt(text, wanted)
        if record.get("type") not in ("title", "session"):
            yield Hit(found.id, title, str(record.get("id") or ""), str(record.get("role") or ""), line, spans)
        elif text == title:  # former titles do not count
            yield Hit(found.id, title, "", "title", line, spans)


def _may_hold(data: bytes, wanted: Sequence[str]) -> bool:
    """Whether the journal lines `data` can contain `wanted` at all: a quick check before parsing them."""
    if b"\\u" in data or b'"continuation"' in data:
        return True  # escaped characters, or a match may be split across records
    folded = fold(data.decode(errors="replace"))
    return all(term in folded for term in wanted if not ('"' in term or "\\" in term or not term.isprintable()))

"""Search over the contents of all of a person's sessions, Chinese and English, in a moment.

The index names candidates, and every candidate is read and compared before it is an answer; what the index
does not know yet, or everything where there is none, is read directly. So the answer is always right, and
the index only makes it quick.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

from gptchat.core.messages import Record
from gptchat.core.session import Session
from gptchat.storage.index.database import cached, out_of_reach, throw_away
from gptchat.storage.index.indexing import Journal, Progress, Survey, candidates, index, needs_all, survey, text_of
from gptchat.storage.index.listing import row_of
from gptchat.storage.index.matching import Hit, excerpt, fold, holds, terms
from gptchat.storage.journal import read
from gptchat.storage.upgrades import fold as fold_records
from gptchat.storage.users import sessions_folder

AT_ONCE = 1_000_000
"""How many new bytes a search indexes before it looks; more is read directly, and left to `update`."""


class SearchIndex:
    """The search over the sessions below the data folder `data`; `cache` is a folder that may vanish, or None."""

    def __init__(self, data: Path, cache: Path | None = None) -> None:
        self.data = data
        self.cache = cache

    def search(self, user: str, text: str, limit: int = 50, *, each: int = 0) -> list[Hit]:
        """Messages and titles of `user` that hold every word of `text`, those of the newest sessions first.

        "Words in quotation marks" are one. At most `limit` hits, and `each` of one session (0: no limit).
        Every branch is searched. Never raises: journals that cannot be read hold nothing.
        """
        wanted = terms(text)
        if not wanted or limit < 1:
            return []
        folder = sessions_folder(self.data, user)
        hits: list[Hit] = []
        with cached(self.cache) as database:
            journals = _candidates(self.cache, database, folder, wanted)
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

    def behind(self, user: str) -> int:
        """How many bytes of the journals of `user` are not in the index; the whole where there is no index."""
        folder = sessions_folder(self.data, user)
        with cached(self.cache) as database:
            try:
                return survey(folder, database).missing
            except sqlite3.Error:
                return survey(folder, None).missing

    def update(self, user: str, progress: Progress | None = None) -> bool:
        """Index everything of `user` that is new; false where the cache cannot be used.

        `progress` is called every few megabytes with the bytes done and in all; what it raises ends the
        work, and what is done stays. It may run in a thread: searches meanwhile read the rest directly.
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
    cache: Path | None, database: sqlite3.Connection | None, folder: Path, wanted: Sequence[str]
) -> list[Journal]:
    """The journals with the parts to look at; without a usable index, all of each."""
    if database is not None:
        try:
            # One transaction: another program may be indexing this moment.
            database.execute("BEGIN")
            found = survey(folder, database)
            if 0 < found.missing <= AT_ONCE:
                database.execute("COMMIT")
                _index_quietly(database, folder, found)
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


def _index_quietly(database: sqlite3.Connection, folder: Path, found: Survey) -> None:
    try:
        index(database, folder, found)
    except sqlite3.Error as error:
        if not out_of_reach(error):
            raise


def _look(
    folder: Path, found: Journal, wanted: Sequence[str], database: sqlite3.Connection | None
) -> Iterator[Hit]:
    """The hits in the parts of one journal, in their order."""
    try:
        with (folder / f"{found.id}.jsonl").open("rb") as file:
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
    except OSError:  # gone this moment, or not ours to read
        return


def _look_whole(
    folder: Path, found: Journal, data: bytes, wanted: Sequence[str], database: sqlite3.Connection | None
) -> Iterator[Hit]:
    """As `_look`, over the messages as they are when all records are applied."""
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
        elif text == title:  # and not one it had before
            yield Hit(found.id, title, "", "title", line, spans)


def _may_hold(data: bytes, wanted: Sequence[str]) -> bool:
    """Whether `data`, lines of a journal, can hold `wanted` at all: a quick look to spare reading."""
    if b"\\u" in data or b'"continuation"' in data:
        return True  # letters are written in another way, or a match may be divided
    folded = fold(data.decode(errors="replace"))
    return all(term in folded for term in wanted if not ('"' in term or "\\" in term or not term.isprintable()))

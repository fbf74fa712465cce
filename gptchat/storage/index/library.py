"""The sessions of a user: lists, finds, deletes and restores them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING

from gptchat.core.ports import SessionInfo
from gptchat.errors import UsageError
from gptchat.files import make_folder
from gptchat.storage.ids import safe_id
from gptchat.storage.index.listing import SessionRow, remember, row_at, rows
from gptchat.storage.os_errors import storage_error
from gptchat.storage.users import sessions_folder, user_folder
from gptchat.words import _

if TYPE_CHECKING:
    from gptchat.core.messages import Record
    from gptchat.core.session import Session
    from gptchat.storage.store import JournalStore

LONGEST_TITLE = 200
"""Characters; a longer title is cut."""

_BESIDE = (".jsonl", ".torn", ".partial")
"""Suffixes of the files of a session."""


class Library:
    """The sessions below the data folder `data`.

    `cache` is a folder for the cache, which may be deleted at any time; None for no cache.
    """

    def __init__(self, data: Path, cache: Path | None = None) -> None:
        self.data = data
        self.cache = cache

    def list(self, user: str) -> list[SessionInfo]:
        """All sessions of `user`, newest first. Never raises: `damaged` describes what cannot be read."""
        return [row.info(user) for row in self._newest_first(user)]

    def latest(self, user: str) -> SessionInfo | None:
        """The most recently changed session of `user`; None if there are no sessions."""
        found = rows(sessions_folder(self.data, user), self.cache)
        return max(_readable(found), key=_age).info(user) if found else None

    def latest_id(self, user: str) -> str | None:
        """The id of `latest`. Faster, since of a journal that has only grown it reads just the new part."""
        found = rows(sessions_folder(self.data, user), self.cache, only_age=True)
        return max(_readable(found), key=_age).id if found else None

    def find(self, user: str, ref: str) -> SessionInfo:
        """The session that `ref` names: an id, its unique prefix, a number in the list, or words of its title.

        Number 1 is the newest session. Digits are a number if there are that many sessions. Words may be in
        any order and case; a title equal to `ref` wins. Raises UsageError if there is no match or several,
        with candidates in the message or hint.
        """
        ref = ref.strip()
        if not ref:
            raise UsageError(_("no session was named"), hint=_("/sessions lists them"))
        folder = sessions_folder(self.data, user)
        if safe_id(ref):
            try:
                return row_at(folder, ref, self.cache).info(user)
            except OSError:  # not an id
                pass
        found = self._newest_first(user)
        if ref.isdecimal() and len(ref) < 8 and 1 <= int(ref) <= len(found):
            return found[int(ref) - 1].info(user)
        candidates = [row for row in found if row.id.lower().startswith(ref.lower())]
        if not candidates:
            words = ref.casefold().split()
            candidates = [row for row in found if all(word in row.title.casefold() for word in words)]
            exact = [row for row in candidates if row.title.casefold() == ref.casefold()]
            candidates = exact if len(exact) == 1 else candidates
        if len(candidates) == 1:
            return candidates[0].info(user)
        if candidates:
            message = _("{ref} could mean {count} sessions: {names}")
            raise UsageError(
                message.format(ref=ref, count=len(candidates), names=_names(candidates)),
                hint=_("give more of its id or title, or its number in /sessions"),
            )
        near = _nearest(ref, found)
        hint = _("the nearest: {names}").format(names=_names(near)) if near else _("/sessions lists them")
        raise UsageError(_("no session matches {ref}").format(ref=ref), hint=hint)

    def remember(self, store: JournalStore, session: Session) -> None:
        """Update the cached row of `session`, so that the next listing need not read its journal.

        Called when the program leaves a session; the next start is then faster if the journal is large.
        """
        stat = store.settled(session)
        if stat is not None:
            remember(session, store.path(session), stat, store.damage(session), self.cache)

    def sources(self, user: str) -> dict[str, str]:
        """The imported sessions of `user`: maps the source of each to its session id."""
        found = rows(sessions_folder(self.data, user), self.cache)
        return {row.source: row.id for row in found if row.source}

    def delete(self, user: str, id: str) -> Path:
        """Move a session to the trash; returns its journal's new path. Raises UsageError, StorageError."""
        source = self._existing(sessions_folder(self.data, user), id)
        return self._move(source, user_folder(self.data, user) / "trash")

    def restore(self, user: str, id: str) -> Path:
        """Restore a session from the trash; returns its journal's new path. Raises UsageError, StorageError."""
        source = self._existing(user_folder(self.data, user) / "trash", id)
        return self._move(source, sessions_folder(self.data, user))

    def trash(self, user: str) -> Sequence[SessionInfo]:
        """The sessions of `user` in the trash, newest first."""
        found = rows(user_folder(self.data, user) / "trash", self.cache)
        return [row.info(user) for row in sorted(found, key=_age, reverse=True)]

    def delete_forever(self, user: str, id: str) -> None:
        """Delete the files of a session, which may be in the trash, and the cache. Raises as `delete` does."""
        folder = sessions_folder(self.data, user)
        if not (folder / f"{id}.jsonl").exists():
            folder = user_folder(self.data, user) / "trash"
        source = self._existing(folder, id)
        from gptchat.storage.media import named_in, remove_unnamed

        try:
            named = named_in(_files(source))
        except OSError:  # its files then stay
            named = frozenset()
        for path in _files(source):
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise storage_error(error, path) from error
        remove_unnamed(self.data, user, named)
        if self.cache is not None:
            from gptchat.storage.index.database import throw_away

            throw_away(self.cache)  # it holds titles, and trigrams of the messages

    def _newest_first(self, user: str) -> Sequence[SessionRow]:
        return sorted(rows(sessions_folder(self.data, user), self.cache), key=_age, reverse=True)

    def _existing(self, folder: Path, id: str) -> Path:
        path = folder / f"{id}.jsonl"
        if path.parent != folder or not path.is_file():
            raise UsageError(_("no session matches {ref}").format(ref=id), hint=_("/sessions lists them"))
        return path

    def _move(self, source: Path, folder: Path) -> Path:
        """Move the files of a session to `folder`, under another id if `folder` already has this one."""
        stem = source.stem
        try:
            make_folder(folder)
            while (folder / f"{stem}.jsonl").exists():
                stem = f"{source.stem}-{os.urandom(2).hex()}"
            for path in _files(source):
                path.replace(folder / (stem + path.name[len(source.stem) :]))
        except OSError as error:
            raise storage_error(error, source) from error
        return folder / f"{stem}.jsonl"


def title_record(title: str) -> Record:
    """The record that sets a title, as one line of at most 200 characters. Raises UsageError if it is empty."""
    import unicodedata

    letters = (" " if unicodedata.category(c) in ("Cc", "Cs") else c for c in title[: LONGEST_TITLE * 4])
    line = " ".join("".join(letters).split())
    if not line:
        raise UsageError(_("a title may not be empty"), hint=_("/rename TITLE"))
    return {"type": "title", "title": line[:LONGEST_TITLE]}


def matching(infos: Sequence[SessionInfo], text: str) -> list[SessionInfo]:
    """Those of `infos` whose title or id contains every word of `text`, ignoring case."""
    words = text.casefold().split()
    return [info for info in infos if all(word in f"{info.title}\n{info.id}".casefold() for word in words)]


def _readable(found: Sequence[SessionRow]) -> Sequence[SessionRow]:
    """The sessions of which something could be read; all of `found` if there are none."""
    return [row for row in found if row.turns or not row.damaged] or found


_age = attrgetter("updated", "mtime", "id")


def _files(source: Path) -> list[Path]:
    """The existing files of a session. The journal is first, so that a session being moved never shows twice."""
    from glob import escape

    beside = [source.with_suffix(end) for end in _BESIDE]
    return [path for path in beside if path.exists()] + sorted(
        source.parent.glob(f"{escape(source.stem)}.*.partial")
    )


def _names(found: Sequence[SessionRow], limit: int = 5) -> str:
    named = [f"{row.id} {row.title}".strip() for row in found[:limit]]
    return _("; ").join(named) + (_("; ") + "…" if len(found) > limit else "")


def _nearest(ref: str, found: Sequence[SessionRow]) -> list[SessionRow]:
    from difflib import get_close_matches

    titles = {row.title.casefold(): row for row in reversed(found)}
    return [titles[title] for title in get_close_matches(ref.casefold(), titles, n=3, cutoff=0.5)]

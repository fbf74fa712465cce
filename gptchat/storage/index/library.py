"""The sessions of a user: lists, finds, deletes and restores them."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence, Set
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from gptchat.core.ports import ONESHOT, SessionInfo
from gptchat.errors import StorageError, UsageError
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

Latest = Literal["any", "conversation", "oneshot"]
"""Of which kind the latest session is wanted."""

LONGEST_TITLE = 200
"""Characters; a longer title is cut."""


class AmbiguousError(UsageError):
    """What was given could mean several sessions."""


class Library:
    """The sessions below the data folder `data`.

    `cache` is a folder for the cache, which may be deleted at any time; None for no cache.
    """

    def __init__(self, data: Path, cache: Path | None = None) -> None:
        self.data = data
        self.cache = cache

    def list(self, user: str) -> list[SessionInfo]:
        """All sessions of `user`, newest first. Never raises: `damaged` describes what cannot be read."""
        return [row.info(user) for row in self._newest_first(sessions_folder(self.data, user))]

    def numbered(self, user: str) -> Sequence[SessionInfo]:
        """Like `list`, in the order of the numbers that `find` takes: one-shots follow the conversations."""
        return [row.info(user) for row in _in_order(self._newest_first(sessions_folder(self.data, user)))]

    def latest(self, user: str) -> SessionInfo | None:
        """The most recently changed conversation of `user`; None if there is none."""
        found = _of_kind(rows(sessions_folder(self.data, user), self.cache), "conversation")
        return max(_readable(found), key=_age).info(user) if found else None

    def latest_id(self, user: str, kind: Latest = "any") -> str | None:
        """The id of the most recently changed session of that kind; None if there is none.

        Without a conversation, the latest session is the one to go on with.
        Faster than `latest`, since of a journal that has only grown it reads just the new part.
        """
        found = rows(sessions_folder(self.data, user), self.cache, only_age=True)
        wanted = _of_kind(found, kind) or (found if kind == "conversation" else [])
        return max(_readable(wanted), key=_age).id if wanted else None

    def find(self, user: str, ref: str, *, trashed: bool = False) -> SessionInfo:
        """The session that `ref` names: an id, its unique prefix, a number in the list, or words of its title.

        Number 1 is the newest conversation; the one-shots follow the conversations. Digits are a number if there
        are that many sessions. Words may be in any order and case; a title equal to `ref` wins, and a
        conversation before one-shots. `trashed` looks in the trash instead. Raises UsageError if there is no match
        or several, with candidates in the message or hint.
        """
        ref = ref.strip()
        lists = _("/trash lists them") if trashed else _("/sessions lists them")
        if not ref:
            raise UsageError(_("no session was named"), hint=lists)
        folder = self._trash(user) if trashed else sessions_folder(self.data, user)
        if safe_id(ref):
            try:
                return row_at(folder, ref, self.cache).info(user)
            except OSError:  # not an id
                pass
        found = self._newest_first(folder)
        if ref.isdecimal() and len(ref) < 8 and 1 <= int(ref) <= len(found):
            return _in_order(found)[int(ref) - 1].info(user)
        candidates = [row for row in found if row.id.lower().startswith(ref.lower())]
        if not candidates:
            words = ref.casefold().split()
            candidates = [row for row in found if all(word in row.title.casefold() for word in words)]
            exact = [row for row in candidates if row.title.casefold() == ref.casefold()]
            candidates = exact if len(exact) == 1 else _of_kind(candidates, "conversation") or candidates
        if len(candidates) == 1:
            return candidates[0].info(user)
        if candidates:
            message = _("{ref} could mean {count} sessions: {names}")
            raise AmbiguousError(
                message.format(ref=ref, count=len(candidates), names=_names(candidates)),
                hint=_("give more of its id or title, or its number in the list"),
            )
        near = _nearest(ref, found)
        hint = _("the nearest: {names}").format(names=_names(near)) if near else lists
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
        return self._move(source, self._trash(user))

    def restore(self, user: str, id: str) -> Path:
        """Restore a session from the trash; returns its journal's new path. Raises UsageError, StorageError."""
        return self._move(self._existing(self._trash(user), id), sessions_folder(self.data, user))

    def trash(self, user: str) -> Sequence[SessionInfo]:
        """The sessions of `user` in the trash, newest first."""
        return [row.info(user) for row in self._newest_first(self._trash(user))]

    def delete_forever(self, user: str, id: str) -> None:
        """Remove a session from the disk: its files, those in the trash under its id, and every trace of them.

        Traces are what was typed in it, the cache, and the log of `--debug` runs. Raises as `delete` does.
        """
        folder, trash = sessions_folder(self.data, user), self._trash(user)
        if not (folder / f"{id}.jsonl").exists():
            folder = trash
        found = [self._existing(folder, id)]
        found += [path for path in _copies(trash, id) if path not in found]
        self._erase(user, found)

    def forget_typed(self, user: str, id: str) -> None:
        """Remove what was typed in a session that was never written, as far as the disk lets."""
        try:
            self._erase(user, [], {id})
        except StorageError:  # what prevented the session from being written
            pass

    def empty_trash(self, user: str) -> int:
        """Remove all sessions of `user` in the trash as `delete_forever` does; returns their number."""
        found = [self._trash(user) / f"{info.id}.jsonl" for info in self.trash(user)]
        if found:
            self._erase(user, found)
        return len(found)

    def _erase(self, user: str, journals: Sequence[Path], unwritten: Set[str] = frozenset()) -> None:
        from gptchat.storage.media import named_in, remove_unnamed
        from gptchat.storage.removal import traces
        from gptchat.storage.removal.people import forget_cache
        from gptchat.storage.removal.removed import note_removed
        from gptchat.storage.vectors.passages import Passages

        folder, trash = sessions_folder(self.data, user), self._trash(user)
        files = [file for journal in journals for file in _files(journal)]
        stay = [path for each in (folder, trash) for path in each.glob("*.jsonl") if path not in files]
        ids = unwritten | {journal.stem for journal in journals} - {path.stem for path in stay}
        path = folder
        try:
            note_removed(self.data, user, sorted(ids))
            try:
                named = named_in(files)
            except OSError:  # its files then stay
                named = frozenset()
            said = traces.said_in(_legible(files), ids)
            forget_vectors = Passages(self.data, self.cache).forgetting(_legible(files))
            for path in files:
                path.unlink(missing_ok=True)
            traces.forget_typed(self.data, user, said, _legible(stay))
            traces.empty_log(self.data)
        except OSError as error:
            raise storage_error(error, path) from error
        remove_unnamed(self.data, user, named)
        forget_vectors()
        forget_cache(self.cache)  # it holds titles, and trigrams of the messages

    def _trash(self, user: str) -> Path:
        return user_folder(self.data, user) / "trash"

    def _newest_first(self, folder: Path) -> Sequence[SessionRow]:
        return sorted(rows(folder, self.cache), key=_age, reverse=True)

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


def _of_kind(found: Sequence[SessionRow], kind: Latest) -> list[SessionRow]:
    return [row for row in found if kind == "any" or (row.kind == ONESHOT) == (kind == ONESHOT)]


def _in_order(newest_first: Sequence[SessionRow]) -> list[SessionRow]:
    return [*_of_kind(newest_first, "conversation"), *_of_kind(newest_first, "oneshot")]


def _files(source: Path) -> list[Path]:
    """The existing files of a session. The journal is first, so that a session being moved never shows twice."""
    from glob import escape

    beside = [path for path in source.parent.glob(f"{escape(source.stem)}.*") if _of(source, path)]
    return [source] * source.exists() + sorted(path for path in beside if path != source)


def _of(source: Path, path: Path) -> bool:
    """Whether `path`, whose name begins with that of the journal `source`, is no other session's."""
    stem = path.name
    while len(stem) > len(source.stem):
        if (other := path.with_name(f"{stem}.jsonl")) != source and (other == path or other.exists()):
            return False
        stem = stem.rpartition(".")[0]
    return path == source or (path.suffix != ".jsonl" and path.is_file())


def _copies(trash: Path, id: str) -> list[Path]:
    """The journals in the trash of a session that was deleted more than once."""
    ours = re.compile(re.escape(id) + r"(-[0-9a-f]{4})*\.jsonl")
    return [path for path in trash.glob("*.jsonl") if ours.fullmatch(path.name)]


def _legible(files: Sequence[Path]) -> list[Path]:
    """Those of `files` that can be read; the others cannot tell what was said."""
    return [path for path in files if path.is_file() and os.access(path, os.R_OK)]


def _names(found: Sequence[SessionRow], limit: int = 5) -> str:
    named = [f"{row.id} {row.title}".strip() for row in found[:limit]]
    return _("; ").join(named) + (_("; ") + "…" if len(found) > limit else "")


def _nearest(ref: str, found: Sequence[SessionRow]) -> list[SessionRow]:
    from difflib import get_close_matches

    titles = {row.title.casefold(): row for row in reversed(found)}
    return [titles[title] for title in get_close_matches(ref.casefold(), titles, n=3, cutoff=0.5)]

"""Connects the picker to what is chosen: saved sessions, or messages of the open session's branches."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from gptchat.commands.effects import Connect, Pick, PickMessage
from gptchat.commands.wording import age, speaker
from gptchat.core.safe import clean
from gptchat.core.session import Session, shorten
from gptchat.storage.index.library import matching
from gptchat.terminal.input.picker import Picker, PickerRow
from gptchat.words import _, ngettext

if TYPE_CHECKING:
    from gptchat.conversation.services import Services
    from gptchat.core.ports import SessionInfo
    from gptchat.storage.index.library import Library
    from gptchat.storage.index.search import SearchIndex
    from gptchat.storage.store import JournalStore
    from gptchat.terminal.input.prompt import Prompt
    from gptchat.terminal.live import LiveTurn
    from gptchat.terminal.output.screen import Screen


async def pick(
    effect: Pick | PickMessage | Connect, services: Services, prompt: Prompt, screen: Screen, live: LiveTurn
) -> str | None:
    """Let the user choose a session of theirs, a message of the open one, or a provider to connect to.

    Returns its id or name, None if cancelled.
    """
    looks: dict[str, Any] = {
        "keyboard": prompt.keyboard,
        "output": prompt.output,
        "clean": clean,
        "style": screen.rules,
    }
    match effect:
        case Connect(place, insist):
            from gptchat.terminal.connect.dialogue import connect

            return await connect(services, screen, prompt, live, place=place, insist=insist)
        case Pick(text, found):
            source = _Sessions(services.manager.user, services.library, services.journals, services.indexing.index)
            if found:
                return await Picker(partial(_found, found), source.preview, **looks).pick()
            return await Picker(source.search, source.preview, **looks).pick(text)
        case PickMessage(rows, at):
            texts = {id: said for id, _title, _mark, said in rows}
            looks |= {"what": _("message"), "nothing": _("no message fits"), "begin": at}
            return await Picker(partial(_messages, rows), texts.__getitem__, **looks).pick()


def _messages(rows: Sequence[tuple[str, str, str, str]], text: str) -> Sequence[PickerRow]:
    """The rows of `PickMessage` whose messages contain all words of `text`."""
    words = text.casefold().split()
    found = [row for row in rows if all(word in row[3].casefold() for word in words)]
    return [PickerRow(id, title, mark) for id, title, mark, _said in found]


def _found(found: Sequence[tuple[str, str, str, str]], text: str) -> Sequence[PickerRow]:
    """The rows of `Pick` whose title or line contains all words of `text`."""
    words = text.casefold().split()
    rows = (PickerRow(id, title, mark, line) for id, title, mark, line in found)
    return [row for row in rows if all(word in f"{row.title}\n{row.snippet}".casefold() for word in words)]


class _Sessions:
    """The user's sessions; the list is read once per picker. Its methods are called from the picker's threads."""

    def __init__(self, user: str, library: Library, journals: JournalStore, index: SearchIndex) -> None:
        self._user = user
        self._library = library
        self._journals = journals
        self._index = index
        self._infos: Sequence[SessionInfo] | None = None

    def search(self, text: str) -> Sequence[PickerRow]:
        """Sessions whose title matches `text`, then those whose messages match it."""
        if self._infos is None:
            self._infos = self._library.list(self._user)
        rows = {info.id: self._row(info) for info in matching(self._infos, text)}
        if text.strip():
            known = {info.id: info for info in self._infos}
            for hit in self._index.search(self._user, text, 100, each=1):
                if hit.session in known:
                    rows.setdefault(hit.session, self._row(known[hit.session], hit.line))
        return list(rows.values())

    def preview(self, id: str) -> str:
        """The last turns of a session as text; empty if its journal cannot be read."""
        from gptchat.files import LARGE, read_private
        from gptchat.storage.journal import read
        from gptchat.storage.upgrades import fold

        session = Session(id, self._user)
        try:
            data = read_private(self._journals.journal_path(self._user, id), LARGE)
        except OSError:
            return ""
        fold(read(data).records, session, 0)
        lines = []
        for message in session.tail(4):
            who = speaker(message, self._user)
            lines.append(_("{who}: {text}").format(who=who, text=shorten(message.text, 200)))
        return "\n".join(lines)

    def _row(self, info: SessionInfo, snippet: str = "") -> PickerRow:
        turns = ngettext("{n} turn", "{n} turns", info.turns).format(n=info.turns)
        about = [_("one-shot")] if info.oneshot else []
        return PickerRow(info.id, info.title or info.id, " · ".join([*about, age(info.updated), turns]), snippet)

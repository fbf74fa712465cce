"""Tells in the chat what could not be saved, and offers to save it elsewhere before the user leaves."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from gptchat.commands.effects import Ask
from gptchat.core.safe import clean_line
from gptchat.errors import GptchatError, StorageError
from gptchat.words import _

if TYPE_CHECKING:
    from gptchat.conversation.services import Services
    from gptchat.core.session import Session
    from gptchat.terminal.asking import Asking
    from gptchat.terminal.output.screen import Screen


class Disk:
    """What of the sessions is not on disk, in words."""

    def __init__(self, services: Services, screen: Screen, asking: Asking) -> None:
        self._services = services
        self._screen = screen
        self._asking = asking
        self._warned: str | None = None

    def warn(self) -> None:
        """Report once that saving fails, and once that it works again; and what could not be read."""
        self._screen.notices()
        store = self._services.manager.store
        troubles = map(store.trouble, (self._services.manager.session, *store.waiting()))
        trouble = next((trouble for trouble in troubles if trouble is not None), None)
        if trouble is not None and self._warned != trouble.message:
            self._screen.error(
                StorageError(
                    _("this conversation cannot be saved: {why}").format(why=trouble.message),
                    hint=_("{hint}; the chat goes on in memory, and saving is tried again").format(
                        hint=trouble.hint
                    ),
                )
            )
        elif trouble is None and self._warned is not None:
            self._screen.say(_("saving works again; nothing is missing"), "success")
        self._warned = trouble.message if trouble else None

    async def rescue(self) -> bool:
        """Offer to save unsaved parts of any session as a file elsewhere. False if something is lost."""
        await asyncio.to_thread(self._services.manager.store.retry)
        saved = True
        for session in self._services.manager.store.waiting():
            what = _("part of {title} is not saved yet").format(title=clean_line(session.name or session.id))
            if session is self._services.manager.session:
                what = _("part of this conversation is not saved yet")
            self._screen.say(what, "notice")
            saved = await self._save_elsewhere(session) and saved
        return saved

    async def _save_elsewhere(self, session: Session) -> bool:
        target = await self._asking.ask(Ask(_("save it as a file? (Esc: no)"), default=f"~/{session.id}.json"))
        if not target:
            return False
        from gptchat.commands.exchange import write_export

        try:
            if not await self._asking.may_write(target):
                return await self._save_elsewhere(session)
            path = await asyncio.to_thread(write_export, self._services.journals, session, "json", target)
        except GptchatError as error:
            self._screen.error(error)
            return await self._save_elsewhere(session)
        self._screen.say(_("saved as {path}").format(path=path), "success")
        return True

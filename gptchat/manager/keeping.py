"""Stores the files of a reply while it streams, without delaying the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from gptchat.core.events import Notice, TurnEvent
from gptchat.core.ports import SessionStore
from gptchat.errors import StorageError
from gptchat.manager.reply import ReplyBuilder
from gptchat.words import _


async def keep_files(store: SessionStore, user: str, reply: ReplyBuilder) -> Sequence[TurnEvent]:
    """Store the files that `reply` has received since the last call; a notice for each that cannot be."""
    files = reply.unkept()
    if not files:
        return ()
    return await asyncio.to_thread(_keep, store, user, files)


def _keep(store: SessionStore, user: str, files: Sequence[tuple[str, bytes]]) -> list[TurnEvent]:
    notices: list[TurnEvent] = []
    for name, data in files:
        try:
            store.keep_file(user, name, data)
        except StorageError as error:
            notices.append(Notice(_("a file of the reply could not be kept: {why}").format(why=error.message)))
    return notices

"""Two terminals on one session: what the other has written is told before anything is added to it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from gptchat.commands.effects import Ask
from gptchat.core import session as tree
from gptchat.core.messages import Record
from gptchat.words import _, ngettext

if TYPE_CHECKING:
    from gptchat.commands.workspace import Workspace
    from gptchat.terminal.output.screen import Screen
    from gptchat.terminal.transcript import Transcript


class Joining:
    """Nothing is merged silently, and nothing is lost: the person says where to go on."""

    def __init__(
        self,
        workspace: Workspace,
        screen: Screen,
        transcript: Transcript,
        ask: Callable[[Ask], Awaitable[str | None]],
        changed: Callable[[frozenset[str]], None],
    ) -> None:
        self._workspace = workspace
        self._screen = screen
        self._transcript = transcript
        self._ask = ask
        self._changed = changed

    async def same_place(self) -> bool:
        """Whether the session stands where this program left it, or the person goes on from where it is now."""
        ws = self._workspace
        head = ws.manager.store.stood(ws.session)
        foreign = await asyncio.to_thread(ws.manager.store.refresh, ws.session)
        count = sum(1 for record in foreign if record.get("type") == "message")
        moved = ws.session.head != head
        if not moved and not count:
            return True
        words = ngettext(
            "another gptchat has added {n} message to this session",
            "another gptchat has added {n} messages to this session",
            count,
        )
        if not count:
            words = _("another gptchat has moved this conversation, as /undo does")
        self._screen.say(words.format(n=count), "notice")
        if not moved:  # the person has gone elsewhere since, as with /undo or /retry
            return True
        self._transcript.messages([m for m in ws.session.tail(count) if m.id != head])
        answer = await self._ask(
            Ask(
                _("go on from there?"),
                (
                    ("y", _("yes, after those messages")),
                    ("b", _("no, make a branch from where I was")),
                    ("f", _("no, fork: go on in a session of my own")),
                    ("n", _("wait, I want to think")),
                ),
                default="y",
            )
        )
        if answer == "b":
            ws.manager.record(tree.move(head))
        elif answer == "f":
            ws.manager.record(tree.move(head))
            records = tree.fork(ws.session)
            # The other program's place in the old session is given back.
            ws.manager.record(tree.move(_head(foreign)))
            name = ws.session.name
            ws.begin_session(title=_("{title} (fork)").format(title=name), settings=dict(ws.session.settings))
            ws.manager.record(*records)
            self._changed(frozenset({"session"}))
        return answer in ("y", "b", "f")


def _head(records: Sequence[Record]) -> str | None:
    """Where the records of another program left the head."""
    head: str | None = None
    for record in records:
        if record.get("type") == "message":
            head = record.get("id")
        elif record.get("type") == "head":
            head = record.get("message")
    return head

"""The sessions family: searches all sessions, and lists the turns of the current one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from gptchat.commands.effects import AsideEffects, Changed, Effects, Pick, Show, Table, Text
from gptchat.commands.registry import Argument, Call, Command
from gptchat.commands.sessions import replay
from gptchat.commands.wording import speaker
from gptchat.core.messages import Message
from gptchat.core.session import shorten
from gptchat.words import _, ngettext

if TYPE_CHECKING:
    from gptchat.config.settings import Settings
    from gptchat.conversation.profile import Profile
    from gptchat.conversation.services import RunOptions
    from gptchat.manager import SessionManager
    from gptchat.storage.index.background import Indexing


async def search(
    call: Call, manager: SessionManager, settings: Settings, run: RunOptions, profile: Profile, indexing: Indexing
) -> Effects:
    """Find sessions by what was said in them."""
    from gptchat.storage.index.search import AT_ONCE  # SQLite: only where it is needed

    text = call.get("text")
    if not run.unattended and await asyncio.to_thread(indexing.index.behind, manager.user) > AT_ONCE:
        indexing.start(manager.user)  # behind: this answer is read from the sessions themselves
        yield Show([Text(_("your sessions are being indexed; until then a search takes longer"), "quiet")])
    hits = await asyncio.to_thread(indexing.index.search, manager.user, text)
    data = [
        {"session": h.session, "title": h.title, "message": h.message, "role": h.role, "line": h.line}
        for h in hits
    ]
    if not hits:
        yield Show([Text(_("nothing was found for {text}").format(text=text), "quiet")], data)
        return
    rows = [[shorten(h.title, 28) or h.session, h.line] for h in hits]
    yield Show([Table([_("session"), _("line")], rows)], data)
    chosen = yield Pick(text)
    if chosen is not None:
        await asyncio.to_thread(profile.open_session, chosen)
        yield Changed(frozenset({"session"}))
        sought = next((hit.message for hit in hits if hit.session == chosen and hit.message), "")
        yield replay(manager, settings, sought=sought)


async def history(call: Call, manager: SessionManager) -> AsideEffects:
    """Show the conversation as it stands, with the branches beside it."""
    turns = call.number("n", 0)
    session = manager.session
    shown = list(session.turns())[-turns:] if turns else list(session.turns())
    if not shown:
        yield Show([Text(_("nothing has been said yet"), "quiet")], [])
        return
    total = len(session.user_ids())
    first = total - len(shown) + 1
    rows, data = [], []
    for number, turn in enumerate(shown, first):
        for message in turn:
            beside = len(session.children_of(session.parent_of(message.id))) - 1
            rows.append([str(number) if message.role == "user" else "", *_history_row(manager, message, beside)])
            data.append({**message.to_record(), "turn": number})
    yield Show([Table(["", _("who"), _("said"), ""], rows, right=frozenset({0}))], data)


def _history_row(manager: SessionManager, message: Message, beside: int) -> list[str]:
    who = speaker(message, manager.user)
    marks = []
    if message.id in manager.session.pinned:
        marks.append(_("pinned"))
    if message.status != "complete":
        marks.append(_("stopped") if message.status == "interrupted" else _("failed"))
    if beside:
        marks.append(ngettext("{n} other version", "{n} other versions", beside).format(n=beside))
    return [who, shorten(message.text, 60), _(", ").join(marks)]


COMMANDS = (
    Command(
        "search",
        "sessions",
        "Search what was said in all your sessions",
        search,
        (Argument("text", "text", required=True, rest=True),),
        examples=(("/search 事件循环", "in any language"),),
        shows=lambda _call: True,
    ),
    Command(
        "history",
        "sessions",
        "Show this conversation, turn by turn",
        history,
        (Argument("n", "number"),),
        examples=(("/history", "all of it"), ("/history 3", "the last three turns")),
        streaming=True,
    ),
)

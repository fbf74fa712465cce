"""The sessions family: searches all sessions, lists the turns of one, and goes to its other branches."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from itertools import count
from typing import TYPE_CHECKING

from gptchat.commands.effects import (
    AsideEffects,
    Ask,
    Changed,
    Effect,
    Effects,
    Pick,
    PickMessage,
    Progress,
    Replay,
    Show,
    Table,
    Text,
)
from gptchat.commands.registry import Argument, Call, Command
from gptchat.commands.sessions import replay
from gptchat.commands.wording import in_thread, speaker, unsaved
from gptchat.core import branches
from gptchat.core.messages import Message
from gptchat.core.replies.media import files_of
from gptchat.core.replies.sources import sources_of
from gptchat.core.session import move, shorten
from gptchat.core.tooling.described import (
    CallResult,
    call_line,
    calls_of,
    fold,
    gist,
    result_line,
    result_of,
    with_results,
)
from gptchat.errors import UsageError
from gptchat.words import _, ngettext

if TYPE_CHECKING:
    from gptchat.config.settings import Settings
    from gptchat.conversation.meaning.meaning import MeaningSearch
    from gptchat.conversation.profile import Profile
    from gptchat.conversation.services import RunOptions
    from gptchat.core.branches import TreeRow
    from gptchat.core.events import ToolCall
    from gptchat.manager import SessionManager
    from gptchat.storage.index.background import Indexing

    Found = AsyncGenerator[Effect | tuple[str, str], str | None]


async def search(
    call: Call,
    manager: SessionManager,
    settings: Settings,
    run: RunOptions,
    profile: Profile,
    indexing: Indexing,
    meaning: MeaningSearch,
) -> Effects:
    """Find sessions by what was said in them."""
    text = call.get("text")
    if call.flags:
        from gptchat.commands.meaning.searching import search_by_meaning

        found, answer = search_by_meaning(call, manager.user, run, meaning), None
    elif text:
        found, answer = _search_words(text, manager.user, run, indexing), None
    else:
        raise UsageError(
            _("/{name} needs {argument}").format(name="search", argument="TEXT"),
            hint=_("usage: {usage}").format(usage=call.command.usage),
        )
    async with aclosing(found):
        while True:
            try:
                effect = await found.asend(answer)
            except StopAsyncIteration:
                return
            if not isinstance(effect, tuple):
                answer = yield effect
                continue
            chosen, sought = effect
            await asyncio.to_thread(profile.open_session, chosen)
            yield Changed(frozenset({"session"}))
            if sought in manager.session.messages and sought not in manager.session.path_ids():
                # the match is on another branch: open that
                manager.record(move(branches.tip(manager.session, sought)))
            yield replay(manager, settings, sought=sought)
            answer = None


async def _search_words(text: str, user: str, run: RunOptions, indexing: Indexing) -> Found:
    """Search by words; after a `Pick` yields the (session, message) that was chosen."""
    from gptchat.storage.index.matching import Hit
    from gptchat.storage.index.search import AT_ONCE  # SQLite: only where it is needed

    index, hits = indexing.index, list[Hit]()
    if run.unattended:  # what is new is indexed now, however much it is: the next search is quick
        async for step in in_thread(index.search, user, text, label=_("indexing your sessions")):
            if isinstance(step, Progress):
                yield step
            else:
                hits = step
    else:
        if await asyncio.to_thread(index.behind, user) > AT_ONCE:
            indexing.start(user)  # behind: this answer is read from the sessions themselves
            yield Show([Text(_("your sessions are being indexed; until then a search takes longer"), "quiet")])
        hits = await asyncio.to_thread(index.search, user, text)
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
        yield chosen, next((hit.message for hit in hits if hit.session == chosen and hit.message), "")


async def history(call: Call, manager: SessionManager, run: RunOptions) -> AsideEffects:
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
    calls = count(1 + sum(len(calls_of(session.messages[id])) for id in session.path_ids()) - sum(
        len(calls_of(message)) for turn in shown for message in turn))  # fmt: skip
    for number, turn in enumerate(shown, first):
        for message, pairs in with_results(turn):
            beside = len(branches.versions(session, message.id)) - 1
            row = _history_row(manager, message, beside)
            if message.text.strip() or row[-1] or not pairs:  # many models only call
                rows.append([str(number) if message.role == "user" else "", *row])
            rows += [_call_row(call, result, next(calls)) for call, result in pairs]
        data += [{**message.to_record(), "turn": number} for message in turn]
    table = Table(["", _("who"), _("said"), ""], rows, right=frozenset({0}))
    hint = (
        [Text(_("/tools N shows call N with its whole result"), "quiet")]
        if any("▸" in row[1] for row in rows)
        else []
    )
    yield Show([table, *hint, *unsaved(manager, run)], data)


def _call_row(call: ToolCall, result: Message | None, number: int) -> list[str]:
    """The row of a call, with its number, its result and how it ended."""
    told = result_line(result_of(result) if result is not None else CallResult("interrupted", ""), 40)
    return ["", f"▸ {number}", fold(call_line(call.name, call.arguments), 60), told]


def _history_row(manager: SessionManager, message: Message, beside: int) -> list[str]:
    who = speaker(message, manager.user)
    marks = []
    if message.id in manager.session.pinned:
        marks.append(_("pinned"))
    if message.status != "complete":
        marks.append(_("stopped") if message.status == "interrupted" else _("failed"))
    if files := len(files_of(message)):
        marks.append(ngettext("{n} file", "{n} files", files).format(n=files))
    if sources := len(sources_of(message)):
        marks.append(ngettext("{n} source", "{n} sources", sources).format(n=sources))
    if beside:
        marks.append(ngettext("{n} other version", "{n} other versions", beside).format(n=beside))
    return [who, shorten(gist(message), 60), _(", ").join(marks)]


_INDENT = 36
"""Columns of the lines before a row; what is deeper is shown as if it were there."""


async def versions(call: Call, manager: SessionManager, settings: Settings, run: RunOptions) -> Effects:
    """Show the versions of the last answer, and go to another one."""
    session = manager.session
    last = _branched(manager)
    if last is None:
        if not session.messages:
            raise UsageError(_("nothing has been said yet"))
        raise UsageError(
            _("there is one version of each message"), hint=_("/retry asks for another answer, /edit asks anew")
        )
    ids = branches.versions(session, last)
    now = ids.index(last)
    wanted = call.get("n")
    if not wanted and run.unattended:
        rows = [[str(n), *_version(manager, session.messages[id])] for n, id in enumerate(ids, 1)]
        data = [{**session.messages[id].to_record(), "current": id == last} for id in ids]
        yield Show([Table(["", _("who"), _("said")], rows, frozenset({0}), now)], data)
        return
    if not wanted:
        said = [_version(manager, session.messages[id]) for id in ids]
        keys = [(str(n), _("{who}: {text}").format(who=who, text=text)) for n, (who, text) in enumerate(said, 1)]
        wanted = (yield Ask(_("which version do we go on with?"), keys, str(now + 1))) or str(now + 1)
    target = _number(wanted, now, len(ids))
    if target == now and not call.get("n"):
        return
    there = _go(manager, settings, branches.tip(session, ids[target]))
    yield Replay(there.messages)
    yield Changed(frozenset({"session"}))


async def tree(call: Call, manager: SessionManager, settings: Settings, run: RunOptions) -> Effects:
    """Show every branch of the conversation, and go to any point of it."""
    session = manager.session
    rows = branches.tree(session)
    if not rows:
        raise UsageError(_("nothing has been said yet"))
    wanted: str | None
    if number := call.get("n"):
        wanted = rows[_number(number, 0, len(rows))].id
    elif run.unattended:
        shown = [[str(n), _drawn(manager, row), _mark(manager, row)] for n, row in enumerate(rows, 1)]
        data = [
            {**session.messages[row.id].to_record(), "parent": session.parent_of(row.id), "current": row.on_path}
            for row in rows
        ]
        yield Show([Table(["", _("said"), ""], shown, frozenset({0}))], data)
        return
    else:
        picks = [
            (row.id, _drawn(manager, row), _mark(manager, row), session.messages[row.id].text) for row in rows
        ]
        wanted = yield PickMessage(picks, session.head or "")
    if wanted is None or wanted == session.head:
        return
    if session.messages[wanted].role == "user":
        wanted = next(reversed(session.children_of(wanted)), wanted)  # its newest answer
    yield _go(manager, settings, wanted)
    yield Changed(frozenset({"session"}))


def _go(manager: SessionManager, settings: Settings, id: str) -> Replay:
    manager.record(move(id))
    return replay(manager, settings, 1)


def _branched(manager: SessionManager) -> str | None:
    """The last message of the conversation that has other versions."""
    session = manager.session
    return next((id for id in reversed(session.path_ids()) if len(branches.versions(session, id)) > 1), None)


def _number(word: str, now: int, count: int) -> int:
    """The index that `word` names: a number from 1, `next` or `previous` of `now`. Raises UsageError."""
    if word in ("next", "previous"):
        return (now + (1 if word == "next" else -1)) % count
    if not word.isdecimal() or not 0 < int(word) <= count:
        raise UsageError(_("there is no number {n}; there are {total}").format(n=word, total=count))
    return int(word) - 1


def _version(manager: SessionManager, message: Message) -> list[str]:
    return [speaker(message, manager.user), shorten(gist(message), 60)]


def _drawn(manager: SessionManager, row: TreeRow) -> str:
    message = manager.session.messages[row.id]
    said = _("{who}: {text}").format(who=speaker(message, manager.user), text=shorten(gist(message), 60))
    return row.lines[-_INDENT:] + said


def _mark(manager: SessionManager, row: TreeRow) -> str:
    if row.id == manager.session.head:
        return "◀"
    aside = branches.is_aside(manager.session.messages[row.id])
    return "•" if row.on_path else _("aside") if aside else ""


COMMANDS = (
    Command(
        "search",
        "sessions",
        "Search what was said in all your sessions, by words or by meaning",
        search,
        (Argument("text", "text", rest=True),),
        flags={
            "--meaning": "by words and by meaning, with the vectors of search.embeddings",
            "--fill": "fetch the vectors that are missing",
            "--stop": "stop fetching vectors",
        },
        examples=(
            ("/search 事件循环", "in any language"),
            ("/search --meaning how do I wait for several tasks", "what is near in meaning, whatever its words"),
        ),
        brief="find what was said",
        shows=lambda call: not call.flags,
    ),
    Command(
        "history",
        "sessions",
        "Show this conversation, turn by turn",
        history,
        (Argument("n", "number"),),
        examples=(("/history", "all of it"), ("/history 3", "the last three turns")),
        streaming=True,
        session=True,
    ),
    Command(
        "versions",
        "sessions",
        "Look at the other answers, or go to one of them",
        versions,
        (Argument("n", "number"),),
        examples=(
            ("/versions", "all of them, to choose from"),
            ("/versions 2", "the second; also next and previous"),
        ),
        shows=lambda call: not call.get("n"),
        about="An empty prompt's Alt-Left and Alt-Right do the same.",
        brief="the other answers",
        session=True,
    ),
    Command(
        "tree",
        "sessions",
        "Show every branch, and go to any point of it",
        tree,
        (Argument("n", "number"),),
        examples=(
            ("/tree", "choose a point with the arrow keys"),
            ("/tree 3", "go to the third message of the tree"),
        ),
        brief="every branch",
        session=True,
    ),
)

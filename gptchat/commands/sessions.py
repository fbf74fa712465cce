"""The sessions family: begin, list, resume, rename, delete and fork."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gptchat.commands.effects import (
    AsideEffects,
    Ask,
    Changed,
    Effects,
    Pick,
    Replay,
    SearchedTurn,
    Show,
    Table,
    Text,
)
from gptchat.commands.registry import Argument, Call, Command
from gptchat.commands.wording import FOREVER, age, confirm, session_json
from gptchat.config.key_text import require_name
from gptchat.core.titles import shorten
from gptchat.errors import UsageError
from gptchat.storage.ids import safe_id
from gptchat.storage.index.library import AmbiguousError, matching, title_record
from gptchat.waiting import to_thread
from gptchat.words import _, ngettext

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gptchat.config.settings import Settings
    from gptchat.conversation.people import People
    from gptchat.conversation.profile import Profile
    from gptchat.conversation.routing import Routing
    from gptchat.conversation.services import RunOptions
    from gptchat.core.ports import SessionInfo
    from gptchat.core.session import Session
    from gptchat.manager import SessionManager
    from gptchat.storage.index.library import Library
    from gptchat.storage.store import JournalStore

TITLE_REQUEST = (
    "Give the conversation below a title of at most six words, in its own language. "
    "Answer with the title alone, without quotation marks.\n\n{said}"
)
"""Read by models, so it stays English."""


async def new(call: Call, manager: SessionManager, run: RunOptions, profile: Profile) -> Effects:
    """Begin a new session; the old one stays."""
    old = manager.session
    profile.begin_session(title=require_name(call.get("title")) or None)
    yield Changed(frozenset({"session"}))
    note = _("a new session begins")
    if old.messages:
        kept = _("a new session begins; {title} is kept (/resume)")
        gone = _("a new session begins; {title} is not kept: incognito")
        note = (gone if run.incognito else kept).format(title=old.name)
    yield Show([Text(note, "quiet")], {"session": manager.session.id})


async def sessions(call: Call, library: Library, people: People, run: RunOptions, open_id: str) -> AsideEffects:
    """List the conversations of this user, newest first, and with `--all` the one-shots below them."""
    found = await to_thread(library.numbered, people.current)
    text = call.get("text")
    shown_ids = {info.id for info in matching(found, text)}
    matches = [(number, info) for number, info in enumerate(found, 1) if info.id in shown_ids]
    talks = [(number, info) for number, info in matches if not info.oneshot]
    oneshots = matches[len(talks) :]
    listed = matches if "--all" in call.flags else talks
    blocks: list[Any] = []
    if talks:
        blocks += _table(talks, open_id, _("title"))
    elif not listed:
        empty = _("no saved conversations yet") if oneshots else _("no saved sessions yet")
        if text:
            empty = _("no session has {text} in its title; /search looks inside")
        blocks.append(Text(empty.format(text=text), "quiet"))
    if oneshots and listed is matches:
        blocks += _table(oneshots, open_id, _("one-shot question"))
    elif oneshots:
        left = ngettext(
            "{n} one-shot question is listed apart: /sessions --all",
            "{n} one-shot questions are listed apart: /sessions --all",
            len(oneshots),
        )
        blocks.append(Text(left.format(n=len(oneshots)) + (f" {text}" if text else ""), "quiet"))
    if run.incognito:
        blocks.append(Text(_("incognito: this conversation is not saved, and not in the list"), "warning"))
    damaged = [info for _n, info in listed if info.damaged]
    if damaged:
        blocks.append(Text(_("{n} of them could not be read whole").format(n=len(damaged)), "warning"))
    yield Show(blocks, [{"number": number, **session_json(info)} for number, info in listed])


def _table(numbered: Sequence[tuple[int, SessionInfo]], open_id: str, title: str) -> list[Any]:
    """The first sessions of `numbered` as a table, and how many more there are. `title` heads their titles."""
    shown = numbered[:50]
    rows = [_session_row(number, info) for number, info in shown]
    current = next((i for i, (_n, info) in enumerate(shown) if info.id == open_id), None)
    columns = ["", title, _("age"), _("turns"), _("model")]
    blocks: list[Any] = [Table(columns, rows, right=frozenset({0, 3}), marked=current)]
    if len(numbered) > len(shown):
        more = _("{n} more; /sessions TEXT narrows the list")
        blocks.append(Text(more.format(n=len(numbered) - len(shown)), "quiet"))
    return blocks


def _session_row(number: int, info: SessionInfo) -> list[str]:
    title = shorten(info.title) or _("(no title)")
    return [str(number), title, age(info.updated), str(info.turns), info.model]


async def resume(
    call: Call,
    manager: SessionManager,
    settings: Settings,
    library: Library,
    profile: Profile,
    journals: JournalStore,
) -> Effects:
    """Open a saved session and show its last turns."""
    reference = call.get("ref")
    session_id = (
        await to_thread(_find_or_restore, manager, library, journals, reference) if reference else (yield Pick())
    )
    if session_id is None:
        return
    await to_thread(profile.open_session, session_id)
    yield Changed(frozenset({"session"}))
    yield replay(manager, settings)


def _find_or_restore(manager: SessionManager, library: Library, journals: JournalStore, reference: str) -> str:
    """The id of the session that `reference` means; one in the trash is brought back by its id.

    Not where it is back by itself, since another terminal has gone on with it.
    """
    there = safe_id(reference) and journals.journal_path(manager.user, reference).exists()
    if not there and any(info.id == reference for info in library.trash(manager.user)):
        library.restore(manager.user, reference)
        return reference
    return library.find(manager.user, reference).id


def replay(manager: SessionManager, settings: Settings, turns: int | None = None, sought: str = "") -> Replay:
    """The effect that shows the last turns of the open session, and the one that the message `sought` is in."""
    wanted = settings.ui.replay if turns is None else turns
    users = manager.session.user_ids()
    path = manager.session.path_ids()
    start = path.index(users[-wanted]) if 0 < wanted <= len(users) else (0 if wanted else len(path))
    messages = manager.session.tail(len(path) - start)
    found = _found(manager.session, sought, start) if sought in path else None
    return Replay(messages, start, manager.session.name, found)


def _found(session: Session, sought: str, start: int) -> SearchedTurn | None:
    """The turn that contains the message `sought`; None if it is on the path at or after index `start`."""
    path = session.path_ids()
    first = last = path.index(sought)
    if first >= start:
        return None
    while first > 0 and session.messages[path[first]].role != "user":
        first -= 1
    while last + 1 < start and session.messages[path[last + 1]].role != "user":
        last += 1
    return SearchedTurn([session.messages[id] for id in path[first : last + 1]], first, start - last - 1)


async def rename(call: Call, manager: SessionManager, routing: Routing, run: RunOptions) -> Effects:
    """Give the session a title; without one the model proposes it."""
    title = call.get("title")
    if not title:
        if not manager.session.messages:
            raise UsageError(_("there is nothing to name yet"), hint=_("usage: /rename TITLE"))
        proposed = await propose_title(manager, routing)
        answer = yield Ask(_("title"), default=proposed)
        title = proposed if answer is None and run.unattended else answer or ""
        if not title:
            return
    record = title_record(require_name(title))
    manager.record(record)
    title = record["title"]
    yield Changed(frozenset({"session"}))
    yield Show([Text(_("this session is now called {title}").format(title=title), "good")], {"title": title})


async def propose_title(manager: SessionManager, routing: Routing) -> str:
    """A title for the session that the model proposes. Raises what the provider raises."""
    said = "\n\n".join(message.text[:1000] for message in manager.session.tail(8))
    from gptchat.core.messages import Message

    asked = Message("user", TITLE_REQUEST.format(said=said))
    from gptchat.conversation.routes.completing import complete

    proposed = await complete(routing, [asked], max_tokens=1000)
    lines = [line.strip(" #*\"'“”「」《》.。") for line in proposed.splitlines()]
    return shorten(next((line for line in lines if line), manager.session.name), 60)


async def delete(
    call: Call,
    manager: SessionManager,
    library: Library,
    run: RunOptions,
    profile: Profile,
    journals: JournalStore,
) -> Effects:
    """Move a session to the trash, or remove it for good."""
    forever = FOREVER in call.flags
    if reference := call.get("ref"):
        info = await to_thread(_to_delete, library, manager.user, reference, forever)
        session_id, title = info.id, info.title
    else:
        session_id, title = manager.session.id, manager.session.name
        if not manager.session.messages:
            if run.unattended:
                raise UsageError(_("say which session"), hint=_("/sessions lists them"))
            raise UsageError(_("this session has no messages yet; there is nothing to delete"))
    waits = run.incognito or any(session.id == session_id for session in manager.store.waiting())
    unwritten = waits and not await to_thread(journals.journal_path(manager.user, session_id).exists)
    forever = forever or unwritten  # what never came to the disk cannot go to the trash
    title = shorten(title) or session_id
    question = _("remove {title} for good?") if forever else _("delete {title}?")
    answer = yield confirm(question.format(title=title), forever=forever)
    if answer != "y" and not (answer is None and run.unattended):
        yield Show([Text(_("nothing was deleted"), "quiet")], {"deleted": None})
        return
    remove = library.forget_typed if unwritten else library.delete_forever if forever else library.delete
    await to_thread(remove, manager.user, session_id)
    manager.store.forget(manager.user, session_id)
    if session_id == manager.session.id:
        profile.begin_session()
        yield Changed(frozenset({"session"}))
    if forever:
        yield Changed(frozenset({"typed"}))
    note = (
        _("{title} is removed for good") if forever else _("{title} is in the trash; /resume {id} brings it back")
    )
    yield Show([Text(note.format(title=title, id=session_id))], {"deleted": session_id, "forever": forever})


def _to_delete(library: Library, user: str, reference: str, forever: bool) -> SessionInfo:
    """The session that `reference` names; for good, one in the trash will do, too."""
    try:
        return library.find(user, reference)
    except UsageError as error:
        # A number is one of the list: what is gone from there must not become another one's in the trash.
        if forever and not reference.strip().isdecimal() and not isinstance(error, AmbiguousError):
            try:
                return library.find(user, reference, trashed=True)
            except UsageError:  # then it is told what there is in the list
                pass
        raise


async def fork(call: Call, manager: SessionManager, profile: Profile) -> Effects:
    """Begin a new session with the first turns of this one."""
    turns = call.number("n", 0) or None
    from gptchat.core.branches import fork as fork_records

    records = fork_records(manager.session, turns)
    if not records:
        raise UsageError(_("there is nothing to fork yet"))
    old = manager.session.name
    settings = dict(manager.session.settings)
    profile.begin_session(title=_("{title} (fork)").format(title=old), settings=settings)
    manager.record(*records)
    yield Changed(frozenset({"session"}))
    kept = len(manager.session.user_ids())
    note = ngettext(
        "a new session begins with the first turn; {title} stays as it was",
        "a new session begins with the first {n} turns; {title} stays as it was",
        kept,
    )
    yield Show([Text(note.format(n=kept, title=old), "good")], {"session": manager.session.id, "turns": kept})


_REF = Argument("ref", "session", rest=True)

COMMANDS = (
    Command(
        "new",
        "sessions",
        "Begin a new session; the old one is kept",
        new,
        (Argument("title", "text", rest=True),),
        ("clear", "reset"),
        examples=(("/new", "a fresh start"), ("/new Tax return", "with a title")),
        brief="begin anew",
    ),
    Command(
        "sessions",
        "sessions",
        "List your sessions, newest first",
        sessions,
        (Argument("text", "text", rest=True),),
        ("ls",),
        flags={"--all": "the one-shot questions too"},
        examples=(("/sessions", "the conversations"), ("/sessions tax", "those with tax in the title")),
        streaming=True,
        brief="list them",
    ),
    Command(
        "resume",
        "sessions",
        "Go on with a saved session",
        resume,
        (_REF,),
        ("open",),
        examples=(
            ("/resume", "choose one from a list"),
            ("/resume 2", "the second in /sessions"),
            ("/resume tax return", "by words of its title"),
        ),
        about="REF is a session's id, the beginning of one, its number in /sessions, or words of its title.",
        brief="open one",
    ),
    Command(
        "rename",
        "sessions",
        "Give this session a title",
        rename,
        (Argument("title", "text", rest=True),),
        examples=(("/rename Tax return", "your own title"), ("/rename", "the model proposes one")),
        session=True,
    ),
    Command(
        "delete",
        "sessions",
        "Move a session to the trash",
        delete,
        (_REF,),
        flags={FOREVER: "remove it for good instead"},
        examples=(("/delete", "this session"), ("/delete --forever 3", "the third, for good")),
    ),
    Command(
        "fork",
        "sessions",
        "Begin a new session with the first turns of this one",
        fork,
        (Argument("n", "number"),),
        ("branch",),
        examples=(("/fork", "with all turns"), ("/fork 2", "with the first two")),
        session=True,
    ),
)

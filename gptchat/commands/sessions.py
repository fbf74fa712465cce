"""The sessions family: begin, list, resume, rename, delete, fork, search, and move sessions in and out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gptchat.commands.effects import (
    Ask,
    Changed,
    Effect,
    Pick,
    Progress,
    Replay,
    Show,
    Source,
    Table,
    Text,
)
from gptchat.commands.registry import Argument, Call, Command
from gptchat.commands.workspace import Workspace
from gptchat.core.messages import Message
from gptchat.core.ports import SessionInfo
from gptchat.core.session import fork as fork_records
from gptchat.core.session import shorten
from gptchat.errors import UsageError
from gptchat.storage.library import matching, title_record
from gptchat.words import _, ngettext

if TYPE_CHECKING:
    from gptchat.storage.exchange import Imported

Effects = AsyncGenerator[Effect, Any]
TITLE_REQUEST = (
    "Give the conversation below a title of at most six words, in its own language. "
    "Answer with the title alone, without quotation marks.\n\n{said}"
)
"""Read by models, so it stays English."""


async def new(ws: Workspace, call: Call) -> Effects:
    """Begin a new session; the old one stays."""
    old = ws.session
    ws.begin_session(title=call.get("title") or None)
    yield Changed(frozenset({"session"}))
    note = _("a new session begins")
    if old.messages:
        note = _("a new session begins; {title} is kept (/resume)").format(title=old.name)
    yield Show([Text(note, "quiet")], {"session": ws.session.id})


async def sessions(ws: Workspace, call: Call) -> Effects:
    """List the sessions of this user, newest first."""
    found = await asyncio.to_thread(ws.library.list, ws.user)
    text = call.get("text")
    shown_ids = {info.id for info in matching(found, text)}
    numbered = [(number, info) for number, info in enumerate(found, 1) if info.id in shown_ids]
    data = [{"number": number, **session_json(info)} for number, info in numbered]
    if not numbered:
        empty = (
            _("no session has {text} in its title; /search looks inside") if text else _("no saved sessions yet")
        )
        yield Show([Text(empty.format(text=text), "quiet")], data)
        return
    shown = numbered[:50]
    rows = [_session_row(ws, number, info) for number, info in shown]
    current = next((i for i, (_n, info) in enumerate(shown) if info.id == ws.session.id), None)
    columns = ["", _("title"), _("age"), _("turns"), _("model")]
    blocks: list[Any] = [Table(columns, rows, right=frozenset({0, 3}), marked=current)]
    if len(numbered) > len(shown):
        more = ngettext(
            "{n} more; /sessions TEXT narrows the list", "{n} more; /sessions TEXT narrows the list", 2
        )
        blocks.append(Text(more.format(n=len(numbered) - len(shown)), "quiet"))
    damaged = [info for _n, info in numbered if info.damaged]
    if damaged:
        blocks.append(Text(_("{n} of them could not be read whole").format(n=len(damaged)), "warning"))
    yield Show(blocks, data)


def session_json(info: SessionInfo) -> dict[str, Any]:
    """A session as `--json` lists it."""
    return {
        "id": info.id,
        "user": info.user,
        "title": info.title,
        "created": info.created,
        "updated": info.updated,
        "turns": info.turns,
        "model": info.model,
    }


def _session_row(ws: Workspace, number: int, info: SessionInfo) -> list[str]:
    title = shorten(info.title) or _("(no title)")
    return [str(number), title, ws.age(info.updated), str(info.turns), info.model]


async def resume(ws: Workspace, call: Call) -> Effects:
    """Open a saved session and show its last turns."""
    reference = call.get("ref")
    session_id = await asyncio.to_thread(_find_or_restore, ws, reference) if reference else (yield Pick())
    if session_id is None:
        return
    await asyncio.to_thread(ws.open_session, session_id)
    yield Changed(frozenset({"session"}))
    yield replay(ws)


def _find_or_restore(ws: Workspace, reference: str) -> str:
    """The id of the session that `reference` means; one in the trash is brought back by its id."""
    if any(info.id == reference for info in ws.library.trash(ws.user)):
        ws.library.restore(ws.user, reference)
        return reference
    return ws.library.find(ws.user, reference).id


def replay(ws: Workspace, turns: int | None = None) -> Replay:
    """The effect that shows the last turns of the open session."""
    wanted = ws.settings.get("ui.replay") if turns is None else turns
    users = ws.session.user_ids()
    path = ws.session.path_ids()
    start = path.index(users[-wanted]) if 0 < wanted <= len(users) else (0 if wanted else len(path))
    messages = ws.session.tail(len(path) - start)
    return Replay(messages, start, ws.session.name)


async def rename(ws: Workspace, call: Call) -> Effects:
    """Give the session a title; without one the model proposes it."""
    title = call.get("title")
    if not title:
        if not ws.session.messages:
            raise UsageError(_("there is nothing to name yet"), hint=_("usage: /rename TITLE"))
        proposed = await propose_title(ws)
        title = yield Ask(_("title"), default=proposed)
        if not title:
            return
    record = title_record(title)
    ws.manager.record(record)
    title = record["title"]
    yield Changed(frozenset({"session"}))
    yield Show([Text(_("this session is now called {title}").format(title=title), "good")], {"title": title})


async def propose_title(ws: Workspace) -> str:
    """A title for the session that the model proposes. Raises what the provider raises."""
    said = "\n\n".join(message.text[:1000] for message in ws.session.tail(8))
    asked = Message("user", TITLE_REQUEST.format(said=said))
    proposed = await ws.answering.complete([asked], max_tokens=1000)
    lines = [line.strip(" #*\"'“”「」《》.。") for line in proposed.splitlines()]
    return shorten(next((line for line in lines if line), ws.session.name), 60)


async def delete(ws: Workspace, call: Call) -> Effects:
    """Move a session to the trash, or remove it for good."""
    forever = "--forever" in call.flags
    if reference := call.get("ref"):
        info = await asyncio.to_thread(ws.library.find, ws.user, reference)
        session_id, title = info.id, info.title
    else:
        session_id, title = ws.session.id, ws.session.name
        if not ws.session.messages:
            raise UsageError(_("this session has no messages yet; there is nothing to delete"))
    title = shorten(title) or session_id
    question = _("remove {title} for good?") if forever else _("delete {title}?")
    answer = yield Ask(
        question.format(title=title), choices=(("y", _("yes")), ("n", _("no"))), default="n" if forever else "y"
    )
    if answer != "y" and not (answer is None and ws.run.unattended):
        yield Show([Text(_("nothing was deleted"), "quiet")], {"deleted": None})
        return
    remove = ws.library.delete_forever if forever else ws.library.delete
    await asyncio.to_thread(remove, ws.user, session_id)
    if session_id == ws.session.id:
        ws.begin_session()
        yield Changed(frozenset({"session"}))
    note = (
        _("{title} is removed for good") if forever else _("{title} is in the trash; /resume {id} brings it back")
    )
    yield Show([Text(note.format(title=title, id=session_id))], {"deleted": session_id, "forever": forever})


async def fork(ws: Workspace, call: Call) -> Effects:
    """Begin a new session with the first turns of this one."""
    turns = call.number("n", 0) or None
    records = fork_records(ws.session, turns)
    if not records:
        raise UsageError(_("there is nothing to fork yet"))
    old = ws.session.name
    settings = dict(ws.session.settings)
    ws.begin_session(title=_("{title} (fork)").format(title=old), settings=settings)
    ws.manager.record(*records)
    yield Changed(frozenset({"session"}))
    kept = len(ws.session.user_ids())
    note = ngettext(
        "a new session begins with the first turn; {title} stays as it was",
        "a new session begins with the first {n} turns; {title} stays as it was",
        kept,
    )
    yield Show([Text(note.format(n=kept, title=old), "good")], {"session": ws.session.id, "turns": kept})


async def search(ws: Workspace, call: Call) -> Effects:
    """Find sessions by what was said in them."""
    from gptchat.storage.index import AT_ONCE, SearchIndex  # SQLite: only where it is needed

    text = call.get("text")
    index = SearchIndex(ws.paths.data_dir, ws.library.cache)
    if await asyncio.to_thread(index.behind, ws.user) > AT_ONCE:
        async for step in ws.in_thread(index.update, ws.user, label=_("reading your sessions")):
            if isinstance(step, Progress):
                yield step
    hits = await asyncio.to_thread(index.search, ws.user, text)
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
        await asyncio.to_thread(ws.open_session, chosen)
        yield Changed(frozenset({"session"}))
        yield replay(ws)


async def history(ws: Workspace, call: Call) -> Effects:
    """Show the conversation as it stands, with the branches beside it."""
    turns = call.number("n", 0)
    session = ws.session
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
            rows.append([str(number) if message.role == "user" else "", *_history_row(ws, message, beside)])
            data.append({"turn": number, **message.to_record()})
    yield Show([Table(["", _("who"), _("said"), ""], rows, right=frozenset({0}))], data)


def _history_row(ws: Workspace, message: Message, beside: int) -> list[str]:
    who = ws.user if message.role == "user" else message.model or message.role
    marks = []
    if message.id in ws.session.pinned:
        marks.append(_("pinned"))
    if message.status != "complete":
        marks.append(_("stopped") if message.status == "interrupted" else _("failed"))
    if beside:
        marks.append(ngettext("{n} other version", "{n} other versions", beside).format(n=beside))
    return [who, shorten(message.text, 60), ", ".join(marks)]


async def export(ws: Workspace, call: Call) -> Effects:
    """Write the session to a file, or show it."""
    from gptchat.storage import exchange, exporting  # only where they are needed

    name, target = call.get("format") or "markdown", call.get("file")
    if name not in exchange.FORMATS:  # `/export notes.md` names a file, and its ending the format
        if target:
            raise UsageError(
                _("{name} is no export format").format(name=name),
                hint=_("one of {list}").format(list=", ".join(exchange.FORMATS)),
            )
        name, target = _format_of(name), name
    if not ws.session.messages:
        raise UsageError(_("nothing has been said yet"))
    if not target:
        text = "".join(exporting.render([ws.session], name, [ws.journals.path(ws.session)]))
        language = {"markdown": "markdown", "html": "html"}.get(name, "json")
        yield Show([Source(text, language)], text)
        return
    path = await asyncio.to_thread(_target, ws.session.id, target, name)
    if await asyncio.to_thread(path.exists):
        answer = yield Ask(
            _("{path} exists; replace it?").format(path=path),
            choices=(("y", _("yes")), ("n", _("no"))),
            default="n",
        )
        if answer != "y":
            yield Show([Text(_("nothing was written"), "quiet")], {"file": None})
            return
    await asyncio.to_thread(write_export, ws, name, str(path))
    yield Show([Text(_("saved as {path}").format(path=path), "good")], {"file": str(path), "format": name})


def write_export(ws: Workspace, name: str, target: str) -> Path:
    """Write the open session to the file or folder `target` in the format `name`; its path. Raises StorageError."""
    from gptchat.storage import exchange

    path = _target(ws.session.id, target, name)
    return exchange.export(ws.journals, [ws.session], name, path)


def _target(session_id: str, target: str, name: str) -> Path:
    from gptchat.storage.exporting import SUFFIXES

    path = Path(target).expanduser()
    return path / f"{session_id}{SUFFIXES.get(name, '.json')}" if path.is_dir() else path


def _format_of(name: str) -> str:
    by_suffix = {"md": "markdown", "jsonl": "jsonl", "html": "html", "htm": "html", "json": "json"}
    return by_suffix.get(Path(name).suffix.lstrip(".").lower(), "markdown")


async def import_(ws: Workspace, call: Call) -> Effects:
    """Read sessions from a file of any known layout."""
    from gptchat.storage import exchange  # only where it is needed

    if ws.run.incognito:
        raise UsageError(_("nothing is saved in an incognito run, so nothing can be imported"))
    report = exchange.Imported()
    path = await asyncio.to_thread(lambda: Path(call.get("file")).expanduser())
    async for step in ws.in_thread(
        exchange.import_file,
        ws.journals,
        ws.library,
        ws.user,
        path,
        label=_("reading {file}").format(file=path.name),
    ):
        if isinstance(step, Progress):
            yield step
        else:
            report = step
    blocks = [Text(line, "good" if index == 0 else "warning") for index, line in enumerate(_imported(report))]
    yield Show(blocks, _imported_json(report))


def _imported(report: Imported) -> list[str]:
    new = len(report.sessions)
    lines = [ngettext("{n} session came in", "{n} sessions came in", new).format(n=new)]
    others = sorted({taken.user for taken in report.sessions})
    if others:
        lines[0] += _(" for {users}; /sessions lists them").format(users=", ".join(others))
    if report.known:
        lines.append(_("{n} were here already").format(n=report.known))
    if report.left_out:
        lines.append(_("{n} hidden messages or tool results were left out").format(n=report.left_out))
    if report.broken:
        lines.append(_("{n} parts could not be read:").format(n=len(report.broken)))
        lines += [f"  {reason}" for reason in report.broken[:5]]
    return lines


def _imported_json(report: Imported) -> dict[str, Any]:
    return {
        "sessions": [{"user": taken.user, "id": taken.id, "title": taken.title} for taken in report.sessions],
        "known": report.known,
        "left_out": report.left_out,
        "broken": report.broken,
    }


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
    ),
    Command(
        "sessions",
        "sessions",
        "List your sessions, newest first",
        sessions,
        (Argument("text", "text", rest=True),),
        ("ls",),
        examples=(("/sessions", "all of them"), ("/sessions tax", "those with tax in the title")),
        streaming=True,
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
    ),
    Command(
        "rename",
        "sessions",
        "Give this session a title",
        rename,
        (Argument("title", "text", rest=True),),
        examples=(("/rename Tax return", "your own title"), ("/rename", "the model proposes one")),
    ),
    Command(
        "delete",
        "sessions",
        "Move a session to the trash",
        delete,
        (_REF,),
        flags={"--forever": "remove it for good instead"},
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
    ),
    Command(
        "search",
        "sessions",
        "Search what was said in all your sessions",
        search,
        (Argument("text", "text", required=True, rest=True),),
        examples=(("/search 事件循环", "in any language"),),
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
    Command(
        "export",
        "sessions",
        "Save this session as a file",
        export,
        (Argument("format", "format"), Argument("file", "file", rest=True)),
        examples=(("/export chat.md", "Markdown"), ("/export messages m.json", "a list for the chat API")),
        about="Formats: markdown, json, jsonl, messages, html, users. Without a file the export is shown.",
    ),
    Command(
        "import",
        "sessions",
        "Read sessions from a file",
        import_,
        (Argument("file", "file", required=True, rest=True),),
        examples=(("/import conversations.json", "an export of ChatGPT"),),
        about="Reads every export format but html, the files of simple scripts, and ChatGPT's exports.",
    ),
)

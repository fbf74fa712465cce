"""The sessions family, exchange: sessions leave as files, and come in from them."""

from __future__ import annotations

import asyncio
import difflib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gptchat.commands.effects import Effects, Progress, Show, Source, Text
from gptchat.commands.registry import Argument, Call, Command
from gptchat.commands.wording import YES, agreed, confirm, in_thread, may_replace, nothing_written, replaces
from gptchat.errors import UsageError
from gptchat.words import _, ngettext

if TYPE_CHECKING:
    from gptchat.core.session import Session
    from gptchat.exchange.importing import Imported
    from gptchat.exchange.kept_files import Files


_NAMED = 5
"""People that are named one by one after an import."""

_DOCUMENTS = ("json", "messages", "users")
"""The formats whose text is one JSON document."""

_OF_OTHERS = frozenset(("pdf", "doc", "docx", "odt", "rtf", "txt", "text", "csv", "xml", "yaml", "yml", "tex"))
"""Words that mean a format, not a file of that name, though we write none of these."""

_NAMED = 5
"""Number of parts that could not be read whose reasons are told."""

if TYPE_CHECKING:
    from gptchat.conversation.people import People
    from gptchat.conversation.routing import Routing
    from gptchat.conversation.services import RunOptions
    from gptchat.manager import SessionManager
    from gptchat.storage.index.library import Library
    from gptchat.storage.store import JournalStore


async def export(
    call: Call,
    manager: SessionManager,
    run: RunOptions,
    journals: JournalStore,
    library: Library,
    people: People,
    routing: Routing,
) -> Effects:
    """Write the session to a file, or show it; the format `users` has everybody's."""
    if call.get("format") == "training":
        from gptchat.commands.training.files import export_training

        steps = export_training(call.get("file"), manager, run, journals, library, routing)
        answer = None
        try:
            while True:
                answer = yield await steps.asend(answer)
        except StopAsyncIteration:
            return
        finally:
            await steps.aclose()
    from gptchat.exchange import exporting
    from gptchat.exchange import importing as exchange  # only where they are needed

    name, target = call.get("format") or "markdown", call.get("file")
    if "." not in name:
        name = exporting.format_of(Path(f"chat.{name}")) or name  # `md` is markdown
    if name not in exchange.FORMATS:  # `/export notes.md` names a file, and its ending the format
        near = name.isalpha() and difflib.get_close_matches(name, exchange.FORMATS)
        whole = f"{name} {target}".strip()  # a file's name may have blanks, which a shell takes the quotes from
        if near or name.lower() in _OF_OTHERS or (target and not exporting.format_of(Path(target))):
            raise UsageError(
                _("{name} is no export format").format(name=name),
                hint=_("one of {list}").format(list=_(", ").join(exchange.FORMATS)),
            )
        name, target = exporting.format_of(Path(whole)) or "markdown", whole
    sessions = [manager.session]
    if name == "users":
        sessions = await asyncio.to_thread(_everybodys, manager, journals, library, people)
        others = sorted({session.user for session in sessions} - {manager.user}, key=str.casefold)
        if others and YES not in call.flags:
            words = _("the export holds the words of {names}, too; go on?").format(names=_(", ").join(others))
            if not agreed(call, run, (yield confirm(words, forever=True)), _("nothing was written"), forever=True):
                yield Show([Text(_("nothing was written"), "quiet")], {"file": None})
                return
    if not any(session.messages for session in sessions):
        raise UsageError(_("nothing has been said yet"))
    if target in ("", "-"):
        text = "".join(exporting.render(sessions, name, [*map(journals.path, sessions)], manager.store))
        language = {"markdown": "markdown", "html": "html"}.get(name, "json")
        # with --json what is JSON already is the document itself, not a text that holds one
        yield Show([Source(text, language)], json.loads(text) if name in _DOCUMENTS else text)
        return
    path = await asyncio.to_thread(_target, "users" if name == "users" else manager.session.id, target, name)
    if await asyncio.to_thread(replaces, path) and (yield may_replace(path)) != "y":
        yield nothing_written(run, path)
        return
    await asyncio.to_thread(exchange.export, journals, sessions, name, path, files=manager.store)
    yield Show([Text(_("saved as {path}").format(path=path), "good")], {"file": str(path), "format": name})


def _everybodys(
    manager: SessionManager, journals: JournalStore, library: Library, people: People
) -> list[Session]:
    """All sessions of all people, the open one as it stands. One that cannot be read is left out."""
    from gptchat.errors import StorageError

    found = []
    for name in people.names():
        for info in library.list(name):
            if (name, info.id) != (manager.user, manager.session.id):
                try:
                    found.append(journals.read(name, info.id))
                except StorageError:  # /doctor tells of it
                    continue
    return [*found, manager.session] if manager.session.messages else found


def write_export(
    journals: JournalStore, session: Session, name: str, target: str, files: Files | None = None
) -> Path:
    """Write `session` to the file or folder `target` in the format `name`; its path. StorageError.

    `files` has the files of its replies; without it the store has.
    """
    from gptchat.exchange import importing as exchange

    path = _target(session.id, target, name)
    replaces(path)  # what must not be written to is refused here, too
    return exchange.export(journals, [session], name, path, files=files)


def _target(session_id: str, target: str, name: str) -> Path:
    from gptchat.exchange.exporting import SUFFIXES

    path = Path(target).expanduser()
    if not path.parent.is_dir():
        raise UsageError(
            _("there is no folder {path}").format(path=path.parent), hint=_("make it first, or choose another")
        )
    return path / f"{session_id}{SUFFIXES.get(name, '.json')}" if path.is_dir() else path


async def import_(
    call: Call, manager: SessionManager, library: Library, run: RunOptions, journals: JournalStore
) -> Effects:
    """Read sessions from a file of any known layout."""
    from gptchat.exchange import importing as exchange  # only where it is needed

    if run.incognito:
        raise UsageError(_("nothing is saved in an incognito run, so nothing can be imported"))
    report = exchange.Imported()
    path = await asyncio.to_thread(lambda: Path(call.get("file")).expanduser())
    async for step in in_thread(
        exchange.import_file,
        journals,
        library,
        manager.user,
        path,
        label=_("reading {file}").format(file=path.name),
    ):
        if isinstance(step, Progress):
            yield step
        else:
            report = step
    if not report.sessions and not report.known:
        raise UsageError(
            _("nothing came in: {reason}").format(reason=report.broken[0]),
            hint=_(
                "import reads markdown, json, jsonl, messages, users, training files, "
                "and exports of some forty programs"
            ),
        )
    lines = _imported(report, manager.user)
    blocks = [Text(line, "good" if index == 0 else "warning") for index, line in enumerate(lines)]
    yield Show(blocks, _imported_json(report))


def _imported(report: Imported, user: str) -> list[str]:
    """What came in, for whom, and how to get there, in lines; `user` is who is chatting."""
    new = len(report.sessions)
    lines = [ngettext("{n} session came in", "{n} sessions came in", new).format(n=new)]
    owners = {taken.user for taken in report.sessions}
    if owners:
        rest = _(", ") + "…" if len(owners) > _NAMED else ""
        lines[0] += _(" for {users}").format(users=_(", ").join(sorted(owners)[:_NAMED]) + rest)
    if user in owners:
        lines[0] += _("; /sessions lists them") if owners == {user} else _("; /sessions lists yours")
    if others := sorted(owners - {user}):
        ways = _(", ").join(f"/user {name}" for name in others[:_NAMED])
        rest = _(", ") + "…" if len(others) > _NAMED else ""
        lines[0] += _("; {commands} switches to them").format(commands=ways + rest)
    if known := report.known:
        lines.append(ngettext("{n} was here already", "{n} were here already", known).format(n=known))
    if told := _counted(report):
        lines.append(told)
    if report.left_out:
        kinds = _(", ").join(_left(kind, count) for kind, count in report.left.items() if count)
        lines.append(_("left out: {kinds}").format(kinds=kinds))
    lines += report.notes[:_NAMED]
    if empty := report.empty:
        lines.append(ngettext("{n} conversation was empty", "{n} conversations were empty", empty).format(n=empty))
    if parts := len(report.broken):
        lines.append(
            ngettext("{n} part could not be read:", "{n} parts could not be read:", parts).format(n=parts)
        )
        lines += [f"  {reason}" for reason in report.broken[:_NAMED]]
        if (more := parts - _NAMED) > 0:
            lines.append("  " + ngettext("and {n} more", "and {n} more", more).format(n=more))
    return lines


def _counted(report: Imported) -> str:
    """The messages, branches and named files that came in; empty if there are none."""
    counts = []
    if n := report.messages:
        counts.append(ngettext("{n} message", "{n} messages", n).format(n=n))
    if n := report.branches:
        counts.append(ngettext("{n} further branch", "{n} further branches", n).format(n=n))
    if n := report.named:
        counts.append(ngettext("{n} file named", "{n} files named", n).format(n=n))
    return _(", ").join(counts)


def _left(kind: str, n: int) -> str:
    """What is left out and how often, in words."""
    match kind:
        case "system":
            words = ngettext("{n} later system message", "{n} later system messages", n)
        case "call":
            words = ngettext("{n} call of a tool", "{n} calls of tools", n)
        case "result":
            words = ngettext("{n} result of a tool", "{n} results of tools", n)
        case "reasoning":
            words = ngettext("{n} reasoning without an answer", "{n} reasonings without an answer", n)
        case "empty":
            words = ngettext("{n} message without text", "{n} messages without text", n)
        case "error":
            words = ngettext("{n} failure of a server", "{n} failures of a server", n)
        case "command":
            words = ngettext("{n} command of the program", "{n} commands of the program", n)
        case "subagent":
            words = ngettext("{n} message between programs", "{n} messages between programs", n)
        case "draft":
            words = ngettext("{n} unsent draft", "{n} unsent drafts", n)
        case "event":
            words = ngettext("{n} line that is no message", "{n} lines that are no messages", n)
        case _hidden:
            words = ngettext("{n} hidden message", "{n} hidden messages", n)
    return words.format(n=n)


def _imported_json(report: Imported) -> dict[str, Any]:
    return {
        "sessions": [{"user": taken.user, "id": taken.id, "title": taken.title} for taken in report.sessions],
        "known": report.known,
        "messages": report.messages,
        "branches": report.branches,
        "files_named": report.named,
        "left_out": report.left_out,
        "left": dict(report.left),
        "notes": report.notes,
        "empty": report.empty,
        "broken": report.broken,
    }


COMMANDS = (
    Command(
        "export",
        "sessions",
        "Save this session as a file",
        export,
        (Argument("format", "format"), Argument("file", "file", rest=True)),
        flags={YES: "do not ask whether other people's words may leave"},
        examples=(
            ("/export chat.md", "Markdown"),
            ("/export messages m.json", "a list for the chat API"),
            ("/export users everybody.json", "all sessions of everybody, by name"),
            ("/export training t.jsonl --all", "a file to tune a model with; or --turns 2-5,8, --session REF"),
        ),
        shows=lambda call: (
            call.get("format") != "users" and not call.get("file") and (call.get("format") or "markdown").isalpha()
        ),
        about="Formats: markdown, json, jsonl, messages, training, html, users. Without a file it is shown.",
        brief="save as a file",
        session=lambda call: call.get("format") != "users",
    ),
    Command(
        "import",
        "sessions",
        "Read sessions from a file or a folder",
        import_,
        (Argument("file", "file", required=True, rest=True),),
        examples=(("/import conversations.json", "an export of ChatGPT"),),
        about="Reads every export format but html, and the exports, databases and logs of some forty programs.",
    ),
)

"""The sessions family: the trash, with what was deleted: sessions of whoever is chatting, and people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from gptchat.commands.effects import Changed, Effects, Show, Table, Text
from gptchat.commands.registry import Argument, Call, Command
from gptchat.commands.wording import YES, age, agreed, confirm, session_json
from gptchat.core.titles import shorten
from gptchat.errors import UsageError
from gptchat.waiting import to_thread
from gptchat.words import _, ngettext

if TYPE_CHECKING:
    from gptchat.conversation.people import People
    from gptchat.conversation.services import RunOptions
    from gptchat.core.ports import SessionInfo
    from gptchat.storage.index.library import Library
    from gptchat.storage.removal.people import Removed


async def trash(call: Call, library: Library, people: People, run: RunOptions) -> Effects:
    """List the trash, bring something back from it, or empty it."""
    action, reference = call.get("action"), call.get("ref")
    sessions = await to_thread(library.trash, people.current)
    persons = await to_thread(people.removed)
    if action == "restore":
        restored = await to_thread(_restore, library, people, sessions, persons, reference)
        yield Changed(frozenset({"users"}))
        yield restored
        return
    if action == "empty" and reference:
        raise UsageError(
            _("/{name} does not know what to do with {rest}").format(name="trash", rest=reference),
            hint=_("/delete --forever REF removes a single session for good"),
        )
    if not sessions and not persons:
        yield Show([Text(_("the trash is empty"), "quiet")], _json(sessions, persons))
        return
    if action != "empty":
        yield _list(sessions, persons)
        return
    what = _counted(sessions, persons)
    answer = (
        None
        if YES in call.flags
        else (yield confirm(_("remove {what} for good?").format(what=what), forever=True))
    )
    if not agreed(call, run, answer, _("nothing was deleted"), forever=True):
        yield Show([Text(_("nothing was deleted"), "quiet")], {"sessions": 0, "users": 0})
        return
    await to_thread(library.empty_trash, people.current)
    for person in persons:
        await to_thread(people.erase, person)
    yield Changed(frozenset({"users", "typed"}))
    note = _("{what}: removed for good").format(what=what)
    yield Show([Text(note)], {"sessions": len(sessions), "users": len(persons)})


def _list(sessions: Sequence[SessionInfo], persons: Sequence[Removed]) -> Show:
    rows = [
        [str(number), shorten(info.title) or _("(no title)"), age(info.updated), str(info.turns)]
        for number, info in enumerate(sessions, 1)
    ]
    blocks: list[Any] = []
    if rows:
        blocks.append(Table(["", _("title"), _("age"), _("turns")], rows, right=frozenset({0, 3})))
    if persons:
        people_rows = [[one.name, str(one.sessions)] for one in persons]
        blocks.append(Table([_("user"), _("sessions")], people_rows, right=frozenset({1})))
    blocks.append(Text(_("/trash restore REF brings one back, /trash empty removes them for good"), "quiet"))
    return Show(blocks, _json(sessions, persons))


def _json(sessions: Sequence[SessionInfo], persons: Sequence[Removed]) -> dict[str, Any]:
    return {
        "sessions": [{"number": number, **session_json(info)} for number, info in enumerate(sessions, 1)],
        "users": [{"name": one.name, "sessions": one.sessions} for one in persons],
    }


def _counted(sessions: Sequence[SessionInfo], persons: Sequence[Removed]) -> str:
    """Such as `2 sessions, 1 person (bob)`."""
    parts = []
    if count := len(sessions):
        parts.append(ngettext("{n} session", "{n} sessions", count).format(n=count))
    if count := len(persons):
        names = _(", ").join(one.name for one in persons[:5]) + ("…" if count > 5 else "")
        parts.append(ngettext("{n} person ({names})", "{n} people ({names})", count).format(n=count, names=names))
    return _(", ").join(parts)


def _restore(
    library: Library, people: People, sessions: Sequence[SessionInfo], persons: Sequence[Removed], reference: str
) -> Show:
    """Bring back the person, else the session, that `reference` names. Raises UsageError and StorageError."""
    if not reference:
        if len(sessions) + len(persons) != 1:
            raise UsageError(_("say what comes back: /trash restore REF"), hint=_("/trash lists them"))
        reference = sessions[0].id if sessions else persons[0].name
    named = [one for one in persons if reference in (one.name, one.folder)] or [
        one for one in persons if one.name.casefold() == reference.casefold()
    ]
    if len(named) > 1:
        raise UsageError(
            _("there are {n} people called {name} in the trash").format(n=len(named), name=reference),
            hint=_("name one as {names}").format(names=_(", ").join(one.folder for one in named)),
        )
    if named:
        people.restore(named[0])
        note = _("{name} is back; /user {name} switches to them").format(name=named[0].name)
        return Show([Text(note, "good")], {"restored": named[0].name})
    info = library.find(people.current, reference, trashed=True)
    id = library.restore(people.current, info.id).stem
    note = _("{title} is back; /resume {id} opens it").format(title=shorten(info.title) or id, id=id)
    return Show([Text(note, "good")], {"restored": id})


COMMANDS = (
    Command(
        "trash",
        "sessions",
        "Show what was deleted, bring it back, or remove it for good",
        trash,
        (
            Argument("action", "word", choices=("restore", "empty")),
            Argument("ref", "trashed", rest=True),
        ),
        flags={YES: "do not ask"},
        examples=(
            ("/trash", "your deleted sessions, and people who were removed"),
            ("/trash restore 1", "the first of them; a title or a person's name will do"),
            ("/trash empty", "for good"),
        ),
        shows=lambda call: not call.get("action"),
        about="What is removed for good leaves nothing: files, search index, input history, draft and logs.",
    ),
)

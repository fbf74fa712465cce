"""The users family: who is chatting, and who else has sessions here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gptchat.commands.effects import Changed, Effects, Show, Table, Text
from gptchat.commands.registry import Argument, Call, Command
from gptchat.commands.wording import FOREVER, YES, age, agreed, confirm
from gptchat.conversation.people import unknown
from gptchat.errors import UsageError
from gptchat.storage.users import validate_name
from gptchat.waiting import to_thread
from gptchat.words import _, ngettext

if TYPE_CHECKING:
    from gptchat.conversation.outgoing import Outbox
    from gptchat.conversation.people import People
    from gptchat.conversation.services import RunOptions
    from gptchat.manager import SessionManager
    from gptchat.storage.index.library import Library


async def user(
    call: Call, manager: SessionManager, library: Library, outbox: Outbox, people: People, run: RunOptions
) -> Effects:
    """Switch to another person, or say who is chatting."""
    name = call.get("name")
    if not name:
        yield await _everybody(library, people)
        return
    name = validate_name(name, new=people.find(name) is None)
    known = people.find(name)
    if known is None and not run.create_user:
        error = unknown(name, people.names())
        raise UsageError(error.message, hint=_("{hint}; --create-user makes a new person").format(hint=error.hint))
    if known == manager.user:
        yield Show([Text(_("{name} is chatting already").format(name=known), "quiet")], {"user": known})
        return
    before, left_behind = manager.user, len(outbox.attached)
    await to_thread(people.switch, known or name)
    yield Changed(frozenset({"user", "session", "settings"}))
    # Who mistyped a name learns it here, and nothing is lost: a question would stand before the next message.
    new = _("hello {name}, you are new here; /user {before} goes back")
    hello = new if known is None else _("hello {name}")
    blocks = [Text(hello.format(name=manager.user, before=before), "good")]
    if left_behind:
        words = ngettext(
            "{n} attachment of {before} is not sent", "{n} attachments of {before} are not sent", left_behind
        )
        blocks.append(Text(words.format(n=left_behind, before=before), "quiet"))
    latest = await to_thread(library.latest, manager.user)
    if latest is not None:
        blocks.append(Text(_("/resume 1 goes on with: {title}").format(title=latest.title or latest.id), "quiet"))
    yield Show(blocks, {"user": manager.user, "new": known is None})


async def users(call: Call, library: Library, people: People, run: RunOptions) -> Effects:
    """List the people who have sessions here, or rename or remove one."""
    action, name, other = call.get("action"), call.get("name"), call.get("new")
    if not action:
        yield await _everybody(library, people)
        return
    if not name or (action == "rename" and not other):
        raise UsageError(
            _("/{name} needs {argument}").format(
                name="users", argument="OLD NEW" if action == "rename" else "NAME"
            ),
            hint="/users rename OLD NEW · /users remove NAME",
        )
    if action == "rename":
        old, new = await to_thread(_two_names, people, name, other)
        if run.incognito and people.find(old) == people.current:
            raise UsageError(_("nothing is saved in an incognito run, not even a new name"))
        was = people.current
        new = await to_thread(people.rename, old, new)
        yield Changed(frozenset({"user"} if was != people.current else {"users"}))
        note = _("{old} is called {new} from now on, with all sessions, settings and keys")
        yield Show([Text(note.format(old=old, new=new), "good")], {"renamed": old, "name": new})
        return
    name = await to_thread(people.require, " ".join(filter(None, (name, other))))
    if name == people.current and not run.unattended:
        raise UsageError(
            _("{name} is chatting now").format(name=name), hint=_("switch to another person first: /user NAME")
        )
    forever = FOREVER in call.flags
    count = len(await to_thread(library.list, name))
    question = ngettext(
        "remove {name} with {n} session, settings and keys?",
        "remove {name} with {n} sessions, settings and keys?",
        count,
    )
    if forever:
        question = ngettext(
            "remove {name} with {n} session, settings and keys for good?",
            "remove {name} with {n} sessions, settings and keys for good?",
            count,
        )
    answer = None if YES in call.flags else (yield confirm(question.format(name=name, n=count), forever=forever))
    if not agreed(call, run, answer, _("nobody was removed"), forever=forever):
        yield Show([Text(_("nobody was removed"), "quiet")], {"removed": None})
        return
    gone = await to_thread(people.remove, name)
    if forever:
        await to_thread(people.erase, gone)
    yield Changed(frozenset({"users"}))
    note = (
        _("{name} is removed for good")
        if forever
        else _("{name} is in the trash; /trash restore {name} brings them back")
    )
    yield Show([Text(note.format(name=name))], {"removed": name, "forever": forever})


async def _everybody(library: Library, people: People) -> Show:
    names = await to_thread(people.names)
    rows, data = [], []
    for name in names:
        found = await to_thread(library.list, name)
        last = found[0].updated if found else ""
        rows.append([name, str(len(found)), age(last) if last else ""])
        data.append(
            {"name": name, "sessions": len(found), "updated": last or None, "current": name == people.current}
        )
    current = names.index(people.current) if people.current in names else None
    return Show([Table([_("user"), _("sessions"), _("last")], rows, right=frozenset({1}), marked=current)], data)


def _two_names(people: People, first: str, rest: str) -> tuple[str, str]:
    """The known name at the beginning of two names, and the other; names may have blanks. Raises UsageError."""
    words = f"{first} {rest}".split()
    for count in range(len(words) - 1, 0, -1):
        if known := people.find(" ".join(words[:count])):
            return known, " ".join(words[count:])
    return people.require(first), rest


COMMANDS = (
    Command(
        "user",
        "users",
        "Switch to another person, who is made on first use",
        user,
        (Argument("name", "user", rest=True),),
        examples=(("/user bob", "Bob is chatting now"), ("/user 张三", "any name a person would use")),
        about="Sessions, settings, keys and the input history are each person's own.",
        brief="another person",
    ),
    Command(
        "users",
        "users",
        "List the people who have sessions here; rename or remove one",
        users,
        (
            Argument("action", "word", choices=("rename", "remove")),
            Argument("name", "user"),
            Argument("new", "user", rest=True),
        ),
        flags={YES: "do not ask", FOREVER: "remove for good instead of to the trash"},
        examples=(
            ("/users", "everybody"),
            ("/users rename bob robert", "with all sessions, settings and keys"),
            ("/users remove bob", "to the trash; /trash restore bob brings them back"),
        ),
        shows=lambda call: not call.get("action"),
    ),
)

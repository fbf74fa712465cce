"""The users family: who is chatting, and who else has sessions here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gptchat.commands.effects import AsideEffects, Changed, Effects, Show, Table, Text
from gptchat.commands.registry import Argument, Call, Command
from gptchat.commands.wording import age
from gptchat.storage.users import validate_name
from gptchat.waiting import to_thread
from gptchat.words import _, ngettext

if TYPE_CHECKING:
    from gptchat.conversation.outgoing import Outbox
    from gptchat.conversation.people import People
    from gptchat.manager import SessionManager
    from gptchat.storage.index.library import Library


async def user(call: Call, manager: SessionManager, library: Library, outbox: Outbox, people: People) -> Effects:
    """Switch to another person, or say who is chatting."""
    name = call.get("name")
    if not name:
        async for effect in users(call, library, people):
            yield effect
        return
    name = validate_name(name, new=people.find(name) is None)
    known = people.find(name)
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


async def users(call: Call, library: Library, people: People) -> AsideEffects:
    """List the people who have sessions here."""
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
    yield Show([Table([_("user"), _("sessions"), _("last")], rows, right=frozenset({1}), marked=current)], data)


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
        "List the people who have sessions here",
        users,
        examples=(("/users", "everybody"),),
        streaming=True,
    ),
)

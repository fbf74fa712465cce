"""The turns family: answer again, edit, take back, go forward, go on. They only move the head; nothing is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gptchat.commands.effects import Changed, Draft, Effects, Run, Show, Text
from gptchat.commands.registry import Argument, Call, Command
from gptchat.commands.sessions import replay
from gptchat.conversation.outgoing import images_of
from gptchat.core import session as tree
from gptchat.core.session import shorten
from gptchat.errors import UsageError
from gptchat.words import _, ngettext

if TYPE_CHECKING:
    from gptchat.config.settings import Settings
    from gptchat.conversation.outgoing import Outbox
    from gptchat.manager import SessionManager


async def retry(call: Call, manager: SessionManager) -> Effects:
    """Have the last message answered again."""
    if not manager.session.user_ids():
        raise UsageError(_("there is nothing to answer again yet"))
    yield Run("retry", model=call.get("model"))


async def edit(call: Call, manager: SessionManager, outbox: Outbox) -> Effects:
    """Bring an earlier message back into the prompt; sending it makes a branch, and until then nothing changes."""
    users = manager.session.user_ids()
    number = call.number("n", 1)
    if number > len(users):
        raise UsageError(_no_such_turn(number, len(users)))
    id = users[-number]
    text = manager.session.messages[id].text
    outbox.attached = images_of(manager.session.messages[id])
    outbox.replaces = id
    note = _("edit and send: it becomes a branch beside the old turn, which is kept; Ctrl-C leaves all as it is")
    yield Show([Text(note, "quiet")], {"edit": text})
    yield Draft(text, "message")


async def undo(call: Call, manager: SessionManager) -> Effects:
    """Take back the last turns."""
    before = len(manager.session.user_ids())
    summary = manager.session.summary()
    record = tree.undo(manager.session, call.number("n", 1))
    if record is None:
        raise UsageError(_("there is nothing to take back"))
    manager.record(record)
    yield Changed(frozenset({"session"}))
    if record["type"] == "summary" and summary is not None:
        yield Show(
            [Text(_("the summary is taken back; the turns it stood for are sent again"))], {"turns": before}
        )
        return
    now = len(manager.session.user_ids())
    note = ngettext("{n} turn taken back; /redo brings it back", "{n} turns taken back; /redo brings them back",
                    before - now)  # fmt: skip
    yield Show([Text(note.format(n=before - now)), _where(manager)], {"turns": now})


async def redo(call: Call, manager: SessionManager, settings: Settings) -> Effects:
    """Go forward again after /undo."""
    record = tree.redo(manager.session)
    if record is None:
        raise UsageError(_("there is nothing to bring back"))
    manager.record(record)
    yield Changed(frozenset({"session"}))
    yield replay(manager, settings, 1)


async def continue_(call: Call, manager: SessionManager) -> Effects:
    """Go on with the last reply where it stopped, or have the message answered if nothing of a reply came."""
    if not manager.session.tail(1):
        raise UsageError(_("nothing has been said yet"))
    yield Run("continue")


def _where(manager: SessionManager) -> Text:
    """A line that says after which message the conversation now stands."""
    users = manager.session.user_ids()
    if not users:
        return Text(_("the conversation stands at its beginning"), "quiet")
    return Text(
        _("the conversation stands after: {text}").format(text=shorten(manager.session.messages[users[-1]].text)),
        "quiet",
    )


def _no_such_turn(number: int, total: int) -> str:
    if not total:
        return _("nothing has been said yet")
    return _("there is no turn {n}; this conversation has {total}").format(n=number, total=total)


_N = Argument("n", "number")

COMMANDS = (
    Command(
        "retry",
        "turns",
        "Answer the last message again, beside the first answer",
        retry,
        (Argument("model", "model"),),
        ("regenerate",),
        examples=(("/retry", "another answer"), ("/retry gpt-6.1-sol", "from another model")),
        brief="another answer",
        session=True,
    ),
    Command(
        "edit",
        "turns",
        "Bring an earlier message back into the prompt, to send it changed",
        edit,
        (_N,),
        examples=(("/edit", "your last message"), ("/edit 3", "the third from the end")),
        brief="change what you said",
        session=True,
    ),
    Command(
        "undo",
        "turns",
        "Take back the last turns",
        undo,
        (_N,),
        examples=(("/undo", "one turn"), ("/undo 3", "three turns")),
        about="Nothing is lost: /redo brings the turns back, and /tree shows every branch. Right after /compact "
        "the summary is what it takes back.",
        brief="take back",
        session=True,
    ),
    Command(
        "redo", "turns", "Go forward again after /undo", redo, examples=(("/redo", "one step"),), session=True
    ),
    Command(
        "continue",
        "turns",
        "Go on with a reply that was stopped or cut off",
        continue_,
        examples=(("/continue", "the last reply becomes longer"),),
        about="Where no text of a reply had come, as after an early stop, your message is answered again.",
        brief="go on with a reply",
        session=True,
    ),
)

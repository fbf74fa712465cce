"""What an order begins with: the path to answer, the message still to be written, and the reply's first fields."""

from __future__ import annotations

from gptchat.core import branches
from gptchat.core.messages import Message
from gptchat.core.session import Session
from gptchat.errors import UsageError
from gptchat.manager.route import Answer, Continue, Order, Retry, Send
from gptchat.words import _


def begin(order: Order, session: Session, ts: str) -> tuple[list[Message], Message | None, Message]:
    """The path to answer, the user message still to be written (if any), and the reply's initial fields.

    `ts` is the current time. Raises UsageError where there is nothing to answer or to go on with.
    """
    path = session.path()
    match order:
        case Send(content, replaces, fields):
            # The parent is the message this process showed last, even if another process has written since.
            parent = session.parent_of(replaces) if replaces in session.messages else session.head
            pending = Message("user", content, parent=parent, ts=ts, extra=fields)
            return [*branches.path_to(session, parent), pending], pending, Message("assistant", "")
        case Retry():
            while path and path[-1].role != "user":
                path.pop()
            if not path:
                raise UsageError(_("there is nothing to answer again yet"))
            return path, None, Message("assistant", "", parent=path[-1].id)
        case Answer(after):
            if after:  # another process may have moved the head since
                path = branches.path_to(session, after)
            return path, None, Message("assistant", "", parent=path[-1].id)
        case Continue():
            if not path or path[-1].role != "assistant":
                raise UsageError(
                    _("there is no reply to go on with"), hint=_("/retry answers the last message again")
                )
            return path, None, Message("assistant", "", id=path[-1].id, parent=path[-1].parent)

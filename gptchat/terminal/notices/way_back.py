"""The last line of a chat: the command that goes on with the conversation, or that nothing of it is saved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gptchat.core.safe import clean_line
from gptchat.core.titles import shorten
from gptchat.waiting import to_thread
from gptchat.words import _

if TYPE_CHECKING:
    from gptchat.config.flags import Options
    from gptchat.conversation.services import Services
    from gptchat.terminal.output.screen import Screen


async def tell_way_back(services: Services, options: Options, screen: Screen) -> None:
    """Print the last line of a chat, if there is one and the terminal is still there."""
    if line := await to_thread(way_back, services, options):
        try:
            screen.say(line, "hint")
        except OSError:  # the terminal is gone
            pass


def way_back(services: Services, options: Options) -> str:
    """The line to print on leaving; empty where nothing was said, or not all of it is saved. Reads the disk.

    The command names what the next run would not choose by itself: the folders, the user, the session.
    """
    manager = services.manager
    session = manager.session
    if not session.messages:
        return ""
    if services.run.incognito:
        return _("incognito: nothing of this conversation is saved")
    if manager.store.unsaved(session) or not services.journals.path(session).exists():
        return ""
    import shlex

    words = ["gptchat"]
    for name, folder in (("--config", options.config), ("--data-dir", options.data_dir)):
        words += [name, folder] if folder else []
    if services.people.unnamed() != manager.user:
        words += ["-u", manager.user]
    latest = services.library.latest_id(manager.user, "conversation")
    words += ["-c"] if latest == session.id else ["-s", session.id]
    return _("{command} goes on with: {title}").format(
        command=clean_line(shlex.join(words)), title=clean_line(shorten(session.name))
    )

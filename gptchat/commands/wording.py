"""Words and steps that several commands share: ages, where a window is known from, work with its progress."""

from __future__ import annotations

import os
import stat
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gptchat import words
from gptchat.commands.effects import Ask, Progress, Show, Text
from gptchat.config import parse as settings_parse
from gptchat.errors import ConfigurationError, TurnInterruptedError, UsageError
from gptchat.waiting import given_up, leavable
from gptchat.words import _, ngettext

if TYPE_CHECKING:
    from gptchat.commands.registry import Call
    from gptchat.conversation.routing import Routing
    from gptchat.conversation.services import RunOptions
    from gptchat.core.messages import Message
    from gptchat.core.ports import SessionInfo
    from gptchat.manager import SessionManager
    from gptchat.providers.faults.quirks import Learnt


def speaker(message: Message, user: str) -> str:
    """Who wrote `message`, for people: the name of the `user` or the model, else the role."""
    if message.role == "user":
        return user
    roles = {"assistant": _("assistant"), "system": _("system"), "developer": _("developer"), "tool": _("tool")}
    return message.model or roles.get(message.role, message.role)


def age(ts: str) -> str:
    """How long ago the time `ts` (UTC, as in records) was, in a word or two."""
    try:
        then = datetime.fromisoformat(ts)
    except ValueError:
        return ""
    if then.tzinfo is None:
        then = then.replace(tzinfo=UTC)
    minutes = int(max((datetime.now(UTC) - then).total_seconds(), 0) // 60)
    if minutes < 1:
        return _("just now")
    if minutes < 60:
        return ngettext("{n} minute ago", "{n} minutes ago", minutes).format(n=minutes)
    if (hours := minutes // 60) < 24:
        return ngettext("{n} hour ago", "{n} hours ago", hours).format(n=hours)
    if (days := hours // 24) < 14:
        return ngettext("{n} day ago", "{n} days ago", days).format(n=days)
    return then.astimezone().strftime("%Y-%m-%d")


def why_unsaved(manager: SessionManager, run: RunOptions) -> str:
    """Why nothing of the open session is saved, or not all of it; empty where all is."""
    if run.incognito:
        return _("incognito")
    trouble = manager.store.trouble(manager.session)
    return trouble.message if trouble is not None else ""


def unsaved(manager: SessionManager, run: RunOptions) -> list[Text]:
    """A line that tells that the open session is not saved; nothing where it is."""
    why = why_unsaved(manager, run)
    return [Text(_("not saved: {why}").format(why=why), "warning")] if why else []


def setting_as_json(value: Any, shown: str) -> Any:
    """The value of a setting for `--json`: as it is, or the masked text `shown` where it may hold a secret."""
    plain = isinstance(value, (bool, int, float)) or value is None or settings_parse.show_value(value) == shown
    return value if plain else shown


def require_session(manager: SessionManager, run: RunOptions) -> None:
    """Refuse to change the session in a run of one command without a saved one: the change would end with it."""
    if run.unattended and not manager.session.messages:
        raise UsageError(
            _("{user} has no saved sessions yet").format(user=manager.user),
            hint=_("--system TEXT and --preset NAME hold for one question"),
        )


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
        "oneshot": info.oneshot,
    }


def about(exact: bool) -> str:
    """What stands before a number: the sign that it is an estimate, if it is not `exact`."""
    return "" if exact else "≈ "


def window_source(source: str) -> str:
    """Who says how large the window is, in words."""
    return {
        "settings": _("from your settings"),
        "learnt": _("learnt from the server's refusal"),
        "server": _("from the server"),
        "catalogue": _("from the catalogue"),
        "default": _("a careful guess; [models] in the settings knows better"),
    }.get(source, source)


async def in_thread(work: Callable[..., Any], *arguments: Any, label: str = "") -> AsyncIterator[Progress | Any]:
    """Run `work(*arguments, progress=...)` in a thread; yields Progress meanwhile, and its result last.

    Where the waiting is cancelled, the work ends at its next step; what it has done by then stays.
    """
    import asyncio

    loop = asyncio.get_running_loop()
    steps: asyncio.Queue[tuple[int, int] | None] = asyncio.Queue()

    def progress(done: int, total: int) -> None:
        if given_up():
            raise TurnInterruptedError(_("stopped"))
        loop.call_soon_threadsafe(steps.put_nowait, (done, total))

    task = asyncio.ensure_future(leavable(work, *arguments, progress=progress))
    task.add_done_callback(lambda _done: steps.put_nowait(None))
    try:
        while (step := await steps.get()) is not None:
            yield Progress(label, *step)
        yield await task
    finally:
        task.cancel()


def replaces(path: Path) -> bool:
    """Whether something stands at `path`, which a person named, that writing there replaces. Blocks.

    A link of their own is something, wherever it leads. Raises UsageError for what must not be written to: a
    folder, a device or a pipe, also behind a link, and a link of somebody else's.
    """
    why = ""
    try:
        found = path.lstat()
        if stat.S_ISLNK(found.st_mode):
            if hasattr(os, "geteuid") and found.st_uid != os.geteuid():
                why = _("it is somebody else's link, to {target}").format(target=path.readlink())
            else:
                found = path.stat()
    except FileNotFoundError:
        return path.is_symlink()
    except (OSError, ValueError) as error:
        why = words.reason(error)
    else:
        if not why and stat.S_ISDIR(found.st_mode):
            why = _("it is a folder")
        elif not why and not stat.S_ISREG(found.st_mode):
            why = _("it is a device or a pipe")
    if why:
        raise UsageError(
            _("{path} cannot be written: {why}").format(path=path, why=why), hint=_("choose another place")
        )
    return True


def may_replace(path: Path) -> Ask:
    """The question whether the file `path` may be replaced; only the answer `y` means yes."""
    question = _("{path} exists; replace it?").format(path=path)
    if path.is_symlink():
        target = os.path.realpath(path)
        question = _("{path} is a link to {target}; write there?").format(path=path, target=target)
    return Ask(
        question,
        choices=(("y", _("yes")), ("n", _("no"))),
        default="n",
    )


def nothing_written(run: RunOptions, path: Path) -> Show:
    """What is said when it may not. Raises UsageError in a run of one command, which must not seem to succeed."""
    if run.unattended:
        raise UsageError(
            _("{path} exists already").format(path=path), hint=_("remove it first, or name another file")
        )
    return Show([Text(_("nothing was written"), "quiet")], {"file": None})


YES, FOREVER = "--yes", "--forever"
"""Flags of commands: an answer given beforehand, and no way back."""


def confirm(question: str, *, forever: bool) -> Ask:
    """A question to be answered with yes or no; what cannot be taken back is not the answer of a mere Enter."""
    return Ask(question, choices=(("y", _("yes")), ("n", _("no"))), default="n" if forever else "y")


def agreed(call: Call, run: RunOptions, answer: str | None, refusal: str, *, forever: bool) -> bool:
    """Whether `answer` to `confirm`, or `--yes`, means yes.

    Where nobody can answer, what can be taken back is done; for the rest UsageError with `refusal` is raised, as a
    script must not seem to succeed.
    """
    if YES in call.flags or answer == "y":
        return True
    if answer is not None or not run.unattended:
        return False
    if forever:
        raise UsageError(refusal, hint=_("where nobody can be asked, {flag} says yes").format(flag=YES))
    return True


def left_out(routing: Routing, learnt: Callable[[], Learnt]) -> frozenset[str]:
    """The settings that the model in force is known not to take; empty where no provider or model is chosen."""
    try:
        return learnt().left_out(routing.provider_settings().name, routing.model())
    except ConfigurationError:
        return frozenset()


def value_for(variable: str) -> Ask:
    """The question for the value of a template's variable."""
    return Ask(_("a value for {variable}? (Enter alone leaves it as it is)").format(variable=f"{{{variable}}}"))

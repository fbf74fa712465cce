"""The tools family, documents: folders and files that messages may ask."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gptchat.commands.effects import Block, Changed, Effects, Progress, Show, Table, Text
from gptchat.commands.registry import Argument, Call, Command
from gptchat.commands.wording import YES, agreed, confirm, in_thread, require_session
from gptchat.core.typed.template import unquoted
from gptchat.errors import UsageError
from gptchat.waiting import to_thread
from gptchat.words import _, ngettext

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gptchat.config.settings import Settings
    from gptchat.conversation.collections.documents import Documents
    from gptchat.conversation.collections.store import Collection
    from gptchat.conversation.conversation import Conversation
    from gptchat.conversation.profile import Profile
    from gptchat.conversation.services import RunOptions
    from gptchat.manager import SessionManager

_ACTIONS = ("add", "remove", "use", "off")
_FAULTS = 3
"""Number of documents that could not be read whose reasons are told."""


async def docs(
    call: Call,
    conversation: Conversation,
    manager: SessionManager,
    settings: Settings,
    profile: Profile,
    run: RunOptions,
) -> Effects:
    """List the collections; add a folder or file, remove a collection, or have every message ask one."""
    documents, action, what = conversation.documents, call.get("action"), call.get("what").strip()
    if action not in ("add", "remove", "use", "off", ""):
        raise UsageError(
            _("{name} is nothing that /docs does").format(name=action),
            hint=_("usage: {usage}").format(usage=call.command.usage),
        )
    if action == "off" or (action == "use" and not what):
        require_session(manager, run)
        profile.change_session("docs.use", "")
        yield Changed(frozenset({"settings"}))
        yield Show([Text(_("messages ask no collection any more; #NAME still asks one"))], {"use": ""})
    elif action == "use":
        one = await to_thread(_known, documents, what)
        require_session(manager, run)
        profile.change_session("docs.use", one.name)
        yield Changed(frozenset({"settings"}))
        words = _("every message of this session asks #{name}; /docs off ends it")
        yield Show([Text(words.format(name=one.name), "good")], {"use": one.name})
    elif action == "remove":
        one = await to_thread(_known, documents, what)
        question = _("forget the collection #{name}? The documents themselves stay").format(name=one.name)
        answer = None if YES in call.flags else (yield confirm(question, forever=False))
        if not agreed(call, run, answer, _("nothing was changed"), forever=False):
            yield Show([Text(_("nothing was changed"), "quiet")], {"removed": None})
            return
        await to_thread(documents.store().remove, one.name)
        if settings.docs.use.casefold() == one.name.casefold():
            profile.change_session("docs.use", "")
        yield Changed(frozenset({"settings"}))
        yield Show(
            [Text(_("#{name} is forgotten; the documents stay").format(name=one.name))], {"removed": one.name}
        )
    elif action == "add":
        async for effect in _add(documents, what, run):
            yield effect
    else:
        yield await to_thread(_listing, documents, settings.docs.use)


async def _add(documents: Documents, what: str, run: RunOptions) -> Effects:
    """Add what is at the path in `what`, behind `#NAME` if it begins so, and read it."""
    if run.incognito:
        raise UsageError(_("nothing is saved in an incognito run, so no collection either"))
    name, path = await to_thread(_place, documents, what)
    store = documents.store()
    one = await to_thread(store.add, name, str(path))
    yield Changed(frozenset({"settings"}))
    label, done = _("reading #{name}").format(name=one.name), None
    async for step in in_thread(_refreshed, documents, one, label=label):
        if isinstance(step, Progress):
            yield step
        else:
            done = step
    assert done is not None
    read, gone, faults = done
    files, pieces, left_out = await to_thread(documents.totals, one)
    lines: list[Block] = [
        Text(
            _("#{name}: {what}").format(name=one.name, what=_holds(files, pieces)), "good" if files else "warning"
        ),
        Text(_("read: {n}; unchanged files are not read again").format(n=f"{read:,}"), "quiet"),
    ]
    if left_out:
        lines.append(Text(_("left out: {why}").format(why=_why(left_out)), "quiet"))
    lines += [Text(fault, "warning") for fault in faults[:_FAULTS]]
    if files:
        words = _("ask it with #{name} in a message; /docs use {name} has every message ask it")
        lines.append(Text(words.format(name=one.name), "quiet"))
    data = {"name": one.name, "paths": list(one.paths), "files": files, "pieces": pieces}
    yield Show(
        lines, {**data, "read": read, "gone": gone, "left_out": left_out, "faults": faults}, failed=not files
    )


def _refreshed(documents: Documents, one: Collection, progress: Any) -> tuple[int, int, list[str]]:
    found, faults = documents.refresh(one, progress, again=True)
    return len(found.changed), len(found.gone), faults


def _place(documents: Documents, what: str) -> tuple[str, Path]:
    """The name of the collection and the path that `/docs add` means. Raises UsageError and StorageError."""
    from gptchat.conversation.collections.store import name_for, valid_name

    named, rest = "", what
    if what[:1] in ("#", "＃"):
        named, _blank, rest = what[1:].partition(" ")
        if not valid_name(named):
            raise UsageError(
                _("{name} cannot be the name of a collection").format(name=f"#{named}"),
                hint=_("letters, digits, - and _, at most 40; at least one letter"),
            )
    written = unquoted(rest.strip())
    if not written:
        raise UsageError(_("say which folder or file"), hint=_("usage: {usage}").format(usage="/docs add PATH"))
    try:
        path = Path(os.path.abspath(Path(written).expanduser()))  # noqa: PTH100 - links stay as they are named
        kind = "folder" if path.is_dir() else "file" if path.is_file() else ""
    except (OSError, ValueError, RuntimeError):
        path, kind = Path(written), ""
    if not kind:
        raise UsageError(_("there is no {name}").format(name=written), hint=_("check the path; Tab completes it"))
    judgement = documents.policy().file(path)
    if judgement.freedom in ("guarded", "denied"):
        raise UsageError(
            _("{name} is not added: {why}").format(name=written, why=judgement.reason),
            hint=_("/attach sends a single file once"),
        )
    if named:
        return named, path
    taken = documents.store().all()
    if (known := next((one for one in taken if str(path) in one.paths), None)) is not None:
        return known.name, path
    name = name_for(path)
    names, number, candidate = {one.name.casefold() for one in taken}, 2, name
    while candidate.casefold() in names:
        candidate, number = f"{name}-{number}", number + 1
    return candidate, path


def _known(documents: Documents, name: str) -> Collection:
    """The collection `name`, with or without its sign. Raises UsageError that names the nearest."""
    store, wanted = documents.store(), unquoted(name).lstrip("#＃").strip()
    if (found := store.find(wanted)) is not None:
        return found
    from difflib import get_close_matches

    names = [one.name for one in store.all()]
    near = list(dict.fromkeys([*get_close_matches(wanted, names, n=3, cutoff=0.5), *names]))[:5]
    hint = _("there are: {names}").format(names=_(", ").join(f"#{one}" for one in near))
    raise UsageError(
        _("there is no collection #{name}").format(name=wanted) if wanted else _("say which collection"),
        hint=hint if near else _("/docs add PATH makes one of a folder or a file"),
    )


def _listing(documents: Documents, use: str) -> Show:
    collections = documents.store().all()
    if not collections:
        hint = _("there are no collections yet; /docs add PATH makes one of a folder or a file")
        return Show([Text(hint, "quiet")], {"collections": [], "use": use})
    rows, data = [], []
    marked = None
    lines: list[Block] = []
    for number, one in enumerate(collections):
        files, pieces, left_out = documents.totals(one)
        rows.append([f"#{one.name}", f"{files:,}", f"{pieces:,}", _(", ").join(map(_short, one.paths))])
        if in_use := one.name.casefold() == use.casefold():
            marked = number
        if left_out:
            words = _("left out of #{name}: {why}").format(name=one.name, why=_why(left_out))
            lines.append(Text(words, "quiet"))
        data.append(
            {
                "name": one.name,
                "paths": list(one.paths),
                "files": files,
                "pieces": pieces,
                "left_out": left_out,
                "in_use": in_use,
            }
        )
    headings = (_("collection"), _("files"), _("pieces"), _("from"))
    blocks: Sequence[Block] = [Table(headings, rows, frozenset({1, 2}), marked), *lines]
    return Show(blocks, {"collections": data, "use": use})


def _short(path: str) -> str:
    """`path` with `~` for the home folder."""
    home = str(Path.home())
    return f"~{path[len(home) :]}" if path == home or path.startswith(f"{home}{os.sep}") else path


def _holds(files: int, pieces: int) -> str:
    words = ngettext("{n} file", "{n} files", files).format(n=f"{files:,}")
    return _("{files} in {pieces}").format(
        files=words, pieces=ngettext("{n} piece", "{n} pieces", pieces).format(n=f"{pieces:,}")
    )


def _why(left_out: Mapping[str, int]) -> str:
    from gptchat.attachments.folders import summary

    return summary(Counter(left_out))


COMMANDS = (
    Command(
        "docs",
        "tools",
        "Collections of documents: folders and files that messages ask",
        docs,
        (Argument("action", "word", choices=_ACTIONS), Argument("what", "collection", rest=True)),
        flags={YES: "do not ask whether a collection may be forgotten"},
        examples=(
            ("/docs", "all of them, and what was left out"),
            ("/docs add ~/notes", "a folder or a file becomes #notes; again: what has changed is read"),
            ("/docs add #work report.pdf", "under a name of your own; more paths may join it"),
            ("/docs use notes", "every message of this session asks it; /docs off ends it"),
            ("/docs remove notes", "the documents themselves stay"),
        ),
        about="#NAME in a message asks that collection for this message. What fits goes along as data, within "
        "docs.share of the window, and stands under the reply with file and line. Text, Markdown, code, PDF, "
        "office files and web pages are read; what .gitignore names, binary files and keys are left out.",
        brief="ask your documents",
        session=lambda call: call.get("action") in ("use", "off"),
        shows=lambda call: not call.get("action"),
    ),
)

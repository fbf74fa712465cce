"""The sessions family: synchronise with a folder that a service carries, or with a git repository."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gptchat.commands.effects import Ask, Block, Changed, Effects, Facts, Progress, Show, Text
from gptchat.commands.registry import Argument, Call, Command
from gptchat.commands.wording import age, in_thread
from gptchat.core.titles import shorten
from gptchat.core.typed.template import unquoted
from gptchat.errors import ConfigurationError, UsageError
from gptchat.waiting import to_thread
from gptchat.words import _, ngettext

if TYPE_CHECKING:
    from gptchat.config.paths import Paths
    from gptchat.conversation.people import People
    from gptchat.conversation.services import RunOptions
    from gptchat.storage.store import JournalStore
    from gptchat.sync.memory import SyncMemory
    from gptchat.sync.report import SyncReport
    from gptchat.sync.sealing import AgeSealing
    from gptchat.sync.service import Synchroniser

_NAMED = 5
_SECONDS = 30


async def sync(
    call: Call,
    people: People,
    paths: Paths,
    environ: Mapping[str, str],
    run: RunOptions,
    open_id: str,
    journals: JournalStore,
) -> Effects:
    """Bring this machine and a place to the union of both; tell what is remembered; or forget the place."""
    from gptchat.sync import memory as memories
    from gptchat.sync.local import now
    from gptchat.sync.sealing import PassphraseNeeded
    from gptchat.sync.service import Synchroniser, find_target

    place, user, data_dir = call.get("place"), people.current, journals.data
    memory = await to_thread(memories.load, data_dir, user)
    if place == "status":
        yield _status(memory)
        return
    if place == "off":
        gone, memory.place, memory.watch = memory.place, "", False
        await to_thread(memory.save)
        words = _("{place} is forgotten; nothing in it was changed") if gone else _("no place is remembered")
        yield Show([Text(words.format(place=gone))], {"place": None, "forgotten": gone or None})
        return
    if run.incognito:
        raise UsageError(_("nothing is saved in an incognito run, so nothing is synchronised"))
    git = place == "git" or place.startswith("git ")
    place = unquoted(place[4:].strip() if git else place)
    if not place:
        place, git = memory.place, memory.git or git
    if not place:
        raise UsageError(
            _("no place is remembered yet"),
            hint=_("usage: {usage}").format(usage="/sync FOLDER, /sync git ADDRESS"),
        )
    target = await to_thread(find_target, place, git, data_dir, user, environ)
    work = Synchroniser(data_dir, paths.cache_dir, target)
    users = [user, *(name for name in people.names() if name != user)] if "--all" in call.flags else [user]
    encrypt, passphrase = "--encrypt" in call.flags, await to_thread(passphrase_of, environ)
    try:
        sealing = await to_thread(_open, work, users, passphrase, encrypt)
    except PassphraseNeeded:
        if run.unattended:
            raise
        new = not await to_thread(work.encrypted)
        words = _("a passphrase for {place}") if new else _("the passphrase of {place}")
        passphrase = (yield Ask(words.format(place=target.name), secret=True)) or ""
        if passphrase and new and (yield Ask(_("the same again"), secret=True)) != passphrase:
            raise UsageError(_("the two are not the same"), hint=_("nothing was written")) from None
        if not passphrase:
            raise
        sealing = await to_thread(_open, work, users, passphrase, encrypt)
    reports: dict[str, SyncReport] = {}
    label = _("synchronising with {place}").format(place=target.name)
    async for step in in_thread(_running(work), users, sealing, open_id, label=label):
        if isinstance(step, Progress):
            yield step
        else:
            reports = step
    memory = await to_thread(memories.load, data_dir, user)
    watch = "--watch" in call.flags
    memory.place, memory.git, memory.last = target.name, target.repository is not None, now()
    memory.watch = memory.watch or watch
    await to_thread(memory.save)
    yield Changed(frozenset({"session"}))
    blocks: list[Block] = []
    for name, report in reports.items():
        blocks += blocks_of(report, name if len(reports) > 1 else "")
    if watch and not run.unattended:
        blocks.append(
            Text(_("from now on after each turn, and when the place changes; /sync off ends it"), "quiet")
        )
    data: dict[str, Any] = {"place": target.name, "encrypted": sealing is not None, **reports[user].to_json()}
    if len(reports) > 1:
        data["users"] = {name: report.to_json() for name, report in reports.items()}
    yield Show(blocks, data)


def _running(work: Synchroniser) -> Any:
    def begin(users: Sequence[str], sealing: AgeSealing | None, open_id: str, progress: Any) -> Any:
        return work.run(users, sealing, open_id=open_id, progress=progress)

    return begin


def _open(work: Synchroniser, users: Sequence[str], passphrase: str, encrypt: bool) -> AgeSealing | None:
    sealings = [work.ready(user, passphrase, encrypt=encrypt) for user in users]
    return sealings[0]


def passphrase_of(environ: Mapping[str, str]) -> str:
    """The passphrase of the environment, or of a command named there; empty without. ConfigurationError."""
    from gptchat.sync.sealing import COMMAND_VARIABLE, VARIABLE

    if found := environ.get(VARIABLE, ""):
        return found
    command = environ.get(COMMAND_VARIABLE, "")
    if not command:
        return ""
    import subprocess  # only where a command is named

    done: subprocess.CompletedProcess[bytes] | None
    try:
        done = subprocess.run(  # noqa: S602 - the person's own command line, with its pipes
            command, shell=True, env=dict(environ), stdin=subprocess.DEVNULL, capture_output=True,
            timeout=_SECONDS, check=False,
        )  # fmt: skip
        words = done.stdout.decode("utf-8", "replace").strip("\r\n")
        why = (
            _("exit status {status}").format(status=done.returncode)
            if done.returncode
            else _("it printed nothing")
        )
    except subprocess.TimeoutExpired:
        words, done = "", None
        why = _("it did not end within {seconds} s").format(seconds=_SECONDS)
    if done is None or done.returncode or not words:
        raise ConfigurationError(
            _("{variable} failed: {reason}").format(variable=COMMAND_VARIABLE, reason=why),
            hint=_("run the command in your shell to see what it needs"),
        )
    return words


def _status(memory: SyncMemory) -> Show:
    data = {"place": memory.place or None, "git": memory.git, "watch": memory.watch, "last": memory.last or None}
    data["encrypted"] = bool(memory.identities.get(memory.place))
    if not memory.place:
        return Show([Text(_("no place is remembered; /sync PLACE synchronises with one"), "quiet")], data)
    pairs = [
        (_("place"), memory.place),
        (_("last run"), age(memory.last) or _("never")),
        (_("encrypted"), _("yes") if data["encrypted"] else _("no")),
        (_("while the chat runs"), _("yes") if memory.watch else _("no")),
    ]
    return Show([Facts(pairs)], data)


def blocks_of(report: SyncReport, user: str = "") -> list[Block]:
    """What a run did, in lines; `user` is named where several were synchronised."""
    who = _("{user}: ").format(user=user) if user else ""
    counted = [
        (report.received, ngettext("{n} message came in", "{n} messages came in", report.received)),
        (report.sent, ngettext("{n} message went out", "{n} messages went out", report.sent)),
        (report.sessions_in, ngettext("{n} new session here", "{n} new sessions here", report.sessions_in)),
        (report.trashed, ngettext("{n} to the trash", "{n} to the trash", report.trashed)),
        (report.restored, ngettext("{n} back from the trash", "{n} back from the trash", report.restored)),
        (report.removed, ngettext("{n} removed for good", "{n} removed for good", report.removed)),
        (report.files, ngettext("{n} file copied", "{n} files copied", report.files)),
        (report.copies, ngettext("{n} conflict copy merged", "{n} conflict copies merged", report.copies)),
    ]
    said = [words.format(n=f"{n:,}") for n, words in counted if n]
    blocks: list[Block] = [Text(who + (_(", ").join(said) or _("both sides are the same")), "good")]
    for id, title in report.kept[:_NAMED]:
        words = _("{title} was deleted on another machine, and is kept, since it went on")
        blocks.append(Text(words.format(title=shorten(title) or id), "warning"))
    if report.open:
        words = _("this session was deleted on another machine; it stays while it is open")
        blocks.append(Text(words, "warning"))
    if report.left:
        left = ngettext(
            "{n} session is left for the next run", "{n} sessions are left for the next run", report.left
        )
        blocks.append(Text(left.format(n=report.left), "quiet"))
    for name, reason in report.problems[:_NAMED]:
        blocks.append(Text(_("{file} is left out: {reason}").format(file=name, reason=reason), "warning"))
    if (more := len(report.problems) - _NAMED) > 0:
        blocks.append(Text(ngettext("and {n} more", "and {n} more", more).format(n=more), "warning"))
    return blocks


COMMANDS = (
    Command(
        "sync",
        "sessions",
        "Bring your sessions on several machines together",
        sync,
        (Argument("place", "file", rest=True),),
        flags={
            "--encrypt": "encrypt the place with a passphrase",
            "--watch": "go on while the chat runs",
            "--all": "everybody on this machine",
        },
        examples=(
            ("/sync ~/Dropbox", "with a folder that a service carries"),
            ("/sync git git@example.org:me/chats.git", "with a git repository"),
            ("/sync", "again with the last place"),
            ("/sync status", "which place, and when"),
            ("/sync off", "forget the place"),
        ),
        about=(
            "PLACE is a folder, or git and an address. Both sides get what the other has; where two machines went "
            "on from one message, both branches are kept. Keys, drafts and the input history never travel."
        ),
    ),
)

"""What `/doctor` finds in the settings and on the disk: values and their origins, permissions, index, journals."""

from __future__ import annotations

import os
import shlex
import shutil
import sqlite3
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from gptchat.commands.doctor.finding import Finding, failed
from gptchat.commands.effects import Show, Table
from gptchat.commands.wording import setting_as_json
from gptchat.config import schema
from gptchat.config.credentials import credentials_file
from gptchat.config.environment import openai_file
from gptchat.config.private_files import exposed
from gptchat.errors import GptchatError
from gptchat.files import make_folder, write_file
from gptchat.storage import users as people
from gptchat.storage.index.database import cached
from gptchat.storage.os_errors import storage_error
from gptchat.words import _, ngettext

if TYPE_CHECKING:
    from gptchat.config.paths import Paths
    from gptchat.config.settings import Settings
    from gptchat.conversation.routing import Routing
    from gptchat.conversation.services import RunOptions
    from gptchat.manager import SessionManager
    from gptchat.storage.index.library import Library

_ROOM = 100_000_000
"""Bytes; with less free, saving may soon fail."""
_SHOWN = 5
"""Damaged journals, or open files, that are named one by one."""


def settings(settings: Settings, routing: Routing, paths: Paths, provider: str) -> Iterator[Show]:
    """The settings file, the values set with their origins, and the ignored keys.

    Of the tables, only that of `provider` (empty: the one in force) matters here.
    """
    file = paths.config_file
    if file.is_file():
        yield Finding("settings", "ok", _("settings file: {file}").format(file=file)).show()
    else:
        yield Finding("settings", "note", _("no settings file; it would be {file}").format(file=file)).show()
    mine = f"providers.{provider or settings.chat.provider}."
    everything = list(settings.items(everything=False))
    items = [item for item in everything if item.key.startswith(mine) or item.key in schema.SETTINGS]
    if items:
        rows = [[item.key, item.shown, item.source.brief] for item in items]
        values = {
            item.key: {"value": setting_as_json(item.value, item.shown), "from": str(item.source)}
            for item in items
        }
        yield Show(
            [Table([_("setting"), _("value"), _("from")], rows)],
            {"check": "settings", "state": "note", "settings": values},
        )
    if others := len(everything) - len(items):
        words = ngettext(
            "{n} more is set for other providers, presets or models; /config shows it",
            "{n} more are set for other providers, presets or models; /config shows them",
            others,
        )
        yield Finding("settings", "note", words.format(n=others)).show()
    for key in settings.ignored:
        words = _("the setting {key} of yours makes no sense here and is left out").format(key=key)
        yield Finding("settings", "warning", words, f"/unset {key}").show()
    yield from (failed("fallback", error).show() for error in _fallback(settings, routing))


def _fallback(settings: Settings, routing: Routing) -> Iterator[GptchatError]:
    for name in settings.chat.fallback:
        try:
            routing.fallback(name)
        except GptchatError as error:
            yield error


def store(
    manager: SessionManager,
    settings: Settings,
    library: Library,
    paths: Paths,
    environ: Mapping[str, str],
    run: RunOptions,
) -> Iterator[Finding]:
    """The data folder, who may read it, the index, and every journal. Blocks: call it in a thread."""
    data = paths.data_dir
    if run.incognito:
        yield Finding("store", "note", _("incognito: nothing of this run is saved"))
    yield _writable(data)
    yield _room(data)
    yield from _permissions(settings, paths, environ)
    yield _index(paths)
    yield from _journals(manager, library, paths)


def _writable(data: Path) -> Finding:
    probe = data / f".doctor.{os.urandom(4).hex()}.tmp"  # swept if this program is killed now
    try:
        make_folder(data)
        write_file(probe, b"")
        probe.unlink()
    except OSError as error:
        return failed("data", storage_error(error, data))
    return Finding("data", "ok", _("data folder: {folder}, writable").format(folder=data))


def _room(data: Path) -> Finding:
    try:
        free = shutil.disk_usage(data).free
    except OSError as error:
        return failed("space", storage_error(error, data))
    words = _("{size} GB free there").format(size=f"{free / 1e9:,.1f}")
    if free < _ROOM:
        return Finding("space", "warning", words, _("free some space"), {"bytes": free})
    return Finding("space", "ok", words, more={"bytes": free})


def _permissions(settings: Settings, paths: Paths, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Files that other users of this machine can read: keys first, then conversations."""
    named = [provider.api_key_file for provider in settings.own_providers()]
    keys = [credentials_file(paths.data_dir), *(Path(file).expanduser() for file in named if file)]
    if openai := openai_file(environ):
        keys.append(openai)
    warnings = [warning for path in dict.fromkeys(keys) if (warning := exposed(path))]
    for warning in warnings:
        yield Finding("keys", "failed", warning)
    if os.name != "posix":
        return
    open_to_others = list(_open_to_others(paths.data_dir))
    if open_to_others:
        words = ngettext(
            "{n} file or folder can be read by other people: {names}",
            "{n} files or folders can be read by other people: {names}",
            len(open_to_others),
        )
        names = _(", ").join(str(path) for path in open_to_others[:_SHOWN])
        yield Finding(
            "permissions", "failed", words.format(n=len(open_to_others), names=names),
            f"chmod -R go-rwx {shlex.quote(str(paths.data_dir))}",
        )  # fmt: skip
    elif not warnings:
        yield Finding("permissions", "ok", _("keys and conversations are readable by you alone"))


def _open_to_others(folder: Path) -> Iterator[Path]:
    """`folder` and its contents, as far as their mode gives access to others."""
    pending = [folder]
    while pending:
        current = pending.pop()
        try:
            mode = current.lstat().st_mode
            if stat.S_ISLNK(mode):
                continue
            if mode & 0o077:
                yield current
            if stat.S_ISDIR(mode):
                pending.extend(sorted(current.iterdir()))
        except OSError:  # gone this moment, or not ours to look into: then it is not ours to mend either
            continue


def _index(paths: Paths) -> Finding:
    with cached(paths.cache_dir) as database:
        if database is None:
            return Finding(
                "index", "warning", _("the index of sessions cannot be used; lists and searches are slower"),
                _("check the folder {folder}").format(folder=paths.cache_dir),
            )  # fmt: skip
        try:
            sound = database.execute("PRAGMA quick_check").fetchone()[0] == "ok"
        except sqlite3.Error:
            sound = False
    file = paths.cache_dir / "index.sqlite3"
    if not sound:
        words = _("the index {file} is damaged").format(file=file)
        return Finding("index", "warning", words, _("delete it: it is made anew, and holds nothing of its own"))
    return Finding("index", "ok", _("index of sessions: sound"))


def _conflicts(manager: SessionManager, library: Library, paths: Paths) -> Iterator[Finding]:
    """Copies of journals that a service for files made: merged where that is safe, and told."""
    from gptchat.storage import conflicts
    from gptchat.storage.store import JournalStore

    users = [user.name for user in people.list_users(paths.data_dir)]
    for copy in conflicts.all_merged(JournalStore(paths.data_dir), library, users, manager.session.id):
        if copy.merged:
            words = _("{name} was a copy of the session {id}, which a file service made; they are one again")
            yield Finding("conflicts", "ok", words.format(name=copy.name, id=copy.id))
        else:
            words = _("{name} is a copy of the session {id} from another machine; both went on by themselves")
            yield Finding(
                "conflicts", "warning", words.format(name=copy.name, id=copy.id),
                _("both are kept; /delete {name} if it is not needed").format(name=shlex.quote(copy.name)),
            )  # fmt: skip


def _journals(manager: SessionManager, library: Library, paths: Paths) -> Iterator[Finding]:
    yield from _conflicts(manager, library, paths)
    total = 0
    damaged: list[str] = []
    for user in people.list_users(paths.data_dir):
        for info in library.list(user.name):
            total += 1
            if info.damaged:
                damaged.append(_(", ").join((user.name, info.id)) + _(": {why}").format(why=info.damaged))
    for line in damaged[:_SHOWN]:
        yield Finding(
            "journals", "warning", line, _("the rest of it is used as ever; the file itself is not touched")
        )
    words = ngettext("{n} session", "{n} sessions", total).format(n=f"{total:,}")
    if not damaged:
        yield Finding("journals", "ok", _("{sessions}, every journal whole").format(sessions=words))
    else:
        told = _("{sessions}, {n} of them damaged").format(sessions=words, n=len(damaged))
        yield Finding("journals", "warning", told)
    trouble = manager.store.trouble(manager.session)
    if trouble is not None:
        yield failed("saving", trouble)

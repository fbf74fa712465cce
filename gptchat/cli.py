"""From flags to settings to one composed program to an exit status. Only here are concrete parts chosen."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gptchat import words
from gptchat.errors import GptchatError, TurnInterruptedError
from gptchat.words import _

if TYPE_CHECKING:
    from gptchat.commands.workspace import Workspace
    from gptchat.config.endpoints import ProviderSettings
    from gptchat.config.flags import Options
    from gptchat.config.paths import Paths
    from gptchat.config.settings import Settings
    from gptchat.core.ports import Provider, SessionStore
    from gptchat.providers.faults.quirks import Learnt
    from gptchat.storage.learned_store import Kept


def main(argv: Sequence[str] | None = None) -> int:
    """Run gptchat with the arguments `argv` (default: the command line's); returns the exit status."""
    from gptchat.config.flags import asked_language, parse, wants_json

    arguments = sys.argv[1:] if argv is None else list(argv)
    words.choose(asked_language(arguments) or words.detect(os.environ))
    _speak_utf8()
    try:
        options = parse(arguments)
        status = _run(options)
        if sys.stdout is not None:
            sys.stdout.flush()  # what fails later, when Python ends, could not be told any more
        return status
    except GptchatError as error:
        from gptchat.terminal.failure import tell_failure

        return tell_failure(error, as_json=wants_json(arguments), debug="--debug" in arguments)
    except KeyboardInterrupt:
        from gptchat.terminal.failure import tell_failure

        return tell_failure(TurnInterruptedError(_("stopped")), as_json=wants_json(arguments))
    except BrokenPipeError:
        # Whoever read our output has left (`gptchat ... | head`); nothing more can be said there.
        _drop_output()
        return 0
    except Exception as fault:
        from gptchat.terminal.debugging import unexpected
        from gptchat.terminal.failure import tell_failure

        debug = "--debug" in arguments
        if (failure := _output_failed(fault)) is not None:
            _drop_output()
            return tell_failure(failure, as_json=False, debug=debug)
        return tell_failure(unexpected(fault), as_json=wants_json(arguments), debug=debug)


def _output_failed(fault: Exception) -> GptchatError | None:
    """The failure that `fault` is where standard output could not be written; else None.

    Storage tells its own failures as such, with the file; what comes here without one was written to a stream.
    """
    import errno

    from gptchat.errors import StorageError

    writing = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)
    if not isinstance(fault, OSError) or fault.filename is not None or fault.errno not in writing:
        return None
    return StorageError(
        _("standard output cannot be written: {why}").format(why=words.reason(fault)),
        hint=_("choose another place for the output"),
    )


def _drop_output() -> None:
    """Let what still waits for standard output go nowhere, so that Python ends without complaint."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(options: Options) -> int:
    from gptchat.terminal.debugging import keep_quiet, start_log
    from gptchat.terminal.invocation import Streams, question

    keep_quiet()
    streams = Streams.of_process()
    asked = question(options, streams)
    workspace = compose(options, os.environ, attended=asked is None)
    if options.debug:
        start_log(workspace.paths.data_dir)
    if asked is None:
        from gptchat.terminal.chat import chat

        return chat(workspace, options)
    from gptchat.terminal.oneshot import answer

    return answer(workspace, options, asked, streams)


def compose(options: Options, environ: Mapping[str, str], *, attended: bool) -> Workspace:
    """The whole program for `options`; raises ConfigurationError, UsageError or StorageError.

    `attended` says that a person sits at a terminal and can be asked.
    """
    from gptchat.commands.families import registry
    from gptchat.commands.workspace import Run, Workspace
    from gptchat.config.paths import find_paths
    from gptchat.conversation.routing import Routing
    from gptchat.manager import SessionManager
    from gptchat.storage import users as people
    from gptchat.storage.index.library import Library
    from gptchat.storage.learned_store import Kept
    from gptchat.tokens.counter import Counter
    from gptchat.tokens.windows import Windows

    paths = find_paths(environ, config=options.config, data_dir=options.data_dir)
    settings = _settings(options, environ, paths)
    if settings.text("ui.lang") in words.LANGUAGES:
        words.choose(settings.text("ui.lang"))
    kept = Kept(paths.data_dir / "learnt.json", readonly=options.incognito)
    counter = Counter(encodings=_encodings(settings), calibration=kept.part("tokens"), save=kept.saver("tokens"))
    learnt = _memory(kept)
    routing = Routing(lambda: settings, lambda entry: workspace_opener(entry), counter)
    routing.stream = options.stream
    routing.windows = Windows(
        settings=routing.settings_window,
        server=routing.server_window,
        catalogue=routing.catalogue_window,
        learnt=kept.part("windows"),
        save=kept.saver("windows"),
    )
    workspace = Workspace(
        manager=SessionManager(_store(options, paths), counter),
        settings=settings,
        library=Library(paths.data_dir, paths.cache_dir),
        routing=routing,
        registry=registry(),
        paths=paths,
        environ=environ,
        run=Run(incognito=options.incognito, unattended=not attended, system=options.system),
        code_blocks=_code_blocks,
        keep=kept.flush,
        learnt=learnt,
        abilities=lambda: _abilities(environ),
    )
    workspace_opener = _opener(workspace)
    name = options.user  # an empty one is refused: it must not become whoever was here last
    if name is None:
        last = environ.get("GPTCHAT_USER") or people.read_state(paths.data_dir).get("user")
        name = last if isinstance(last, str) and last else _login_name()
    workspace.switch_user(_known(workspace, name))
    return workspace


def _known(workspace: Workspace, name: str) -> str:
    return workspace.find_user(name) or name


def _settings(options: Options, environ: Mapping[str, str], paths: Paths) -> Settings:
    from gptchat.config.parse import parse_assignment
    from gptchat.config.settings import read_settings
    from gptchat.providers import registry as providers

    settings = read_settings(
        paths, environ, builtin=providers.builtin, builtin_names=[spec.name for spec in providers.specs()]
    )
    flags: dict[str, Any] = {}
    given = dict(parse_assignment(text) for text in options.settings)
    if options.provider:
        settings.replace_layer("flag", given)  # it may be one that -o makes
        settings.provider(options.provider)  # an unknown name is refused here, with the nearest
        flags["provider"] = options.provider
    if options.model:
        flags["model"] = options.model
    if options.preset:
        flags["preset"] = options.preset
    if options.lang:
        flags["ui.lang"] = options.lang
    if options.raw:
        flags["ui.raw"] = True
    settings.replace_layer("flag", {**flags, **given})
    return settings


def _store(options: Options, paths: Paths) -> SessionStore:
    from gptchat.storage.store import JournalStore

    if options.incognito:
        from gptchat.storage.memory import MemoryStore

        return MemoryStore(JournalStore(paths.data_dir).read)
    return JournalStore(paths.data_dir)


def _memory(kept: Kept) -> Callable[[], Learnt]:
    """The one memory of what servers refuse: were there two, each would write over the other's lessons."""

    @functools.cache
    def memory() -> Learnt:
        from gptchat.providers.faults.quirks import Learnt

        return Learnt(load=lambda: kept.part("servers"), save=kept.saver("servers"))

    return memory


def _opener(workspace: Workspace) -> Callable[[ProviderSettings], Provider]:
    """Opens providers with the person's keys and the memory of what servers refuse."""
    from gptchat import __version__

    def open_(entry: ProviderSettings) -> Provider:
        from gptchat.providers.registry import open_provider

        def key() -> str:
            found = workspace.find_key(entry)
            return found.value if found else ""

        return open_provider(
            entry,
            workspace.settings.network(),
            key,
            learnt=workspace.learnt(),
            api_for=workspace.routing.api_for(entry),
            user_agent=f"gptchat/{__version__}",
        )

    return open_


def _encodings(settings: Settings) -> dict[str, str]:
    """Which encoding counts for which model or provider, where the settings say so."""
    coded = (
        (name, settings.get(f"{table}.{name}.encoding"))
        for table in ("providers", "models")
        for name in settings.names(table)
    )
    return {name: code for name, code in coded if isinstance(code, str) and code}


def _code_blocks(markdown: str) -> list[str]:
    from gptchat.terminal.output.clipboard import code_blocks

    return [block.text for block in code_blocks(markdown)]


def _abilities(environ: Mapping[str, str]) -> Sequence[tuple[str, str, str]]:
    from gptchat.terminal.abilities import abilities

    return abilities(environ)


def _login_name() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # no such user in the system's list, as in some containers
        return "me"


def _speak_utf8() -> None:
    """Write UTF-8 wherever output goes: a reply must not end the program on an old code page."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            encoding = (stream.encoding or "").lower().replace("-", "")
            reconfigure(encoding=None if encoding == "utf8" else "utf-8", errors="backslashreplace")

"""The entry point: reads the command line, runs a chat or one question, and returns the exit status."""

from __future__ import annotations

import gc
import os
import sys

from gptchat import __version__, words
from gptchat.errors import GptchatError, TurnInterruptedError, UsageError
from gptchat.words import _

_LATER = 3.0  # seconds
_SCHEMA_EXAMPLE = 'gptchat --schema "name, age int" "invent a person"'

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gptchat.commands.program import Program
    from gptchat.config.flags import Options
    from gptchat.config.schema import UiSettings


def main(argv: Sequence[str] | None = None) -> int:
    """Run gptchat with the arguments `argv` (default: the command line's); returns the exit status."""
    arguments = sys.argv[1:] if argv is None else list(argv)
    if arguments == ["--version"]:  # needs no settings, which declare the other flags
        print(f"gptchat {__version__}")
        return 0
    if shell := os.environ.pop("_GPTCHAT_COMPLETE", ""):
        return _complete(shell, arguments)
    # Nearly all objects that a start creates stay, so a search for garbage is wasted; longer runs enable it.
    gc.disable()
    try:
        if argv is not None:
            return _main(arguments)
        from gptchat import leaving  # this process is the program

        leaving.begin()
        try:
            status = _main(arguments)
        except KeyboardInterrupt:  # before or after what `_main` guards
            status = 130
        leaving.finish(leaving.status() or status)
    finally:
        gc.enable()


def _main(arguments: Sequence[str]) -> int:
    from gptchat.config.flags import asked_language, parse, wants_json

    arguments = _speak(arguments)
    words.choose(asked_language(arguments) or words.detect(os.environ))
    try:
        options = parse(arguments)
        status = _show_script(options.completion) if options.completion else _run(options)
        if sys.stdout is not None:
            sys.stdout.flush()  # what fails later, when Python ends, could not be told any more
        return status
    except GptchatError as error:
        from gptchat.terminal.door import tell_failure

        return tell_failure(error, as_json=wants_json(arguments), debug="--debug" in arguments)
    except KeyboardInterrupt:
        from gptchat.terminal.door import tell_failure

        return tell_failure(TurnInterruptedError(_("stopped")), as_json=wants_json(arguments))
    except BrokenPipeError:
        # Whoever read our output has left (`gptchat ... | head`); nothing more can be said there.
        _drop_output()
        return 0
    except Exception as fault:
        from gptchat.terminal.debugging import unexpected
        from gptchat.terminal.door import tell_failure

        debug = "--debug" in arguments
        if (failure := _output_failed(fault)) is not None:
            _drop_output()
            return tell_failure(failure, as_json=False, debug=debug)
        return tell_failure(unexpected(fault), as_json=wants_json(arguments), debug=debug)


def _show_script(shell: str) -> int:
    from gptchat.terminal.completing.scripts import SCRIPTS

    sys.stdout.write(SCRIPTS[shell])
    return 0


def _complete(shell: str, arguments: Sequence[str]) -> int:
    """Answer a Tab that `shell` asks for, in the words of the environment."""
    gc.disable()
    from gptchat.terminal.completing.shell import main as answer

    arguments = _speak(arguments)
    words.choose(words.detect(os.environ))
    breaks = os.environ.get("_GPTCHAT_BREAKS", "")
    answer(shell, arguments, lambda options: compose(options, os.environ, attended=False), breaks)
    return 0


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
    from gptchat.terminal.invocation import Streams, question
    from gptchat.values import replace

    streams = Streams.of_process()
    asked = question(options, streams)
    if asked is not None and asked.piped:
        options = replace(options, piped=asked.piped)
    if asked is None and options.schema:
        raise UsageError(
            _("--schema goes with one question"), hint=_("as in: {example}").format(example=_SCHEMA_EXAMPLE)
        )
    program = compose(options, os.environ, attended=asked is None)
    if options.debug:
        from gptchat.terminal.debugging import start_log

        start_log(program.services.paths.data_dir)
    if asked is None:
        from gptchat.terminal.chat import chat

        if not options.incognito:
            _sweep_later(program)
        return chat(program, options)
    from gptchat.terminal.oneshot import answer

    try:
        return answer(program, options, asked, streams)
    finally:
        if not options.incognito:
            from gptchat.storage.sweeping import sweep

            sweep(program.services.paths)


def _sweep_later(program: Program) -> None:
    """Remove what killed programs left in our folders, when the first keys are typed and no one waits for it."""
    from threading import Timer

    from gptchat.storage.sweeping import sweep

    timer = Timer(_LATER, sweep, (program.services.paths,))
    timer.daemon = True
    timer.start()


def compose(options: Options, environ: Mapping[str, str], *, attended: bool) -> Program:
    """The whole program for `options`; raises ConfigurationError, UsageError or StorageError.

    `attended` says that a person sits at a terminal and can be asked.
    """
    from gptchat.commands.program import Program, registry
    from gptchat.conversation import services

    parts = services.compose(options, environ, attended=attended)
    return Program(
        parts,
        registry(parts.paths.config_file),
        lambda markdown: _code_blocks(markdown, parts.settings.ui),
        lambda: _abilities(environ),
    )


def _code_blocks(markdown: str, ui: UiSettings) -> list[str]:
    from gptchat.terminal.output.clipboard import code_blocks

    return [block.text for block in code_blocks(markdown, ui)]


def _abilities(environ: Mapping[str, str]) -> Sequence[tuple[str, str, str]]:
    from gptchat.terminal.output.capabilities import abilities

    return abilities(environ)


def _speak(arguments: Sequence[str]) -> Sequence[str]:
    """Read and write in the locale's encoding if it names one, else in UTF-8; returns the arguments read in it.

    A reply must not end the program, whatever characters it has.
    """
    named = (os.environ.get(name, "C") for name in ("LC_ALL", "LC_CTYPE", "LANG", "PYTHONIOENCODING"))
    if not all(name in ("", "C", "POSIX") or name.lower().endswith(("utf-8", "utf8")) for name in named):
        from gptchat.terminal import encoding

        if name := encoding.of_locale(os.environ):
            encoding.speak(name)
            return encoding.understood(arguments, name)
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            now = (stream.encoding or "").lower().replace("-", "")
            reconfigure(encoding=None if now == "utf8" else "utf-8", errors="backslashreplace")
    return arguments

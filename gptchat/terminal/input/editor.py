"""Opens a draft or another text in the user's editor."""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from prompt_toolkit.application import Application
from prompt_toolkit.input import Input
from prompt_toolkit.output import Output

from gptchat import leaving
from gptchat.errors import UsageError
from gptchat.terminal.input.keyboard import begin_line, ordinary
from gptchat.words import _, reason


def command(environ: Mapping[str, str] = os.environ) -> list[str]:
    """The editor's command line as words: `$VISUAL`, else `$EDITOR`, else the first common editor on PATH.

    Raises UsageError if the configured editor does not exist, or if no editor is found.
    """
    hint = _("set VISUAL or EDITOR to your editor's command")
    for variable in ("VISUAL", "EDITOR"):
        value = environ.get(variable, "").strip()
        if not value:
            continue
        words = _split(value)
        if not words or shutil.which(words[0], path=environ.get("PATH")) is None:
            raise UsageError(
                _("the editor {command} of {variable} was not found").format(command=value, variable=variable),
                hint=hint,
            )
        return words
    usual = ("notepad",) if sys.platform == "win32" else ("editor", "nano", "vim", "vi", "emacs")
    for name in usual:
        if found := shutil.which(name, path=environ.get("PATH")):
            return [found]
    raise UsageError(_("no editor was found"), hint=hint)


async def visit(
    keyboard: Input,
    output: Output,
    text: str,
    suffix: str = ".md",
    *,
    keep: Callable[[str], object] = lambda _text: None,
) -> str | None:
    """Run `edit` in a thread, between two prompts, with the terminal in its normal mode."""
    with ordinary(keyboard, output):
        return await asyncio.get_running_loop().run_in_executor(None, partial(edit, text, suffix, keep=keep))


@contextmanager
def keys_wait(app: Application[str]) -> Iterator[None]:
    """Read no key meanwhile: those that were typed ahead act afterwards, and come first."""
    ahead = app.key_processor.empty_queue()
    try:
        with app.input.detach():
            yield
    finally:
        app.key_processor.feed_multiple(ahead, first=True)
        app.key_processor.process_keys()


def edit_within(output: Output, text: str, keep: Callable[[str], object]) -> str | None:
    """`edit` for a prompt that steps aside and draws itself again afterwards, where the line begins."""
    try:
        return edit(text, keep=keep)
    finally:
        begin_line(output)


def _split(value: str) -> list[str]:
    """The words of a command line; on Windows a backslash is part of a path."""
    try:
        words = shlex.split(value, posix=sys.platform != "win32")
    except ValueError:  # an unclosed quote: the value can only be a path
        return [value]
    return [word.strip('"') for word in words] if sys.platform == "win32" else words


def _run(command: list[str]) -> int:
    """Run the editor to its end; returns its exit status."""
    process = subprocess.Popen(command)  # noqa: S603 - the user chose the program
    with leaving.gently(process.terminate), leaving.at_the_end(process.kill):
        return process.wait()


def edit(
    text: str,
    suffix: str = ".md",
    environ: Mapping[str, str] = os.environ,
    *,
    keep: Callable[[str], object] = lambda _text: None,
) -> str | None:
    """Open `text` in the editor and wait; returns the edited text, or None if it was not changed.

    The terminal must be in its normal mode. The text is stored in a private temporary folder (0700) meanwhile.
    Leaving ends the editor; what it has saved by then counts as edited, and is given to `keep` in this thread,
    since nobody may wait for it any more.
    Raises UsageError if there is no editor, if it fails, or if the result is not UTF-8.
    """
    words = command(environ)
    with tempfile.TemporaryDirectory(prefix="gptchat-") as folder:
        path = Path(folder, f"message{suffix}")
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        try:
            status = _run([*words, str(path)])
        except OSError as error:
            raise UsageError(
                _("the editor {command} could not be started: {reason}").format(
                    command=words[0], reason=reason(error)
                ),
                hint=_("set VISUAL or EDITOR to your editor's command"),
            ) from None
        left = leaving.status() is not None
        if left and (rescued := path.with_name(f"{path.name}.save")).exists():
            path = rescued  # nano's, of what was not saved yet
        if status != 0 and not left:
            raise UsageError(
                _("the editor {command} ended with status {status}; the text is unchanged").format(
                    command=words[0], status=status
                )
            )
        try:
            edited = path.read_bytes().decode("utf-8", "surrogatepass")
        except FileNotFoundError:
            return None
        except UnicodeDecodeError:
            raise UsageError(_("the edited text is not UTF-8; the text is unchanged")) from None
    edited = edited.replace("\r\n", "\n")
    ended = edited.removesuffix("\n")  # editors add a final line break, which a message does not need
    if text in (edited, ended):
        return None
    if left:
        keep(ended)
    return ended

"""Run a command for `!COMMAND`: its output cleaned and capped, its end told, nothing of it left running."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import IO, Any

from gptchat import words
from gptchat.attachments.decoding import decode
from gptchat.core.attachments import Attachment
from gptchat.errors import UsageError
from gptchat.values import dataclass
from gptchat.words import _

_POLL = 0.05  # seconds between two looks at the clock and at `stopped`
_DRAIN = 1.0  # seconds that output may still take to arrive after the end
_ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    r"|\x1b[\]PX^_].*?(?:\x07|\x1b\\|\Z)"  # OSC, DCS, SOS, PM, APC with their text
    r"|\x1b[ -/]*[0-~]",  # everything else of ECMA-48
    re.DOTALL,
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_CUT_END = re.compile(rb"[\xc2-\xf4][\x80-\xbf]{0,2}\Z")  # where a gap cuts a character in two (UTF-8)
_CUT_BEGIN = re.compile(rb"\A[\x80-\xbf]{1,3}")
_REWRITTEN = re.compile(r"[^\n]*\r(?!\n|\Z)")


@dataclass(frozen=True, slots=True)
class CommandOutput:
    """What a command printed (standard output and errors, in their order) and how it ended.

    `status` is the exit status; negative: ended by that signal; None: it was stopped after `seconds`, by
    the person or by the limit of time. `left_out` is how many bytes in the middle were dropped.
    """

    command: str
    output: str
    status: int | None
    seconds: float
    left_out: int = 0

    @property
    def summary(self) -> str:
        """How it ended, in a few words."""
        if self.status is None:
            return _("stopped after {seconds:.0f} s").format(seconds=self.seconds)
        if self.status < 0:
            return _("ended by signal {number}").format(number=-self.status)
        return _("exit status {status}").format(status=self.status)

    def attachment(self) -> Attachment:
        """The output as data for a message, under the command and how it ended."""
        text = self.output or _("(no output)")
        return Attachment(f"$ {self.command} ({self.summary})", "text", text, size=len(self.output.encode()))


def run_command(
    command: str,
    *,
    timeout: float = 60.0,
    limit: int = 100_000,
    cwd: str | os.PathLike[str] | None = None,
    stopped: Callable[[], bool] = lambda: False,
) -> CommandOutput:
    """Run `command` in the platform's shell, without input; blocks until it ends.

    After `timeout` seconds, or when `stopped()` turns true, it and what it started are ended. Of the output
    the first and last halves of `limit` bytes are kept. Raises UsageError where it cannot be started.
    """
    if not command.strip() or "\0" in command:
        raise UsageError(_("there is no command to run"), hint=_("write it after the exclamation mark: !ls"))
    begun = time.monotonic()
    try:
        # The person typed this very line to be run by the shell.
        process = subprocess.Popen(  # noqa: S602
            command,
            shell=True,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            **_own_group(),
        )
    except OSError as error:
        raise UsageError(
            _("the command cannot be started: {why}").format(why=words.reason(error)),
            hint=_("check the folder you are in, and the command"),
        ) from error
    assert process.stdout is not None
    kept = _Ends(limit)
    reader = threading.Thread(target=kept.read, args=(process.stdout,), daemon=True)
    reader.start()
    status = _wait(process, begun + timeout, stopped)
    if status is None:
        _end(process)
    # A child left in the background may hold the pipe open for ever; what came until now is the output.
    reader.join(_DRAIN)
    data, left_out = kept.take()
    if not reader.is_alive():
        process.stdout.close()
    return CommandOutput(command, _clean(data, left_out), status, time.monotonic() - begun, left_out)


class _Ends:
    """The first and last halves of a stream's bytes, filled by another thread."""

    def __init__(self, limit: int) -> None:
        self._half = max(limit // 2, 1)
        self._head = bytearray()
        self._tail = bytearray()
        self._dropped = 0
        self._lock = threading.Lock()

    def read(self, stream: IO[bytes]) -> None:
        """Take in `stream` to its end."""
        while piece := os.read(stream.fileno(), 65_536):
            with self._lock:
                room = self._half - len(self._head)
                self._head += piece[:room]
                self._tail += piece[room:]
                over = max(len(self._tail) - self._half, 0)
                del self._tail[:over]
                self._dropped += over

    def take(self) -> tuple[tuple[bytes, bytes], int]:
        """Both ends, and how many bytes between them were dropped."""
        with self._lock:
            return (bytes(self._head), bytes(self._tail)), self._dropped


def _wait(process: subprocess.Popen[bytes], deadline: float, stopped: Callable[[], bool]) -> int | None:
    while not stopped():
        left = deadline - time.monotonic()
        if left <= 0:
            return None
        try:
            return process.wait(min(_POLL, left))
        except subprocess.TimeoutExpired:
            continue
    return None


def _clean(ends: tuple[bytes, bytes], left_out: int) -> str:
    head, tail = ends
    if not left_out:
        return _plain(head + tail)
    gap = _("[{count} bytes left out]").format(count=f"{left_out:,}")
    return f"{_plain(_CUT_END.sub(b'', head))}\n{gap}\n{_plain(_CUT_BEGIN.sub(b'', tail))}"


def _plain(data: bytes) -> str:
    """Output as a person would have read it: without escapes, progress lines as they ended."""
    found = decode(data)
    text = found[0] if found else data.decode("utf-8", "replace")
    text = _ESCAPES.sub("", text).replace("\r\n", "\n")
    return _CONTROL.sub("", _REWRITTEN.sub("", text)).strip("\n")


if sys.platform == "win32":

    def _own_group() -> dict[str, Any]:
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}

    def _end(process: subprocess.Popen[bytes]) -> None:
        ending = ["taskkill", "/F", "/T", "/PID", str(process.pid)]
        subprocess.run(ending, capture_output=True, check=False)  # noqa: S603 - the number of our own child
        process.kill()
        process.wait()

else:

    def _own_group() -> dict[str, Any]:
        return {"start_new_session": True}

    def _end(process: subprocess.Popen[bytes]) -> None:
        for gently in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(process.pid, gently)
            except (ProcessLookupError, PermissionError):
                pass  # ended by itself meanwhile
            try:
                process.wait(_DRAIN)
            except subprocess.TimeoutExpired:
                continue  # it does not listen; the second signal cannot be ignored

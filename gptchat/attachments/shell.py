"""Runs the shell command of `!COMMAND` and captures its output, with limits on size and time."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import IO, Any

from gptchat import leaving, words
from gptchat.attachments.decoding import decode
from gptchat.core.attachments import Attachment
from gptchat.errors import UsageError
from gptchat.values import dataclass
from gptchat.words import _

_POLL = 0.05  # seconds between checks of the deadline and of `stopped`
_DRAIN = 1.0  # seconds to wait for remaining output after the process ends
_ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    r"|\x1b[\]PX^_].*?(?:\x07|\x1b\\|\Z)"  # OSC, DCS, SOS, PM, APC with their contents
    r"|\x1b[ -/]*[0-~]",  # everything else of ECMA-48
    re.DOTALL,
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_CUT_END = re.compile(rb"[\xc2-\xf4][\x80-\xbf]{0,2}\Z")  # a UTF-8 character cut by the gap
_CUT_BEGIN = re.compile(rb"\A[\x80-\xbf]{1,3}")


@dataclass(frozen=True, slots=True)
class CommandOutput:
    """The output of a command (stdout and stderr, interleaved) and its exit status.

    `status` is the exit status; negative: killed by that signal; None: stopped after `seconds`, by the user or
    the timeout. `left_out` is the number of bytes dropped from the middle of the output.
    """

    command: str
    output: str
    status: int | None
    seconds: float
    left_out: int = 0

    @property
    def summary(self) -> str:
        """How the command ended, as translated text."""
        if self.status is None:
            return _("stopped after {seconds:.0f} s").format(seconds=self.seconds)
        if self.status < 0:
            return _("ended by signal {number}").format(number=-self.status)
        return _("exit status {status}").format(status=self.status)

    def attachment(self) -> Attachment:
        """The output as a text attachment, named after the command and how it ended."""
        text = self.output or _("(no output)")
        return Attachment(f"$ {self.command} ({self.summary})", "text", text, size=len(self.output.encode()))


def run_command(
    command: str | Sequence[str],
    *,
    timeout: float = 60.0,
    limit: int = 100_000,
    cwd: str | os.PathLike[str] | None = None,
    env: Mapping[str, str] | None = None,
    stopped: Callable[[], bool] = lambda: False,
) -> CommandOutput:
    """Run `command` without input: a text in the platform's shell, words as they are. Blocks until it ends.

    After `timeout` seconds, or when `stopped()` returns true, the command and its children are terminated. If
    the output exceeds `limit` bytes, its middle is dropped. Raises UsageError if the command cannot be started.
    """
    line = command if isinstance(command, str) else " ".join(command)
    if not line.strip() or "\0" in line:
        raise UsageError(_("there is no command to run"), hint=_("write it after the exclamation mark: !ls"))
    begun = time.monotonic()
    try:
        process = subprocess.Popen(  # noqa: S603 - a line that the user typed, or the words of a tool's command
            command,
            shell=isinstance(command, str),
            cwd=cwd,
            env=dict(env) if env is not None else None,
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
    with leaving.at_the_end(partial(_kill, process)):
        status = _wait(process, begun + timeout, stopped)
        if status is None:
            _end(process)
    # A background child may hold the pipe open forever, so the wait for output is limited.
    reader.join(_DRAIN)
    data, left_out = kept.take()
    if not reader.is_alive():
        process.stdout.close()
    return CommandOutput(line, _clean(data, left_out), status, time.monotonic() - begun, left_out)


class _Ends:
    """Keeps the first and last `limit / 2` bytes of a stream that another thread reads."""

    def __init__(self, limit: int) -> None:
        self._half = max(limit // 2, 1)
        self._head = bytearray()
        self._tail = bytearray()
        self._dropped = 0
        self._lock = threading.Lock()

    def read(self, stream: IO[bytes]) -> None:
        """Read `stream` to its end."""
        while piece := os.read(stream.fileno(), 65_536):
            with self._lock:
                room = self._half - len(self._head)
                self._head += piece[:room]
                self._tail += piece[room:]
                over = max(len(self._tail) - self._half, 0)
                del self._tail[:over]
                self._dropped += over

    def take(self) -> tuple[tuple[bytes, bytes], int]:
        """Both ends, and the number of bytes dropped between them."""
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
    """Output as the terminal would show it: without escape sequences, progress lines in their final state."""
    found = decode(data)
    text = found[0] if found else data.decode("utf-8", "replace")
    text = _ESCAPES.sub("", text).replace("\r\n", "\n")
    if "\r" in text:
        text = "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))
    return _CONTROL.sub("", text).strip("\n")


if sys.platform == "win32":

    def _own_group() -> dict[str, Any]:
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}

    def _kill(process: subprocess.Popen[bytes]) -> None:
        process.kill()

    def _end(process: subprocess.Popen[bytes]) -> None:
        ending = ["taskkill", "/F", "/T", "/PID", str(process.pid)]
        subprocess.run(ending, capture_output=True, check=False)  # noqa: S603 - the number of our own child
        process.kill()
        process.wait()

else:

    def _own_group() -> dict[str, Any]:
        return {"start_new_session": True}

    def _kill(process: subprocess.Popen[bytes]) -> None:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass  # it has already ended

    def _end(process: subprocess.Popen[bytes]) -> None:
        for gently in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(process.pid, gently)
            except (ProcessLookupError, PermissionError):
                pass  # it has already ended
            try:
                process.wait(_DRAIN)
            except subprocess.TimeoutExpired:
                continue  # it ignores SIGTERM; SIGKILL cannot be ignored

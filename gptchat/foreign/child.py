"""The parent's half: starts a child process for one reader, takes its results, and says what it died of."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, NoReturn

import gptchat
from gptchat import waiting, words
from gptchat.errors import TurnInterruptedError, UsageError
from gptchat.foreign.process import HEADER, Step
from gptchat.values import dataclass
from gptchat.words import _

_POLL = 0.02
"""Seconds between looks at the deadline and at whether anyone still waits."""
_PIECE = 1 << 16
_KEPT = ("SYSTEMROOT", "TMPDIR", "TEMP", "TMP", "COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG")
"""Environment variables that the child gets; keys are in others."""
_BEGIN = (
    "import sys; sys.path.insert(0, sys.argv[1]); sys.path += [p for p in sys.argv[2].split(chr(10)) "
    "if p not in sys.path]; from gptchat.foreign.process import main; main(sys.argv[3:])"
)


@dataclass(frozen=True, slots=True)
class ChildLimits:
    """What a child may use: `seconds` of time, `memory` and `output` (of all results) in bytes.

    With `renewed` the seconds begin anew with each result.
    """

    seconds: int = 60
    renewed: bool = False
    memory: int = 600_000_000
    output: int = 32_000_000


def read(
    task: str,
    source: IO[bytes] | bytes,
    name: str,
    *,
    limits: ChildLimits | None = None,
    step: Step | None = None,
    **arguments: Any,
) -> Iterator[Any]:
    """Yield the results of the reader `task` (`module:function`, see `process.Reader`) on `source`, in a child.

    `source` is bytes or an open file, of which the child gets nothing but the open file itself. `name` is what
    people call it, and one of the `arguments`, which must be JSON. The child is killed when its time is over, when
    the generator is closed, when the waiting is given up (`waiting.given_up`), and when this process ends.

    Blocks. Raises UsageError: the reader's own, or one that says what the child died of; TurnInterruptedError.
    """
    limits = limits or ChildLimits()
    with _as_file(source) as file:
        run = _Run(task, file, name, limits, {"name": name, **arguments})
    try:
        yield from run.results(step)
    finally:
        run.end()


class _Run:
    """One child process, from its start to its end."""

    def __init__(
        self, task: str, file: IO[bytes], name: str, limits: ChildLimits, arguments: dict[str, Any]
    ) -> None:
        self._name, self._limits = name, limits
        self._deadline = time.monotonic() + limits.seconds
        self._pieces: queue.Queue[bytes] = queue.Queue(maxsize=16)
        self._ended = False
        read_end, self._lifeline = os.pipe() if os.name == "posix" else (-1, -1)
        root = str(Path(gptchat.__file__).parent.parent)
        paths = "\n".join(path for path in sys.path if path and path != root)
        command = [sys.executable, "-I", "-c", _BEGIN, root, paths, words.language(), task, json.dumps(arguments)]
        processor = limits.seconds * (60 if limits.renewed else 1) + 1
        command += [str(limits.memory), str(processor), str(read_end) if read_end >= 0 else ""]
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter with our own code
                command,
                stdin=file,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={key: os.environ[key] for key in _KEPT if key in os.environ},
                cwd=root,
                pass_fds=(read_end,) if read_end >= 0 else (),
                start_new_session=read_end >= 0,  # Ctrl-C and a closed terminal are this process's to see
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except OSError as error:
            if self._lifeline >= 0:
                os.close(self._lifeline)
            raise UsageError(
                _("{name} cannot be read: no process can be started for it ({why})").format(
                    name=name, why=words.reason(error)
                ),
                hint=_("close other programs and try again"),
            ) from error
        finally:
            if read_end >= 0:
                os.close(read_end)
        threading.Thread(target=self._take, name="foreign", daemon=True).start()

    def results(self, step: Step | None) -> Iterator[Any]:
        """Yield the results, and call `step` for those that tell the progress. Raises UsageError."""
        for kind, value in self._frames():
            if self._limits.renewed:
                self._deadline = time.monotonic() + self._limits.seconds
            if kind == "item":
                yield value
            elif kind == "step" and step is not None:
                step(*value)
            elif kind == "error":
                raise UsageError(value[0], hint=value[1])
            elif kind == "memory":
                self._fail(_("it needs more than {size} of memory").format(size=_megabytes(self._limits.memory)))
            elif kind == "fault":
                self._fail(_("it is damaged, or unlike other files of its kind ({why})").format(why=value))
            elif kind == "end":
                return
        self._died()

    def end(self) -> None:
        """Kill the child if it still runs."""
        self._ended = True
        if self._lifeline >= 0:
            os.close(self._lifeline)
            self._lifeline = -1
        if self._process.poll() is None:
            self._process.kill()
        while not self._pieces.empty():  # a full queue would keep the thread that fills it
            self._pieces.get_nowait()
        self._process.wait()

    def _frames(self) -> Iterator[list[Any]]:
        """The child's frames up to its end. Raises UsageError when it takes too long or says too much."""
        buffer, total, wanted = bytearray(), 0, HEADER
        while True:
            while len(buffer) >= wanted:
                if wanted == HEADER:
                    wanted = HEADER + int.from_bytes(buffer[:HEADER], "big")
                    self._check_size(wanted)
                    continue
                frame = bytes(memoryview(buffer)[HEADER:wanted])
                del buffer[:wanted]
                wanted = HEADER
                yield json.loads(frame)
            piece = self._next_piece()
            if not piece:
                return
            buffer += piece
            total += len(piece)
            self._check_size(total)

    def _next_piece(self) -> bytes:
        """The next bytes of the child; empty at its end."""
        while True:
            if waiting.given_up():
                raise TurnInterruptedError(_("stopped"))
            try:
                return self._pieces.get(timeout=_POLL)
            except queue.Empty:
                if time.monotonic() > self._deadline:
                    self._fail_of_time()

    def _take(self) -> None:
        """Read the child's output into the queue, in a thread of its own."""
        output = self._process.stdout
        assert output is not None
        with output:
            piece = b"-"
            while piece and not self._ended:
                piece = os.read(output.fileno(), _PIECE)
                while not self._ended:
                    try:
                        self._pieces.put(piece, timeout=_POLL)
                    except queue.Full:
                        continue
                    break

    def _check_size(self, size: int) -> None:
        if size > self._limits.output:
            self._fail(_("it holds more than {size} of text").format(size=_megabytes(self._limits.output)))

    def _died(self) -> NoReturn:
        """Raise the error that says why the child ended before its work was done."""
        status = self._process.wait()
        if sys.platform != "win32":
            import signal

            if status == -signal.SIGXCPU:
                self._fail_of_time()
            if status == -signal.SIGKILL:
                self._fail(_("the system ended its reader, most likely for want of memory"))
        self._fail(_("its reader crashed ({status})").format(status=status))

    def _fail_of_time(self) -> NoReturn:
        self._fail(_("it takes longer than {seconds} s").format(seconds=self._limits.seconds))

    def _fail(self, why: str) -> NoReturn:
        raise UsageError(
            _("{name} cannot be read: {why}").format(name=self._name, why=why),
            hint=_("open it in its own program and save it anew, or copy the part you need as text"),
        )


def _as_file(source: IO[bytes] | bytes) -> IO[bytes]:
    """`source` as an open file at its beginning, for the child's standard input; the caller closes it."""
    if not isinstance(source, bytes):
        os.lseek(source.fileno(), source.tell(), os.SEEK_SET)  # what Python has read ahead is to be read again
        return os.fdopen(os.dup(source.fileno()), "rb")
    file: IO[bytes]
    if hasattr(os, "memfd_create"):
        file = os.fdopen(os.memfd_create("gptchat"), "w+b")
    else:
        file = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
    file.write(source)
    file.flush()
    file.seek(0)
    return file


def _megabytes(size: int) -> str:
    return f"{size // 1_000_000} MB"

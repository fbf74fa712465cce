"""The child's half: sets its own limits, runs one reader on standard input, and writes results as frames.

A frame is its length (eight bytes, big endian) and a JSON list of a kind and a value. Kinds: `item`, a result;
`step`, `[done, total]`; `error`, `[message, hint]` for people; `memory`; `fault`, what a reader failed of; `end`.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from typing import IO, Any, cast

from gptchat import words
from gptchat.errors import GptchatError

Step = Callable[[int, int], None]
"""Called as `step(done, total)` for progress."""
Reader = Callable[[IO[bytes], dict[str, Any], Step], Iterator[Any]]
"""A reader takes the file, its arguments and `step`, and yields results that JSON can express."""

HEADER = 8
"""Bytes of a frame's length."""
_LARGEST_FILE = 16_000_000
"""Bytes of a file that the child may write: it needs none, Python's own caches aside."""


def main(arguments: list[str]) -> None:
    """Run the reader that `arguments` name; ends the process."""
    language, task, given, memory, seconds, lifeline = arguments
    _limit(int(memory), int(seconds))
    if lifeline:
        _end_with(int(lifeline))
    words.choose(language)
    output = os.dup(1)
    os.dup2(2, 1)  # what a library prints is no frame
    try:
        try:
            module, _colon, name = task.partition(":")
            reader = cast("Reader", getattr(__import__(module, fromlist=[name]), name))
            with os.fdopen(0, "rb") as file:
                for item in reader(file, json.loads(given), lambda *done: _send(output, "step", done)):
                    _send(output, "item", item)
            _send(output, "end", None)
        except GptchatError as error:
            _send(output, "error", [error.message, error.hint])
        except MemoryError:
            raise
        except Exception as error:
            if "MemoryError" in {type(one).__name__ for one in _chain(error)}:
                raise MemoryError from error
            _send(output, "fault", f"{type(error).__name__}: {error}"[:500])
    except MemoryError:
        # What filled the memory hangs on the exception, and is free by now or soon.
        os.write(output, len(b'["memory",null]').to_bytes(HEADER, "big") + b'["memory",null]')
    except BrokenPipeError:
        pass  # nobody reads any more


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _send(fd: int, kind: str, value: object) -> None:
    data = json.dumps([kind, value]).encode()
    view = memoryview(len(data).to_bytes(HEADER, "big") + data)
    while view:
        view = view[os.write(fd, view) :]


def _limit(memory: int, seconds: int) -> None:
    """Bound the memory (bytes), the processor time and what is written; does nothing where that is unknown."""
    try:
        import resource
    except ImportError:  # Windows
        return
    limits = {"AS": memory, "CPU": seconds, "FSIZE": _LARGEST_FILE, "CORE": 0}
    for name, limit in limits.items():
        which = getattr(resource, f"RLIMIT_{name}", None)
        try:
            if which is not None:
                hard = resource.getrlimit(which)[1]
                most = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
                resource.setrlimit(which, (most, hard))
        except (OSError, ValueError):  # macOS has no limit of memory
            continue


if sys.platform == "win32":

    def _end_with(fd: int) -> None:
        """Nothing: the parent ends the child."""

else:
    import fcntl
    import select
    import signal

    def _end_with(fd: int) -> None:
        """End this process when the other end of the pipe `fd` closes: the parent has ended, however it did.

        The system sends SIGIO, which ends a process even in the middle of a long call of a library.
        """
        signal.signal(signal.SIGIO, signal.SIG_DFL)
        fcntl.fcntl(fd, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(fd, fcntl.F_SETFL, fcntl.fcntl(fd, fcntl.F_GETFL) | os.O_ASYNC)
        if select.select([fd], [], [], 0)[0]:
            os._exit(1)

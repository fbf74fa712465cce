"""An MCP server as a child process: its messages in lines of bounded length, its complaints in a small log."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from gptchat import leaving
from gptchat.files import make_folder, write_file
from gptchat.redaction import redact

_LINE = 32_000_000
"""Bytes of one message. A server that writes more without an end of line is ended."""
_LOG = 64_000
"""Bytes that are kept of what a server writes to its standard error."""
_GRACE = 1.0
"""Seconds a server has to end by itself once its input is closed, and again after SIGTERM."""


class ServerProcess:
    """The process. `ended` is set when its output ends, whatever the reason."""

    def __init__(self, argv: Sequence[str], env: Mapping[str, str], cwd: Path | None, log: Path | None) -> None:
        self._argv, self._env, self._cwd, self._log = argv, env, cwd, log
        self._kept: deque[bytes] = deque()
        self._process: asyncio.subprocess.Process | None = None
        self.ended = asyncio.Event()
        self.status: int | None = None
        self.fault = ""
        """Why it was ended by us, as an untranslated word; empty if it was not."""

    def kill(self) -> None:
        """End it at once, with all that it started."""
        if self._process is not None:
            _signal(self._process, kill=True)

    @property
    def last_words(self) -> str:
        """The last line of its standard error."""
        lines = b"".join(self._kept).decode("utf-8", "replace").strip().splitlines()
        return redact(lines[-1][-300:]) if lines else ""

    @contextlib.asynccontextmanager
    async def streams(self) -> AsyncIterator[Any]:
        """Start it, and yield what it says and what it is told, as the SDK takes them. Raises OSError."""
        import anyio
        from mcp.shared.message import SessionMessage

        process = await asyncio.create_subprocess_exec(
            *self._argv,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=dict(self._env),
            cwd=self._cwd,
            limit=_LINE,
            **_own_group(),
        )
        self._process = process
        said, read = anyio.create_memory_object_stream[SessionMessage | Exception](0)
        write, told = anyio.create_memory_object_stream[SessionMessage](0)
        with leaving.at_the_end(self.kill):
            tasks = [
                asyncio.create_task(self._listen(process, said)),
                asyncio.create_task(_tell(process, told)),
                asyncio.create_task(self._complaints(process)),
            ]
            try:
                yield read, write
            finally:
                ending = asyncio.ensure_future(self._end(process, tasks))
                while not ending.done():  # also where the task is cancelled: the server must not be left behind
                    with contextlib.suppress(asyncio.CancelledError):
                        await asyncio.shield(ending)
                for stream in (said, read, write, told):
                    stream.close()

    async def _listen(self, process: asyncio.subprocess.Process, said: Any) -> None:
        import anyio
        from mcp.shared.message import SessionMessage
        from mcp_types import jsonrpc_message_adapter

        assert process.stdout is not None
        try:
            while line := await process.stdout.readline():
                if not line.strip():
                    continue
                try:
                    message: Any = SessionMessage(jsonrpc_message_adapter.validate_json(line, by_name=False))
                except ValueError:
                    continue  # what a server prints by mistake
                await said.send(message)
        except ValueError:
            self.fault = "line"
        except (anyio.BrokenResourceError, anyio.ClosedResourceError, OSError):
            pass
        finally:
            said.close()
            self.ended.set()
            if self.fault:
                _signal(process, kill=True)

    async def _complaints(self, process: asyncio.subprocess.Process) -> None:
        """Keep the end of its standard error, in memory and in the log."""
        assert process.stderr is not None
        size = 0
        while piece := await process.stderr.read(8_192):
            self._kept.append(piece)
            size += len(piece)
            while size > _LOG and len(self._kept) > 1:
                size -= len(self._kept.popleft())
            if self._log is not None:
                text = redact(b"".join(self._kept).decode("utf-8", "replace"))
                with contextlib.suppress(OSError):
                    make_folder(self._log.parent)
                    write_file(self._log, text.encode("utf-8", "replace"), durable=False)

    async def _end(self, process: asyncio.subprocess.Process, tasks: Sequence[asyncio.Task[None]]) -> None:
        """Close its input, wait, then end its whole group."""
        if process.stdin is not None:
            process.stdin.close()
        for kill in (False, True):
            try:
                async with asyncio.timeout(_GRACE):
                    await process.wait()
                    break
            except TimeoutError:
                _signal(process, kill=kill)
        self.status = process.returncode
        _signal(process, kill=True)  # what it started, and left
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _tell(process: asyncio.subprocess.Process, told: Any) -> None:
    assert process.stdin is not None
    with contextlib.suppress(OSError):
        async for message in told:
            text = message.message.model_dump_json(by_alias=True, exclude_unset=True)
            process.stdin.write(text.encode("utf-8", "replace") + b"\n")
            await process.stdin.drain()


if sys.platform == "win32":

    def _own_group() -> dict[str, Any]:
        return {"creationflags": 0x08000000}

    def _signal(process: asyncio.subprocess.Process, *, kill: bool) -> None:
        with contextlib.suppress(ProcessLookupError, OSError):
            process.kill()

else:

    def _own_group() -> dict[str, Any]:
        return {"start_new_session": True}

    def _signal(process: asyncio.subprocess.Process, *, kill: bool) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL if kill else signal.SIGTERM)

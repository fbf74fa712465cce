"""A scriptable model server on loopback, in a thread: chat, responses, completions, models, moderations.

    with Server() as server:
        server.script(say("Hello", " there"), refuse(429, headers={"Retry-After": "0"}))
        ... talk to server.url ...
        assert server.requests[0].json["model"] == "m"

Each request to a wire API takes the next scripted reply; without a script the server repeats what was said.
Run as a program (`python -m tests.support.server [PORT]`) it prints its address and serves until stopped.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Self

from tests.support.remote import Remote
from tests.support.replies import (
    CUT,
    Gate,
    Recorded,
    Reply,
    Step,
    gzipped,
    hang,
    page,
    pings,
    raw,
    refuse,
    render,
    say,
)

__all__ = [
    "CUT",
    "Gate",
    "Recorded",
    "Reply",
    "Server",
    "gzipped",
    "hang",
    "page",
    "pings",
    "raw",
    "refuse",
    "say",
]

_WIRES = ("/chat/completions", "/responses", "/completions")
_TICK = 0.003  # seconds between looks at a gate or a closed connection


class Server:
    """The server. `url` is its base address; `requests` what it was sent, in order.

    `key`: refuse requests that do not bring this key (as a bearer or as `api-key`). `models` is what
    `/models` lists, `props` what `/props` answers (llama.cpp), `loaded` what `/api/ps` does (Ollama),
    `flagged` the words that moderation flags; `tokenizer` answers `/tokenize`, which does not exist
    without it; paths that end in one of `missing` do not exist. `headers`
    go with every answer. `remote` keeps files, fine-tuning jobs and batches.
    """

    def __init__(self, *, key: str = "", tls: ssl.SSLContext | None = None, port: int = 0) -> None:
        self.key = key
        self.requests: list[Recorded] = []
        self.models: list[dict[str, Any]] = [{"id": "test-model", "object": "model"}]
        self.props: dict[str, Any] | None = None
        self.loaded: dict[str, Any] | None = None
        self.flagged: tuple[str, ...] = ()
        self.tokenizer: Callable[[Recorded], Reply] | None = None
        self.missing: tuple[str, ...] = ()
        self.answers: dict[str, Reply] = {}
        self.headers: dict[str, str] = {}
        self.remote: Remote | None = None
        self.connections = 0
        self.default: Callable[[Recorded], Reply] = _repeat
        self._script: deque[Reply] = deque()
        self._tls = tls
        self._port = port
        self._changed = threading.Condition()
        self._tasks: set[asyncio.Task[None]] = set()
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="test-server", daemon=True)
        self._thread.start()
        self._ready.wait()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._port

    @property
    def root(self) -> str:
        """The address without a path."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self._port}"

    @property
    def url(self) -> str:
        """The base address, `http://127.0.0.1:PORT/v1`."""
        return f"{self.root}/v1"

    def script(self, *replies: Reply) -> None:
        """Answer the next requests to a wire API with `replies`, in order."""
        self._script.extend(replies)

    def clear(self) -> None:
        """Forget the replies that were scripted and not given."""
        self._script.clear()

    def wait_for(self, condition: Callable[[], bool], seconds: float = 10.0) -> None:
        """Wait until `condition` holds; it is looked at whenever a request comes or goes."""
        with self._changed:
            if not self._changed.wait_for(condition, seconds):
                raise AssertionError("the server waited in vain")

    def wait_for_requests(self, number: int, seconds: float = 10.0) -> list[Recorded]:
        """Wait until at least `number` requests have come; returns all of them."""
        self.wait_for(lambda: len(self.requests) >= number, seconds)
        return self.requests

    def close(self) -> None:
        """Stop; open connections are broken off."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(10)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    # Inside the thread

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._connected, "127.0.0.1", self._port, ssl=self._tls, limit=1 << 26)
        self._port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            while await self._exchange(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client went, or the server is closing
        finally:
            self._tasks.discard(task)
            with suppress(OSError, RuntimeError):
                writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Serve one request; whether another may follow on the connection."""
        start = await reader.readexactly(1)
        if start == b"\x16":  # a TLS handshake: answer in plain HTTP, as servers do
            writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()
            return False
        head = start + await reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target, _version = first.split(" ", 2)
        fields = [line.partition(":") for line in lines if line]
        headers = {name.strip().lower(): value.strip() for name, _colon, value in fields}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        recorded = Recorded(method, target, headers, body)
        with self._changed:
            self.requests.append(recorded)
            self._changed.notify_all()
        reply = self._reply_to(recorded)
        try:
            return await self._send(reply, recorded, reader, writer)
        except OSError:
            recorded.disconnected = True
            return False
        finally:
            recorded.finished = True
            with self._changed:
                self._changed.notify_all()

    def _reply_to(self, request: Recorded) -> Reply:
        path = request.path
        offered = (
            request.headers.get("authorization", "").removeprefix("Bearer "),
            request.headers.get("api-key"),
        )
        if self.key and self.key not in offered:
            return Reply.error(401, "Incorrect API key provided", code="invalid_api_key")
        for end, reply in self.answers.items():
            if path.endswith(end):
                return reply
        if self.missing and path.endswith(self.missing):
            return Reply.error(404, "File Not Found", type="not_found_error")
        if self.remote is not None and (kept := self.remote.answer(request)) is not None:
            return kept
        if request.method == "GET" and path.endswith("/models"):
            return Reply.document({"object": "list", "data": self.models})
        if request.method == "GET" and path.endswith("/props") and self.props is not None:
            return Reply.document(self.props)
        if request.method == "GET" and path.endswith("/api/ps") and self.loaded is not None:
            return Reply.document(self.loaded)
        if path.endswith("/tokenize") and self.tokenizer is not None:
            return self.tokenizer(request)
        if path.endswith("/moderations"):
            text = json.dumps(request.json.get("input"), ensure_ascii=False)
            hits = {word: word in text for word in self.flagged}
            scores = {word: 0.99 if hit else 0.01 for word, hit in hits.items()}
            result = {"flagged": any(hits.values()), "categories": hits, "category_scores": scores}
            return Reply.document({"id": "modr-1", "model": "moderation", "results": [result]})
        if not path.endswith(_WIRES):
            return Reply.error(404, "File Not Found", type="not_found_error")
        return self._script.popleft() if self._script else self.default(request)

    async def _send(
        self, reply: Reply, request: Recorded, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        headers, steps = render(reply, request)
        headers = {**self.headers, **headers}
        chunked = "content-length" not in {name.lower() for name in headers}
        lines = [f"HTTP/1.1 {reply.status} Scripted", *(f"{name}: {value}" for name, value in headers.items())]
        if chunked:
            lines.append("Transfer-Encoding: chunked")
        opening = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
        if reply.silent:
            await self._wait(lambda: False, request, reader)
            return False
        writer.write(opening)
        for step in steps:
            if step is CUT:
                await writer.drain()
                writer.transport.abort()
                return False
            if not await self._step(step, request, reader, writer, chunked):
                return False
        if chunked:
            writer.write(b"0\r\n\r\n")
        await writer.drain()
        return True

    async def _step(
        self,
        step: Step,
        request: Recorded,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        chunked: bool,
    ) -> bool:
        if isinstance(step, bytes):
            if step:
                writer.write(b"%x\r\n%b\r\n" % (len(step), step) if chunked else step)
                if writer.transport.get_write_buffer_size() > 1 << 16:
                    await writer.drain()
            return True
        await writer.drain()
        if isinstance(step, Gate):
            step.reached.set()
            return await self._wait(step.is_open, request, reader)
        end = time.monotonic() + float(step) if isinstance(step, (int, float)) else 0.0
        return await self._wait(lambda: time.monotonic() >= end, request, reader)

    async def _wait(self, condition: Callable[[], bool], request: Recorded, reader: asyncio.StreamReader) -> bool:
        """Wait for `condition`; False where the client went meanwhile."""
        while not condition():
            if reader.at_eof():
                request.disconnected = True
                return False
            await asyncio.sleep(_TICK)
        return True


def _repeat(request: Recorded) -> Reply:
    return say("You said: ", request.last_text)


def main() -> None:
    """Serve until stopped."""
    server = Server(port=int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    print(server.url, flush=True)
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        server.close()


if __name__ == "__main__":
    main()

"""Forward proxies on loopback, in threads: an HTTP one (CONNECT and absolute form) and a SOCKS5 one."""

from __future__ import annotations

import asyncio
import base64
import ipaddress
import ssl
import threading
from abc import ABC, abstractmethod
from contextlib import suppress
from typing import Self
from urllib.parse import urlsplit

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class LoopbackProxy(ABC):
    """What both have: a thread, a port, and a list of the targets (`host:port`) that were asked for."""

    def __init__(self, *, user: str = "", password: str = "", tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self.targets: list[str] = []
        self.port = 0
        self.credentials = (user, password)
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._run, name="test-proxy", daemon=True)
        self._thread.start()
        self._ready.wait()

    @abstractmethod
    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Streams | None:
        """Speak with the client; the connection to the target once it is to be piped through."""

    def close(self) -> None:
        """Stop, breaking connections off."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(10)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    async def connect(self, host: str, port: int) -> Streams:
        """Open the connection to a target; every name leads to loopback, as no test leaves the machine."""
        self.targets.append(f"{host}:{port}")
        return await asyncio.open_connection("127.0.0.1", port)

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0, ssl=self._tls)
        self.port = server.sockets[0].getsockname()[1]
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
        upstream: asyncio.StreamWriter | None = None
        try:
            streams = await self.accept(reader, writer)
            if streams is not None:
                target, upstream = streams
                await asyncio.gather(_pipe(reader, upstream), _pipe(target, writer))
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # a client or a target went, or the proxy is closing
        finally:
            self._tasks.discard(task)
            for open_writer in (writer, upstream):
                if open_writer is not None:
                    with suppress(OSError, RuntimeError):
                        open_writer.close()


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(1 << 16):
        writer.write(chunk)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()


class HttpProxy(LoopbackProxy):
    """An HTTP forward proxy; with `user` and `password` it asks for them (407)."""

    @property
    def url(self) -> str:
        """Its address, without credentials."""
        return f"http://127.0.0.1:{self.port}"

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Streams | None:
        """CONNECT for TLS, the absolute form for plain requests (one a connection)."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        method, target, version = head.split("\r\n", 1)[0].split(" ")
        wanted = base64.b64encode(":".join(self.credentials).encode()).decode()
        if self.credentials[0] and wanted not in head:
            writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()
            return None
        if method == "CONNECT":
            host, _colon, port = target.rpartition(":")
            streams = await self.connect(host, int(port))
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            return streams
        parts = urlsplit(target)
        streams = await self.connect(parts.hostname or "", parts.port or 80)
        path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
        _first, rest = head.split("\r\n", 1)
        streams[1].write(f"{method} {path} {version}\r\n{rest}".encode("latin-1"))
        return streams


class SocksProxy(LoopbackProxy):
    """A SOCKS5 proxy (RFC 1928), with user name and password (RFC 1929) where given."""

    @property
    def url(self) -> str:
        """Its address, without credentials."""
        return f"socks5://127.0.0.1:{self.port}"

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Streams | None:
        """Greeting, credentials, CONNECT by address or name."""
        _version, count = await reader.readexactly(2)
        methods = await reader.readexactly(count)
        wanted = 2 if self.credentials[0] else 0
        if wanted not in methods:
            writer.write(b"\x05\xff")
            return None
        writer.write(bytes((5, wanted)))
        if wanted:
            _version, length = await reader.readexactly(2)
            user = await reader.readexactly(length)
            password = await reader.readexactly((await reader.readexactly(1))[0])
            granted = (user.decode(), password.decode()) == self.credentials
            writer.write(b"\x01\x00" if granted else b"\x01\x01")
            if not granted:
                return None
        _version, _command, _reserved, kind = await reader.readexactly(4)
        if kind == 3:
            host = (await reader.readexactly((await reader.readexactly(1))[0])).decode()
        else:
            host = str(ipaddress.ip_address(await reader.readexactly(4 if kind == 1 else 16)))
        port = int.from_bytes(await reader.readexactly(2), "big")
        streams = await self.connect(host, port)
        writer.write(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
        return streams

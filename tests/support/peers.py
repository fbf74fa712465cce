"""Peers on the way to a server: real programs (tinyproxy, microsocks, nginx), and scripted ones that misbehave."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.proxies import LoopbackProxy, Streams

Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def program(name: str, *arguments: str, port: int) -> Iterator[None]:
    """Run the Debian program `name` until the end of the block, on `port`. Skips where it is missing."""
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if path is None:
        if os.environ.get("CI"):
            pytest.fail(f"{name} is not installed; .ci/run installs it")
        pytest.skip(f"{name} is not installed")
    process = subprocess.Popen([path, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        ends = time.monotonic() + 10
        while True:
            assert process.poll() is None, f"{name} ended with {process.returncode}"
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert time.monotonic() < ends, f"{name} does not listen"
            time.sleep(0.01)
        yield
    finally:
        process.terminate()
        process.wait(10)


@contextmanager
def tinyproxy(folder: Path, *lines: str) -> Iterator[str]:
    """A tinyproxy with further `lines` in its settings; gives `127.0.0.1:PORT`."""
    port = free_port()
    settings = folder / "tinyproxy.conf"
    base = (f"Port {port}", "Listen 127.0.0.1", "Timeout 20", f'LogFile "{folder / "tinyproxy.log"}"')
    settings.write_text("\n".join((*base, *lines, "")))
    with program("tinyproxy", "-d", "-c", str(settings), port=port):
        yield f"127.0.0.1:{port}"


@contextmanager
def microsocks(*arguments: str) -> Iterator[str]:
    """A microsocks; gives `127.0.0.1:PORT`."""
    port = free_port()
    with program("microsocks", "-i", "127.0.0.1", "-p", str(port), *arguments, port=port):
        yield f"127.0.0.1:{port}"


@contextmanager
def nginx(folder: Path, server: str, *, tls: bool = False) -> Iterator[str]:
    """An nginx with the lines `server` in its one server; gives `127.0.0.1:PORT`."""
    port = free_port()
    (folder / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log;\n"
        "events {}\n"
        f"http {{ access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;\n"
        f"fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;\n"
        f"server {{ listen 127.0.0.1:{port}{' ssl' if tls else ''};\n{server}\n}} }}\n"
    )
    arguments = ("-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log"))
    with program("nginx", *arguments, port=port):
        yield f"127.0.0.1:{port}"


class ScriptedPeer(LoopbackProxy):
    """A peer that treats every connection as `behaviour` does, and then closes it."""

    def __init__(self, behaviour: Behaviour, tls: ssl.SSLContext | None = None) -> None:
        self._behaviour = behaviour
        super().__init__(tls=tls)

    @property
    def place(self) -> str:
        """Where it listens, `127.0.0.1:PORT`."""
        return f"127.0.0.1:{self.port}"

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Streams | None:
        """Behave."""
        await self._behaviour(reader, writer)
        return None


async def silent(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """Accept and say nothing."""
    await asyncio.Event().wait()


async def deaf(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """Accept and close at once."""


def answering(*lines: str, body: str = "") -> Behaviour:
    """Answer every request with these lines of a head and `body`."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = "\r\n".join((*lines, f"Content-Length: {len(body)}", "Connection: close"))
        writer.write(f"{head}\r\n\r\n{body}".encode())
        await writer.drain()

    return answer


def saying(*pieces: bytes, hang: bool = False, pause: float = 0.0) -> Behaviour:
    """Say each piece after hearing something, or `pause` seconds after the one before; then close, or hang."""

    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for number, piece in enumerate(pieces):
            if not pause or not number:
                await reader.read(4096)
            await asyncio.sleep(pause)
            writer.write(piece)
            await writer.drain()
        if hang:
            await asyncio.Event().wait()

    return say

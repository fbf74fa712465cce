"""A machine with a server on which the program is brought to a state, and the ways in which it is left."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType

from gptchat.storage.removal.places import split_place
from tests.chat.home import Home, ready, say
from tests.support.screen import Screen
from tests.support.server import Server

WAYS: Mapping[str, int] = {
    "SIGTERM": 128 + signal.SIGTERM,
    "SIGHUP": 128 + signal.SIGHUP,
    "SIGINT": 128 + signal.SIGINT,
    "closed": 128 + signal.SIGHUP,
    "Ctrl-D": 0,
    "/exit": 0,
}
"""The ways to leave, each with its exit status; `closed` is a terminal that is closed."""


class Stage:
    """One run of the program: a home folder, a server, and a screen once it has begun."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.home = Home(folder)
        self.server = Server()
        self.screen: Screen | None = None
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Stage:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.server.close()
        if self.screen is not None:
            self.screen.close()
        if self.process is not None:
            self.process.kill()
            self.process.communicate()

    @property
    def draft(self) -> str:
        """The draft on disk, without the line that names its session."""
        path = self.home.data / "users" / "alice" / "draft"
        return split_place(path.read_bytes())[1].decode() if path.exists() else ""

    def chat(
        self, *arguments: str, ready_at: str = "alice ›", environment: Mapping[str, str] | None = None
    ) -> Screen:
        """Open the chat, connected to the server unless there are settings already."""
        if not self.home.config.exists():
            self.home.connect(self.server.url)
        self.screen = self.home.chat(*arguments, rows=40, ready=ready_at, environment=environment)
        return self.screen

    def typing(self, text: str, shown: str) -> Screen:
        """Open the chat, type `text` and wait until `shown` is on the screen."""
        screen = self.chat()
        ready(screen)
        screen.send(text)
        screen.wait_for(shown)
        return screen

    def spoken(self, *words: str) -> Screen:
        """The chat after turns of these words."""
        screen = self.chat()
        for word in words:
            say(screen, word, f"You said: {word}")
        return screen

    def terminal(self, *arguments: str) -> Screen:
        """The program with `arguments` in a terminal."""
        if not self.home.config.exists():
            self.home.connect(self.server.url)
        argv = [sys.executable, "-m", "gptchat", *arguments]
        self.screen = Screen.spawn(argv, self.home.environment, 40, 80, cwd=self.home.folder)
        return self.screen

    def pipe(self, *arguments: str, stdin: int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
        """The program with `arguments` and no terminal."""
        self.home.connect(self.server.url)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "gptchat", *arguments],
            env={"PATH": os.environ.get("PATH", os.defpath), **self.home.environment},
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.home.folder,
        )
        return self.process

    def leave(self, way: str) -> tuple[int, float]:
        """Leave in that way; the exit status and the seconds it took."""
        begun = time.monotonic()
        if self.process is not None:
            self.process.send_signal(getattr(signal, way))
            status = self.process.wait(15)
        else:
            assert self.screen is not None
            if way == "closed":
                status = self.screen.hang_up()
            else:
                if way.startswith("SIG"):
                    self.screen.kill(getattr(signal, way))
                else:
                    self.screen.send("\x04" if way == "Ctrl-D" else "/exit\r")
                status = self.screen.wait_for_exit()
        return status, time.monotonic() - begun


def dripping(first: bytes, drop: bytes, pause: float) -> str:
    """The address of a server that answers every request with `first`, and then `drop` for ever."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve(connection: socket.socket) -> None:
        try:
            connection.recv(65536)
            connection.sendall(first)
            while True:
                connection.sendall(drop)
                time.sleep(pause)
        except OSError:
            connection.close()

    def accept() -> None:
        while True:
            threading.Thread(target=serve, args=(listening.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return f"http://127.0.0.1:{listening.getsockname()[1]}"


def until(condition: Callable[[], object], what: str, seconds: float = 15.0) -> None:
    """Wait until `condition` holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what} did not come"
        time.sleep(0.01)


def alive(pid: int) -> bool:
    """Whether the process runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False

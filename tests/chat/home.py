"""A person's machine for a test: a home folder of their own, settings, and gptchat started in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.support.measured import MEASURED
from tests.support.replies import Recorded
from tests.support.screen import ROOT, Screen
from tests.support.server import Server


class Home:
    """A fresh home folder. `configure` writes config.toml; `chat` opens the chat, `ask` runs a command line."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / ".config" / "gptchat" / "config.toml"
        self.data = folder / ".local" / "share" / "gptchat"
        self.environment = {
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            "LOGNAME": "alice",
            "NO_PROXY": "127.0.0.1",
            "PYTHONPATH": str(ROOT),
            **MEASURED,
        }

    def configure(self, text: str) -> None:
        """Let `text` be the settings file."""
        self.config.parent.mkdir(parents=True, exist_ok=True)
        self.config.write_text(text, encoding="utf-8")

    def connect(self, url: str, more: str = "", model: str = "test-model") -> None:
        """Settings that let the server at `url` answer; `more` is further TOML, its plain keys first."""
        self.configure(
            f'provider = "here"\n{more}\n[providers.here]\nkind = "compatible"\nbase_url = "{url}"\n'
            f'model = "{model}"\nkey_optional = true\n'
        )

    def chat(
        self,
        *arguments: str,
        rows: int = 24,
        columns: int = 80,
        environment: Mapping[str, str] | None = None,
        ready: str = "›",
        program: str = "gptchat",
    ) -> Screen:
        """Open the chat, and wait until `ready` stands on the screen. `program` is the module that is run."""
        screen = Screen.spawn(
            [sys.executable, "-m", program, *arguments],
            {**self.environment, **(environment or {})},
            rows,
            columns,
            cwd=self.folder,
        )
        try:
            screen.wait_for(ready)
        except BaseException:
            screen.close()
            raise
        return screen

    def ask(
        self,
        *arguments: str,
        stdin: str | None = None,
        environment: Mapping[str, str] | None = None,
        program: str = "gptchat",
    ) -> subprocess.CompletedProcess[str]:
        """Run gptchat to its end, without a terminal; `stdin` None is an empty standard input."""
        return subprocess.run(
            [sys.executable, "-m", program, *arguments],
            env={"PATH": os.environ.get("PATH", os.defpath), **self.environment, **(environment or {})},
            input=stdin or "",
            capture_output=True,
            text=True,
            cwd=self.folder,
            timeout=60,
            check=False,
        )

    def journals(self, user: str = "alice") -> list[list[dict[str, Any]]]:
        """Every saved session of `user`, oldest first, as the records of its lines; each line must be JSON."""
        folder = self.data / "users" / user / "sessions"
        return [
            [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
            for path in sorted(folder.glob("*.jsonl"))
        ]

    def messages(self, user: str = "alice", session: int = -1) -> list[tuple[str, str, str]]:
        """The messages of a saved session: role, words, and status (empty for the person's own)."""
        return [
            (record["role"], record["content"], record.get("status", ""))
            for record in self.journals(user)[session]
            if record["type"] == "message"
        ]

    def files(self) -> Sequence[str]:
        """Every file below the home folder."""
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file())


def say(screen: Screen, text: str, reply: str, user: str = "alice") -> None:
    """Send `text` and wait until `reply` is there and the prompt stands again."""
    screen.send(f"{text}\r")
    screen.wait_for(reply)
    ready(screen, user)


def asked(server: Server) -> list[Recorded]:
    """The requests that asked for a reply; the list of models is fetched whenever there is time."""
    return [request for request in server.requests if request.method == "POST"]


def ready(screen: Screen, user: str = "alice") -> None:
    """Wait until the prompt of `user` stands empty at the caret."""

    def stands() -> bool:
        row, column = screen.cursor
        return screen.lines[row].startswith(f"{user} ›") and column == len(user) + 3

    screen.wait_for(stands)

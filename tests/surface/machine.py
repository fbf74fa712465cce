"""A machine for a test: a home folder, an environment, and gptchat run in this process as the shell runs it."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gptchat import words
from gptchat.cli import main

_SEEN = (
    "GPTCHAT_", "OPENAI_", "AZURE_", "XDG_", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "NO_COLOR",
    "LANG", "LC_", "LANGUAGE", "VISUAL", "EDITOR", "DEEPSEEK_", "OPENROUTER_", "ANTHROPIC_", "GEMINI_",
)  # fmt: skip
"""Beginnings of the variables that gptchat looks at: a test sets those that it means."""


@dataclass(frozen=True)
class Result:
    """What a run left: its exit status and what it printed."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output, which must be one JSON document."""
        return json.loads(self.out)

    @property
    def error(self) -> dict[str, Any]:
        """The error of a `--json` run, which has exactly the promised keys."""
        error = self.json["error"]
        assert list(error) == ["kind", "message", "hint", "status"]
        assert isinstance(error, dict)
        return error

    @property
    def told(self) -> list[str]:
        """The lines on standard error of a run that failed; standard output must be clean."""
        assert self.out == ""
        lines = self.err.splitlines()
        assert 1 <= len(lines) <= 3, self.err
        return lines


class Machine:
    """`run` is `gptchat ARGUMENTS` in a shell on a machine of its own; the person who is logged in is alice."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        import os

        self.folder = folder
        self.config = folder / ".config" / "gptchat" / "config.toml"
        self.data = folder / ".local" / "share" / "gptchat"
        self._monkeypatch = monkeypatch
        for name in os.environ:
            if name.upper().startswith(_SEEN):
                monkeypatch.delenv(name)
        self.set(HOME=str(folder), LOGNAME="alice", LANG="C.UTF-8")
        monkeypatch.chdir(folder)

    def set(self, **variables: str) -> None:
        """Set environment variables."""
        for name, value in variables.items():
            self._monkeypatch.setenv(name, value)

    def configure(self, text: str) -> None:
        """Let `text` be the settings file."""
        self.config.parent.mkdir(parents=True, exist_ok=True)
        self.config.write_text(text, encoding="utf-8")

    def connect(self, url: str, more: str = "", **fields: str) -> None:
        """Let the server at `url` answer; `more` is further TOML before, `fields` further keys of the provider."""
        lines = "".join(f"{key} = {value}\n" for key, value in fields.items())
        self.configure(
            f'provider = "here"\nmodel = "test-model"\n{more}\n'
            f'[providers.here]\nkind = "compatible"\nbase_url = "{url}"\nkey_optional = true\n{lines}'
        )

    def run(self, *arguments: str, stdin: bytes = b"") -> Result:
        """Run gptchat to its end, without a terminal."""
        out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.TextIOWrapper(io.BytesIO(), "utf-8")
        self._monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin), "utf-8"))
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                try:
                    status = main(arguments)
                except SystemExit as left:  # --help and --version
                    status = int(left.code or 0)
        finally:
            words.choose("en")
        texts = []
        for stream in (out, err):
            stream.flush()
            assert isinstance(stream.buffer, io.BytesIO)
            texts.append(stream.buffer.getvalue().decode())
        return Result(status, *texts)

    def ask(self, *arguments: str, stdin: bytes = b"") -> Any:
        """What `gptchat --json ARGUMENTS` prints; it must succeed."""
        result = self.run("--json", *arguments, stdin=stdin)
        assert result.status == 0, result.out + result.err
        return result.json

    def journals(self, user: str = "alice") -> list[list[dict[str, Any]]]:
        """Every saved session of `user`, oldest first, as the records of its lines."""
        folder = self.data / "users" / user / "sessions"
        return [
            [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
            for path in sorted(folder.glob("*.jsonl"))
        ]


def sent(recorded: Any) -> list[Mapping[str, Any]]:
    """The messages of a request as the server got it."""
    messages = recorded.json["messages"]
    assert isinstance(messages, list)
    return messages

"""Secrets stay where they are kept: planted everywhere, they come out nowhere."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.chat.home import Home, ready
from tests.support.screen import Screen
from tests.support.server import Gate, Recorded, Reply, Server, refuse, say

PLANTED = {
    "env": "sk-env-Planted0123456789",
    "command": "command-planted-0123456789ab",
    "file": "file-planted-0123456789abcd",
    "stored": "stored-planted-0123456789ab",
    "header": "header-planted-0123456789ab",
    "query": "query-planted-0123456789abc",
    "proxy": "proxy-planted-0123456789abc",
    "address": "address-planted-0123456789a",
}
CONFIG = """
provider = "env"
[providers.env]
kind = "compatible"
base_url = "{url}"
model = "m"
api_key_env = "PLANTED_KEY"
headers = {{X-Auth-Token = "{header}"}}
query = {{api_token = "{query}"}}
[providers.command]
base_url = "{url}"
model = "m"
api_key_command = "cat {folder}/command"
[providers.file]
base_url = "{url}"
model = "m"
api_key_file = "{folder}/file"
[providers.stored]
base_url = "{url}"
model = "m"
[providers.proxied]
base_url = "http://example.invalid/v1"
model = "m"
key_optional = true
proxy = "http://ann:{proxy}@127.0.0.1:1"
[providers.named]
base_url = "http://ann:{address}@127.0.0.1:1/v1"
model = "m"
key_optional = true
[network]
max_retries = 0
"""
PLACES = ("command", "file", "config.toml", "credentials.json")
"""Where secrets are kept, and may be."""


def echo(request: Recorded) -> Reply:
    """A refusal by a server that repeats everything it was sent, keys and all."""
    told = json.dumps(dict(request.headers)) + request.target
    return refuse(401, f"Incorrect API key provided: {told}", code="invalid_api_key", param=told[:200])


@pytest.fixture
def home(tmp_path: Path, server: Server) -> Iterator[Home]:
    """A home with a secret in every place there is, and a server that takes any key."""
    server.key = ""
    home = Home(tmp_path)
    for name in ("command", "file"):
        (tmp_path / name).write_text(PLANTED[name] + "\n")
        (tmp_path / name).chmod(0o600)
    home.configure(CONFIG.format(url=server.url, folder=tmp_path, **PLANTED))
    home.data.mkdir(parents=True, mode=0o700)
    kept = home.data / "credentials.json"
    kept.write_text(json.dumps({"v": 1, "keys": {"stored": PLANTED["stored"]}}))
    kept.chmod(0o600)
    home.environment["PLANTED_KEY"] = PLANTED["env"]
    yield home
    for path in tmp_path.rglob("*"):
        if path.is_file() and path.name not in PLACES:
            clean(path.read_bytes().decode("utf-8", "replace"), str(path))


def clean(text: str, where: str) -> None:
    """No secret stands in `text`, whole or by its telling middle."""
    for name, secret in PLANTED.items():
        assert secret not in text, f"the secret of {name} is in {where}"
        assert secret[4:-6] not in text, f"a part of the secret of {name} is in {where}"


@pytest.mark.parametrize("name", ["env", "command", "proxied", "named"])
def test_errors_tracebacks_and_logs_hold_no_secret(home: Home, server: Server, name: str) -> None:
    """A server that repeats the key in its refusal, and --debug with traceback and log, show no secret."""
    server.default = echo
    done = home.ask("--debug", "-p", name, "hello")
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    clean(done.stdout + done.stderr, "the output")
    assert (home.data / "debug.log").stat().st_size > 0
    if name in PLANTED:
        assert server.requests[-1].headers["authorization"] == f"Bearer {PLANTED[name]}"


def test_the_list_of_processes_holds_no_secret(home: Home, server: Server) -> None:
    """While a request runs, no process's arguments tell the key."""
    processes = Path("/proc")
    if not (processes / "self" / "cmdline").exists():
        pytest.skip("needs /proc")
    gate = Gate()
    server.script(say("one", gate, "two"))
    running = subprocess.Popen(
        [sys.executable, "-m", "gptchat", "-p", "file", "hello"],
        env={"PATH": "/usr/bin:/bin", **home.environment},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert gate.reached.wait(30)
        for line in processes.glob("[0-9]*/cmdline"):
            try:
                clean(line.read_text(errors="replace"), str(line))
            except OSError:  # gone this moment
                continue
    finally:
        gate.open()
        output, _errors = running.communicate(timeout=30)
    assert output.strip() == "onetwo"


def answered(screen: Screen, line: str, answer: str) -> bool:
    """Whether `answer` is on the screen, apart from the line that was typed."""
    return answer in screen.text.replace(line, "")


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_nothing_in_the_chat_shows_a_secret(home: Home, server: Server) -> None:
    """Settings, requests as programs, exports and checks are free of secrets, on the screen and on the disk."""
    server.default = echo
    lines = {
        "hello there": "refused the key",
        "/config": "query",
        "/set": "/config shows all",
        "/set providers.env.headers": "Further HTTP headers",
        "/key": "PLANTED_KEY",
        "/code curl": "PLANTED_KEY",
        "/code python": "PLANTED_KEY",
        "/json": "hello there",
        "/doctor": "needs your attention",
        "/provider stored --anyway": "stored answers",
        "and hello": "your message is saved",
        "/provider named --anyway": "named answers",
        "/code node": "127.0.0.1:1",
        f"/export json {home.folder}/out.json": "out.json",
    }
    with home.chat(rows=50, columns=150) as screen:
        for line, answer in lines.items():
            screen.send(f"{line}\r")
            screen.wait_for(partial(answered, screen, line, answer))
            ready(screen)
            screen.send("\x0c")
        screen.send("/exit\r")
        screen.wait_for_exit()
        clean(screen.raw.decode("utf-8", "replace"), "the screen")

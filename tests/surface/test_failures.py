"""Every failure has its kind, its exit status and its few lines, and leaves standard output clean."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.server import CUT, Reply, Server, hang, page, raw, refuse, say
from tests.surface.machine import Machine

FAST = "[network]\nmax_retries = 0\nidle_timeout = 0.4\nconnect_timeout = 0.5\n"

REFUSALS = {
    "authentication": (refuse(401, "Incorrect API key provided", code="invalid_api_key"), 401),
    "permission": (refuse(403, "Country, region, or territory not supported"), 403),
    "not_found": (refuse(404, "The model `x` does not exist", code="model_not_found"), 404),
    "rate_limit": (refuse(429, "Rate limit reached"), 429),
    "quota": (refuse(429, "You exceeded your current quota", code="insufficient_quota"), 429),
    "context_length": (
        refuse(400, "This model's maximum context length is 4096 tokens", code="context_length_exceeded"),
        400,
    ),
    "bad_request": (refuse(400, "Something about the request"), 400),
    "content_filter": (refuse(400, "The response was filtered", code="content_filter"), 400),
    "server": (refuse(500, "The server had an error"), 500),
    "timeout": (hang(), None),
    "connection": (raw(CUT), None),
    "protocol": (page("Log in"), None),
}


@pytest.mark.parametrize("kind", REFUSALS)
def test_each_failure_of_a_request_has_its_kind(kind: str, machine: Machine, server: Server) -> None:
    """A script learns from `--json` what kind of failure it was, and a person reads what, why and what to do."""
    reply, status = REFUSALS[kind]
    machine.connect(server.url, more=FAST)
    server.script(*[reply] * 3)
    result = machine.run("--json", "hello")
    assert (result.status, result.error["kind"]) == (1, kind), result.out
    assert result.error["message"]
    assert result.error["status"] == status
    server._script.clear()
    server.script(*[reply] * 3)
    plain = machine.run("hello")
    assert plain.status == 1
    assert plain.told[0].startswith("gptchat: ")


def test_tries_again_without_a_word(machine: Machine, server: Server) -> None:
    """A script's standard error holds how it ended, in three lines at most, however often it was tried again."""
    machine.connect(server.url)
    server.script(*[refuse(503, "overloaded", headers={"Retry-After": "0"})] * 4)
    assert machine.run("hello").told
    assert len(server.requests) == 4


def test_nobody_listens(machine: Machine) -> None:
    """A server that is not there is a failed connection, told with its address."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    machine.connect(f"http://127.0.0.1:{port}/v1", more=FAST)
    result = machine.run("--json", "hello")
    assert (result.status, result.error["kind"]) == (1, "connection")
    assert str(port) in result.error["message"]


def test_a_reply_that_breaks_off_is_kept_and_told(machine: Machine, server: Server) -> None:
    """What came of a broken reply stays on standard output and on disk; the exit status says that it broke."""
    machine.connect(server.url, more=FAST)
    server.script(say("half of ", "it", CUT))
    result = machine.run("hello")
    assert result.status == 1
    assert result.out.startswith("half of it")
    assert 1 <= len(result.err.splitlines()) <= 3
    assert machine.journals()[0][-1]["status"] in ("failed", "interrupted")


def test_wrong_usage_and_settings_exit_with_2(machine: Machine, server: Server) -> None:
    """Whoever misspells an option, a setting, a provider, a command or a session reads why, and scripts see 2."""
    machine.connect(server.url)
    for arguments, kind in {
        ("--nope",): "usage",
        ("-m",): "usage",
        ("--lang", "fr", "hi"): "usage",
        ("-o", "temprature=1", "hi"): "usage",
        ("-o", "temperature=hot", "hi"): "usage",
        ("-o", "temperature", "hi"): "usage",
        ("-p", "opena", "hi"): "configuration",
        ("--preset", "nope", "hi"): "configuration",
        ("--config", "nope.toml", "hi"): "configuration",
        ("-s", "nope", "hi"): "usage",
        ("-c", "hi"): "usage",
        ("-a", "nope.txt", "hi"): "usage",
        ("/nope",): "usage",
        ("/set", "temprature", "1"): "usage",
        ("/search",): "usage",
        (): "usage",
    }.items():
        result = machine.run("--json", *arguments)
        assert (result.status, result.error["kind"]) == (2, kind), (arguments, result.out)
        plain = machine.run(*arguments)
        assert plain.status == 2, arguments
        assert plain.told, arguments
    assert server.requests == []


@pytest.mark.parametrize("provider", ["openai", "azure", "gptplus"])
def test_no_key_exits_with_2_and_says_where_one_belongs(provider: str, machine: Machine) -> None:
    """Without a key nothing is sent: the person reads how to give one, and a script sees 2."""
    more = {
        "azure": "-o providers.azure.endpoint=https://x.openai.azure.com -o model=m",
        "gptplus": "-o providers.gptplus.app_id=me",
    }
    result = machine.run("--json", "-p", provider, *more.get(provider, "").split(), "hi")
    assert (result.status, result.error["kind"]) == (2, "configuration"), result.out
    assert result.error["hint"]


def test_a_data_folder_that_cannot_be_written_is_a_failure_of_storage(machine: Machine, server: Server) -> None:
    """Where sessions cannot be saved, the program says so, with its kind, instead of losing them."""
    machine.connect(server.url)
    (machine.folder / "file").write_text("in the way")
    result = machine.run("--json", "--data-dir", str(machine.folder / "file" / "data"), "hi")
    assert (result.status, result.error["kind"]) == (1, "storage")


@pytest.mark.parametrize(("finish", "words"), [("content_filter", "filter"), ("length", "length")])
def test_a_reply_that_was_cut_is_not_passed_off_as_whole(
    finish: str, words: str, machine: Machine, server: Server
) -> None:
    """A reply that ended early is whole on standard output, and standard error says why there is no more."""
    machine.connect(server.url)
    server.script(Reply(("some",), finish=finish))
    result = machine.run("hello")
    assert (result.status, result.out) == (0, "some")
    assert words in result.err
    server.script(Reply(("some",), finish=finish))
    assert machine.ask("hello")["finish_reason"] == finish


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("arguments", [("hi",), ("--json", "hi"), ("/help",), ("--json", "/sessions")])
def test_output_that_cannot_be_written(arguments: tuple[str, ...], unbuffered: str, connected: Machine) -> None:
    """Where the disk for `gptchat ... > FILE` is full, two lines say so and the exit status is 1."""
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "gptchat", *arguments],
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "PYTHONUNBUFFERED": unbuffered},
            stdin=subprocess.DEVNULL,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
        )
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert len(lines) == 2, done.stderr
    assert lines[0].startswith("gptchat: standard output cannot be written: ")

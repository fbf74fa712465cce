"""One question, one answer, exit: what scripts rely on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.chat.home import Home, asked
from tests.support.screen import Screen
from tests.support.server import Gate, Server, refuse
from tests.support.server import say as reply

REPLY_FIELDS = {
    "reply", "reasoning", "user", "session", "provider", "model", "finish_reason", "usage", "cost_usd", "seconds",
}  # fmt: skip


def test_questions_and_answers(home: Home, server: Server) -> None:
    """A prompt, a pipe, or both are one question; what is attached goes along; the reply alone is on stdout."""
    home.connect(server.url)
    (home.folder / "a.txt").write_text("attached text")
    lines: tuple[tuple[list[str], str | None, str], ...] = (
        (["one", "question"], None, "one question"),
        ([], "from a pipe\n", "from a pipe"),
        (["and", "both"], "line 1\nline 2\n", "and both\n\nline 1\nline 2"),
        (["/usr/bin/env is missing"], None, "/usr/bin/env is missing"),
        (["//help"], None, "/help"),
        (["-a", "a.txt", "look"], None, "look\n\n`a.txt`:\n\n```text\nattached text\n```"),
    )
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda line: home.ask(*line[0], stdin=line[1]), lines))
    assert [answer.stdout for answer in answers] == [f"You said: {line[2]}" for line in lines]
    assert [answer.returncode for answer in answers] == [0] * len(lines)
    assert sorted(request.last_text for request in asked(server)) == sorted(line[2] for line in lines)


def test_options_reach_the_wire_and_sessions_go_on(home: Home, server: Server) -> None:
    """Flags shape the request; `-c` and `-s` go on with a session, and `-u` says whose."""
    home.connect(server.url)
    home.ask("-o", "temperature=0.2", "--system", "Be kind", "--no-stream", "first")
    request = asked(server)[-1].json
    assert (request["temperature"], request.get("stream", False)) == (0.2, False)
    assert [message["content"] for message in request["messages"]] == ["Be kind", "first"]
    home.ask("-c", "second")
    home.ask("-s", "first", "third")
    said = [message["content"] for message in asked(server)[-1].json["messages"] if message["role"] == "user"]
    assert said == ["first", "second", "third"]
    home.ask("-u", "bob", "--create-user", "hi from bob")
    people = json.loads(home.ask("/users", "--json").stdout)
    assert [(one["name"], one["sessions"], one["current"]) for one in people] == [
        ("alice", 1, True),
        ("bob", 1, False),
    ]
    listed = json.loads(home.ask("-u", "alice", "/sessions", "--json").stdout)
    assert [(one["number"], one["title"], one["turns"]) for one in listed] == [(1, "first", 3)]
    messages = json.loads(home.ask("-u", "alice", "-c", "/export messages").stdout)
    assert [message["content"] for message in messages if message["role"] == "user"] == said


def test_json_documents(home: Home, server: Server) -> None:
    """`--json` prints one document: the reply with its usage, or the error with its kind."""
    home.connect(server.url, "[network]\nmax_retries = 0\n")
    answer = home.ask("--json", "hello")
    document = json.loads(answer.stdout)
    assert set(document) == REPLY_FIELDS
    assert (document["reply"], document["user"], document["provider"]) == ("You said: hello", "alice", "here")
    assert set(document["usage"]) == {"prompt_tokens", "completion_tokens", "total_tokens", "estimated"}
    assert (document["finish_reason"], document["model"], answer.stderr) == ("stop", "test-model", "")
    server.script(refuse(429, "slow down"))
    failed = home.ask("--json", "hello")
    error = json.loads(failed.stdout)["error"]
    assert (failed.returncode, set(error)) == (1, {"kind", "message", "hint", "status"})
    assert (error["kind"], error["status"]) == ("rate_limit", 429)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--nope"], "unknown option --nope"),
        (["/nope"], "there is no command /nope"),
        (["-o", "temprature=1", "q"], 'unknown setting "temprature"'),
        (["-s", "nothing like it", "q"], "no session matches"),
        (["-a", "missing.txt", "q"], "there is no missing.txt"),
    ],
)
def test_wrong_usage(home: Home, arguments: list[str], told: str) -> None:
    """Wrong usage is told in a line or two on standard error, and the status is 2."""
    home.connect("http://127.0.0.1:9/v1")
    answer = home.ask(*arguments)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert told in answer.stderr.splitlines()[0]
    assert len(answer.stderr.splitlines()) <= 3


def test_incognito_leaves_nothing(home: Home, server: Server) -> None:
    """An incognito question is answered, and afterwards no file is there that was not there before."""
    home.connect(server.url)
    answer = home.ask("--incognito", "--json", "a secret")
    assert json.loads(answer.stdout)["reply"] == "You said: a secret"
    assert json.loads(answer.stdout)["session"] is None
    assert home.files() == [".config/gptchat/config.toml"]


def test_stopping_a_question(home: Home, server: Server) -> None:
    """Ctrl-C ends a question with status 130; what came is on standard output and in the session."""
    home.connect(server.url)
    gate = Gate()
    server.script(reply("this much", gate))
    process = subprocess.Popen(
        [sys.executable, "-m", "gptchat", "go"],
        env={"PATH": os.environ.get("PATH", os.defpath), **home.environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    came = process.stdout.read(len("this much"))
    process.send_signal(signal.SIGINT)
    rest, told = process.communicate(timeout=20)
    assert process.returncode == 130
    assert came + rest == b"this much"
    assert told.decode().splitlines()[0] == "gptchat: stopped"
    assert home.messages() == [("user", "go", ""), ("assistant", "this much", "interrupted")]


def test_in_a_terminal_the_reply_is_drawn(home: Home, server: Server) -> None:
    """In a terminal a one-shot reply is drawn as Markdown; with `--raw` it is shown as received."""
    home.connect(server.url)
    for options, shown in (
        (["say **bold**"], "You said: say bold"),
        (["--raw", "**bold**"], "You said: **bold**"),
    ):
        command = [sys.executable, "-m", "gptchat", *options]
        with Screen.spawn(command, home.environment, cwd=home.folder) as screen:
            screen.wait_for(shown)
            assert screen.wait_for_exit() == 0


def test_in_a_terminal_it_is_told_how_to_stop(home: Home, server: Server) -> None:
    """While a one-shot reply streams, the line below it names the key that stops it here, and that key does."""
    home.connect(server.url)
    server.script(reply("this much ", Gate()))
    with Screen.spawn([sys.executable, "-m", "gptchat", "go"], home.environment, cwd=home.folder) as screen:
        screen.wait_for("Ctrl-C stops")
        screen.wait_for("this much")
        assert not any("Esc" in line for line in screen.lines)
        screen.send("\x03")
        assert screen.wait_for_exit() == 130

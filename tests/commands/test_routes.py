"""Where a message goes: retries, waits, other providers, and several answers to choose from."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from gptchat.core.events import Notice, Retrying, TurnEvent, TurnFailed, TurnFinished
from gptchat.manager import Send
from gptchat.terminal.turn import retrying
from tests.chat.home import Home, ready
from tests.support.program import compose_program, running, settings_for, turn
from tests.support.server import Recorded, Reply, Server, refuse, say

QUICK = "[network]\nmax_retries = 0\n"


def notices(events: list[TurnEvent]) -> str:
    """What a person is told on the way."""
    return "\n".join(event.text for event in events if isinstance(event, Notice))


def test_the_next_provider_answers_and_is_told(tmp_path: Path, server: Server) -> None:
    """With fallback = [...] a dead provider is named with its failure, and those after it are tried in turn.

    One that has no key, and one that no longer exists, do not end the search.
    """
    config = 'fallback = ["gone", "keyless", "spare", "test"]\n' + settings_for("http://127.0.0.1:1/v1")
    for name, fields in (
        ("keyless", 'api_key_env = "NO_SUCH_KEY"'),
        ("spare", 'api_key_env = "TEST_KEY"'),
    ):
        config += f'[providers.{name}]\nbase_url = "{server.url}"\nmodel = "m-{name}"\n{fields}\n'
    program = compose_program(tmp_path, config + QUICK)
    server.script(say("here"))
    with running(program) as loop:
        events = loop.run(turn(program, Send("hello")))
    end = events[-1]
    assert isinstance(end, TurnFinished)
    assert (end.message.provider, end.message.model, end.message.text) == ("spare", "m-spare", "here")
    told = notices(events)
    assert "test failed (nothing answers at http://127.0.0.1:1/v1); going on with keyless" in told
    assert "going on with spare" in told
    assert [message.role for message in program.services.manager.session.path()] == ["user", "assistant"]


def test_a_fallback_without_a_model_is_asked_for_the_same_one(tmp_path: Path, server: Server) -> None:
    """A fallback that names no model of its own is asked for the one in use, instead of being passed over."""
    config = f'fallback = ["spare"]\n{settings_for("http://127.0.0.1:1/v1")}{QUICK}'
    config += f'[providers.spare]\nbase_url = "{server.url}"\napi_key_env = "TEST_KEY"\n'
    program = compose_program(tmp_path, config, "-m", "m-asked")
    with running(program) as loop:
        server.script(say("here"))
        end = loop.run(turn(program, Send("hello")))[-1]
    assert isinstance(end, TurnFinished)
    assert (end.message.provider, end.message.model, end.message.text) == ("spare", "m-asked", "here")


def test_a_wait_is_told_before_it_begins(tmp_path: Path, server: Server) -> None:
    """A rate limit is waited out as the server asks, and the person reads how long and why."""
    server.script(refuse(429, "slow down", headers={"Retry-After": "0.2"}), say("fine"))
    program = compose_program(tmp_path, settings_for(server.url))
    with running(program) as loop:
        events = loop.run(turn(program, Send("hello")))
    waits = [event for event in events if isinstance(event, Retrying)]
    assert [retrying(event) for event in waits] == [
        "trying again in 0.2 s (1 of 3): test's rate limit is reached: slow down"
    ]
    assert isinstance(events[-1], TurnFinished)


def test_a_wait_beyond_the_bound_is_told_instead(tmp_path: Path, server: Server) -> None:
    """A server that asks to wait an hour is not waited for; the person reads its wish and the bound."""
    server.script(refuse(429, "slow down", headers={"Retry-After": "3600"}))
    program = compose_program(tmp_path, settings_for(server.url))
    with running(program) as loop:
        end = loop.run(turn(program, Send("hello")))[-1]
    assert isinstance(end, TurnFailed)
    assert "3600 s, longer than network.max_retry_wait (60 s)" in end.error.hint
    assert len(server.requests) == 1


def test_a_server_that_keeps_failing_is_given_time(tmp_path: Path, server: Server) -> None:
    """After three failed requests in a row the next one waits, and says that and how long."""
    server.script(*[refuse(503, "overloaded")] * 3, say("back"))
    program = compose_program(tmp_path, settings_for(server.url) + QUICK)
    with running(program) as loop:
        for _try in range(3):
            assert isinstance(loop.run(turn(program, Send("hello")))[-1], TurnFailed)
        events = loop.run(turn(program, Send("hello")))
    assert "test failed 3 times in a row; the next try is in 2 s" in notices(events)
    assert isinstance(events[-1], TurnFinished)


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_one_of_several_answers_is_chosen(tmp_path: Path, server: Server) -> None:
    """With n = 2 both answers are shown numbered, and the conversation goes on with the one that is chosen."""
    server.key = ""

    def answer(request: Recorded) -> Reply:
        return say("You said: ", request.last_text, choices=request.json.get("n", 1))

    server.default = answer
    home = Home(tmp_path)
    home.connect(server.url, "n = 2")
    with home.chat(rows=40) as screen:
        screen.send("hello\r")
        screen.wait_for("which answer do we go on with?")
        assert "answer 2" in screen.text
        screen.send("2\r")
        ready(screen)
        screen.send("/set n 1\r")
        screen.wait_for("n = 1")
        screen.send("and then\r")
        screen.wait_for("You said: and then")
        ready(screen)
        screen.send("/exit\r")
        screen.wait_for_exit()
    records = home.journals()[0]
    answers = [one["id"] for one in records if one["type"] == "message" and one["role"] == "assistant"]
    question = next(one for one in records if one["type"] == "message" and one["content"] == "and then")
    chosen = [one["message"] for one in records if one["type"] == "head"]
    assert question["parent"] == chosen[0]
    assert chosen[0] in answers[:2]


def test_several_answers_are_printed_numbered(tmp_path: Path, server: Server) -> None:
    """One question with n = 2 prints both answers; as JSON they are a list."""
    server.key = ""
    server.default = lambda _request: say("this", choices=2)
    home = Home(tmp_path)
    home.connect(server.url, "n = 2")
    plain = home.ask("hello")
    assert plain.stdout.split() == ["this", "answer", "2", "this"]
    document = json.loads(home.ask("--json", "hello").stdout)
    assert document["choices"] == ["this", "this"]
    assert document["reply"] == "this"

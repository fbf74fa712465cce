"""Moving in a conversation: what is taken back comes again, what is edited keeps what went with it."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from gptchat.commands.effects import Draft
from gptchat.errors import UsageError
from gptchat.manager import Send
from tests.support.program import command, compose_program, effects, message, running, settings_for, turn
from tests.support.server import Server, say

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def test_an_edited_message_keeps_its_images(tmp_path: Path) -> None:
    """A message with a picture that is brought back and sent changed goes out with the picture."""
    (tmp_path / "dot.png").write_bytes(PIXEL)
    with Server() as server:
        program = compose_program(tmp_path / "home", settings_for(server.url))
        with running(program) as runner:
            server.script(say("a dot"), say("still a dot"))
            content, _notes = runner.run(message(program, "what is this?", [str(tmp_path / "dot.png")]))
            runner.run(turn(program, Send(content)))
            drafts = [e.text for e in runner.run(effects(program, "/edit")) if isinstance(e, Draft)]
            assert drafts == ["what is this?"]
            again, _notes = runner.run(message(program, "look closely"))
            runner.run(turn(program, Send(again, program.services.outbox.replaces)))
    first, second = (request.json["messages"][-1]["content"] for request in server.requests)
    assert second[0] == {"type": "text", "text": "look closely"}
    assert second[1] == first[1]


def test_what_was_taken_back_comes_again(tmp_path: Path) -> None:
    """Turns that /undo takes back are not sent, and /redo brings them back as they were."""
    with Server() as server:
        program = compose_program(tmp_path, settings_for(server.url))
        with running(program) as runner:
            for number in range(3):
                server.script(say(f"answer {number}"))
                runner.run(turn(program, Send(f"question {number}")))
            whole = program.services.manager.session.path()
            assert "2 turns taken back" in runner.run(command(program, "/undo 2"))
            assert program.services.manager.session.path() == whole[:2]
            runner.run(command(program, "/redo"))
            assert program.services.manager.session.path() == whole


def test_a_server_without_a_named_key_needs_none(tmp_path: Path) -> None:
    """A table with an address and nothing else is a server that is asked without a key."""
    with Server() as server:
        config = (
            f'provider = "local"\nmodel = "m"\n[providers.local]\nkind = "compatible"\nbase_url = "{server.url}"\n'
        )
        program = compose_program(tmp_path, config)
        with running(program) as runner:
            server.script(say("hello"))
            runner.run(turn(program, Send("hi")))
    assert "authorization" not in server.requests[-1].headers


def test_an_incognito_run_keeps_no_key(tmp_path: Path) -> None:
    """Nothing of an incognito run stays, so a key is not taken in either."""
    with Server() as server:
        program = compose_program(tmp_path, settings_for(server.url), "--incognito")
        with running(program) as runner, pytest.raises(UsageError):
            runner.run(effects(program, "/key set", "sk-secret-0123456789"))
    assert not list(tmp_path.rglob("credentials.json"))


def test_the_settings_name_the_encoding_of_a_deployment(tmp_path: Path) -> None:
    """A deployment whose name says nothing is counted by the encoding that its provider's settings name."""
    with Server() as server:
        program = compose_program(tmp_path, settings_for(server.url, encoding='"cl100k_base"'))
        with running(program) as runner:
            said = runner.run(command(program, "/tokens hello world"))
    assert "2 tokens" in said
    assert "cl100k_base" in said

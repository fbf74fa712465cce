"""Several people at one running program: what belongs to one never serves another."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gptchat.errors import ConfigurationError
from tests.support.front_end import FrontEnd
from tests.support.program import command, compose_program, running, settings_for
from tests.support.server import Server

ANNS, BOBS = "sk-ann-0123456789abcdef", "sk-bob-0123456789abcdef"


@pytest.fixture
def anyone() -> Iterator[Server]:
    """A server that takes any key, and keeps what it was sent."""
    with Server() as running:
        yield running


def test_each_person_asks_with_their_own_key(tmp_path: Path, anyone: Server) -> None:
    """After /user each request carries the key of whoever is chatting, though the provider was open before."""
    program = compose_program(tmp_path, settings_for(anyone.url, api_key_env='"NOBODYS"'))
    talk = program.services.conversation
    with running(program) as loop:
        loop.run(command(program, "/key set", ANNS))
        loop.run(command(program, "/user bob"))
        loop.run(command(program, "/key set", BOBS))
        for line in ("/user ann", "/user bob", "/user ann"):  # no key is stored or forgotten in between
            loop.run(command(program, line))
            loop.run(FrontEnd().drive(talk.say(f"after {line}")))
    sent = [(request.last_text, request.headers["authorization"]) for request in anyone.requests]
    assert sent == [
        ("after /user ann", f"Bearer {ANNS}"),
        ("after /user bob", f"Bearer {BOBS}"),
        ("after /user ann", f"Bearer {ANNS}"),
    ]


def test_who_has_no_key_asks_with_nobody_elses(tmp_path: Path, anyone: Server) -> None:
    """A person without a key is told so; nothing is sent under the key of whoever chatted before."""
    program = compose_program(tmp_path, settings_for(anyone.url, api_key_env='"NOBODYS"'))
    talk = program.services.conversation
    with running(program) as loop:
        loop.run(command(program, "/key set", ANNS))
        loop.run(FrontEnd().drive(talk.say("hello")))
        loop.run(command(program, "/user bob"))
        front = FrontEnd()
        loop.run(front.drive(talk.say("hello")))
    assert isinstance(front.outcome.error, ConfigurationError)
    assert [request.headers["authorization"] for request in anyone.requests] == [f"Bearer {ANNS}"]

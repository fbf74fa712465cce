"""Several people at one running program: what belongs to one never serves another."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gptchat.errors import ConfigurationError
from tests.support.front_end import FrontEnd
from tests.support.program import command, compose_program, running, settings_for
from tests.support.server import Recorded, Server

ANNS, BOBS = "sk-ann-0123456789abcdef", "sk-bob-0123456789abcdef"


@pytest.fixture
def anyone() -> Iterator[Server]:
    """A server that takes any key, and keeps what it was sent."""
    with Server() as running:
        yield running


def messages(server: Server) -> list[Recorded]:
    """The requests that carried a message; a key that is given is tried without one."""
    return [request for request in server.requests if "messages" in request.json]


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
    sent = [(request.last_text, request.headers["authorization"]) for request in messages(anyone)]
    assert sent == [
        ("after /user ann", f"Bearer {ANNS}"),
        ("after /user bob", f"Bearer {BOBS}"),
        ("after /user ann", f"Bearer {ANNS}"),
    ]


def test_a_shared_key_serves_who_has_none(tmp_path: Path, anyone: Server) -> None:
    """A key that is kept for everybody is used by whoever has none of their own, and by nobody else."""
    program = compose_program(tmp_path, settings_for(anyone.url, api_key_env='"NOBODYS"'))
    services = program.services
    with running(program) as loop:
        loop.run(command(program, "/key set", ANNS))
        services.keys.store(services.settings.provider(), BOBS, shared=True)
        for line in ("/user bob", "/user carol", "/user ann"):
            loop.run(command(program, line))
            loop.run(FrontEnd().drive(services.conversation.say("hello")))
    keys = [request.headers["authorization"] for request in messages(anyone)]
    assert keys == [f"Bearer {BOBS}", f"Bearer {BOBS}", f"Bearer {ANNS}"]


def test_what_one_person_sets_is_not_set_for_another(tmp_path: Path, anyone: Server) -> None:
    """What a person changes with /set, for themselves or their session, is not in the next person's requests."""
    program = compose_program(tmp_path, settings_for(anyone.url, key_optional="true"))
    talk = program.services.conversation
    changed = ("/set temperature 0.25", "/set budget.daily 5", "/system Be brief")
    agreeing = FrontEnd({"unknown_price": ["y"] * 2})  # a budget asks about a model of unknown price
    with running(program) as loop:
        for line in changed:
            loop.run(command(program, line))
        loop.run(agreeing.drive(talk.say("hello")))
        loop.run(command(program, "/user bob"))
        loop.run(agreeing.drive(talk.say("hello")))
        assert program.services.settings.get("budget.daily") == 0
        loop.run(command(program, "/user ann"))
        assert program.services.settings.get("budget.daily") == 5
    anns, bobs = (request.json for request in messages(anyone))
    assert (anns["temperature"], anns["messages"][0]["content"]) == (0.25, "Be brief")
    assert "temperature" not in bobs
    assert bobs["messages"][0]["content"] == "hello"


def test_a_name_in_other_letters_is_the_same_person(tmp_path: Path) -> None:
    """Who types a known name in other case is that person, unless two people's names differ by case alone."""
    program = compose_program(tmp_path)
    with running(program) as loop:
        for typed, name in {"Bob": "Bob", "ann": "ann", "BOB": "Bob", "ANN": "ann", "bob": "Bob"}.items():
            loop.run(command(program, f"/user {typed}"))
            assert program.services.manager.user == name
        assert program.services.people.names() == ["ann", "Bob"]


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
    assert [request.headers["authorization"] for request in messages(anyone)] == [f"Bearer {ANNS}"]

"""What tests of comparisons share: a server whose models tell their names, and a program that asks it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gptchat.commands.program import Program
from tests.support.program import KEY, compose_program, settings_for
from tests.support.replies import Recorded, Reply
from tests.support.server import Server, refuse, say
from tests.surface.machine import Machine


def by_name(request: Recorded) -> Reply:
    """Each model says its name; `bad` does not exist."""
    model = request.json["model"]
    if model == "bad":
        return refuse(404, "there is no model bad", code="model_not_found")
    return say("I am ", model, " on ", request.last_text)


@pytest.fixture
def server() -> Iterator[Server]:
    """The server; it wants the key of `tests.support.program`."""
    with Server(key=KEY) as running:
        running.default = by_name
        yield running


@pytest.fixture
def program(server: Server, tmp_path: Path) -> Program:
    """A program in which people can be asked."""
    return compose_program(tmp_path, settings_for(server.url))


@pytest.fixture
def machine(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A shell on a machine whose settings let the server answer."""
    machine = Machine(tmp_path, monkeypatch)
    machine.set(TEST_KEY=KEY)
    machine.connect(server.url, api_key_env='"TEST_KEY"')
    return machine

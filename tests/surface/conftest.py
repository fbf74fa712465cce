"""A machine and a server for every test of the surface."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.server import Server
from tests.surface.machine import Machine


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A machine with nothing set up."""
    return Machine(tmp_path, monkeypatch)


@pytest.fixture
def server() -> Iterator[Server]:
    """A model server on loopback."""
    with Server() as running:
        yield running


@pytest.fixture
def connected(machine: Machine, server: Server) -> Machine:
    """A machine whose settings let `server` answer."""
    machine.connect(server.url)
    return machine

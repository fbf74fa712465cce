"""What tests of commands share: a scripted server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.server import Server
from tests.support.workspace import KEY


@pytest.fixture
def server() -> Iterator[Server]:
    """A server that wants the key of `tests.support.workspace`."""
    with Server(key=KEY) as running:
        yield running

"""What tests of commands share: a scripted server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.program import KEY
from tests.support.server import Server


@pytest.fixture
def server() -> Iterator[Server]:
    """A server that wants the key of `tests.support.program`."""
    with Server(key=KEY) as running:
        yield running

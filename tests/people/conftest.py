"""What tests of people share: a server that takes any key."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.server import Server


@pytest.fixture
def server() -> Iterator[Server]:
    """A server that takes any key, and keeps what it was sent."""
    with Server() as running:
        yield running

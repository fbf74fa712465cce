"""The scripted server, and an environment without proxies or certificates of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.server import Server


@pytest.fixture
def server() -> Iterator[Server]:
    """A scripted server."""
    with Server() as started:
        yield started

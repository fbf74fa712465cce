"""A scripted server, or a GPT+ platform, for each test, and an environment without anybody's keys and proxies."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.providers.platform_server import Platform, serve
from tests.support.server import Server

_VARIABLES = (
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
)


@pytest.fixture(autouse=True)
def _no_ambient_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in (*_VARIABLES, *(name for name in os.environ if name.startswith(("OPENAI_", "AZURE_OPENAI_")))):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server() -> Iterator[Server]:
    """A scripted server on loopback."""
    with Server() as running:
        yield running


@pytest.fixture
def platform() -> Iterator[Platform]:
    """A GPT+ platform on loopback."""
    with serve() as running:
        yield running

"""The llama.cpp server, started once for all tests that talk to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.llamacpp import LlamaServer, llama_server


@pytest.fixture(scope="session")
def llamacpp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LlamaServer]:
    """A running llama.cpp server with a tiny model, a window of 1,024 tokens and an API key."""
    with llama_server(tmp_path_factory.mktemp("llamacpp")) as server:
        yield server

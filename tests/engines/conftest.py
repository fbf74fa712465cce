"""The engines, started once for all tests that look at them."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from tests.engines.engine import Engine

if sys.platform == "win32":
    collect_ignore_glob = ["test_*.py"]  # pseudo-terminals are POSIX


@pytest.fixture(scope="session")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Engine]]:
    """The engines that can be started here, by name; a test calls `require` for the one it needs."""
    from tests.engines.engines import all_engines  # POSIX alone can import it

    with all_engines(tmp_path_factory.mktemp("tmux")) as started:
        yield {engine.name: engine for engine in started}

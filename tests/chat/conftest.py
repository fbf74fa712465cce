"""A home folder and a model server for each test of the whole program."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chat.home import Home
from tests.support.server import Server

if sys.platform == "win32":
    collect_ignore_glob = ["test_*.py"]  # pseudo-terminals are POSIX


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A machine on which gptchat has never run."""
    return Home(tmp_path)


@pytest.fixture
def server() -> Iterator[Server]:
    """A model server that repeats what it is told, or answers as scripted."""
    with Server() as server:
        yield server

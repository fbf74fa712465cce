"""A home folder for each test of the whole program."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chat.home import Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A machine on which gptchat has never run."""
    return Home(tmp_path)

"""A reply that was cut off comes back as far as it came, and once only."""

from __future__ import annotations

from pathlib import Path

import pytest

from gptchat.storage.store import JournalStore


@pytest.fixture
def store(tmp_path: Path) -> JournalStore:
    return JournalStore(tmp_path / "data")

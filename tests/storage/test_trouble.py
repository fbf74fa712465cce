"""When the disk fails, or files change or vanish, the chat goes on and nothing that was said is lost."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from gptchat.storage.store import JournalStore

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions and limits")


@pytest.fixture
def store(tmp_path: Path) -> JournalStore:
    return JournalStore(tmp_path / "data")

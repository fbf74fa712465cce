"""Two machines and the place where they meet."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """The folder of one machine."""
    return tmp_path / "here"


@pytest.fixture
def there(tmp_path: Path) -> Path:
    """The folder of another."""
    return tmp_path / "there"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """The folder that both reach."""
    return tmp_path / "place"

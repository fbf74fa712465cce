"""The folders of people: what fails halfway leaves them where they were."""

from __future__ import annotations

from pathlib import Path

import pytest

from gptchat.errors import StorageError
from gptchat.storage.removal import people as folders
from gptchat.storage.users import ensure_user, list_users


def test_a_rename_that_fails_halfway_is_taken_back(tmp_path: Path) -> None:
    """Where the new name cannot be written a person keeps the old one and their folder, as the keys do."""
    ensure_user(tmp_path, "bob")
    document = tmp_path / "users" / "bob" / "user.json"
    document.unlink()
    (document / "in the way").mkdir(parents=True)
    with pytest.raises(StorageError):
        folders.rename(tmp_path, "bob", "robert")
    assert [user.name for user in list_users(tmp_path)] == ["bob"]
    assert [entry.name for entry in (tmp_path / "users").iterdir()] == ["bob"]
